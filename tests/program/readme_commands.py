#!/usr/bin/env python3
"""Runs every command that the documents show, in order, and fails with the first that fails.

    tests/program/readme_commands.py [FILE…] [--done COMMAND]… [--list]

The documents are README.md, the pages in docs/ and the READMEs of jobs/, analysis/ and data/, or the FILEs. Commands are the
fenced blocks marked sh; each block is one shell script. A block under the comment `<!-- not run: REASON -->` is left out, and
the reason is printed. A block marked text right below a command is its output: every line must begin with the words that a
line of the real output begins with, up to the first number.

Each document runs in its own copy of the tree, so it must make the runs that it reads. The copy's build/ is this tree's own,
so nothing is built twice and nobody's runs/ are touched.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^(?:<!-- not run: (?P<reason>.+?) -->\s*\n)?^```sh\n(?P<script>.*?)^```[ \t]*\n?(?:\s*^```text\n(?P<shown>.*?)^```)?",
                   re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    script: str
    reason: str | None  # why it is not run
    shown: str | None   # the output that the document shows


def documents(root=REPOSITORY):
    """Every document whose commands are run."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), *(root / room / "README.md" for room in ("jobs", "analysis", "data"))]


def blocks(text):
    """The blocks in order."""
    return [Block(**match.groupdict()) for match in BLOCK.finditer(text)]


def without(script, done):
    """The script less the lines that were run before."""
    return "".join(line for line in script.splitlines(keepends=True) if re.sub(r"\s*(#.*)?$", "", line) not in done)


def beginning(line):
    """The words of a line before its first number."""
    return re.match(r"[^\d]*", line)[0].split()


def missing_lines(shown, output):
    """The lines of a document's output block of which the real output has no like."""
    real = [beginning(line) for line in output.splitlines()]
    return [line for line in shown.splitlines() if beginning(line) not in real]


def copy_of_tree(scratch):
    """The sources (with their times, or make would configure anew), and build/ as a link."""
    made = shutil.ignore_patterns(".git", "build", "runs", "out", "made", "__pycache__")
    shutil.copytree(REPOSITORY, scratch, ignore=made, dirs_exist_ok=True)
    (scratch / "build").symlink_to(REPOSITORY / "build")


def run_script(script, folder):
    """(exit code, output); prints the output while the script runs."""
    process = subprocess.Popen(["bash", "-euo", "pipefail", "-c", script], cwd=folder, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    output = []
    for line in process.stdout:
        print(line, end="", flush=True)
        output.append(line)
    return process.wait(), "".join(output)


def run(text, done, folder, name="README.md"):
    """The number of blocks run; SystemExit at the first that fails."""
    count = 0
    for block in blocks(text):
        script = without(block.script, done)
        if block.reason:
            print(f"-- not run ({block.reason}):\n{script}", flush=True)
        elif script.strip():
            print(f"-- {script}", end="", flush=True)
            begin = time.monotonic()
            code, output = run_script(script, folder)
            if code != 0:
                sys.exit(f"{name}: exit code {code} from\n{script}")
            if script == block.script and block.shown and (missing := missing_lines(block.shown, output)):
                sys.exit(f"{name}: the output shown has lines that the command did not print:\n" + "\n".join(missing))
            print(f"-- {time.monotonic() - begin:.1f} s\n", flush=True)
            count += 1
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="documents (all)")
    parser.add_argument("--done", action="append", default=[], help="a command that was run before")
    parser.add_argument("--list", action="store_true", help="print the commands and run none")
    options = parser.parse_args()
    texts = {file: file.read_text() for file in options.files or documents()}
    if not any(map(blocks, texts.values())):
        sys.exit("no document shows a command (no block marked sh)")
    if options.list:
        print("\n".join(block.script for text in texts.values() for block in blocks(text) if not block.reason), end="")
        return
    if not (REPOSITORY / "build" / "release" / "quartic").exists():
        sys.exit("build/release/quartic is not there: run make first")
    count, begin = 0, time.monotonic()
    for file, text in texts.items():
        if blocks(text):
            print(f"== {file}\n", flush=True)
            with tempfile.TemporaryDirectory(prefix="quartic-readme-") as scratch:
                copy_of_tree(Path(scratch))
                count += run(text, options.done, scratch, str(file))
    print(f"{count} blocks of commands passed in {time.monotonic() - begin:.0f} s")


if __name__ == "__main__":
    main()
