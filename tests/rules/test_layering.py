"""Layering: a room includes the rooms and the libraries that its line in CMakeLists.txt names.

CMakeLists.txt is the only table: the linker holds to it as well, but not for templates and inlines.
"""

import re

import pytest

from tree import REPOSITORY, files, none, plant, show

# Headers of a library, and the CMake target that a room must name to include them. fmt stands in for
# the std::format that g++ 12 lacks, so every room has it.
LIBRARIES = {
    r"mpi\.h": "MPI::MPI_CXX",
    r"cblas\.h|lapacke\.h|f77blas\.h|dlfcn\.h|omp\.h": "BLAS",
    r"hdf5.*\.h|H5.*": "HDF5",
    r"zlib\.h": "ZLIB::ZLIB",
    r"boost/.*": "Boost::program_options",
    r"nlohmann/.*": "nlohmann_json::nlohmann_json",
    r"Random123/.*": "Random123",
    r"spdlog/.*": "spdlog::spdlog",
    r"quartic_version\.h": "quartic_version",
}
# The pure rooms see counts and tags, never a clock, a random device, a thread or a file.
PURE = {"plan", "method"}
IMPURE = r"chrono|random|thread|mutex|atomic|future|condition_variable|fstream|filesystem|iostream|ctime|unistd\.h|quartic/core/clock\.hpp"
# Tests of the communication layer need MPI's own calls to check it against.
MPI_IN_TESTS = ("tests/support/", "tests/mpi/")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def rooms(root):
    """{room: (rooms it may include, libraries it may use)} from the quartic_room lines."""
    table = {}
    for name, arguments in re.findall(r"^quartic_room\((\w+)([^)]*)\)", (root / "CMakeLists.txt").read_text(), re.MULTILINE):
        parts = re.split(r"\b(ROOMS|LIBRARIES|EXCLUDE)\b", arguments)
        keywords = {key: value.split() for key, value in zip(parts[1::2], parts[2::2])}
        table[name] = (keywords.get("ROOMS", []), keywords.get("LIBRARIES", []))
    return table


def broken_by(room, quote, header, table):
    """Why this room may not include this header; None where it may."""
    reachable, libraries = table[room]
    ours = re.match(r"quartic/(\w+)(?:/|\.hpp$)", header)
    if ours:
        target = ours[1]
        if target not in table:
            return f"there is no room {target}"
        if target != room and target not in reachable:
            return f"room {room} may include {', '.join(reachable) or 'no other room'}"
    for pattern, library in LIBRARIES.items():
        if re.fullmatch(pattern, header) and library not in libraries:
            return f"{library} belongs to {', '.join(r for r in table if library in table[r][1])}"
    if room in PURE and re.fullmatch(IMPURE, header):
        return f"room {room} is pure"
    if quote == '"' and not ours and "/" in header:
        return "a private header is included by its bare name"
    return None


def violations(root):
    table = rooms(root)
    found = []
    for library in LIBRARIES.values():
        owners = [room for room in table if library in table[room][1]]
        if len(owners) > 1:
            found.append(f"CMakeLists.txt: one library, one room: {library} is named by {', '.join(owners)}")
    for file in files(root, ".cpp", ".hpp", ".h", folders=("include", "src")):
        path = show(root, file)
        room = re.match(r"(?:include/quartic|src)/(\w+)(?:/[^/]+|\.hpp)$", path)
        if not room or room[1] not in table:
            found.append(f"{path}: is in no room")
            continue
        text = file.read_text()
        for quote, header in INCLUDE.findall(text):
            why = broken_by(room[1], quote, header, table)
            if why:
                found.append(f"{path}: includes {header}: {why}")
        if re.search(r"#\s*pragma\s+omp\s+.*target", text) and room[1] != "compute":
            found.append(f"{path}: omp target belongs to compute")
    for file in files(root, ".cpp", ".hpp", folders=("tests",)):
        path = show(root, file)
        if re.search(r"#\s*include\s*<mpi\.h>", file.read_text()) and not path.startswith(MPI_IN_TESTS):
            found.append(f"{path}: includes mpi.h: only {' and '.join(MPI_IN_TESTS)} do")
    return found


def test_repository():
    none(violations(REPOSITORY))


CMAKE = """
quartic_room(core LIBRARIES fmt::fmt Random123)
quartic_room(compute ROOMS core LIBRARIES BLAS)
quartic_room(comm ROOMS core LIBRARIES MPI::MPI_CXX)
quartic_room(plan ROOMS core)
quartic_room(io ROOMS core
             LIBRARIES HDF5 ZLIB::ZLIB)
quartic_room(app ROOMS core comm LIBRARIES Boost::program_options nlohmann_json::nlohmann_json EXCLUDE main.cpp)
"""


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/plan/a.cpp", "#include <mpi.h>"),
        ("include/quartic/comm/a.hpp", "#include <mpi.h>"),
        ("src/comm/a.cpp", "#include <fmt/core.h>"),
        ("src/io/a.cpp", "#include <hdf5.h>"),
        ("src/io/a.cpp", '#include "detail.hpp"'),
        ("src/app/a.cpp", '#include "quartic/comm/b.hpp"'),
        ("tests/support/a.cpp", "#include <mpi.h>"),
    ],
)
def test_planted(tmp_path, path, line):
    """The same line is allowed in its own room and reported everywhere else."""
    allowed = path != "src/plan/a.cpp"
    assert (violations(plant(tmp_path, {"CMakeLists.txt": CMAKE, path: line + "\n"})) == []) == allowed


@pytest.mark.parametrize(
    "path, line",
    [
        ("src/core/a.cpp", '#include "quartic/plan/a.hpp"'),
        ("src/comm/a.cpp", '#include "quartic/compute/a.hpp"'),
        ("include/quartic/app/a.hpp", '#include "quartic/engines/a.hpp"'),
        ("src/app/a.cpp", "  #  include <cblas.h>"),
        ("src/compute/a.cpp", "#include <H5Fpublic.h>"),
        ("src/app/a.cpp", "#include <hdf5_hl.h>"),
        ("src/comm/a.cpp", "#include <boost/program_options.hpp>"),
        ("src/io/a.cpp", "#include <nlohmann/json.hpp>"),
        ("src/comm/a.cpp", "#pragma omp target teams distribute parallel for simd"),
        ("src/plan/a.cpp", "#include <chrono>"),
        ("src/plan/a.cpp", '#include "quartic/core/clock.hpp"'),
        ("src/io/a.cpp", '#include "../core/secret.hpp"'),
        ("src/stray.cpp", "int i;"),
        ("include/quartic/attic/a.hpp", "int i;"),
        ("tests/unit/plan_a.cpp", "#include <mpi.h>"),
    ],
)
def test_planted_violation(tmp_path, path, line):
    found = violations(plant(tmp_path, {"CMakeLists.txt": CMAKE, path: line + "\n"}))
    assert len(found) == 1 and found[0].startswith(path)


def test_planted_second_owner(tmp_path):
    found = violations(plant(tmp_path, {"CMakeLists.txt": CMAKE + "quartic_room(nn LIBRARIES HDF5)\n"}))
    assert found == ["CMakeLists.txt: one library, one room: HDF5 is named by io, nn"]
