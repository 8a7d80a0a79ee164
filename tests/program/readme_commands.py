#!/usr/bin/env python3
"""Runs every command that README.md shows, in order, and fails with the first that fails.

    tests/program/readme_commands.py [FILE] [--done COMMAND]… [--list]

Commands are the fenced blocks marked sh; each block is one shell script. A block under the comment
`<!-- not run: REASON -->` is left out, and the reason is printed. They run in a copy of the tree whose
build/ is this tree's own, so nothing is built twice and nobody's runs/ are touched.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^(?:<!-- not run: (?P<reason>.+?) -->\s*\n)?^```sh\n(?P<script>.*?)^```\s*$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """[(script, reason it is not run or None)] in order."""
    return [(match["script"], match["reason"]) for match in BLOCK.finditer(text)]


def without(script, done):
    """The script less the lines that were run before."""
    return "".join(line for line in script.splitlines(keepends=True) if re.sub(r"\s*(#.*)?$", "", line) not in done)


def copy_of_tree(scratch):
    """The sources (with their times, or make would configure anew), the demonstration's runs, build/ as a link."""
    made = shutil.ignore_patterns(".git", "build", "runs", "out", "__pycache__")
    shutil.copytree(REPOSITORY, scratch, ignore=made, dirs_exist_ok=True)
    if (REPOSITORY / "runs" / "demo").is_dir():
        shutil.copytree(REPOSITORY / "runs" / "demo", scratch / "runs" / "demo")
    (scratch / "build").symlink_to(REPOSITORY / "build")


def run(text, done, folder):
    """The number of blocks run; SystemExit at the first that fails."""
    count = 0
    for script, reason in blocks(text):
        script = without(script, done)
        if reason:
            print(f"-- not run ({reason}):\n{script}", flush=True)
        elif script.strip():
            print(f"-- {script}", end="", flush=True)
            begin = time.monotonic()
            code = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdin=subprocess.DEVNULL).returncode
            if code != 0:
                sys.exit(f"README: exit code {code} from\n{script}")
            print(f"-- {time.monotonic() - begin:.1f} s\n", flush=True)
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, default=REPOSITORY / "README.md")
    parser.add_argument("--done", action="append", default=[], help="a command that was run before")
    parser.add_argument("--list", action="store_true", help="print the commands and run none")
    options = parser.parse_args()
    text = options.file.read_text()
    if not blocks(text):
        sys.exit(f"{options.file} shows no command (no block marked sh)")
    if options.list:
        print("\n".join(script for script, reason in blocks(text) if not reason), end="")
        return
    if not (REPOSITORY / "build" / "release" / "quartic").exists():
        sys.exit("build/release/quartic is not there: run make first")
    with tempfile.TemporaryDirectory(prefix="quartic-readme-") as scratch:
        copy_of_tree(Path(scratch))
        print(f"README: {run(text, options.done, scratch)} blocks of commands passed")


if __name__ == "__main__":
    main()
