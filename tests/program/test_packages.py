"""What `make test` and `make demo` install on a bare machine, with commands that stand in for the distribution's."""

import os
import subprocess

import pytest

from program import REPOSITORY

SCRIPT = REPOSITORY / "cmake" / "packages.sh"
# All but two packages of the set are there.
QUERY = """#!/bin/bash
for name in "$@"; do
  case $name in --*|clang-format|ccache) ;; *) printf '%s:installed ' "$name";; esac
done
"""


@pytest.fixture
def machine(tmp_path):
    """Runs the script with these; what apt-get was told is in the file `told`."""
    for name, text in (("dpkg-query", QUERY), ("apt-get", f'#!/bin/bash\necho "$@" >> {tmp_path}/told\n'), ("id", "#!/bin/bash\necho ${FAKE_ID:-0}\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)

    def run(*sets, **environment):
        return subprocess.run([SCRIPT, *sets], capture_output=True, text=True, timeout=30,
                              env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment})

    run.told = tmp_path / "told"
    return run


def test_what_is_missing_is_listed_before_it_is_installed(machine):
    done = machine("build", "test")
    assert done.returncode == 0 and done.stdout.startswith("2 packages are missing:\n  clang-format\n  ccache\n")
    assert machine.told.read_text().splitlines()[-1].endswith("clang-format ccache")


def test_without_leave_to_install_it_stops_after_the_list(machine):
    done = machine("build", "test", QUARTIC_INSTALL="0")
    assert done.returncode == 2 and done.stdout == "2 packages are missing:\n  clang-format\n  ccache\n"
    assert not machine.told.exists()


@pytest.mark.parametrize("leave", ["0", "1"])
def test_nothing_is_said_where_nothing_is_missing(machine, leave):
    done = machine("build", QUARTIC_INSTALL=leave)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "") and not machine.told.exists()


def test_without_root_it_tells_the_command(machine):
    done = machine("build", "test", FAKE_ID="1000")
    assert "apt-get install clang-format ccache" in done.stderr and not machine.told.exists()
