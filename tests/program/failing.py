"""Checkpoints that cannot be written or are damaged afterwards: used by test_failing_writes.py and, for every write, by
tests/fault/full_disk.py."""

import resource
import shutil
import signal
from pathlib import Path

from program import preload, quartic
from runs import FAILED, REFUSED, attributes, lines_of_quartic, refused, same_run
from test_resume import checkpoint_of, interrupted, interrupted_after, same_parameters

RUN = ("--objective", "mlp", "--hidden", "8,8", "--rows", 64, "--features", 9, "--microbatch-size", 4, "--stages", 2, "--method", "pipedream",
       "--optimizer", "momentum", "--microbatches", 48, "--evaluate-every", 7, "--save-parameters", "--quiet")


class Scene:
    """In `folder`: the uninterrupted run, and one that was killed after its first checkpoint and is gone on with, copied for each trial."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.whole = self.folder / "whole"
        self.cut = self.folder / "cut"
        quartic("run", *RUN, "--out", self.whole)
        interrupted_after(50, self.cut, *RUN)
        self.library = preload(self.folder, "failing_writes")

    def copy(self, name):
        out = self.folder / name
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(self.cut, out)
        return out

    def go_on(self, out, ranks=0, exit_code=None, env=(), **options):
        """With a checkpoint more on the way."""
        return quartic("run", "--resume", out, "--checkpoint-every", 80, "--quiet", ranks=ranks, exit_code=exit_code, env=dict(env), **options)

    def environment(self, where, at, **more):
        return {"LD_PRELOAD": str(self.library), "QUARTIC_FAIL_IN": where, "QUARTIC_FAIL_AT": str(at), **more}

    def calls(self, where):
        """How many there are that could fail, in one process."""
        count = self.folder / "count"
        self.go_on(self.copy("counted"), exit_code=0, env=self.environment(where, 0, QUARTIC_FAIL_COUNT=str(count)))
        return int(count.read_text())


def fail_one(scene, where, call, stays, ranks=0):
    """The call fails; with `stays` all after it. Returns the exit code."""
    out = scene.copy("failing")
    more = {"QUARTIC_FAIL_ALL": "1"} if stays else {}
    return survived(scene, out, scene.go_on(out, ranks, env=scene.environment(where, call, **more)), ranks)


def limit_size(scene, size):
    """No file may grow beyond so many bytes, as with a quota."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    out = scene.copy("limited")
    return survived(scene, out, scene.go_on(out, preexec_fn=limit), 0)


def survived(scene, out, done, ranks):
    """It said so in one line, or all is well; the newest checkpoint leads to the end that it always had."""
    assert done.returncode in (0, FAILED, REFUSED), f"exit code {done.returncode}: {done.stderr}"
    lines = lines_of_quartic(done)
    assert done.returncode == 0 or (len(lines) >= 1 if ranks else done.stderr.splitlines() == lines and len(lines) == 1), done.stderr
    if done.returncode == 0:
        same_run(scene.whole, out)
        interrupted(out)
    checkpoint_of_the_newest(out)
    quartic("run", "--resume", out, "--quiet")
    same_run(scene.whole, out)
    same_parameters(scene.whole, out)
    assert attributes(out)["resumed"], "it has started again"
    return done.returncode


def checkpoint_of_the_newest(out):
    whole = [entry for entry in (out / "checkpoint").iterdir() if entry.suffix != ".part"]
    assert whole and all((entry / "manifest").is_file() for entry in whole), whole


def damage(scene, file, change):
    """`change` makes other bytes of a checkpoint's file: it is refused in one line, with its name."""
    out = scene.copy("damaged")
    path = checkpoint_of(out) / file
    content = path.read_bytes()
    changed = change(bytearray(content))
    if changed == content:
        return
    path.write_bytes(changed)
    refused("run", "--resume", out, says=str(path))


def cut_at(length):
    return lambda content: bytes(content[:length])


def flipped_at(bit):
    def change(content):
        content[bit // 8] ^= 1 << bit % 8
        return bytes(content)

    return change
