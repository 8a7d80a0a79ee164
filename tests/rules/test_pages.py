"""Pages for users: the README is short, and every link, path, figure and target of make that a page names exists."""

import re

import pytest

from tree import REPOSITORY, files, none, plant, show

MOST_LINES = 100
MOST_WORDS = 800
# What runs and builds make, and the folder of a run that a page names without the run.
MADE = ("runs", "build", "analysis/out", "data/made", "checkpoint")
FENCE = re.compile(r"^```.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.-]+(?:/[\w.*-]+)*/?")
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b")


def pages(root):
    """Documents that users read: their paths are checked. Links are checked in all documents."""
    return [root / "README.md", *files(root, ".md", folders=("docs",)), *(root / room / "README.md" for room in ("jobs", "analysis", "data"))]


def all_documents(root):
    return [*sorted(root.glob("*.md")), *files(root, ".md")]


def prose(text):
    """The text outside code blocks, tables and headings."""
    return "\n".join(line for line in FENCE.sub("", text).splitlines() if not line.startswith(("#", "|")))


def too_long(text):
    found = [f"README.md: {len(text.splitlines())} lines, at most {MOST_LINES}"] if len(text.splitlines()) > MOST_LINES else []
    words = len(prose(text).split())
    return found + ([f"README.md: {words} words of prose, at most {MOST_WORDS}"] if words > MOST_WORDS else [])


def broken_links(root, file):
    """Relative links, and so figures, that name nothing."""
    targets = [target.split("#")[0] for target in LINK.findall(SPAN.sub("", FENCE.sub("", file.read_text()))) if "://" not in target]
    return [f"{show(root, file)}: links to {target}, which does not exist" for target in targets if target and not (file.parent / target).exists()]


def exists(root, file, path):
    """Whether a path exists beside the page or from the top; NAME and other words in capitals stand for any name."""
    if any(path == made or path.startswith(made + "/") for made in MADE) or PLACEHOLDER.fullmatch(path.split("/")[0]):
        return True
    pattern = PLACEHOLDER.sub("*", path).rstrip("/")
    return any(next(folder.glob(pattern), None) for folder in (file.parent, root))


def broken_paths(root, file):
    """Paths in code spans, with a slash, that do not exist."""
    words = [word for span in SPAN.findall(FENCE.sub("", file.read_text())) for word in span.split()]
    paths = [word for word in words if "/" in word and PATH.fullmatch(word)]
    return [f"{show(root, file)}: names {path}, which does not exist" for path in paths if not exists(root, file, path)]


def unknown_targets(root, file):
    """`make TARGET` in code spans and blocks, of which the Makefile has none."""
    known = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(), re.MULTILINE))
    text = file.read_text()
    code = "\n".join([*FENCE.findall(text), *SPAN.findall(FENCE.sub("", text))])
    return [f"{show(root, file)}: make {target}: the Makefile has no such target"
            for target in re.findall(r"(?:^|[^\w-])make ([a-z][a-z-]*)", code) if target not in known]


def violations(root):
    found = too_long((root / "README.md").read_text())
    for file in pages(root):
        found += broken_paths(root, file) + unknown_targets(root, file)
    for file in all_documents(root):
        found += broken_links(root, file)
    return found


def test_repository():
    none(violations(REPOSITORY))


def test_every_page_is_in_the_readme():
    linked = LINK.findall((REPOSITORY / "README.md").read_text())
    assert {show(REPOSITORY, page) for page in pages(REPOSITORY)} - {"README.md", "docs/README.md"} <= set(linked)


def test_the_readme_shows_a_whole_method():
    """The function of src/method/async.cpp as it is, and its entry in the catalogue."""
    shown = re.search(r"```cpp\n(.*?)```", (REPOSITORY / "README.md").read_text(), re.DOTALL)[1]
    assert shown in (REPOSITORY / "src/method/async.cpp").read_text()
    assert "METHOD(async)" in (REPOSITORY / "src/method/catalogue.inc").read_text()


@pytest.mark.parametrize("words, source, number", [
    (r"with (\d+) methods", "src/method/catalogue.inc", lambda text: str(len(re.findall(r"^METHOD\(\w+\)$", text, re.MULTILINE)))),
    (r"([\d.]+) million actions a second at 64 stages", "tests/bench/results.md",
     lambda text: f"{float(re.search(r'plan, S = 64:.*?`.*?/s . ([0-9.]+) ', text)[1]):.2g}"),
    (r"([\d.]+) times PyTorch's", "tests/bench/peers.md", lambda text: re.search(r"quartic to PyTorch.*?times \| ([\d.]+) ", text)[1]),
    (r"at most ([\d.e-]+) of the largest", "tests/golden/against_torch.md",
     lambda text: f"{max(float(value) for value in re.findall(r'double . [0-9.e+-]+ . ([0-9.e+-]+)', text)):.1e}"),
    (r"has (\d+) lines", "tests/bench/numpy_loop.py", lambda text: str(len(text.splitlines()))),
    (r"in ([\d.]+) of its time", "tests/bench/results.md", lambda text: f"{float(re.search(r'quartic to numpy.*?. ([0-9.]+) [(]', text)[1]):.2f}"),
])
def test_numbers_of_the_readme(words, source, number):
    """A number of the README is that of the file which the command beside it leaves."""
    assert re.search(words, (REPOSITORY / "README.md").read_text())[1] == number((REPOSITORY / source).read_text())


def test_what_is_prose():
    assert prose("# Head line\none two\n| a | b |\n```sh\ncommand\n```\nthree\n").split() == ["one", "two", "three"]


GOOD = "# Title\n![A figure](docs/figure.png) and [a page](docs/page.md#part) and `docs/page.md` and `docs/NAME.md` and `runs/first`, `make good`\n"


def planted(root, readme, page="see [home](../README.md) and `docs/page.md`, `page.md`\n"):
    rooms = {f"{room}/README.md": "" for room in ("jobs", "analysis", "data")}
    return plant(root, {"Makefile": "good: other\nother:\n", "docs/figure.png": "", "docs/page.md": page, "README.md": readme, **rooms})


def test_planted(tmp_path):
    assert violations(planted(tmp_path, GOOD)) == []


@pytest.mark.parametrize("more", [
    "[gone](docs/gone.md)", "![gone](figures/gone.png)", "`docs/gone.md`", "`docs/gone/`", "`gone/page.md --option`", "`docs/NAME.txt`",
    "`make bad`", "```sh\nmake bad\n```", "word " * MOST_WORDS, "| row |\n" * MOST_LINES,
])
def test_planted_violation(tmp_path, more):
    assert len(violations(planted(tmp_path, GOOD + more + "\n"))) == 1
