"""Results files: what is written is read again, and nothing that cannot be compared is overwritten."""

import json
from dataclasses import replace

import pytest

from agents.experiments.files import ResultError
from paper.records import (
    add_result,
    differing_settings,
    frames_to_reach,
    in_percent,
    plain_settings,
    read_curve,
    read_record,
    record_file,
)
from tests.paper.fabricated import DIGITS, DISTANCE, STOPPING, record, result


def test_seeds_of_a_row_share_its_file(tmp_path):
    for seed in (1, 0):
        assert add_result(tmp_path, DIGITS, result(seed, 1.5 + seed)) is None
    file = record_file(tmp_path, "digits")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.json"]
    assert read_record(file) == record(DIGITS, result(0), result(1, 2.5))
    assert read_record(file).values == [1.5, 2.5] and read_record(file).fits(DIGITS)
    assert "[1000000.0, 2000000.0, 3000000.0]" in file.read_text(), "a list of numbers is on one line"


def test_other_settings_keep_the_older_file_under_another_name(tmp_path):
    add_result(tmp_path, DIGITS, result(value=1.0))
    before = record_file(tmp_path, "digits").read_bytes()
    longer = replace(DIGITS, settings=replace(DIGITS.settings, epochs=2))
    kept = add_result(tmp_path, longer, result(value=2.0))
    assert kept.read_bytes() == before and kept.name.startswith("digits.version-1.")
    assert read_record(record_file(tmp_path, "digits")).values == [2.0]
    faster = replace(longer, settings=replace(longer.settings, precision="bfloat16", log_every=7))
    assert add_result(tmp_path, faster, result(1, 3.0)) is None, "what does not matter to learning may differ"


def changed(change):
    """Return a function that changes the content of a results file."""

    def damage(text):
        content = json.loads(text)
        change(content)
        return json.dumps(content)

    return damage


@pytest.mark.parametrize("content", [{"version": 99, "kind": "ram-results"}, {"kind": "something"}, {}])
def test_a_file_of_another_version_is_kept_and_named(tmp_path, content):
    file = record_file(tmp_path, "digits")
    file.write_text(json.dumps(content))
    assert read_record(file) is None
    kept = add_result(tmp_path, DIGITS, result())
    assert json.loads(kept.read_text()) == content and f"version-{content.get('version', 'unknown')}." in kept.name
    assert read_record(file).values == [1.5]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:100],
        lambda text: text.replace('"frames"', '"steps"'),
        lambda _: "[]",
        changed(lambda content: content.update(seeds={})),
        changed(lambda content: content.update(settings=[])),
        changed(lambda content: content["seeds"].update({"9": content["seeds"]["0"]})),
        changed(lambda content: content["seeds"]["0"]["greedy"].pop("value")),
        changed(lambda content: content["seeds"]["0"]["greedy"].update(value=float("nan"))),
        changed(lambda content: content["seeds"]["0"]["sampled"].update(figure="x")),
        changed(lambda content: content["seeds"]["0"]["validation"].update(interval_low="0")),
        changed(lambda content: content["seeds"]["0"].update(greedy=None)),
        changed(lambda content: content["seeds"]["0"].update(sampled={})),
        changed(lambda content: content["seeds"]["0"].update(validation=[])),
        changed(lambda content: content["seeds"]["0"].update(seconds=None)),
        changed(lambda content: content["seeds"]["0"].update(frames="many")),
        changed(lambda content: content["seeds"]["0"].update(hardware=3)),
        changed(lambda content: content["seeds"]["0"].update(curve={})),
        changed(lambda content: content["seeds"]["0"]["curve"]["values"].pop()),
        changed(lambda content: content["seeds"]["0"]["curve"].update(values=[0.1, None, 0.3])),
        changed(lambda content: content["seeds"]["0"]["stopping"].pop("plain")),
        changed(lambda content: content["seeds"]["0"]["stopping"]["plain"].pop()),
        changed(lambda content: content["seeds"]["0"]["stopping"]["calibrated"][0].pop()),
        changed(lambda content: content["seeds"]["0"]["stopping"].update(error_by_glimpse=[])),
        changed(lambda content: content["seeds"]["1"]["stopping"]["error_by_glimpse"].pop()),
        changed(lambda content: content["seeds"]["0"].update(distance=3)),
        changed(lambda content: content["seeds"]["0"]["distance"]["edges"].pop()),
        changed(lambda content: content["seeds"]["0"]["distance"].update(scenes_and_errors=[[1, 2], 3])),
        changed(lambda content: content["settings"].update(network=3)),
        changed(lambda content: content["settings"]["network"].pop("core")),
        changed(lambda content: content["settings"].update(environment=3)),
        changed(lambda content: content["settings"].update(class_loss="first")),
        changed(lambda content: content.update(env_id=["RAM-Digits-v0"])),
        changed(lambda content: content.pop("row")),
    ],
)
def test_a_damaged_file_is_named_and_stays(tmp_path, damage):
    for seed in (0, 1):
        add_result(tmp_path, DIGITS, result(seed, stopping=STOPPING, distance=DISTANCE))
    file = record_file(tmp_path, "digits")
    assert read_record(file) is not None
    file.write_text(damage(file.read_text()))
    before = file.read_bytes()
    with pytest.raises(ResultError, match=r"digits\.json cannot be read as a results file"):
        add_result(tmp_path, DIGITS, result(2))
    assert file.read_bytes() == before


def test_differing_settings_are_named():
    one, other = (plain_settings(row) for row in (DIGITS, replace(DIGITS, settings=replace(DIGITS.settings, epochs=2))))
    assert differing_settings(one, other) == ["epochs=1 instead of 2"]
    other["network"]["core"] = "lstm"
    assert differing_settings(one, other) == ["epochs=1 instead of 2", "network.core=relu instead of lstm"]
    assert differing_settings(one, {**one, "precision": "bfloat16"}) == []
    older = {**one, "network": {key: value for key, value in one["network"].items() if key != "random_locations"}}
    assert differing_settings(one, older) == [], "what did not exist yet was at its default"
    assert differing_settings(one, {**one, "magic": 1}) == ["magic=None instead of 1"]


def test_a_curve_has_the_means_of_equal_spans(tmp_path):
    file = tmp_path / "metrics.csv"
    file.write_text("frames,success_rate\n" + "".join(f"{10 * n},{n / 1000}\n" for n in range(1, 401)))
    curve = read_curve(file, "success_rate")
    assert curve["frames"][:2] == [20.0, 40.0] and curve["values"][:2] == [0.0015, 0.0035]
    assert len(curve["frames"]) == len(curve["values"]) == 200 and curve["frames"][-1] == 4000
    assert frames_to_reach(curve, 0.0035) == 40 and frames_to_reach(curve, 0.5) is None


@pytest.mark.parametrize(
    "content", ["", "frames,x\n", "x\n1\n", "frames,x\n1\n", "frames,x\n1,a\n", "frames,x\n1,nan\n"]
)
def test_a_curve_without_numbers_is_refused(tmp_path, content):
    file = tmp_path / "metrics.csv"
    file.write_text(content)
    with pytest.raises(ValueError, match="it has no lines|lacks frames or x|could not convert|not finite"):
        read_curve(file, "x")


def test_figures_are_in_percent():
    assert in_percent(result(value=1.5).greedy) == 1.5
    assert in_percent(result(value=0.97, figure="success_rate").greedy) == 97
