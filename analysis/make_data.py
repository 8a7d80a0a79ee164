"""Makes a data file: `make_data.py tridiagonal --rows 600 --features 512 --out FILE.h5`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from quartic_analysis import recipes

USER_MISTAKE = 2


class OneLineParser(argparse.ArgumentParser):
    """Reports a mistake in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USER_MISTAKE, f"{self.prog}: {message}\n")


def make_parser() -> OneLineParser:
    parser = OneLineParser(
        prog="make_data.py",
        description="Makes a data file (HDF5: /X [rows, features], /y [rows]) with numpy.",
    )
    parser.add_argument("recipe", choices=sorted(recipes.RECIPES), help="the kind of problem")
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--features", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0, help="of numpy.random.default_rng (0)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.h5")
    return parser


def main(arguments: list[str]) -> None:
    parser = make_parser()
    options = parser.parse_args(arguments)
    if not options.out.absolute().parent.is_dir():
        parser.error(f"there is no folder {options.out.absolute().parent}")
    try:
        recipes.write(options.out, options.recipe, options.rows, options.features, options.seed)
    except OSError as error:
        parser.error(f"cannot write {options.out}: {error.strerror or error}")
    except (ValueError, MemoryError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])
