"""Integers computed from the other options of a run: `microbatches = "5 * stages + 8"`."""

from __future__ import annotations

import ast
import operator

from . import Mistake

OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod}
FUNCTIONS = {"max": max, "min": min}
LARGEST = 2**63 - 1
VALID = "valid: integers, names of other options (with underscores for hyphens), + - * // %, max and min"


def computed(formulas: dict, options: dict, where: str) -> dict:
    """Returns the options extended by the computed ones. The formulas are evaluated in order; each can use all previous options."""
    for name, text in formulas.items():
        options = options | {name: value_of(text, options, f"{where}: computed: {name}")}
    return options


def value_of(text: str, options: dict, where: str) -> int:
    known = {name.replace("-", "_"): value for name, value in options.items() if type(value) is int}

    def value(node: ast.expr) -> int:
        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return number
            case ast.Name(id=name) if name in known:
                return known[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
                return OPERATORS[type(op)](value(left), value(right))
            case ast.Call(func=ast.Name(id=name), args=[_, *_] as parts, keywords=[]) if name in FUNCTIONS:
                return FUNCTIONS[name](map(value, parts))
        raise Mistake(f"{where} = {text!r}: {ast.unparse(node)}: {VALID}")

    if not isinstance(text, str):
        raise Mistake(f"{where} = {text!r}: must be a formula in quotes; a fixed number belongs under options")
    try:
        found = value(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, ZeroDivisionError) as error:
        raise Mistake(f"{where} = {text!r}: {error.args[0]}") from None
    except (RecursionError, MemoryError):
        raise Mistake(f"{where}: is nested too deeply") from None
    if abs(found) > LARGEST:
        raise Mistake(f"{where} = {text!r}: does not fit into an integer of 64 bits")
    return found
