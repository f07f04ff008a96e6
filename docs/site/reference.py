"""Pages from the source: the API reference, the commands, the examples and the list of results files."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import textwrap
from pathlib import Path

from docs import api

ROOT = Path(__file__).parents[2]
COMMANDS = ("train", "evaluate", "watch", "play", "plot", "benchmark", "export", "list")


def reference_pages() -> dict[str, str]:
    """Return the pages of the API reference, by their names."""
    modules: dict[str, list[tuple[str, str]]] = {}
    for module, names in api.PUBLIC.items():
        modules.setdefault(api.REEXPORTED.get(module, module), []).extend((module, name) for name in names)
    pages = {f"api/{module}.md": _module_page(module, names) for module, names in modules.items()}
    lines = [
        "# API reference",
        "The public names, by the module that you import them from. Everything is typed (`py.typed`). Names that are "
        "not here may change without notice.",
        "| module | names |\n|---|---|",
    ]
    rows = [
        f"| [{module}]({module}.md) | {', '.join(f'`{name}`' for _, name in names)} |"
        for module, names in modules.items()
    ]
    toctree = "```{toctree}\n:hidden:\n\n" + "\n".join(modules) + "\n```"
    pages["api/index.md"] = "\n\n".join([*lines[:2], "\n".join([lines[2], *rows]), toctree]) + "\n"
    return pages


def _module_page(module: str, names: list[tuple[str, str]]) -> str:
    blocks = []
    for defined_in, name in names:
        definition, words = api.definitions(defined_in)[name]
        if isinstance(definition, ast.AnnAssign):
            type = ast.unparse(definition.annotation)
            block = f".. py:data:: {name}\n   :type: {type}\n\n" + textwrap.indent(words, "   ")
        elif isinstance(definition, ast.FunctionDef):
            block = f".. autofunction:: {name}"
        else:
            block = f".. autoclass:: {name}\n   :members:\n   :show-inheritance:"
        blocks.append(block)
    body = "\n\n".join([f".. py:currentmodule:: {module}", *blocks])
    return f"# {module}\n\n```{{eval-rst}}\n{body}\n```\n"


def command_page() -> str:
    """Return the page of the `ram` command, with the help of every subcommand."""
    from agents.cli import main

    parts = [
        "# Command line",
        "`ram` trains, evaluates and shows agents. This page is the output of `ram --help` and `ram COMMAND --help`. "
        "`ram train ENV_ID --help` also explains every setting with the value of the environment's preset.",
        f"```text\n{_help(main)}```",
    ]
    for command in COMMANDS:
        parts.append(f"## ram {command}\n\n```text\n{_help(main, command)}```")
    return "\n\n".join(parts) + "\n"


def _help(main, *command: str) -> str:  # type: ignore[no-untyped-def]
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return out.getvalue()


def example_pages() -> dict[str, str]:
    """Return the pages of the examples, by their names."""
    pages, rows, names = {}, [], []
    for file in sorted((ROOT / "examples").glob("*.py")):
        source = file.read_text(encoding="utf-8")
        words = ast.get_docstring(ast.parse(source)) or ""
        summary = " ".join(words.split("\n\n")[0].split())
        code = source.split('"""\n', 1)[1].lstrip("\n") if source.startswith('"""') else source
        pages[f"examples/{file.stem}.md"] = f"# {file.name}\n\n```text\n{words}\n```\n\n```python\n{code}```\n"
        rows.append(f"| [{file.name}]({file.stem}.md) | {summary} |")
        names.append(file.stem)
    words = "Programs in the folder `examples` of the repository. Each one runs as it is; tests run all of them."
    toctree = "```{toctree}\n:hidden:\n\n" + "\n".join(names) + "\n```"
    table = "\n".join(["| program | what it does |", "|---|---|", *rows])
    pages["examples/index.md"] = "\n\n".join(["# Examples", words, table, toctree]) + "\n"
    return pages


def results_page() -> str:
    """Return the page that lists the results files."""
    rows = []
    for file in sorted((ROOT / "docs" / "results").glob("*.json")):
        content = json.loads(file.read_text(encoding="utf-8"))
        kind = str(content.get("kind", "")).removeprefix("ram-") or "campaign"
        rows.append(f"| [{file.name}](results/{file.name}) | {kind} | {content.get('env_id', '')} |")
    words = (
        "The tables of this site come from files: those below, `benchmarks/results` for "
        "[performance](performance.md), and the runs in `benchmarks/results/wrapped` and `longer` for the [benchmark "
        "in a wrapped environment](benchmark-wrapped.md) and [with 5 million frames](benchmark-longer.md); the runs of "
        "the [other benchmark](benchmark.md) were not kept. A "
        "test compares the figures in the text with the files too, and lists those with another source, such as the "
        "paper."
    )
    return (
        "\n\n".join(["# Results files", words, "\n".join(["| file | kind | environment |", "|---|---|---|", *rows])])
        + "\n"
    )
