"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[Any]], *, numeric: bool = False) -> str:
    """Return a table.

    Args:
        header: The names of the columns.
        rows: The cells of every row, as many as there are columns.
        numeric: Whether to align every column but the first to the right.
    """
    rule = ["---", *["---:" if numeric else "---"] * (len(header) - 1)]
    lines = (header, rule, *([str(cell).replace("|", "\\|") for cell in row] for row in rows))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
