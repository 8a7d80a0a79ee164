"""What jobs/sweep.py is made of: a study and a machine become runs, one folder each. Standard library only."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The repository, or share/quartic of an installation. Runs are started here, so the relative paths of a study start here too."""


class Mistake(Exception):
    """What the user can put right: one line that says what would be right. sweep.py prints it and exits 2."""

    def __str__(self) -> str:
        """One line, whatever the names and values in it hold."""
        return "".join(letter if letter.isprintable() else "?" for letter in super().__str__())


def make_folder(path: Path, purpose: str) -> None:
    """With its parents; nothing where it is there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"{purpose} {path}: cannot be made: {error.strerror.lower()}") from None
