"""Text becomes values of the type that a field is annotated with; docstrings become help."""

from argparse import ArgumentTypeError
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from agents.cli.fields import documented_names, options_of
from agents.cli.values import Argument, reader_of, write

Location = str | Sequence[float]
Images = str | PathLike[str] | tuple[np.ndarray, np.ndarray] | Mapping[str, Any]


@pytest.mark.parametrize(
    ("hint", "text", "value"),
    [
        (int, "3", 3),
        (int, "8_000_000", 8_000_000),
        (int, "4e6", 4_000_000),
        (float, "1e-3", 0.001),
        (str, "3", "3"),
        (Path, "~/runs", Path.home() / "runs"),
        (Path | None, "none", None),
        (int | None, "None", None),
        (int | None, "7", 7),
        (Literal["relu", "lstm"], "lstm", "lstm"),
        (Literal[1, 2], "2", 2),
        (bool | None, "no", False),
        (Location, "inside", "inside"),
        (Location, "0,-0.5", (0.0, -0.5)),
        (Literal["center"] | tuple[float, float], "0 1", (0.0, 1.0)),
        (Images, "digits", "digits"),
        (Images, "~/images", str(Path.home() / "images")),
        (int | float, "0.5", 0.5),
        (dict[str, int], "{'a': 1}", {"a": 1}),
        (Annotated[int | None, Argument(metavar="N")], "4", 4),
    ],
)
def test_text_becomes_a_value_of_the_type(hint, text, value):
    read = reader_of(hint).read(text)
    assert read == value and type(read) is type(value)


@pytest.mark.parametrize(
    ("hint", "text", "message"),
    [
        (int, "3.5", "expected an integer, got '3.5'"),
        (float, "fast", "expected a number, got 'fast'"),
        (int | None, "x", "expected an integer, got 'x'"),
        (Literal["relu", "lstm"], "gru", "expected one of relu, lstm, got 'gru'"),
        (Literal["center"] | tuple[float, float], "1 2 3", "expected one of center or 2 numbers, got '1 2 3'"),
        (Path, "", "expected a path"),
        (dict[str, int], "{", "expected a dictionary"),
    ],
)
def test_other_text_is_refused_with_what_was_expected(hint, text, message):
    with pytest.raises(ArgumentTypeError, match=message):
        reader_of(hint).read(text)


@pytest.mark.parametrize("value", [3, 8_000_000, 0.001, "inside", (0.0, -0.5), True])
def test_a_default_is_shown_as_it_can_be_typed(value):
    hint = tuple[float, float] if isinstance(value, tuple) else bool | None if value is True else type(value)
    assert reader_of(hint).read(write(value)) == value


@dataclass(frozen=True, kw_only=True)
class Base:
    """Settings.

    ## Arguments
    - ``side``: side in pixels.
    - ``place`` ("random"): where it is: "random", or
      a pair (x, y).

    ## Version History
    - v0: ``side`` was new.
    """

    side: int
    place: Location = "random"


@dataclass(frozen=True, kw_only=True)
class Derived(Base):
    """More settings.

    ## Arguments
    - ``side``, ``place``: see :class:`Base`.
    - ``count`` (0): pieces of :class:`some.where.Clutter`; ``size`` (8): their side.
    """

    count: int = 0
    size: int = 8
    note: str = "x"
    """Written below."""


def test_fields_make_options_with_the_texts_of_the_docstrings():
    options = {option.name: option for option in options_of(Derived, {"count": 3})}
    assert list(options) == ["side", "place", "count", "size", "note"]
    assert options["side"].default is MISSING
    texts = {name: option.help_text() for name, option in options.items()}
    assert texts == {
        "side": "Side in pixels.",
        "place": 'Where it is: "random", or a pair (x, y). (default: random)',
        "count": "Pieces of Clutter. (default: 3)",
        "size": "Their side. (default: 8)",
        "note": "Written below. (default: x)",
    }


def test_google_style_docstrings_are_read_too():
    docstring = """Job.

    Args:
        one: First of
            two.
        other: Second.

    Raises:
        ValueError: Never.
    """
    import inspect

    assert documented_names(inspect.cleandoc(docstring)) == {"one": "First of two.", "other": "Second."}
