"""The program that runs the README's commands finds them all, and stops at the first failure."""

import pytest

from readme_commands import blocks, run, without

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
    assert [reason for _, reason in blocks(README)] == [None, "needs a cluster", None]
    assert blocks(README)[1][0] == "sbatch job\n"


def test_commands_done_before_are_left_out():
    assert without("make test   # minutes\nmake tests\n", ["make test"]) == "make tests\n"


def test_runs_in_order(tmp_path):
    assert run(README, ["make test"], tmp_path) == 2
    assert (tmp_path / "out").read_text() == "one\n2\n3\n"


@pytest.mark.parametrize("script", ["false\ntouch after", "false | true\ntouch after", "exit 3", "echo $undefined"])
def test_the_first_failure_ends_it(tmp_path, script):
    with pytest.raises(SystemExit):
        run(f"```sh\n{script}\n```\n```sh\ntouch after\n```\n", [], tmp_path)
    assert not (tmp_path / "after").exists()
