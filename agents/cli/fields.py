"""Options from dataclasses: what each field of a settings class or a task is called, takes, means and defaults to."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import typing
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from typing import Annotated, Any, get_args, get_origin

from agents.cli.values import Argument, reader_of, write


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option.

    Attributes:
        name: Name of the field.
        hint: Its type.
        help: What it means, one or more sentences.
        default: The value that it has if it is not given; ``MISSING`` for an option that must be given.
        argument: How it appears.
    """

    name: str
    hint: Any
    help: str = ""
    default: Any = MISSING
    argument: Argument = Argument()

    @property
    def flag(self) -> str:
        """The flag, as in "--num-glimpses"."""
        return "--" + self.name.replace("_", "-")

    def help_text(self) -> str:
        """Return what the help shows: the meaning, the choices and the default."""
        choices = reader_of(self.hint).choices
        default = "" if self.default is MISSING else write(self.default)
        notes = [f"one of {', '.join(choices)}"] if choices else []
        notes += [f"default: {default}"] if default and not self.argument.switch else []
        return " ".join(filter(None, (self.help, f"({'; '.join(notes)})" if notes else "")))


def options_of(cls: type, defaults: Any = None, names: Iterable[str] | None = None) -> list[Option]:
    """Return the options that the fields of a dataclass make.

    Args:
        cls: The dataclass. What a field means is the text below it, as in this module, or the documentation of
            "Arguments" or "Attributes" in the docstring of the class or of a base class.
        defaults: An instance, or values by field, in place of the defaults of the fields.
        names: Which fields; None for all that the constructor takes.
    """
    hints, texts = _hints(cls), _texts(cls)
    chosen = None if names is None else set(names)
    return [
        _option(field, hints.get(field.name, Any), texts.get(field.name, ""), defaults)
        for field in fields(cls)
        if field.init and (chosen is None or field.name in chosen)
    ]


def own_fields(cls: type) -> list[str]:
    """Return the names of the fields that a dataclass has itself and does not inherit."""
    return [field.name for field in fields(cls) if field.name in vars(cls).get("__annotations__", {})]


def _option(field: Field[Any], hint: Any, text: str, defaults: Any) -> Option:
    argument = _argument(hint)
    if isinstance(defaults, Mapping):
        default = defaults.get(field.name, _default(field))
    else:
        default = _default(field) if defaults is None else getattr(defaults, field.name)
    return Option(name=field.name, hint=hint, help=argument.help or text, default=default, argument=argument)


def _argument(hint: Any) -> Argument:
    """Return the last annotation of a type, or of a part of a union, that says how the option appears."""
    for part in reversed(get_args(hint)):
        if isinstance(part, Argument):
            return part
        if get_origin(hint) is not Annotated and get_origin(part) is Annotated:
            return _argument(part)
    return Argument()


def _default(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _hints(cls: type) -> dict[str, Any]:
    """Return the types of the fields; a class whose annotations cannot be evaluated is read by its defaults."""
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError):
        return {field.name: type(_default(field)) for field in fields(cls) if _default(field) is not MISSING}


@cache
def _texts(cls: type) -> dict[str, str]:
    """Return what each field means, from the class and its bases; the class itself counts most."""
    texts: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        texts |= documented_names(inspect.getdoc(base) if "__doc__" in vars(base) and base.__doc__ else "")
        texts |= _texts_below(base)
    return texts


def _texts_below(cls: type) -> dict[str, str]:
    """Return the strings below the fields of a class, which Python itself does not keep."""
    try:
        source = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):  # made without a source file, in a notebook for instance
        return {}
    texts: dict[str, str] = {}
    body = getattr(source, "body", [])
    for statement, text in zip(body, body[1:], strict=False):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str):
            texts[statement.target.id] = _plain(text.value.value)
    return texts


def documented_names(docstring: str | None) -> dict[str, str]:
    """Return what a docstring says of each name in its sections "## Arguments", "Args:" and "Attributes:".

    In the first a bullet reads "- ``name`` (default): text"; several names before one colon share its text, and after
    a semicolon the bullet may go on with another name. A text that only refers to another class is left out.
    """
    texts: dict[str, str] = {}
    for bullet in re.findall(
        r"^- (.*(?:\n(?!- |#|\n).*)*)", _section(docstring, "## Arguments", r"^## "), re.MULTILINE
    ):
        parts = re.split(r"(?:^|;\s+)(?=``\w+``)", " ".join(bullet.split()))
        for part in filter(None, parts):
            names, _, text = part.partition(": ")
            texts |= dict.fromkeys(re.findall(r"``(\w+)``", names), text)
    for title in ("Args:", "Attributes:"):
        section = textwrap.dedent(_section(docstring, title, r"^\S"))
        for name, text in re.findall(r"^(\w+): (.*(?:\n[ ]+.*)*)", section, re.MULTILINE):
            texts[name] = text
    return {name: _plain(text) for name, text in texts.items() if text and not text.startswith("see :class:")}


def _section(docstring: str | None, title: str, end: str) -> str:
    """Return what stands below a title, up to a line that matches ``end``."""
    _, found, rest = f"\n{docstring or ''}".partition(f"\n{title}\n")
    return re.split(end, rest, maxsplit=1, flags=re.MULTILINE)[0] if found else ""


def _plain(text: str) -> str:
    """Return a documentation text without markup, as a sentence in one line."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"\1", " ".join(text.split()))
    text = re.sub(r"``?([^`]*)``?", r"\1", text)
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "?", "!")) or not text else f"{text}."
