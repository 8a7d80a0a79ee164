"""The progress of a running run, from the last progress line in its log."""

from __future__ import annotations

import os
import re
from pathlib import Path

LINE = re.compile(r"(?:microbatch|after microbatch) ([\d,]+)/([\d,]+)(?: · (?:loss|objective) (\S+))?")
TAIL = 1 << 16


def progress(folder: Path) -> str:
    """Text such as "42 %, loss 2.71". The loss is left out if there is none yet. "started" if the log has no progress line."""
    found = list(LINE.finditer(tail_of(folder / "log")))
    if not found:
        return "started"
    done, total, _ = found[-1].groups()
    percent = 100 * number(done) // max(1, number(total))
    values = [each[0].split(" · ")[1] for each in found if each[3]]
    return f"{percent} %" + (f", {values[-1]}" if values else "")


def number(digits: str) -> int:
    return int(digits.replace(",", ""))


def tail_of(log: Path) -> str:
    try:
        with open(log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""
