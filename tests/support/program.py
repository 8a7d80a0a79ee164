"""Starts the executable, alone or on several ranks."""

import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
EXECUTABLE = Path(os.environ.get("QUARTIC", REPOSITORY / "build" / "release" / "quartic"))
MPIRUN = REPOSITORY / "jobs" / "mpirun.sh"
# How many times longer than usual something may take, as under a sanitizer.
PATIENCE = float(os.environ.get("QUARTIC_TEST_PATIENCE", 1))
# Whether to run all cases, of which `make test` takes those that prove most a second: tests/fault/long_cases.sh, sweep.sh.
LONG = os.environ.get("QUARTIC_TEST_LONG") == "1"


def preload(folder, name):
    """The library that tests/support/NAME.c makes, in `folder`: for LD_PRELOAD."""
    library = Path(folder) / f"{name}.so"
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, REPOSITORY / "tests" / "support" / f"{name}.c", "-ldl"], check=True)
    return str(library)


def has_sanitizer():
    """Whether the executable is built with the address sanitizer."""
    return b"__asan_init" in EXECUTABLE.read_bytes()


def said(errors):
    """What quartic says on stderr but for its line on kernels that whoever runs the tests has forced on all of them."""
    forced = os.environ.get("OPENBLAS_CORETYPE")
    line = f"quartic: OPENBLAS_CORETYPE={forced}: "
    return "".join(text for text in errors.splitlines(keepends=True) if not forced or not text.startswith(line))


def quartic(*arguments, ranks=0, exit_code=0, timeout=60, **options):
    """Runs `quartic ARGUMENTS`, under mpirun when ranks is not 0, and returns the CompletedProcess (text).

    Fails with everything the program said when the exit code is another one; exit_code=None takes any.
    """
    command = [str(EXECUTABLE), *map(str, arguments)]
    if ranks:
        command = [str(MPIRUN), "-n", str(ranks), *command]
    # On SIGTERM mpirun ends its ranks; the SIGKILL of subprocess.run would leave them behind.
    command = ["timeout", "--kill-after=10", str(timeout * PATIENCE), *command]
    environment = {"OPENBLAS_NUM_THREADS": "1", **os.environ, **options.pop("env", {})}
    done = subprocess.run(command, text=True, capture_output=True, stdin=subprocess.DEVNULL,
                          env=environment, **options)
    done.stderr = said(done.stderr)
    if exit_code is not None and done.returncode != exit_code:
        raise AssertionError(f"exit code {done.returncode}, not {exit_code}: {' '.join(command)}\n{done.stdout}{done.stderr}")
    return done
