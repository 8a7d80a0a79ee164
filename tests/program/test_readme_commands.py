"""The program that runs the documents' commands finds them all, stops at the first failure, and compares the output shown."""

import pytest

from program import REPOSITORY
from readme_commands import blocks, documents, missing_lines, run, without

README = """
# Title
```sh
make test
echo one > out   # a comment
```
text
```ini
not = a command
```
<!-- not run: needs a cluster -->
```sh
sbatch job
```
```sh
for i in 2 3; do
  echo $i >> out
done
```
"""


def test_blocks_and_reasons():
    assert [block.reason for block in blocks(README)] == [None, "needs a cluster", None]
    assert blocks(README)[1].script == "sbatch job\n"


def test_every_document_is_found():
    names = {file.relative_to(REPOSITORY).as_posix() for file in documents()}
    assert {"README.md", "docs/running.md", "docs/methods.md", "jobs/README.md", "analysis/README.md", "data/README.md"} <= names
    assert all(file.is_file() for file in documents())
    unchecked = [file for file in documents() if file.read_text().count("```sh\n") != len(blocks(file.read_text()))]
    assert unchecked == []


@pytest.mark.parametrize("gap", ["", "\n"])
def test_the_output_shown_belongs_to_the_command_above(gap):
    shown = [block.shown for block in blocks(f"```sh\necho\n```\n{gap}```text\nloss 2.5\n```\n```sh\ntrue\n```\nword\n```text\nno\n```\n")]
    assert shown == ["loss 2.5\n", None]


def test_numbers_of_the_output_may_differ_and_words_may_not():
    real = "data: x\nloss 4.1 → 2.6 · 3 s\n   0   1.5\nbubble: 0.3 % planned\n"
    assert missing_lines("loss 4.2 → 2.7 · 23.6 s\n    0     34.8\nbubble: 1 % planned\n", real) == []
    assert missing_lines("time 2 s\nloss 1\n", real) == ["time 2 s"]


def test_commands_done_before_are_left_out():
    assert without("make test   # minutes\nmake tests\n", ["make test"]) == "make tests\n"


def test_runs_in_order(tmp_path):
    assert run(README, ["make test"], tmp_path) == 2
    assert (tmp_path / "out").read_text() == "one\n2\n3\n"


def test_other_output_than_shown_is_a_failure(tmp_path):
    assert run("```sh\necho loss 3\n```\n```text\nloss 4\n```\n", [], tmp_path) == 1
    with pytest.raises(SystemExit, match="time 4"):
        run("```sh\necho loss 3\n```\n```text\ntime 4\n```\n", [], tmp_path)


@pytest.mark.parametrize("script", ["false\ntouch after", "false | true\ntouch after", "exit 3", "echo $undefined"])
def test_the_first_failure_ends_it(tmp_path, script):
    with pytest.raises(SystemExit):
        run(f"```sh\n{script}\n```\n```sh\ntouch after\n```\n", [], tmp_path)
    assert not (tmp_path / "after").exists()
