"""Ablations: each changes what it says and nothing else; the page compares it with the preset of the same length."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from scipy.stats import ttest_ind

from paper.__main__ import main
from paper.ablation_tables import HEAD, ablation_tables, difference
from paper.ablations import (
    ABLATIONS,
    LENGTHS,
    REFERENCE,
    ablation_row,
    ablations,
    choose_ablations,
    compared,
)
from paper.records import differing_settings, plain_settings
from paper.row import BEYOND, HEADLINES, SEEDS, VALIDATION_TRAIN
from paper.rows import ROWS
from paper.tables import BEGIN, END
from tests.paper.fabricated import GAME, record, result

PAGE = Path(__file__).parents[2] / "docs/ablations.md"


def full(name):
    (one,) = [one for one in ABLATIONS if one.full_name == name]
    return ablation_row(one)


def line(text, ingredient):
    """Return the cells of the first line of an ingredient, by their heads."""
    cells = next(one for one in text.splitlines() if one.startswith(f"| {ingredient} |")).split("|")[1:-1]
    return dict(zip(HEAD, (cell.strip() for cell in cells), strict=True))


@pytest.mark.parametrize("one", ABLATIONS, ids=lambda one: one.full_name)
def test_an_ablation_changes_what_it_says_and_nothing_else(one):
    assert (one in ablations()) == (one.name == REFERENCE or any(a != b for a, b in compared(one)))
    reference, changed = full(f"ablation-{one.row}-{REFERENCE}").settings, ablation_row(one).settings
    for name, value in one.changes.items():
        group, _, key = name.rpartition(".")
        if group == "environment":
            assert reference.environment.get(key) != changed.environment.get(key) == value
            others = {name: argument for name, argument in changed.environment.items() if name != key}
            back = {key: reference.environment[key]} if key in reference.environment else {}
            changed = replace(changed, environment={**others, **back})
            continue
        where = changed.network if group else changed
        before = reference.network if group else reference
        assert getattr(where, key) == value
        back = {key: getattr(before, key)}
        changed = replace(changed, network=replace(changed.network, **back)) if group else replace(changed, **back)
    assert changed == reference


def test_what_the_preset_has_anyway_is_no_ablation(monkeypatch):
    catch = ROWS["catch"]
    relu = replace(catch, settings=replace(catch.settings, network=replace(catch.settings.network, core="relu")))
    assert "ablation-catch-core" in [row.name for row in choose_ablations()]
    monkeypatch.setitem(ROWS, "catch", relu)
    assert "ablation-catch-core" not in [row.name for row in choose_ablations()]
    assert "| core network |" not in ablation_tables({}).split("**Cluttered")[0]


def test_ablations_are_short_and_never_see_the_validation_images():
    for name, length in LENGTHS.items():
        assert name in HEADLINES or ROWS[name].table in BEYOND
        reference, full_length = full(f"ablation-{name}-{REFERENCE}").settings, ROWS[name].settings
        for setting, short in length.items():
            assert getattr(reference, setting) == short < getattr(full_length, setting)
            reference = replace(reference, **{setting: getattr(full_length, setting)})
        environment = {**reference.environment, "split": full_length.environment.get("split")}
        assert replace(reference, environment=environment) == full_length
        assert reference.environment.get("split") == (None if name == "catch" else VALIDATION_TRAIN)


def test_names_of_ablations_are_no_names_of_rows_and_differ():
    names = [one.full_name for one in ABLATIONS]
    assert len(set(names)) == len(names) and not set(names) & set(ROWS)


def test_ablations_are_chosen_with_what_they_are_compared_with():
    assert [row.name for row in choose_ablations()] == [one.full_name for one in ablations()]
    assert {row.name for row in choose_ablations(names=["catch"])} == {one.full_name for one in ablations(["catch"])}
    assert choose_ablations(["catch"]) == choose_ablations(names=["catch"])
    names = [row.name for row in choose_ablations(names=["ablation-catch-core"])]
    assert names == ["ablation-catch-reference", "ablation-catch-core"]
    with pytest.raises(ValueError, match="row='mnist-6' has no ablations.*expected one of catch, cluttered-8"):
        choose_ablations(names=["mnist-6"])
    with pytest.raises(ValueError, match="table='mnist' has no ablations: expected one of catch, cluttered"):
        choose_ablations(["mnist"])


def test_the_difference_has_welchs_interval():
    ones, others = [1.0, 2.0, 4.0], [7.0, 7.5, 8.5, 7.2]
    found = difference(ones, others)
    expected = ttest_ind(ones, others, equal_var=False).confidence_interval(0.95)
    assert found == pytest.approx((sum(ones) / 3 - sum(others) / 4, expected.low, expected.high))
    assert math.isnan(difference([1.0], others).low)
    assert difference([2.0, 2.0], [1.0, 1.0]) == (1, 1, 1)


def caught(name, *shares):
    return record(full(name), *(result(seed, share, "success_rate") for seed, share in enumerate(shares)))


def test_the_page_compares_each_ablation_with_the_preset():
    records = {
        one.row: one
        for one in (
            caught("ablation-catch-reference", 0.96, 0.97, 0.98),
            caught("ablation-catch-core", 0.40, 0.41, 0.42),
            caught("ablation-catch-gae-lambda", 0.95, 0.97, 0.99),
            caught("ablation-catch-location-std", 0.99),
        )
    }
    text = ablation_tables(records)
    core = line(text, "core network")
    assert (core["preset"], core["changed to"]) == ("lstm", "relu")
    assert core["with the preset (%)"] == "97.00 ± 1.00" and core["changed (%)"] == "41.00 ± 1.00"
    assert core["difference"] == "**−56.00** [−58.27, −53.73]" and core["seeds"] == "3"
    assert line(text, "GAE lambda")["difference"].startswith("+0.00 [−")
    single = line(text, "location_std")
    assert single["changed (%)"] == "99.00" and single["difference"] == "+2.00" and single["seeds"] == "3 and 1"
    missing = line(text, "algorithm")
    assert (missing["changed (%)"], missing["difference"], missing["seeds"]) == ("–", "–", "3 and 0")
    assert "after 2 M frames; the row in the tables is trained for 10 M" in text


def test_what_hurts_most_comes_first():
    records = {
        one.row: one
        for one in (
            caught("ablation-catch-reference", 0.9, 0.9),
            caught("ablation-catch-gae-lambda", 0.95, 0.95),
            caught("ablation-catch-core", 0.1, 0.1),
            caught("ablation-catch-reinforce", 0.5, 0.5),
            record(full("ablation-cluttered-8-reference"), result(0, 20.0), result(1, 20.0)),
            record(full("ablation-cluttered-8-class-loss"), result(0, 15.0), result(1, 15.0)),
            record(full("ablation-cluttered-8-core"), result(0, 60.0), result(1, 60.0)),
        )
    }
    catch, cluttered = (
        [one.split("|")[1].strip() for one in part.splitlines() if one.startswith("| ")][2:]
        for part in ablation_tables(records).split("**Cluttered")
    )
    assert catch[:3] == ["core network", "algorithm", "GAE lambda"]
    assert cluttered[:2] == ["core network", "steps with classification loss, and reward of the location policy"]


def test_results_of_other_settings_are_named_and_left_out():
    older = caught("ablation-catch-core", 0.5, 0.5, 0.5)
    older = replace(older, settings={**older.settings, "learning_rate": 0.5})
    text = ablation_tables({"ablation-catch-core": older})
    assert line(text, "core network")["changed (%)"] == "–"
    assert "Left out because they were trained with earlier settings: ablation-catch-core." in text


def test_what_the_page_says_was_changed_is_what_the_settings_differ_in():
    for row in LENGTHS:
        reference = plain_settings(full(f"ablation-{row}-{REFERENCE}"))
        environment = full(f"ablation-{row}-{REFERENCE}").settings.environment
        for one in ablations([row])[1:]:
            found = differing_settings(plain_settings(ablation_row(one)), reference)
            pairs = zip(one.changes, compared(one), strict=True)
            said = [
                f"{name}={after} instead of {before}"
                for name, (before, after) in pairs
                if name != "precision" and before != after and not name.startswith("environment.")
            ]
            said += [
                f"{name}={after} instead of {environment.get(name.removeprefix('environment.'))}"  # None: its default
                for name, after in one.changes.items()
                if name.startswith("environment.")
            ]
            assert found == sorted(said), "all that matters to what is learned"


def test_the_command_runs_an_ablation_and_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(ROWS, "catch", replace(GAME, name="catch"))
    monkeypatch.setitem(LENGTHS, "catch", {"frames": GAME.settings.frames // 3})
    (tmp_path / "docs").mkdir()
    page, readme = tmp_path / "docs/ablations.md", tmp_path / "README.md"
    for file in (page, readme):
        file.write_text(f"{BEGIN}\n{END}\n")
    options = ["--ablations", "--row=ablation-catch-advantage", "--device=cpu"]
    assert main(["reproduce", *options, "--dry-run"]) == 0
    assert len(capsys.readouterr().out.split()) == 2 * SEEDS
    assert main(["reproduce", *options, "--seeds=2"]) == 0
    assert capsys.readouterr().out == "docs/ablations.md\n" and readme.read_text() == f"{BEGIN}\n{END}\n"
    content = json.loads((tmp_path / "docs/results/ablation-catch-advantage.json").read_text())
    assert content["settings"]["normalise_advantage"] is False and list(content["seeds"]) == ["0", "1"]
    assert content["seeds"]["1"]["greedy"]["seed"] == 1_000_000, "judged by the episodes of validation"
    assert "±" in line(page.read_text(), "advantage normalization in every batch")["changed (%)"]
    assert main(["reproduce", *options, "--seeds=2", "--dry-run"]) == 0
    assert capsys.readouterr().out == ""


def test_the_page_of_the_documentation_has_its_place_for_the_tables():
    before, found, after = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    assert found and END in after and "python -m paper reproduce --ablations" in before
