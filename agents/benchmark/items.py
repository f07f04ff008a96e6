"""Values of a benchmark's file, each with its line and key, so that every error message names the place.

The file may come from a stranger: its size, its nesting and its number of values, with aliases expanded, are bounded
before anything is built from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.errors import RAMError
from agents.extras import require
from agents.untrusted import MAX_DEPTH, one_line, read_limited, shown

require("agents", "yaml")

import yaml  # noqa: E402 (once it can be)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
MAX_BYTES = 100_000
"""Size of a file; parsing more would take seconds."""
MAX_VALUES = 10_000
"""Values in a file, with every alias replaced by what it stands for."""
_LARGEST, _MAX_KEY = 2**63 - 1, 100


class PlanError(RAMError, ValueError):
    """A benchmark that cannot be run; the message names the place, the value and what was expected."""


@dataclass(frozen=True)
class Item:
    """A value and its place.

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
            place.append(self.key if len(self.key) <= _MAX_KEY else f"{self.key[:_MAX_KEY]}...")
        return PlanError(" ".join(f"{', '.join(place)}: {message}".splitlines()))

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
            known: The keys that are allowed; None for any.
            required: The keys that are required.

        Raises:
            PlanError: If it is not one, has another key or lacks one.
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
            PlanError: If it is not one.
        """
        if not isinstance(self.value, list) or not self.value:
            raise self.error(f"expected a list of at least one entry, got {self._describe()}")
        return self.value

    def text(self, choices: Sequence[str] | None = None) -> str:
        """Return the value as a text.

        Raises:
            PlanError: If it is not one, or not one of the choices.
        """
        if not isinstance(self.value, str) or not self.value:
            raise self.error(f"expected a text, got {self._describe()}")
        if choices is not None and self.value not in choices:
            raise self.error(f"expected one of {', '.join(choices)}, got {shown(self.value)}")
        return self.value

    def name(self) -> str:
        """Return the value as a name, which is part of the names of files.

        Raises:
            PlanError: If it is not one.
        """
        if not NAME.fullmatch(self.text()):
            raise self.error(f"{shown(self.value)} is not a name: expected letters, digits and any of . _ + -")
        return str(self.value)

    def integer(self, minimum: int, maximum: int) -> int:
        """Return the value as an integer; 1e6 counts as one.

        Raises:
            PlanError: If it is not one, or out of range.
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
        return "nothing" if self.value is None else shown(self.value)


def item_of(value: Any, source: str = "command line", key: str = "") -> Item:
    """Return plain values as items, which have no line."""
    if isinstance(value, Mapping):
        value = {name: item_of(part, source, f"{key}.{name}" if key else str(name)) for name, part in value.items()}
    elif isinstance(value, (list, tuple)):
        value = [item_of(part, source, f"{key}[{index}]") for index, part in enumerate(value)]
    return Item(value, source, key)


def read_items(path: Path) -> Item:
    """Read a YAML file.

    Raises:
        OSError: If it cannot be read.
        PlanError: If it is not YAML, is empty, too large or nested too deeply, or has a key twice or one that is not
            text.
    """
    whole = Item(None, str(path))
    try:
        text = read_limited(path, MAX_BYTES).decode("utf-8")
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            raise whole.error("the file is empty")
        return _Reader(str(path)).read(node, "", ())
    except PlanError:
        raise
    except UnicodeDecodeError as error:
        raise whole.error(f"not a text in UTF-8 ({error})") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        problem = one_line(error.problem or error.context)
        raise Item(None, str(path), line=line).error(f"not valid YAML: {problem}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise whole.error(f"not valid YAML: {one_line(error)}") from error


class _Loader(yaml.SafeLoader):
    """Reads 1e-3 as a number (YAML 1.1 wants 1.0e-3), and stops at a file that is nested too deeply or too large."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0
        # Values and levels of each node that is complete, with its aliases expanded.
        self._extent: dict[int, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Compose a node as the base class does, and count what is in it."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"more than {MAX_DEPTH} levels of nesting")
        node = super().compose_node(parent, index)
        self._depth -= 1
        if id(node) in self._extent:  # an alias
            return node
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            parts = node.value
        extents = [self._extent.get(id(part), (1, 1)) for part in parts]  # an alias to a node around it has none yet
        values = 1 + sum(count for count, _ in extents)
        levels = 1 + max((depth for _, depth in extents), default=0)
        if values > MAX_VALUES:
            self._refuse(f"more than {MAX_VALUES:,} values, with aliases expanded")
        if levels > MAX_DEPTH:
            self._refuse(f"more than {MAX_DEPTH} levels of nesting, with aliases expanded")
        self._extent[id(node)] = values, levels
        return node

    def _refuse(self, problem: str) -> None:
        raise yaml.MarkedYAMLError(problem=problem, problem_mark=self.peek_event().start_mark)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?(?:\d[\d_]*)(?:\.\d*)?[eE][-+]?\d+$"), list("-+0123456789")
)


class _Reader:
    """Turns the nodes of a file into items."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._loader = _Loader("")

    def read(self, node: yaml.Node, key: str, around: tuple[int, ...]) -> Item:
        """Read a node; ``around`` has the ids of the nodes around it."""
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
                    raise Item(None, self._source, key, name_line).error(f"the key {shown(name)} is not text")
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
        place = Item(None, self._source, key, node.start_mark.line + 1)
        if not isinstance(node, yaml.ScalarNode):
            raise place.error("expected a text as key")
        try:
            value = self._loader.construct_object(node)
        except (ValueError, LookupError, AttributeError, TypeError, ArithmeticError) as error:
            # PyYAML's own errors for values such as 2026-13-45 or !!int x
            raise place.error(f"{shown(node.value)} is not a valid {node.tag.rpartition(':')[2]}") from error
        if not isinstance(value, (str, int, float, bool, type(None))):
            raise place.error(f"expected a number, a text, true or false, got {shown(value)}")
        if value != value:
            raise place.error("expected a number, got NaN")
        if isinstance(value, int) and abs(value) > _LARGEST:
            raise place.error(f"expected an integer of at most {_LARGEST:,}, got one of {value.bit_length():,} bits")
        return value
