"""The report: what its figures come to, and what it says of results that are not whole."""

import json

import pytest

from agents.benchmark import plots
from agents.benchmark.report import write_report
from agents.benchmark.results import Results
from agents.benchmark.summary import Summary
from agents.experiments.files import ResultError

MEAN_RETURNS = {"low": -11.0, "high": -1.0}  # of the seed 0, and one more for each seed after it
EVALUATION = {"episodes": 100, "curve_points": 2, "curve_episodes": 50, "split": "test"}


def result(algorithm, environment, seed, score, **changes):
    job = {
        "algorithm": algorithm,
        "environment": environment,
        "seed": seed,
        "env_id": "RAM-Digits-v0",
        "env_settings": {},
        "implementation": algorithm,
        "settings": {},
        "action_format": "box",
        "observation_format": "dict",
        "frames": 0 if algorithm in ("random", "oracle") else 1000,
        "threads": 1,
        "device": "cpu",
        "evaluation": EVALUATION,
        **changes,
    }
    return {
        "format": 1,
        "job": job,
        "settings": {},
        "score": {"value": score, "successes": round(100 * score), "episodes": 100},
        "curve": [{"due": 500 * i, "frames": 500 * i, "score": score * i / 2} for i in range(3)],
        "frames": 1008,
        "seconds": 2.0,
        "frames_per_second": 504.0 + seed,
        "seconds_evaluating": 1.0,
        "started": "2026-11-23T00:00:00+00:00",
        "versions": {"python": "3.11.7"},
        "hardware": {"processor": "a fast one", "cores": 2},
    }


def some(**changes):
    scale = (("random", 0.1), ("oracle", 0.9))
    found = [result(name, where, 0, score) for where in ("a", "b") for name, score in scale]
    for seed in (0, 1, 2):
        found += [result("low", where, seed, 0.1 + 0.1 * seed, **changes) for where in ("a", "b")]
        found += [result("high", where, seed, 0.5 + 0.1 * seed, **changes) for where in ("a", "b")]
    return found


def write(folder, found):
    for each in found:
        job = each["job"]
        file = folder / "runs" / job["environment"] / job["algorithm"] / f"seed-{job['seed']}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(each))
    return Results(folder)


def test_scores_are_normalised_and_the_best_comes_first():
    summary = Summary(some())
    assert summary.algorithms == ("high", "low")
    assert summary.final("low", "a").value == pytest.approx(20)
    assert summary.overall("high").value == pytest.approx(100 * (0.6 - 0.1) / 0.8)
    assert summary.overall_curve("high").value == pytest.approx([-12.5, 25, 62.5])
    assert summary.frames_due().tolist() == [0, 500, 1000]
    assert summary.missing() == []


def test_the_page_is_made_from_the_results_and_the_notes(tmp_path):
    results = write(tmp_path / "results", some())
    (tmp_path / "results/notes.md").write_text("What one learns from it: nothing.")
    page = tmp_path / "docs/benchmark.md"
    files = write_report(results, page)
    assert files[0] == page and all(file.exists() for file in files)
    text = page.read_text()
    assert "What one learns from it: nothing." in text
    assert "| high | 60.0 (50.0 to 70.0) | 60.0 (50.0 to 70.0) | 62.5 (" in text
    assert "| *random* | 10.0 | 10.0 | 0 |" in text
    assert "for 1,000 frames" in text and "with 3 seeds" in text
    assert "| high | 505 | 505 |" in text
    assert "processor a fast one, cores 2" in text and "| 1,008 |" in text


