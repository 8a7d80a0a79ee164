"""Makes a data file, `make_data.py tridiagonal --rows 600 --features 512 --out FILE.h5`, or the random draws of RPD,
`make_data.py draws --iterations 3200 --stages 8 --epoch 20 --drawn-from 400 --delta 60 --out FILE.h5`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from quartic_analysis import randomized, recipes

USER_MISTAKE = 2
DRAWS = "draws"


class OneLineParser(argparse.ArgumentParser):
    """Reports an error in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"{self.prog}: {message}\n")


def add_command(commands: argparse._SubParsersAction, name: str, numbers: dict[str, str]) -> None:
    """Adds a subcommand with these required numbers and with --seed and --out."""
    command = commands.add_parser(name)
    for number, meaning in numbers.items():
        command.add_argument(f"--{number}", type=int, required=True, help=meaning)
    command.add_argument("--seed", type=int, default=0, help="seed of numpy.random.default_rng (default: 0)")
    command.add_argument("--out", type=Path, required=True, metavar="FILE.h5", help="file to write")


def make_parser() -> OneLineParser:
    parser = OneLineParser(
        prog="make_data.py",
        description="Makes a data file (HDF5) with numpy: a problem with /X [rows, features] and /y [rows], "
        "or draws, the random draws that RPD replays (quartic run --method rpd --delays replay:FILE).",
    )
    commands = parser.add_subparsers(dest="recipe", required=True, parser_class=OneLineParser, prog="make_data.py")
    for name in sorted(recipes.RECIPES):
        add_command(commands, name, {"rows": "rows of X", "features": "columns of X"})
    add_command(commands, DRAWS, randomized.MEANINGS)
    return parser


def write(options: argparse.Namespace) -> None:
    given = dict(vars(options))
    path, recipe = given.pop("out"), given.pop("recipe")
    if recipe == DRAWS:
        randomized.write(path, **given)
    else:
        recipes.write(path, recipe, **given)


def main(arguments: list[str]) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    if not options.out.absolute().parent.is_dir():
        parser.error(f"there is no folder {options.out.absolute().parent}")
    try:
        write(options)
    except OSError as error:
        parser.error(f"cannot write {options.out}: {error.strerror or error}")
    except (ValueError, MemoryError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
