#!/usr/bin/env python3
"""Prints how big the parts of the program are, and fails where a number is above its limit.

    tests/rules/house.py [--list NUMBER]

Reads the C++ sources with libclang (python3-clang-16; the set "tools" of cmake/packages.sh) and build/audit's compile
commands. --list prints what a number counts, line by line.
"""

import argparse
import json
import re
import shlex
import sys
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[2]
MOST_MEMBERS, MOST_ARGUMENTS, MOST_PARAMETERS = 25, 6, 5
LIMITS = {
    "classes over 25 data members": 0,
    "constructors over 6 arguments": 0,
    "classes spread over several .cpp files": 0,
    "signatures over five parameters": 30,
    "commented-out parameter names": 0,
    "file names that exist twice": 0,
    "references to documents that are not there": 0,
}


class Found(NamedTuple):
    """What one translation unit declares; sets of (name, file:line, count)."""
    members: set
    arguments: set
    parameters: set
    bodies: set  # (class, .cpp file)


def sources(*suffixes):
    return sorted(path for folder in ("include", "src") for path in (REPOSITORY / folder).rglob("*") if path.suffix in suffixes)


def is_ours(location):
    return location.file is not None and Path(location.file.name).resolve().is_relative_to(REPOSITORY) \
        and Path(location.file.name).resolve().relative_to(REPOSITORY).parts[0] in ("include", "src")


def kind_of(cursor):
    """None for a kind that the Python bindings do not know, such as a concept."""
    try:
        return cursor.kind
    except ValueError:
        return None


def place(cursor):
    return f"{Path(cursor.location.file.name).resolve().relative_to(REPOSITORY)}:{cursor.location.line}"


def declared(job):
    """Everything that a translation unit of ours declares."""
    import clang.cindex as clang
    kinds = clang.CursorKind
    functions = {kinds.FUNCTION_DECL, kinds.CXX_METHOD, kinds.CONSTRUCTOR, kinds.FUNCTION_TEMPLATE}
    classes = {kinds.CLASS_DECL, kinds.STRUCT_DECL, kinds.CLASS_TEMPLATE}
    file, arguments = job
    unit = clang.Index.create().parse(file, args=arguments)
    found = Found(set(), set(), set(), set())

    def visit(cursor):
        for child in cursor.get_children():
            if kind_of(child) == kinds.NAMESPACE:
                visit(child)
            elif is_ours(child.location):
                note(child)

    def note(cursor):
        if kind_of(cursor) in classes and cursor.is_definition():
            count = sum(kind_of(child) == kinds.FIELD_DECL for child in cursor.get_children())
            found.members.add((cursor.spelling, place(cursor), count))
            visit(cursor)
        if kind_of(cursor) in functions:
            count = sum(kind_of(child) == kinds.PARM_DECL for child in cursor.get_children())
            owner = cursor.semantic_parent
            is_constructor = owner is not None and kind_of(owner) in classes and cursor.spelling.split("<")[0] == owner.spelling
            if cursor == cursor.canonical:
                (found.arguments if is_constructor else found.parameters).add((cursor.spelling, place(cursor), count))
            if cursor.is_definition() and owner is not None and kind_of(owner) in classes and place(cursor).split(":")[0].endswith(".cpp"):
                declaration = owner.canonical
                if place(declaration).split(":")[0].endswith(".hpp"):
                    found.bodies.add((owner.spelling, place(cursor).split(":")[0]))

    visit(unit.cursor)
    return found


def jobs():
    """(file, compiler arguments) of each source of ours."""
    commands = json.loads((REPOSITORY / "build" / "audit" / "compile_commands.json").read_text())
    for entry in commands:
        file = Path(entry["directory"], entry["file"]).resolve()
        if not file.is_relative_to(REPOSITORY / "src"):
            continue
        words = shlex.split(entry["command"])
        flags = [word for word in words if word.startswith(("-I", "-D", "-std"))]
        systems = [flag for at, word in enumerate(words) if word == "-isystem" for flag in ("-isystem", words[at + 1])]
        yield str(file), [*flags, *systems, "-fopenmp", "-Wno-everything"]


def all_declared():
    with ProcessPoolExecutor() as pool:
        parts = list(pool.map(declared, jobs(), chunksize=4))
    return Found(*(set().union(*(part[i] for part in parts)) for i in range(len(Found._fields))))


def spread(bodies):
    """Classes whose members are defined in several files."""
    files = defaultdict(set)
    for name, file in bodies:
        files[name].add(file)
    return [f"{name}: {', '.join(sorted(of))}" for name, of in sorted(files.items()) if len(of) > 1]


def over(entries, most):
    return [f"{where}: {name} has {count}" for name, where, count in sorted(entries, key=lambda entry: (-entry[2], entry[1])) if count > most]


def lines_with(pattern, *suffixes):
    return [f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}" for path in sources(*suffixes)
            for number, line in enumerate(path.read_text().splitlines(), 1) for _ in re.findall(pattern, line)]


def twice():
    """Headers' names in more than one folder, and sources' likewise."""
    names = Counter(path.name for path in sources(".hpp")) + Counter(path.name for path in sources(".cpp"))
    return sorted(name for name, count in names.items() if count > 1)


def missing_documents():
    """Documents that a comment names and that are nowhere in the repository."""
    known = {path.name for path in REPOSITORY.rglob("*.md") if "build" not in path.parts}
    return [line for line in lines_with(r"\b[\w-]+\.md\b", ".hpp", ".cpp", ".inc")
            if any(name not in known for name in re.findall(r"\b[\w-]+\.md\b", line.split(": ", 1)[1]))]


def measured():
    """{number: what it counts}"""
    found = all_declared()
    return {
        "classes over 25 data members": over(found.members, MOST_MEMBERS),
        "constructors over 6 arguments": over(found.arguments, MOST_ARGUMENTS),
        "classes spread over several .cpp files": spread(found.bodies),
        "signatures over five parameters": over(found.parameters, MOST_PARAMETERS),
        "commented-out parameter names": lines_with(r"/\*\w+\*/", ".hpp", ".cpp"),
        "file names that exist twice": twice(),
        "references to documents that are not there": missing_documents(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", metavar="NUMBER", help="print what this number counts")
    options = parser.parse_args()
    numbers = measured()
    if options.list:
        sys.exit("\n".join(numbers[options.list]) if options.list in numbers else f"no number '{options.list}'; valid: {', '.join(numbers)}")
    lines = sum(len(path.read_text().splitlines()) for path in sources(".hpp", ".cpp", ".inc"))
    print("| number | now | limit |\n|---|---|---|")
    for name, what in numbers.items():
        print(f"| {name} | {len(what)} | {LIMITS[name]} |")
    print(f"| production lines | {lines:,} | |")
    if above := [name for name, what in numbers.items() if len(what) > LIMITS[name]]:
        sys.exit(f"above the limit: {', '.join(above)}")


if __name__ == "__main__":
    main()
