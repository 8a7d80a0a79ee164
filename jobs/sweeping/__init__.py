"""The code of jobs/sweep.py: turns a study and a machine into runs, one folder each. Uses only the standard library."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository, or share/quartic of an installation. Runs are started here, so the relative paths of a study start here too."""


class Mistake(Exception):
    """An error that the user can correct. The message is one line and says what would be valid. sweep.py prints it and exits with code 2."""

    def __str__(self) -> str:
        """The message in one line, whatever characters its names and values contain."""
        return "".join(letter if letter.isprintable() else "?" for letter in super().__str__())


def make_folder(path: Path, purpose: str) -> None:
    """Creates a folder and its parents if they do not exist. Mistake if it cannot be created."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"{purpose} {path}: cannot be created: {error.strerror.lower()}") from None