def test_returns_are_shown_as_they_are_and_normalised_by_the_best_mean(tmp_path):
    game = [result("random", "c", 0, -20.0, env_id="RAM-Glimpse-v0")]
    for seed in (0, 1, 2):
        game += [result(name, "c", seed, score + seed, env_id="RAM-Glimpse-v0") for name, score in MEAN_RETURNS.items()]
    for each in game:
        each["score"] |= {"is_share": False}
    summary = Summary([*some(), *game])
    assert summary.is_share("a") and not summary.is_share("c") and summary.missing() == []
    assert summary.normalized(summary.scores("low", "c"), "c") == pytest.approx([45, 50, 55])
    assert summary.normalized(summary.scores("high", "c"), "c").mean() == pytest.approx(100)
    page = tmp_path / "page.md"
    write_report(write(tmp_path, [*some(), *game]), page)
    text = page.read_text()
    assert "For c:\nmean return of these episodes" in text and "The oracle sees" in text
    assert "| low | 20.0 (10.0 to 30.0) | 20.0 (10.0 to 30.0) |" in text
    assert "| *random* | 10.0 | 10.0 | -20.0 | 0 |" in text and "| *oracle* | 90.0 | 90.0 | - | 100 |" in text


def test_a_page_of_returns_alone_says_nothing_of_balls_and_oracles(tmp_path):
    game = [result("random", "c", 0, 3.0), result("low", "c", 0, 4.0)]
    for each in game:
        each["score"] |= {"is_share": False}
    write_report(write(tmp_path, game), tmp_path / "page.md")
    text = (tmp_path / "page.md").read_text()
    assert "Mean return of 100 new episodes after training for 1,000 frames" in text
    assert "100 for the best mean return of an algorithm" in text
    assert "balls" not in text and "oracle sees" not in text and "\n\n\n" not in text


def test_where_nobody_beats_chance_the_normalised_score_stays_finite():
    game = [result("random", "c", 0, 3.0), result("low", "c", 0, 3.0), result("high", "c", 0, 1.0)]
    for each in game:
        each["score"] |= {"is_share": False}
    summary = Summary(game)
    assert summary.overall("low").value == 0 and summary.overall("high").value == -200


@pytest.mark.parametrize("is_share", [True, False])
def test_panels_say_what_they_show_and_lines_have_markers(is_share, tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(plots, "write_figure", lambda figure, file: figures.append(figure))
    found = some()
    for each in found:
        each["score"] |= {"is_share": is_share}
    summary = Summary(found)
    what = "successful episodes (%)" if is_share else "mean return"
    plots.plot_scores(summary, tmp_path)
    assert [axes.get_xlabel() for axes in figures[0].axes] == ["normalized score", what, what]
    plots.plot_curves(summary, tmp_path)
    for axes, expected in zip(figures[1].axes, ["normalized score", what, what], strict=True):
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("frames", expected)
        curves = [line for line in axes.lines if line.get_label() in ("low", "high")]
        assert len({(line.get_color(), line.get_marker()) for line in curves}) == 2
        assert all(line.get_marker() != "None" for line in curves)


def test_the_page_says_what_is_missing(tmp_path):
    found = [each for each in some() if each["job"]["seed"] < 2 or each["job"]["environment"] == "a"]
    found = [each for each in found if (each["job"]["algorithm"], each["job"]["environment"]) != ("low", "b")]
    found = [each for each in found if (each["job"]["algorithm"], each["job"]["environment"]) != ("oracle", "b")]
    page = tmp_path / "page.md"
    write_report(write(tmp_path, found), page)
    text = page.read_text()
    assert "- missing: high on b, seed 2" in text and "- missing: low on b, seed 0" in text
    assert "- missing: oracle on b, seed 0" in text
    assert "| low | 20.0 (10.0 to 30.0) | - | - |" in text


def test_what_cannot_be_compared_is_not(tmp_path):
    with pytest.raises(ResultError, match="low on a has frames=1000, and other on a|other on a has frames=2000, and"):
        Summary([*some(), result("other", "a", 0, 0.5, frames=2000)])
    with pytest.raises(ResultError, match="no results of any algorithm yet"):
        Summary([result("random", "a", 0, 0.1)])
    with pytest.raises(ResultError, match="has format 2, and this version reads up to 1"):
        write_report(write(tmp_path / "newer", [result("low", "a", 0, 0.1) | {"format": 2}]), tmp_path / "page.md")
    (tmp_path / "broken/runs/a/low").mkdir(parents=True)
    (tmp_path / "broken/runs/a/low/seed-0.json").write_text("{")
    with pytest.raises(ResultError, match="seed-0.json is not the result of a run"):
        write_report(Results(tmp_path / "broken"), tmp_path / "page.md")
