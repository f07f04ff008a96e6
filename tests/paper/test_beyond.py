"""What is measured with the packaged agents: the page holds the tables of the results files, and noise is noise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from paper.__main__ import main
from paper.beyond import MEASUREMENTS, PAGE, beyond_tables, draw_stopping, read
from paper.classifiers import Classifier, ClassifierSettings
from paper.distance import (
    EDGES,
    _distances,
    classifier_distances,
    distance_table,
    measure_classifier,
    scenes_and_errors,
)
from paper.gazes import GAZES, gaze_table
from paper.records import add_result
from paper.robustness import NoisyClassification, _smaller, changes
from paper.row import STOPPED
from paper.rows import IMAGE_HEADLINES, ROWS
from paper.stopping import THRESHOLDS, stopping_table
from paper.tables import BEGIN, END
from ram_envs import make_task, register
from ram_envs.testing import TaskContract
from tests.paper.fabricated import DISTANCE, STOPPING, result

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs/results"
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.uint8)

register("RAM-NoisyTest-v0", NoisyClassification, dataset=(IMAGES, np.arange(40) % 10), num_glimpses=3)


class TestNoise(TaskContract):
    id = "RAM-NoisyTest-v0"
    settings = {"noise": 0.3, "image_size": 40, "num_clutter": 2}


def test_the_page_holds_the_tables_of_the_results_files():
    text = beyond_tables(RESULTS)
    assert f"{BEGIN}\n{text}\n{END}" in (ROOT / PAGE).read_text(encoding="utf-8"), "run: python -m paper tables"
    for name in MEASUREMENTS:
        rows = {"pairs-8", "addition-8"} if name == "distance" else {*IMAGE_HEADLINES}
        rows |= {*classifier_distances(RESULTS)} if name == "distance" else set()
        rows |= {*STOPPED} if name == "stopping" else set()
        assert set(read(name, RESULTS)) == rows


def test_the_table_of_gazes_has_every_row_that_is_trained(tmp_path):
    of = {row: {"table": ROWS[row].table, "glimpses": ROWS[row].num_glimpses} for row in IMAGE_HEADLINES}
    names = {name.format(**of[row]) for row in IMAGE_HEADLINES for name in GAZES.values()}
    assert names - set(ROWS) == {"mnist-6-oracle"}  # all at the centre, where the digit always is
    trained = {"cluttered-8": (3.0, 2.0, 1.0), "cluttered-8-center": (40.0,), "cluttered-random-8": (12.0, 13.0)}
    for name, errors in trained.items():
        for seed, error in enumerate(errors):
            add_result(tmp_path, ROWS[name], result(seed, error))
    line = (
        "| Cluttered Translated MNIST, 60x60, 8 glimpses | 2.00 ± 1.00 | 12.50 (two seeds) | 40.00 (one seed) | – | – |"
    )
    assert line in gaze_table(tmp_path)


def test_the_full_episodes_have_the_published_errors():
    stopping, robustness = read("stopping", RESULTS), read("robustness", RESULTS)
    published = {"mnist-6": 0.79, "translated-8": 1.06, "cluttered-8": 2.83, "cluttered100-8": 2.94}
    for name, error in published.items():
        assert stopping[name]["error_by_glimpse"][-1] == pytest.approx(error, abs=0.011)
        assert robustness[name]["as in training"][0] == pytest.approx(error, abs=0.011)


def test_means_over_random_seeds_have_the_thresholds_of_the_seeds():
    for one in read("stopping", RESULTS).values():
        for key in ("plain", "calibrated"):
            assert [threshold for threshold, *_ in one[key]] == list(THRESHOLDS)


def test_the_table_names_the_fewest_glimpses_with_nearly_the_full_error():
    one = {
        "temperature": 0.9,
        "error_by_glimpse": [50.0, 10.0, 3.0, 2.0],
        "plain": [[0.5, 20.0, 1.2], [0.9, 2.04, 2.0], [0.95, 2.0, 2.5], [0.98, 2.0, 3.0]],
    }
    assert "| MNIST, 28x28 | 2.00: 2.04 | 2.50: 2.00 | 3.00: 2.00 | – | – | 4: 2.00 | 2.00 (50 %) | 0.90 |" in (
        stopping_table({"mnist-6": one})
    )


def test_the_errors_by_distance_are_all_errors():
    for row, error in (("pairs-8", 13.75), ("addition-8", 4.0)):
        one = read("distance", RESULTS)[row]
        scenes, errors = scenes_and_errors(one)
        assert one["edges"] == list(EDGES) and scenes == 10_000 and errors / 100 == pytest.approx(error, abs=0.011)


def test_the_distance_is_that_of_the_two_digits():
    """Each image is one white square of 4 pixels: a scene shows two, and their distance is known."""
    squares = np.zeros((40, 28, 28), np.uint8)
    squares[:, 12:16, 12:16] = 255
    arguments = {"dataset": (squares, np.arange(40) % 10), "num_clutter": 0, "patch_size": 4}
    task = make_task("RAM-MNISTPairs-v0", **arguments)
    seed = torch.arange(50)
    scenes = task.initial(seed, torch.zeros_like(seed)).scenes[:, 0] > 0
    compared = 0
    for scene, distance in zip(scenes, _distances(task, seed), strict=True):
        rows, columns = np.nonzero(scene.numpy())
        if len(rows) == 32:  # the squares do not touch
            corners = np.stack([rows, columns], 1)
            first = corners[0]
            of_first = (np.abs(corners - first) < 4).all(1)
            if of_first.sum() != 16:
                continue
            expected = np.linalg.norm(corners[of_first].mean(0) - corners[~of_first].mean(0))
            assert distance == pytest.approx(expected, abs=0.01)
            compared += 1
    assert compared > 30


def test_errors_of_a_classifier_of_two_digits_are_counted_and_kept(tmp_path):
    """Its answer is always class 0: with labels of 0 only it is always right, otherwise nearly never."""
    settings = ClassifierSettings(kind="connected", hidden=(1,))
    classifier = Classifier(settings, (100, 100, 1), 55)
    torch.nn.init.zeros_(classifier.logits.weight)
    with torch.no_grad():
        classifier.logits.bias[0] = 1.0
    for labels, share in ((np.zeros(40, int), 0.0), (np.arange(1, 41) % 10, 1.0)):
        pair = IMAGES, labels
        arguments = {"dataset": {"train": pair, "test": pair}}
        counted = measure_classifier(classifier, "RAM-MNISTPairs-v0", arguments)
        scenes, errors = scenes_and_errors(counted)
        assert scenes == 40 and errors / scenes == pytest.approx(share, abs=0.1)
    assert classifier_distances(tmp_path) == {}
    add_result(tmp_path, ROWS["pairs-8"], result(0, 14.0))
    add_result(tmp_path, ROWS["pairs-cnn"], replace(result(0, 5.0), distance=counted))
    assert classifier_distances(tmp_path) == {"pairs-cnn": counted}


def test_the_table_of_distances_has_errors_of_scenes():
    one = {"edges": [0, 10, 20], "scenes_and_errors": [[20, 10], [30, 3], [50, 1]]}
    assert scenes_and_errors(one, 10) == (80, 4) and scenes_and_errors(one, below=20) == (50, 13)
    table = distance_table({"pairs-8": one}).splitlines()
    assert table[0] == "| pixels | 0 to 10 | 10 to 20 | over 20 | all | at least 20 |"
    assert table[2].endswith(": scenes | 20.0 | 30.0 | 50.0 | 100.0 | 50.0 |")
    assert table[3] == "| error: RAM, 8 glimpses | 50.00 | 10.00 | 2.00 | 14.00 | 2.00 |"
    classifier = {"edges": [0, 10, 20], "scenes_and_errors": [[20, 5], [30, 0], [50, 0]]}
    both = distance_table({"pairs-8": one, "pairs-cnn": classifier}).splitlines()
    assert both[:3] + both[4:] == table and both[3].endswith("6 layers | 25.00 | 0.00 | 0.00 | 5.00 | 0.00 |")


def test_noise_changes_pixels_by_its_amplitude_and_no_more():
    quiet, noisy = (NoisyClassification(dataset=(IMAGES, np.arange(40) % 10), noise=noise) for noise in (0.0, 0.2))
    seed, episode = np.arange(30), np.zeros(30, np.int64)
    before, after = (task.initial(seed, episode) for task in (quiet, noisy))
    change = after.scenes.astype(int) - before.scenes.astype(int)
    assert np.abs(change).max() == 51 and abs(change[(before.scenes > 60) & (before.scenes < 190)].mean()) < 1
    np.testing.assert_array_equal(before.label, after.label)
    np.testing.assert_array_equal(before.location, after.location)


def test_digits_get_smaller():
    image = np.zeros((28, 28), np.uint8)
    image[10:18, 10:18] = 200
    small, padded = _smaller(image, 14, False), _smaller(image, 14, True)
    assert small.shape == (14, 14) and padded.shape == (28, 28)
    assert small[5:9, 5:9].min() == 200 and small.astype(int).sum() == padded.astype(int).sum() == 16 * 200
    np.testing.assert_array_equal(padded[7:21, 7:21], small)


def test_scenes_without_a_canvas_change_in_what_they_have():
    pair = IMAGES, np.arange(40) % 10
    names = [change.name for change in changes("RAM-MNIST-v0", {"dataset": {"train": pair, "test": pair}})]
    assert names[0] == "as in training" and not any("canvas" in name or "clutter" in name for name in names)


def test_the_picture_is_drawn_from_the_results(tmp_path):
    file = draw_stopping(RESULTS, tmp_path)
    assert file is not None and file.stat().st_size > 10_000
    assert draw_stopping(tmp_path, tmp_path) is None


GOOD = {
    "stopping": {"mnist-6": STOPPING},
    "distance": {"pairs-8": DISTANCE},
    "robustness": {"mnist-6": {"x": [1, 0, 2]}},
}


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("distance", {}),
        ("distance", []),
        ("distance", {"pairs-8": {**DISTANCE, "edges": []}}),
        ("distance", {"pairs-8": {**DISTANCE, "scenes_and_errors": [[1], [2], [3]]}}),
        ("distance", {"pairs-8": {"edges": [0, 10, 20]}}),
        ("stopping", {"nothing": STOPPING}),
        ("stopping", {"mnist-6": {**STOPPING, "plain": [[0.5, 20.0]]}}),
        ("stopping", {"mnist-6": {key: value for key, value in STOPPING.items() if key != "plain"}}),
        ("stopping", {"mnist-6": {**STOPPING, "temperature": None}}),
        ("robustness", {"mnist-6": {"x": 3.0}}),
        ("robustness", {"mnist-6": {"x": []}}),
        ("robustness", {"mnist-6": 3.0}),
    ],
)
def test_a_damaged_measurement_is_refused_in_one_line(tmp_path, monkeypatch, capsys, name, rows):
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    PAGE.write_text(f"{BEGIN}\n{END}\n")
    for each, good in GOOD.items():
        Path(f"{each}.json").write_text(json.dumps({"kind": f"ram-{each}", "version": 1, "rows": good}))
    assert main(["tables", "--results", "."]) == 0
    before = PAGE.read_text()
    Path(f"{name}.json").write_text(json.dumps({"kind": f"ram-{name}", "version": 1, "rows": rows}))
    capsys.readouterr()
    assert main(["tables", "--results", "."]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{name}.json cannot be read as a results file (" in line and "restore it, or move it away" in line
    assert PAGE.read_text() == before


@pytest.fixture
def quick_distance(tmp_path, monkeypatch):
    """A folder with a page, where the measurement of distances takes no time."""
    monkeypatch.chdir(tmp_path)
    Path("docs").mkdir()
    PAGE.write_text(f"{BEGIN}\n{END}\n")
    quick = MEASUREMENTS["distance"]._replace(measure=lambda: {"pairs-8": DISTANCE})
    monkeypatch.setitem(MEASUREMENTS, "distance", quick)


def test_only_the_repository_s_results_change_the_page(quick_distance, capsys):
    before = PAGE.read_text()
    assert main(["measure", "distance", "--results", "new"]) == 0
    assert capsys.readouterr().out == "new/distance.json\n" and PAGE.read_text() == before
    assert main(["measure", "distance"]) == 0
    assert capsys.readouterr().out == f"docs/results/distance.json\n{PAGE}\n" and PAGE.read_text() != before


def test_a_folder_that_cannot_be_written_is_named_before_anything_is_measured(quick_distance, monkeypatch, capsys):
    measurement = MEASUREMENTS["distance"]._replace(measure=lambda: pytest.fail("it measures"))
    monkeypatch.setitem(MEASUREMENTS, "distance", measurement)
    Path("file").touch()
    assert main(["measure", "distance", "--results", "file/new"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m paper: file/new cannot be written (")


def test_an_unknown_measurement_is_refused_in_one_line(capsys):
    assert main(["measure", "speed"]) == 2
    assert capsys.readouterr().err == "python -m paper: name='speed' is not one of stopping, distance, robustness\n"
