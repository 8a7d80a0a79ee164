"""Every header compiles alone, without warnings.

One that its own source includes before anything else is proven by the build; the others are compiled here.
"""

import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from tree import REPOSITORY, files, none, plant, show

WARNINGS = ["-Wall", "-Wextra", "-Wno-missing-field-initializers", "-Wshadow", "-Wconversion", "-Werror"]


@cache
def library_flags():
    """Include paths of the libraries that have their own, as system headers: their warnings are not ours."""
    flags = ["-DOMPI_SKIP_MPICXX"]
    for library in ("ompi-cxx", "hdf5", "openblas"):
        answer = subprocess.run(["pkg-config", "--cflags-only-I", library], capture_output=True, text=True)
        flags += [flag.replace("-I", "-isystem", 1) for flag in shlex.split(answer.stdout)]
    return flags


def complaint(root, file):
    """The compiler's first error about a file that includes this header and nothing else."""
    command = ["g++", "-std=c++20", "-fopenmp", "-fsyntax-only", *WARNINGS, "-DQUARTIC_ASSERTIONS", f"-I{root}/include", f"-I{root}/tests",
               *library_flags(), "-x", "c++", "-"]
    result = subprocess.run(command, input=f'#include "{file}"\n', capture_output=True, text=True)
    errors = [line for line in result.stderr.splitlines() if "error:" in line] or [result.stderr]
    return f"{show(root, file)}: {errors[0]}" if result.returncode else None


def proven(root, header):
    """The header's own source begins with it."""
    source = root / "src" / header.parent.name / f"{header.stem}.cpp"
    first = re.search(r'^\s*#\s*include\s*[<"](.+?)[>"]', source.read_text(), re.MULTILINE) if source.is_file() else None
    return bool(first) and str(header).endswith("/" + first[1])


def violations(root):
    headers = files(root, ".hpp", ".h", folders=("include", "src", "tests"))
    alone = [header for header in headers if not proven(root, header)]
    unguarded = [f"{show(root, file)}: has no #pragma once" for file in headers if "#pragma once" not in file.read_text()]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return unguarded + [found for found in pool.map(partial(complaint, root), alone) if found]


def test_repository():
    none(violations(REPOSITORY))


def test_planted(tmp_path):
    plant(tmp_path, {
        "include/quartic/core/good.hpp": "#pragma once\n#include <string>\ninline std::string name() { return {}; }\n",
        "include/quartic/core/lonely.hpp": "#pragma once\ninline std::string name() { return {}; }\n",
        "src/core/narrow.hpp": "#pragma once\ninline int half(double x) { return x / 2; }\n",
        "src/core/twice.hpp": "inline int one() { return 1; }\n",
        "include/quartic/core/first.hpp": "#pragma once\ninline std::string built_first() { return {}; }\n",
        "src/core/first.cpp": '#include "quartic/core/first.hpp"\n',
        "include/quartic/core/second.hpp": "#pragma once\ninline std::string built_second() { return {}; }\n",
        "src/core/second.cpp": '#include <string>\n#include "quartic/core/second.hpp"\n',
    })
    found = violations(tmp_path)
    assert [line.split(":")[0] for line in found] == [
        "src/core/twice.hpp", "include/quartic/core/lonely.hpp", "include/quartic/core/second.hpp", "src/core/narrow.hpp"]
