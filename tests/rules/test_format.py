"""Every C++ file is as clang-format leaves it (`make format`)."""

import re
import shutil
import subprocess

import pytest

from tree import REPOSITORY, files, none, plant, show

VERSION = 14  # other versions lay out the same style differently


def formatter():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path and re.search(rf"version {VERSION}\.", subprocess.run([path, "--version"], capture_output=True, text=True).stdout):
            return path
    return None


pytestmark = pytest.mark.skipif(not formatter(), reason=f"clang-format {VERSION} is not installed")


def violations(root):
    sources = files(root, ".cpp", ".hpp", folders=("include", "src", "tests"))
    result = subprocess.run([formatter(), "--dry-run", *sources], capture_output=True, text=True)
    wrong = re.findall(r"^(.+?):(\d+):\d+: warning: code should be clang-formatted", result.stderr, re.MULTILINE)
    first = {}
    for file, line in wrong:
        first.setdefault(file, line)
    return [f"{show(root, source)}:{first[str(source)]}: not formatted" for source in sources if str(source) in first]


def test_repository():
    none(violations(REPOSITORY))


def test_planted(tmp_path):
    plant(tmp_path, {
        ".clang-format": (REPOSITORY / ".clang-format").read_text(),
        "src/core/good.cpp": "int one() {\n  return 1;\n}\n",
        "src/core/wide.cpp": "int  one( ){ return 1 ; }\n",
        "include/quartic/core/west.hpp": "const int one = 1;\n",
    })
    assert violations(tmp_path) == ["include/quartic/core/west.hpp:1: not formatted", "src/core/wide.cpp:1: not formatted"]
