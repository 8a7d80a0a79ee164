"""Options and methods that the documents name are those of the programs."""

import re
import subprocess
import sys

import pytest

from program import REPOSITORY, quartic
from readme_commands import documents

FENCE = re.compile(r"^```.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
FOREIGN = ("tensorboard", "srun", "mpirun", "cmake")  # their options are theirs
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def help_of(script, words=()):
    return subprocess.run([sys.executable, "-B", script, *words, "--help"], capture_output=True, text=True, timeout=60).stdout


@pytest.fixture(scope="module")
def own_options():
    """Returns the options of quartic's subcommands and of the sweep tool."""
    shown = "\n".join(quartic(command, "--help").stdout for command in ("run", "plan", "compare", "methods")) + help_of(REPOSITORY / "jobs" / "sweep.py")
    return set(OPTION.findall(shown)) | {"--version", "--help"}


def named(text):
    """(program or None, option) for each option in a code span; the program is the Python script that the span begins with."""
    for span in SPAN.findall(FENCE.sub("", text)):
        first = span.split()[0]
        if first in FOREIGN:
            continue
        for option in OPTION.findall(span):
            yield (span.split("--")[0].strip() if first.endswith(".py") else None), option


def of_script(command):
    """The options of `folder/script.py` or `script.py`, with a subcommand where the span has one. A script that needs a
    package which is not installed prints no help: then those in its source."""
    script, *words = command.split()
    path = next(path for path in (REPOSITORY / script, REPOSITORY / "analysis" / script, REPOSITORY / "jobs" / script) if path.is_file())
    subcommand = [word for word in words if re.fullmatch("[a-z]+", word)][:1]
    return OPTION.findall(help_of(path, subcommand) or path.read_text())


@pytest.mark.parametrize("page", [page.relative_to(REPOSITORY).as_posix() for page in documents()])
def test_options_exist(page, own_options):
    unknown = {f"{program or 'quartic'}: {option}" for program, option in named((REPOSITORY / page).read_text())
               if option not in (of_script(program) if program else own_options)}
    assert unknown == set()


def test_a_made_up_option_is_unknown(own_options):
    assert list(named("`--no-such` and `--out` and ```\n`jobs/sweep.py --local`")) == [(None, "--no-such"), (None, "--out"), ("jobs/sweep.py", "--local")]
    assert "--out" in own_options and "--no-such" not in own_options and "--no-such" not in of_script("jobs/sweep.py")


def test_the_page_on_methods_has_the_tables_that_the_program_prints():
    assert quartic("methods", "--markdown").stdout in (REPOSITORY / "docs/methods.md").read_text()


def test_the_readme_names_every_method():
    """The first column of its table names every method of `quartic methods` once, and nothing else."""
    section = (REPOSITORY / "README.md").read_text().split("## Methods\n")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")][1:]
    shown = [name for row in rows for name in SPAN.findall(row)]
    methods = [line.split()[0] for line in quartic("methods").stdout.split("\n\n")[0].splitlines()[1:]]
    assert len(methods) > 20 and sorted(shown) == sorted(methods)
