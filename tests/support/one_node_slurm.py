"""A real Slurm on this machine: munged, slurmctld and slurmd as children of this process, in a folder of their own.

By hand, to try things (Ctrl-C ends it):  /usr/bin/python3 tests/support/one_node_slurm.py
"""

import ctypes
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

TEMPLATE = Path(__file__).with_name("slurm.conf.in")
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun")
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None)


def missing():
    """What is not installed; empty when Slurm can be started."""
    return [name for name in NEEDED if shutil.which(name, path=PATH) is None]


class OneNodeSlurm:
    """In a `with` block, with `cores` cores and arrays of at most `array` jobs; leaves nothing behind."""

    def __init__(self, cores=8, array=20):
        self.folder = Path(tempfile.mkdtemp(prefix="quartic-slurm-"))
        # Jobs start as login shells: what the user's profile does, or waits for, is none of a test's business.
        self.environment = {**os.environ, "PATH": PATH, "HOME": str(self.folder), "SLURM_CONF": str(self.folder / "slurm.conf")}
        self.values = {"FOLDER": self.folder, "HOST": socket.gethostname().partition(".")[0], "USER": getpass.getuser(),
                       "CORES": cores, "ARRAY": array, "CONTROLLER_PORT": free_port(), "NODE_PORT": free_port()}
        self.daemons = []

    def __enter__(self):
        try:
            self.write_files()
            self.start("munged", "--foreground", "--force", *(f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "log", "seed")),
                       f"--socket={self.folder}/munge.socket")
            self.until((self.folder / "munge.socket").exists, "munged")
            self.start("slurmctld", "-D")
            self.start("slurmd", "-D", "-N", self.values["HOST"])
            self.until(lambda: self.ask("sinfo", "--noheader", "--format=%T").strip() == "idle", "the node")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        if len(self.daemons) == 3:
            self.ask("scancel", f"--user={self.values['USER']}")
            self.wait(lambda: not self.ask("squeue", "--noheader"), 15)
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_files(self):
        self.folder.chmod(0o755)  # munged refuses a socket that others cannot reach
        for name in ("state", "spool", "tmp"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        text = re.sub(r"@(\w+)@", lambda match: str(self.values[match[1]]), TEMPLATE.read_text())
        (self.folder / "slurm.conf").write_text(text)

    def start(self, *words):
        """It ends with this process, whatever ends that."""
        with open(self.folder / f"{words[0]}.out", "wb") as output:
            self.daemons.append(subprocess.Popen(
                words, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)))

    def ask(self, *words, timeout=30):
        """stdout of one of Slurm's commands."""
        return subprocess.run(words, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout).stdout

    def jobs(self):
        """{array index: state} of the jobs that wait or run."""
        lines = self.ask("squeue", "--noheader", "--array", "--format=%K %T").splitlines()
        return {int(index): state for index, state in (line.split() for line in lines)}

    def until(self, condition, what, seconds=30):
        if not self.wait(condition, seconds):
            words = "".join(path.read_text(errors="replace")[-1000:] for path in sorted(self.folder.glob("*.out")))
            raise RuntimeError(f"Slurm: {what} is not ready after {seconds} s:\n{words}")

    def wait(self, condition, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return True
            if any(daemon.poll() is not None for daemon in self.daemons):
                return False
            time.sleep(0.1)
        return False


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


if __name__ == "__main__":
    with OneNodeSlurm() as slurm:
        print(f"export SLURM_CONF={slurm.environment['SLURM_CONF']}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass
