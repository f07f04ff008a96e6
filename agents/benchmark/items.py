"""Values of a benchmark's file, each with its place, so that every mistake is told with line and key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import RAMError
from agents.integrations import require

require("agents", "yaml")

import yaml  # noqa: E402 (once it can be)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


class PlanError(RAMError, ValueError):
    """A plan that cannot be run; the message says where the mistake is and what was expected."""


@dataclass(frozen=True)
class Item:
    """A value, and where it stands.

    Attributes:
        value: A plain scalar, a dictionary of items by name, or a list of items.
        source: The file, or "command line".
        key: As in "algorithms[2].settings"; empty for the whole.
        line: Line in the file, from 1; None where there is none.
    """

    value: Any
    source: str
    key: str = ""
    line: int | None = None

    def error(self, message: str) -> PlanError:
        """Return an error about this value."""
        place = [self.source]
        if self.line is not None:
            place.append(f"line {self.line}")
        if self.key:
            place.append(self.key)
        return PlanError(f"{', '.join(place)}: {message}")

    def plain(self) -> Any:
        """Return the value as plain Python values."""
        if isinstance(self.value, dict):
            return {name: item.plain() for name, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def mapping(self, known: Sequence[str] | None = None, required: Sequence[str] = ()) -> dict[str, Item]:
        """Return the value as a dictionary.

        Args:
            known: The keys that it may have; None for any.
            required: Keys that it must have.

        Raises:
            PlanError: If it is none, or has other keys, or lacks one.
        """
        if not isinstance(self.value, dict):
            raise self.error(f"expected a mapping (key: value), got {self._describe()}")
        for name, item in self.value.items():
            if known is not None and name not in known:
                raise item.error(f"there is no such key: expected one of {', '.join(known)}")
        missing = [name for name in required if name not in self.value]
        if missing:
            raise self.error(f"{' and '.join(missing)} missing")
        return self.value

    def sequence(self) -> list[Item]:
        """Return the value as a list that is not empty.

        Raises:
            PlanError: If it is none.
        """
        if not isinstance(self.value, list) or not self.value:
            raise self.error(f"expected a list of at least one entry, got {self._describe()}")
        return self.value

    def text(self, choices: Sequence[str] | None = None) -> str:
        """Return the value as a text.

        Raises:
            PlanError: If it is none, or not one of the choices.
        """
        if not isinstance(self.value, str) or not self.value:
            raise self.error(f"expected a text, got {self._describe()}")
        if choices is not None and self.value not in choices:
            raise self.error(f"expected one of {', '.join(choices)}, got {self.value!r}")
        return self.value

    def name(self) -> str:
        """Return the value as a name, which is part of the names of files.

        Raises:
            PlanError: If it is none.
        """
        if not NAME.fullmatch(self.text()):
            raise self.error(f"{self.value!r} is no name: expected letters, digits and any of . _ + -")
        return str(self.value)

    def integer(self, minimum: int, maximum: int) -> int:
        """Return the value as an integer; 1e6 is one, too.

        Raises:
            PlanError: If it is none, or out of range.
        """
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            raise self.error(f"expected an integer from {minimum:,} to {maximum:,}, got {self._describe()}")
        return value

    def _describe(self) -> str:
        if isinstance(self.value, dict):
            return "a mapping"
        if isinstance(self.value, list):
            return "a list" if self.value else "an empty list"
        return "nothing" if self.value is None else repr(self.value)


def item_of(value: Any, source: str = "command line", key: str = "") -> Item:
    """Return plain values as items that stand in no file."""
    if isinstance(value, Mapping):
        value = {name: item_of(part, source, f"{key}.{name}" if key else str(name)) for name, part in value.items()}
    elif isinstance(value, (list, tuple)):
        value = [item_of(part, source, f"{key}[{index}]") for index, part in enumerate(value)]
    return Item(value, source, key)


def read_items(path: Path) -> Item:
    """Read a YAML file.

    Raises:
        OSError: If it cannot be read.
        PlanError: If it is not YAML, or is empty, or has a key twice or one that is no text.
    """
    whole = Item(None, str(path))
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise whole.error("the file is empty")
        return _Reader(str(path)).read(node, "", ())
    except UnicodeDecodeError as error:
        raise whole.error(f"not a text in UTF-8 ({error})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        raise Item(None, str(path), line=line).error(f"not valid YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise whole.error(f"not valid YAML: {error}") from error


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as the number that it is, where YAML 1.1 wants 1.0e-3."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d[\d_]*)(?:\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


class _Reader:
    """Turns the nodes of a file into items."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._loader = _Loader("")

    def read(self, node: yaml.Node, key: str, around: tuple[int, ...]) -> Item:
        """Read a node; ``around`` identifies the nodes that it is in."""
        line = node.start_mark.line + 1
        place = Item(None, self._source, key, line)
        if id(node) in around:
            raise place.error("an alias that contains itself")
        around = (*around, id(node))
        if isinstance(node, yaml.MappingNode):
            content: dict[str, Item] = {}
            for name_node, value_node in node.value:
                name_line = name_node.start_mark.line + 1
                name = self._scalar(name_node, key)
                if not isinstance(name, str):
                    raise Item(None, self._source, key, name_line).error(f"the key {name!r} is no text")
                inner = f"{key}.{name}" if key else name
                if name in content:
                    raise Item(None, self._source, inner, name_line).error("the key is there twice")
                item = self.read(value_node, inner, around)
                content[name] = Item(item.value, self._source, inner, name_line)
            return Item(content, self._source, key, line)
        if isinstance(node, yaml.SequenceNode):
            parts = [self.read(part, f"{key}[{index}]", around) for index, part in enumerate(node.value)]
            return Item(parts, self._source, key, line)
        return Item(self._scalar(node, key), self._source, key, line)

    def _scalar(self, node: yaml.Node, key: str) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise Item(None, self._source, key, node.start_mark.line + 1).error("expected a text as key")
        value = self._loader.construct_object(node)
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise Item(None, self._source, key, node.start_mark.line + 1).error(
                f"expected a number, a text, true or false, got {value!r}"
            )
        return value
