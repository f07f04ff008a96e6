"""What an option takes: how the text of a command line becomes a value of the type that a field is annotated with."""

from __future__ import annotations

import ast
import inspect
import os
import types
from argparse import ArgumentTypeError
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

NONE = "none"
"""What is written for None."""


@dataclass(frozen=True, kw_only=True)
class Argument:
    """How an option appears, as an annotation of its field: ``Annotated[Path, Argument(metavar="FOLDER")]``.

    Attributes:
        metavar: What its value is called; empty for a name that follows from its type.
        positional: Whether it is given without a flag.
        switch: Whether a bool has no `--no-NAME`.
        help: What it means; empty to take the text below the field.
    """

    metavar: str = ""
    positional: bool = False
    switch: bool = False
    help: str = ""


class Reader(NamedTuple):
    """Turns text into values of one type.

    Attributes:
        read: Text to value; raises ``ArgumentTypeError`` with what was expected.
        metavar: What a value is called in the help.
        choices: All values there are, as text; empty if there is no list of them.
        is_flag: Whether the option takes no text: `--name` and `--no-name`.
        takes_numbers: Whether one value is made of several numbers.
        repeats: Whether the option takes any number of values.
    """

    read: Callable[[str], Any]
    metavar: str
    choices: tuple[str, ...] = ()
    is_flag: bool = False
    takes_numbers: bool = False
    repeats: bool = False


def reader_of(hint: Any) -> Reader:
    """Return the reader of a type.

    It knows bool, int, float, str, paths, ``Literal``, tuples and sequences of numbers, tuples of any length,
    dictionaries with names, None, and unions of these. A type that it does not know is read as a Python literal.

    Args:
        hint: The annotation, evaluated.
    """
    if get_origin(hint) is Annotated:
        return reader_of(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return _union(get_args(hint))
    if hint is bool:
        return Reader(_boolean, "yes|no", is_flag=True)
    if hint is int:
        return Reader(_integer, "N")
    if hint is float:
        return Reader(_number, "X")
    if hint is str:
        return Reader(_text, "TEXT")
    if inspect.isclass(hint) and issubclass(hint, os.PathLike):
        return Reader(_path, "PATH")
    if hint is os.PathLike or get_origin(hint) is os.PathLike:
        return Reader(lambda text: str(_path(text)), "PATH")
    if get_origin(hint) is Literal:
        return _literal(get_args(hint))
    parts = get_args(hint)
    if get_origin(hint) is tuple and parts[1:] == (...,):
        return reader_of(parts[0])._replace(repeats=True)
    if _is_sequence(hint) and parts and set(parts) <= {int, float}:
        count, only_integers = len(parts) if get_origin(hint) is tuple else None, float not in parts
        return Reader(_numbers(count, only_integers), "N N" if only_integers else "X Y", takes_numbers=True)
    if get_origin(hint) is dict and parts[0] is str:
        return Reader(_dictionary, "DICTIONARY")
    return Reader(_python, "VALUE")


def write(value: Any) -> str:
    """Return a value as it is written on the command line; an empty string for None and what cannot be written."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:_}" if abs(value) >= 10_000 else str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, (str, Path)):
        return str(value)
    if isinstance(value, (tuple, list)) and all(isinstance(part, (str, int, float)) for part in value):
        return " ".join(map(write, value))
    return ""


def parse_number(text: str) -> float | None:
    """Return the number that a text is, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def _boolean(text: str) -> bool:
    values = {"yes": True, "true": True, "no": False, "false": False}
    if text.lower() not in values:
        raise ArgumentTypeError(f"expected yes or no, got {text!r}")
    return values[text.lower()]


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        number = parse_number(text)  # 4e6, for instance
    if number is None or not number.is_integer():
        raise ArgumentTypeError(f"expected an integer, got {text!r}")
    return int(number)


def _number(text: str) -> float:
    number = parse_number(text)
    if number is None:
        raise ArgumentTypeError(f"expected a number, got {text!r}")
    return number


def _text(text: str) -> str:
    return text


def _path(text: str) -> Path:
    if not text:
        raise ArgumentTypeError("expected a path, got an empty text")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise ArgumentTypeError(f"there is no home folder of that user, got {text!r}: write the path out") from error


def _numbers(count: int | None, only_integers: bool) -> Callable[[str], tuple[float, ...]]:
    kind, parse = ("integers", _integer) if only_integers else ("numbers", _number)

    def read(text: str) -> tuple[float, ...]:
        parts = text.replace(",", " ").split()
        try:
            numbers = tuple(parse(part) for part in parts)
        except ArgumentTypeError:
            numbers = ()
        if not numbers or count not in (None, len(numbers)):
            raise ArgumentTypeError(f"expected {count or 'several'} {kind}, got {text!r}")
        return numbers

    return read


def _python(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise ArgumentTypeError(f"expected a Python literal such as 3, 'name' or [1, 2], got {text!r}") from error


def _dictionary(text: str) -> dict[str, Any]:
    try:
        value = _python(text)
    except ArgumentTypeError:
        value = None
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise ArgumentTypeError(f"expected a dictionary such as {{'name': 3}}, got {text!r}")
    return value


def _literal(values: Sequence[Any]) -> Reader:
    by_text = {str(value): value for value in values}

    def read(text: str) -> Any:
        if text not in by_text:
            raise ArgumentTypeError(f"expected one of {', '.join(by_text)}, got {text!r}")
        return by_text[text]

    return Reader(read, "NAME", choices=tuple(by_text))


def _union(parts: Sequence[Any]) -> Reader:
    """Try one type after the other, text last, which takes everything."""
    optional = type(None) in parts
    readers = [reader_of(part) for part in parts if part is not type(None)]
    if len(readers) == 1 and not optional:
        return readers[0]
    # A type without a reader of its own, such as a pair of arrays, cannot be given beside text.
    known = [reader for reader in readers if reader.read is not _python] or readers
    ordered = sorted(known, key=lambda reader: reader.read is _text)
    if any(reader.metavar == "PATH" for reader in ordered):
        ordered = [reader for reader in ordered if reader.read is not _text]  # a name is a path without a "~"

    def read(text: str) -> Any:
        if optional and text.lower() == NONE:
            return None
        problems = []
        for reader in ordered:
            try:
                return reader.read(text)
            except ArgumentTypeError as error:
                problems.append(str(error).partition(", got ")[0].removeprefix("expected "))
        raise ArgumentTypeError(f"expected {' or '.join(dict.fromkeys(problems))}, got {text!r}")

    return Reader(
        read,
        "|".join(dict.fromkeys(reader.metavar for reader in reversed(ordered))),
        choices=tuple(choice for reader in ordered for choice in reader.choices),
        takes_numbers=any(reader.takes_numbers for reader in ordered),
        repeats=any(reader.repeats for reader in ordered),
    )


def _is_sequence(hint: Any) -> bool:
    origin = get_origin(hint)
    return inspect.isclass(origin) and issubclass(origin, Sequence)
