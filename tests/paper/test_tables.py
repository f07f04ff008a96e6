"""The tables: made from results files, and put between the markers and nowhere else."""

from dataclasses import replace
from pathlib import Path

import pytest

from agents import pretrained
from agents.training import trainer
from paper.export import export_pretrained
from paper.reproduce import read_records
from paper.row import HEADLINES
from paper.rows import ROWS
from paper.tables import BEGIN, END, headline_table, results_tables, write_between_markers
from tests.paper.fabricated import GAME, record, records, result

ROOT = Path(__file__).parents[2]


def line(text, label, table="MNIST, 28x28"):
    """Return the cells of a row of a table, markup aside."""
    lines = text.split(f"**{table}**")[1].splitlines()
    (cells,) = [one.split("|")[1:-1] for one in lines[: lines.index("", 2)] if one.startswith(f"| {label} ")]
    return [cell.strip() for cell in cells]


def test_rows_without_results_have_the_reported_figures():
    text = results_tables({})
    assert line(text, "RAM, 2 glimpses")[:5] == ["RAM, 2 glimpses", "6.27", "3.79", "–", "–"]
    assert all(f"| {row.label} " in text for row in ROWS.values() if any(row.reported[:3]))


def test_rows_without_results_that_nobody_reports_are_named_below_the_table():
    text, name = results_tables({}), "cluttered-8-center"
    assert f"| {ROWS[name].label} " not in text
    assert f"RAM, 8 glimpses, all at the centre; RAM, 8 glimpses, {'on a fixed grid in reading order'};" in text
    found = record(ROWS[name], result())
    assert f"| {ROWS[name].label} " in results_tables({name: found})


def test_the_headline_table_has_the_headline_rows_with_results_and_the_duration_of_the_last_seed():
    assert headline_table({}) == ""
    table, sentence = headline_table(records()).split("\n\n")
    cells = [[cell.strip() for cell in one.split("|")[1:-1]] for one in table.splitlines()[2:]]
    assert len(cells) == len(HEADLINES)
    ours, cnn = ["3.00 ± 1.00", "3", "30 min"], ["2.00 [1.80, 2.20]", "1.4 M and 4.1 M"]
    assert cells[0] == ["MNIST, 28x28, 6 glimpses", "test error (%)", "1.12", "0.67", *ours, *cnn]
    game = ["Catch, 24x24", "balls caught (%)", "85.00", "89.00", "**98.00** ± 1.00", "3", "30 min"]
    assert cells[-1] == [*game, "–", "–"]
    assert sentence == "Training time: the last seed, on a processor."
    assert "Translated" not in headline_table({"mnist-6": records()["mnist-6"]})


def test_the_readme_and_the_results_page_hold_the_tables_of_the_results_files():
    found = read_records(ROOT / "docs/results")
    for page, text in (("README.md", headline_table(found)), ("docs/results.md", results_tables(found))):
        assert f"{BEGIN}\n{text}\n{END}" in (ROOT / page).read_text(encoding="utf-8"), "run: python -m paper tables"


def test_three_seeds_have_a_spread_and_one_has_its_interval():
    text = results_tables(records())
    assert line(text, "RAM, 6 glimpses")[1:6] == ["1.29", "1.12", "0.67", "3.00 ± 1.00", "2.00, 3.00, 4.00"]
    assert line(text, "RAM, 2 glimpses")[1:6] == ["6.27", "3.79", "–", "**2.00** [1.80, 2.20]", "2.00"]
    assert line(text, "RAM", "Catch, 24x24")[2:5] == ["85.00", "89.00", "**98.00** ± 1.00"]


def like_the_paper(row, **changes):
    """Return a record of a row with the paper's networks and training signal, but for some changes of the network."""
    found = record(row, result())
    network = {"core": "relu", "location_network_hidden": 0, "squash_location": False, **changes}
    signal = {"location_reward": "return", "class_loss": "last", "location_gradient": 0.0}
    settings = {**found.settings, **signal, "network": {**found.settings["network"], **network}}
    return replace(found, settings=settings)


