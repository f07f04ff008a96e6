"""The page of the benchmark in a wrapped environment is the one that its runs give."""

from pathlib import Path

from agents.benchmark.report import write_report
from agents.benchmark.results import Results

ROOT = Path(__file__).parents[1]


def test_the_page_is_made_from_the_runs_in_the_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    page = tmp_path / "benchmark-wrapped.md"
    write_report(Results(Path("benchmarks/results/wrapped")), page)
    assert page.read_text(encoding="utf-8") == (ROOT / "docs" / page.name).read_text(encoding="utf-8")
