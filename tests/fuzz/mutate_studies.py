#!/usr/bin/env python3
"""The repository's studies and machines, mutated, through the sweep tool's reading: a study, or a Mistake of one line, within seconds.

    mutate_studies.py COUNT [CASE]      the same mutations every time; CASE runs one of them again

A finding is told with its case, and its bytes are kept in the working folder as finding-studies-CASE.toml; exit code 1.
"""

import random
import re
import signal
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "jobs"))

from sweeping import Mistake
from sweeping.data import data_files
from sweeping.machine import load_machine
from sweeping.runs import words_of
from sweeping.study import SIZES, load_study

SEEDS = [path.read_bytes() for folder in ("studies", "machines") for path in sorted((REPOSITORY / "jobs" / folder).glob("*.toml"))]
TOKEN = re.compile(rb'[\w.-]+|"[^"\n]*"|\s+|.', re.DOTALL)
HOSTILE = [b"[", b"]", b"[[", b"{", b"}", b"=", b'"', b"'''", b"\n", b"\\", b"\x00", b"\xff", b"@", b"@x", b"..", b"[]", b"{}", b"-1", b"0", b"nan",
           b"inf", b"true", b"1e999", b"9" * 40, b'"0..99999999999"', b'"1 // 0"', b'"2 * 3"', b'"' + b"(" * 300 + b'"', b"[" * 2000,
           b'"a\\nb"', b'"\\u0000"', b'"a b \\""', b"2020-01-01", b"00:00", b"group", b"options", b"vary", b"zip", b"computed", b"quick",
           b"skip = true", b"name", b'"stages"', b"a.b.c = 1"]
PATIENCE_SECONDS = 5


def mutate(number):
    """One to four pieces, bytes or tokens, changed, removed, doubled, moved, or taken from another file."""
    chance = random.Random(number)
    source = chance.choice(SEEDS)
    for _ in range(chance.randint(1, 4)):
        pieces = TOKEN.findall(source) if chance.random() < 0.7 else [bytes([byte]) for byte in source]
        if not pieces:
            break
        at, end = sorted(chance.randrange(len(pieces) + 1) for _ in range(2))
        end = min(end, at + chance.choice((0, 1, 1, 1, 8, 10**6)))
        if chance.random() < 0.3 and b"=" in pieces[:-2]:  # a whole value
            at = chance.choice([place for place, piece in enumerate(pieces[:-2]) if piece == b"="]) + 2
            end = at + 1
        other = TOKEN.findall(chance.choice(SEEDS))
        put = chance.choice((
            [chance.choice(HOSTILE)], [chance.choice(other)], [], pieces[at:end] * 2, pieces[at:end][::-1], [bytes([chance.randrange(256)])],
            other[:chance.randrange(len(other))]))
        source = b"".join(pieces[:at] + put + pieces[end:])
    return source


def read(path):
    """As --dry-run does, up to where it asks the program."""
    for size in SIZES:
        study = load_study(path, size)
        files = data_files(study.data, REPOSITORY / "data", study.analysis, path.name)
        study.files_in_use(files)
        for choice in study.choices:
            words_of(choice, files)


def answer(action):
    """None for what is right, else what is wrong with it."""
    def out_of_time(*_):
        raise TimeoutError(f"takes more than {PATIENCE_SECONDS} s")

    signal.signal(signal.SIGALRM, out_of_time)
    signal.alarm(PATIENCE_SECONDS)
    try:
        action()
    except Mistake as mistake:
        return f"a Mistake of several lines: {str(mistake)!r}" if len(str(mistake).splitlines()) != 1 else None
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return None


def try_case(number, folder):
    """Whether it is right; tells and keeps what is not."""
    path = Path(folder) / "study.toml"
    source = mutate(number)
    path.write_bytes(source)
    wrong = answer(lambda: read(path)) or answer(lambda: load_machine(str(path)))
    if wrong:
        kept = Path(f"finding-studies-{number}.toml")
        kept.write_bytes(source)
        print(f"{kept}: {wrong[:300]}", file=sys.stderr)
    return not wrong


def main(arguments):
    if not 1 <= len(arguments) <= 2 or not all(word.isdigit() for word in arguments):
        sys.exit("mutate_studies.py COUNT [CASE]")
    cases = [int(arguments[1])] if arguments[1:] else range(int(arguments[0]))
    with tempfile.TemporaryDirectory(prefix="quartic-studies-") as folder:
        right = sum(try_case(number, folder) for number in cases)
    print(f"studies          {len(cases):7} inputs, {len(cases) - right} findings")
    return 0 if right == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