def test_differences_from_the_paper_have_one_letter_in_all_tables_and_stand_below_a_table_once():
    found = {
        "mnist-2": like_the_paper(ROWS["mnist-2"]),
        "mnist-4": like_the_paper(ROWS["mnist-4"], core="lstm"),
        "mnist-5": like_the_paper(ROWS["mnist-5"], core="lstm", squash_location=True),
        "translated-4": like_the_paper(ROWS["translated-4"], squash_location=True),
    }
    text = results_tables(found)
    assert line(text, "RAM, 2 glimpses")[0] == "RAM, 2 glimpses"
    assert line(text, "RAM, 4 glimpses")[0] == "RAM, 4 glimpses <sup>a</sup>"
    assert line(text, "RAM, 5 glimpses")[0] == "RAM, 5 glimpses <sup>a, b</sup>"
    assert line(text, "RAM, 4 glimpses", "Translated MNIST, 60x60")[0] == "RAM, 4 glimpses <sup>b</sup>"
    assert text.count("Differs from the paper: <sup>a</sup> LSTM core; <sup>b</sup> tanh-squashed location mean.") == 1
    assert text.count("Differs from the paper: <sup>b</sup> tanh-squashed location mean.") == 1


def test_a_row_by_other_settings_than_todays_says_which():
    found = record(ROWS["mnist-2"], result())
    assert "earlier settings" not in results_tables({"mnist-2": found})
    older = replace(found, settings={**found.settings, "learning_rate": 0.5, "precision": "bfloat16"})
    today = ROWS["mnist-2"].settings.learning_rate
    said = f"RAM, 2 glimpses: trained with earlier settings, learning_rate=0.5 instead of {today}."
    assert said in results_tables({"mnist-2": older})


def test_rows_by_the_same_other_settings_share_a_sentence():
    older = {}
    for name in ("mnist-2", "mnist-3"):
        found = record(ROWS[name], result())
        older[name] = replace(found, settings={**found.settings, "learning_rate": 0.5})
    text = results_tables(older)
    assert "RAM, 2 glimpses; RAM, 3 glimpses: trained with earlier settings, learning_rate=0.5 instead" in text


def test_the_detailed_table_has_every_seed_drawn_locations_and_what_it_took():
    text = results_tables(records())
    assert line(text, "RAM, 6 glimpses")[5:] == [
        "2.00, 3.00, 4.00",
        "6.00",
        "2 M",
        "30.0, 30.0, 30.0",
        "a processor",
    ]
    assert "Training reached 85 % of balls caught after 2.00, 2.00, 2.00 M frames" in text


def test_the_seed_that_comes_with_the_package_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert "of the package" not in results_tables(records())
    trainer.train(GAME.env_id, GAME.settings, tmp_path / "run", seed=2, device="cpu", progress_bar=False)
    export_pretrained(tmp_path / "run", GAME.env_id)
    found = records()
    said = "The agent of the package is seed 2 of RAM, "
    assert f"{said}the best in validation." in results_tables(found)
    found["catch"].seeds.pop(2)
    assert f"{said}although seed 1 is the best in validation." in results_tables(found)


def test_text_goes_between_the_markers_and_nowhere_else(tmp_path):
    file = tmp_path / "README.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    assert write_between_markers(file, "new\n\ntable")
    assert file.read_text() == f"before\n{BEGIN}\nnew\n\ntable\n{END}\nafter\n"


@pytest.mark.parametrize("content", ["no markers\n", f"{BEGIN} and no end\n", f"{END}\n{BEGIN}\n"])
def test_a_file_without_a_place_for_tables_is_left_alone(tmp_path, content):
    file = tmp_path / "README.md"
    assert not write_between_markers(file, "new")
    file.write_text(content)
    assert not write_between_markers(file, "new")
    assert file.read_text() == content
