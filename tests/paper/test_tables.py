"""The tables: made from results files, and put between the markers and nowhere else."""

from dataclasses import replace

import pytest

from agents import pretrained
from agents.training import trainer
from paper.export import export_pretrained
from paper.rows import ROWS
from paper.tables import BEGIN, END, markdown, write_between_markers
from tests.paper.fabricated import GAME, record, records, result


def line(text, label, table="MNIST, 28x28"):
    """Return the cells of a row of a table, markup aside."""
    lines = text.split(f"**{table}**")[1].splitlines()
    (cells,) = [one.split("|")[1:-1] for one in lines[: lines.index("", 2)] if one.startswith(f"| {label} ")]
    return [cell.strip() for cell in cells]


def test_without_results_every_row_is_there_with_the_figures_of_others_where_all_is_told():
    text = markdown({}, detail=True)
    assert line(text, "RAM, 2 glimpses")[:5] == ["RAM, 2 glimpses", "6.27", "3.79", "–", "–"]
    assert all(f"| {row.label} " in text for row in ROWS.values())


def test_in_brief_only_what_has_results_is_there():
    assert "|" not in markdown({})
    text = markdown({"mnist-2": records()["mnist-2"]})
    assert line(text + "\n\n", "RAM, 2 glimpses")[-1] == "1"
    assert "RAM, 6 glimpses" not in text and "Catch, 24x24" not in text


def test_three_seeds_have_a_spread_and_one_has_its_interval():
    text = markdown(records())
    assert line(text, "RAM, 6 glimpses")[1:] == ["1.29", "1.12", "0.67", "3.00 ± 1.00", "3"]
    assert line(text, "RAM, 2 glimpses")[1:] == ["6.27", "3.79", "–", "**2.00** [1.80, 2.20]", "1"]
    assert line(text + "\n\n", "RAM", "Catch, 24x24")[2:] == ["85.00", "89.00", "**98.00** ± 1.00", "3"]


def test_departures_from_the_papers_networks_are_marked_where_they_are():
    row = ROWS["mnist-2"]
    found = record(row, result())
    for changes, mark in (({}, ""), ({"core": "lstm"}, " <sup>a</sup>")):
        network = {
            **found.settings["network"],
            "core": "relu",
            "location_network_hidden": 0,
            "squash_location": False,
            **changes,
        }
        paper = {"location_reward": "return", "class_loss": "last", "location_gradient": 0.0}
        text = markdown({"mnist-2": replace(found, settings={**found.settings, **paper, "network": network})}) + "\n\n"
        assert line(text, "RAM, 2 glimpses")[0] == "RAM, 2 glimpses" + mark
        assert ("<sup>a</sup> Differs from the paper: LSTM core." in text) == bool(mark)


def test_a_row_by_other_settings_than_todays_says_which():
    found = record(ROWS["mnist-2"], result())
    assert "earlier settings" not in markdown({"mnist-2": found})
    older = replace(found, settings={**found.settings, "learning_rate": 0.5, "precision": "bfloat16"})
    today = ROWS["mnist-2"].settings.learning_rate
    said = f"RAM, 2 glimpses: trained with earlier settings, learning_rate=0.5 instead of {today}."
    assert said in markdown({"mnist-2": older}, detail=True)
    assert "Trained with earlier settings than the current presets: RAM, 2 glimpses." in markdown({"mnist-2": older})


def test_rows_by_the_same_other_settings_share_a_sentence():
    older = {}
    for name in ("mnist-2", "mnist-3"):
        found = record(ROWS[name], result())
        older[name] = replace(found, settings={**found.settings, "learning_rate": 0.5})
    text = markdown(older, detail=True)
    assert "RAM, 2 glimpses; RAM, 3 glimpses: trained with earlier settings, learning_rate=0.5 instead" in text


def test_the_detailed_table_has_every_seed_drawn_locations_and_what_it_took():
    text = markdown(records(), detail=True)
    assert line(text, "RAM, 6 glimpses")[5:] == [
        "2.00, 3.00, 4.00",
        "6.00",
        "2 M",
        "0.50 h, 0.50 h, 0.50 h",
        "a processor",
    ]
    assert "Training reached 85 % of balls caught after 2.00, 2.00, 2.00 M frames" in text


def test_the_seed_that_comes_with_the_package_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    assert "of the package" not in markdown(records(), detail=True)
    trainer.train(GAME.env_id, GAME.settings, tmp_path / "run", seed=2, device="cpu", progress_bar=False)
    export_pretrained(tmp_path / "run", GAME.env_id)
    found = records()
    said = "The agent of the package is seed 2 of RAM, "
    assert f"{said}the best in validation." in markdown(found, detail=True)
    found["catch"].seeds.pop(2)
    assert f"{said}although seed 1 is the best in validation." in markdown(found, detail=True)


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
