"""Docstrings in the API reference: sections in Markdown become reStructuredText, and references are resolved."""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import typing
from functools import cache
from typing import Any

from docs import api

OWN = ("ram_envs", "agents")
ALIASES = {
    f"{module}.{name}": f"{api.REEXPORTED.get(module, module)}.{name}"
    for module, names in api.PUBLIC.items()
    for name in names
}
"""Names as they are defined, and as the reference lists them."""
WITHOUT_ARGUMENTS = ("attribute", "property", "data")
"""Kinds of objects whose first line napoleon would read as "type: description"."""


def setup(app: Any) -> None:
    """Connect with Sphinx."""
    app.connect("autodoc-process-docstring", _convert)
    app.connect("autodoc-process-signature", _sign)
    app.connect("missing-reference", _resolve)


def _convert(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    from sphinx.ext.napoleon import Config, GoogleDocstring

    config = Config(napoleon_use_ivar=True)
    kind = "function" if what in WITHOUT_ARGUMENTS else what
    text = to_rst("\n".join(lines))
    lines[:] = GoogleDocstring(text.split("\n"), config, app, kind, name, obj, options).lines()


def _sign(app: Any, what: str, name: str, obj: Any, options: Any, arguments: str | None, result: str | None) -> Any:
    """Write defaults that a dataclass makes anew as "...", which Sphinx can parse."""
    return (arguments.replace("<factory>", "..."), result) if arguments else None


def to_rst(text: str) -> str:
    """Return a docstring whose headings and tables in Markdown are reStructuredText."""
    result: list[str] = []
    table: list[str] = []
    for line in [*text.split("\n"), ""]:
        if line.startswith("|"):
            table.append(line)
            continue
        if table:
            result += ["", *_table(table), ""]
            table = []
        if heading := re.fullmatch(r"##+ (.*)", line):
            result += ["", f".. rubric:: {heading[1]}", ""]
        elif line.startswith("- ") and result and result[-1] and not result[-1].startswith(("- ", "  ")):
            result += ["", line]
        else:
            result.append(line)
    return "\n".join(result[:-1])


def _table(lines: list[str]) -> list[str]:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in (lines[0], *lines[2:])]
    written = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows:
        # In reStructuredText, ** is the start of bold text.
        written += [
            f"   {'  -' if number else '* -'} {cell.replace('**', chr(92) + '**')}" for number, cell in enumerate(row)
        ]
    return written


def _resolve(app: Any, env: Any, node: Any, content: Any) -> Any:
    """Return the link of a reference that Sphinx did not find, or its text alone if it names something that exists.

    Names of other libraries are shown without a link. A name that does not exist is left to Sphinx, which warns.
    """
    if node.get("refdomain") != "py":
        return None
    target, module, owner = node["reftarget"], node.get("py:module"), node.get("py:class")
    for name in (target, f"{module}.{target}", f"{module}.{owner}.{target}"):
        if alias := _listed(name):
            found = env.domains["py"].find_obj(env, None, None, alias, None, 0)
            if found:
                from sphinx.util.nodes import make_refnode

                return make_refnode(app.builder, node["refdoc"], found[0][1].docname, found[0][1].node_id, content)
        if _exists(name):
            return content
    head = target.split(".")[0]
    known = head not in OWN and ("." in target or hasattr(builtins, head) or hasattr(typing, head) or head in _names())
    return content if known else None


def _listed(name: str) -> str | None:
    """Return how the reference lists a name, or a member of it."""
    head, _, member = name.rpartition(".")
    if name in ALIASES:
        return ALIASES[name]
    return f"{ALIASES[head]}.{member}" if head in ALIASES else None


def _exists(name: str) -> bool:
    """Whether a name of this project can be imported."""
    parts = name.split(".")
    if parts[0] not in OWN:
        return False
    for length in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:length]))
        except ImportError:
            continue
        for part in parts[length:]:
            if not hasattr(found, part) and part not in getattr(found, "__annotations__", {}):
                return False
            found = getattr(found, part, None)
        return True
    return False


@cache
def _names() -> set[str]:
    """Return the names that the modules of this project define at their top level or import."""
    names = set()
    for package in OWN:
        for file in (api.ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    names |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                    names.add(node.name)
                elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                    names |= {target.id for target in targets if isinstance(target, ast.Name)}
    return names
