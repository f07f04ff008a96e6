"""The page of a benchmark whose runs are in the repository is equal to the report of these runs."""

from pathlib import Path

import pytest

from agents.benchmark.report import write_report
from agents.benchmark.results import Results

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", ["longer", "wrapped"])
def test_the_page_is_made_from_the_runs_in_the_repository(name, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = tmp_path / f"benchmark-{name}.md"
    write_report(Results(Path("benchmarks/results") / name), page)
    assert page.read_text(encoding="utf-8") == (ROOT / "docs" / page.name).read_text(encoding="utf-8")
