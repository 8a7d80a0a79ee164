"""Checks the keys and types of TOML tables. An unexpected key or value is a Mistake that names the file, the table and what is valid."""

import tomllib
from pathlib import Path

from . import Mistake

NUMBER = (int, float)
NAMES = {str: "a string", int: "an integer", NUMBER: "a number", (int, str): "an integer or a string", bool: "true or false",
         dict: "a table", list: "a list"}


def read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # some editors write a byte-order mark
    except OSError as error:
        raise Mistake(f"{path}: {error.strerror.lower()}") from None
    except ValueError as error:  # of the TOML, its UTF-8, or a number of thousands of digits
        raise Mistake(f"{path}: is not TOML: {error}") from None
    except RecursionError:
        raise Mistake(f"{path}: is not TOML: it is nested too deeply") from None


def check_table(table: dict, types: dict, where: str) -> None:
    """Checks that every key of `table` is in `types` and has a value of that type. Mistake otherwise."""
    if not isinstance(table, dict):
        raise Mistake(f"{where}: must be a table, not {table!r}")
    for key, value in table.items():
        if key not in types:
            raise Mistake(f"{where}: unknown key '{key}'; valid: {', '.join(types)}")
        if not isinstance(value, types[key]) or (isinstance(value, bool) and types[key] is not bool):
            raise Mistake(f"{where}: {key} must be {NAMES[types[key]]}, not {value!r}")


def require(table: dict, key: str, where: str):
    if key not in table:
        raise Mistake(f"{where}: '{key}' is missing")
    return table[key]
