"""The table of rows: all that the paper has, each with settings of its task and its number of glimpses."""

from dataclasses import replace

import pytest

from agents.training.settings import GameSettings, HybridSettings
from paper.augmented import COPIES
from paper.classifiers import ClassifierSettings
from paper.departures import departures
from paper.row import TABLES, VALIDATION_TRAIN, for_validation, scaled
from paper.rows import IMAGE_HEADLINES, ROWS, choose_rows
from ram_envs import ENVIRONMENTS


def test_every_row_of_the_paper_is_there():
    glimpses = {"mnist": range(2, 8), "translated": (4, 6, 8), "cluttered": (4, 6, 8), "cluttered100": (4, 6, 8)}
    names = {f"{table}-{count}" for table, counts in glimpses.items() for count in counts}
    names |= {"mnist-fc-256", "mnist-conv", "cluttered100-conv", "catch"}
    names |= {f"{table}-{kind}" for table in ("translated", "cluttered") for kind in ("fc-64", "fc-256", "conv")}
    names |= {f"{table}-cnn" for table in (*glimpses, "pairs", "addition", "colour")}
    names |= {"mnist-random-1", "cluttered-random-8", "cluttered100-random-8"}
    names |= {f"{name}-inside" for name in ("mnist-random-1", "mnist-2", "mnist-3")}
    names |= {"mnist-random-6", "translated-random-8", "mnist-6-center", "mnist-6-raster"}
    names |= {f"{name}-lstm" for name in ("cluttered-4", "cluttered-6", "cluttered-8", "cluttered100-8")}
    names |= {f"{name}-branches" for name in ("cluttered-4", *IMAGE_HEADLINES)}
    names |= {f"{name}-annealed" for name in IMAGE_HEADLINES} | {"mnist-6-early", "mnist-6-augmented"}
    names |= {f"{sensor}-{side}" for sensor in ("retina", "zoom") for side in (100, 200, 400)} | {"colour-8"}
    names |= {"pairs-4", "pairs-4-last", "pairs-8", "pairs-8-last", "addition-4", "addition-8", "sequence"}
    names |= {f"pairs-8-last-2{wider}" for wider in ("", "-wide", "-wider", "-wider-longer")}
    tables = ("translated", "cluttered", "cluttered100")
    names |= {f"{table}-8-{gaze}" for table in tables for gaze in ("center", "raster", "oracle")}
    assert names == set(ROWS)
    assert ROWS["cluttered100-8"].reported[:3] == (10.83, 8.11, 2.68)


def test_rows_have_the_environment_and_the_glimpses_that_their_names_say():
    for name, row in ROWS.items():
        assert row.name == name and row.env_id == TABLES[row.table][0] and row.env_id in ENVIRONMENTS
        if row.num_glimpses is not None:
            assert f"-{row.num_glimpses}" in name or row.table == "larger"
        split = row.settings.environment.get("split")
        assert split is None or split == "train", "final runs train on all images"


def test_random_rows_differ_from_the_learned_ones_in_nothing_else():
    random, learned = ROWS["cluttered-random-8"], ROWS["cluttered-8"]
    assert random.random and not learned.random and not ROWS["cluttered-conv"].random
    network = replace(random.settings.network, random_locations=False)
    assert replace(random.settings, network=network) == learned.settings


def test_rows_with_early_answers_differ_from_the_others_in_nothing_else():
    early, plain = ROWS["mnist-6-early"], ROWS["mnist-6"].settings
    assert early.variant and early.settings.confidence_discount < plain.confidence_discount
    assert replace(early.settings, confidence_discount=plain.confidence_discount) == plain


def test_rows_with_an_lstm_core_differ_from_the_others_in_nothing_else():
    for name in ("cluttered-4", "cluttered-8", "cluttered100-8"):
        lstm, relu = ROWS[f"{name}-lstm"], ROWS[name]
        assert lstm.variant and not relu.variant
        network = replace(lstm.settings.network, core="relu")
        assert replace(lstm.settings, network=network) == relu.settings != lstm.settings


def test_rows_with_wider_branches_differ_from_the_others_in_nothing_else():
    for name in ("cluttered-4", *IMAGE_HEADLINES):
        wider, plain = ROWS[f"{name}-branches"], ROWS[name]
        assert wider.variant and "glimpse branches of 256" in departures(wider.settings.to_dict())
        network = replace(wider.settings.network, glimpse_hidden=128, location_hidden=128)
        assert replace(wider.settings, network=network) == plain.settings != wider.settings


def test_rows_that_end_with_the_last_answer_differ_from_the_others_in_nothing_else():
    for name in IMAGE_HEADLINES:
        annealed, plain = ROWS[f"{name}-annealed"], ROWS[name]
        assert annealed.variant and annealed.settings.class_loss == "annealed"
        assert replace(annealed.settings, class_loss="every") == plain.settings


def test_the_row_of_pairs_for_the_last_answer_starts_from_the_packaged_agent():
    row, first = ROWS["pairs-8-last"], ROWS["pairs-8"]
    assert row.variant and row.settings.init_from == f"pretrained:{row.env_id}" and row.env_id == first.env_id
    assert row.settings.class_loss == "last" and row.test_environment == first.test_environment
    second = ROWS["pairs-8-last-2"]
    assert second.after == row and second.settings.init_from == "row:pairs-8-last"
    assert for_validation(second).after == for_validation(row) and scaled(second, 0.5).after == scaled(row, 0.5)
    assert "starts from row pairs-8-last" in departures(second.settings.to_dict())
    wide, fewer = ROWS["pairs-8-last-2-wide"], ROWS["pairs-4-last"]
    assert wide.after == second and "core of 512" in departures(wide.settings.to_dict())
    assert fewer.after == wide and fewer.num_glimpses == 4 and fewer.settings.init_from == f"row:{wide.name}"
    same = {name: getattr(wide.settings, name) for name in ("environment", "init_from", "epochs")}
    assert replace(fewer.settings, **same) == wide.settings
    widest = ROWS["pairs-8-last-2-wider"]
    assert widest.after == wide and "512 glimpse features" in departures(widest.settings.to_dict())


def test_augmented_rows_see_as_many_images_and_are_tested_on_those_of_mnist():
    row, plain = ROWS["mnist-6-augmented"], ROWS["mnist-6"]
    assert row.variant and COPIES * row.settings.epochs == plain.settings.epochs
    assert row.test_environment == plain.settings.environment == plain.test_environment
    assert row.settings.environment == {**plain.settings.environment, "dataset": "paper.augmented:mnist-augmented"}
    same = {"environment": plain.settings.environment, "epochs": plain.settings.epochs}
    assert replace(row.settings, **same, weight_decay=plain.settings.weight_decay) == plain.settings


def test_sensors_in_larger_scenes_give_the_same_numbers_and_differ_in_nothing_else():
    for side, clutter in ((100, 8), (200, 32), (400, 128)):
        retina, zoom = (ROWS[f"{sensor}-{side}"].settings for sensor in ("retina", "zoom"))
        assert zoom.environment == {**retina.environment, "sensor": "zoom"}
        assert replace(zoom, environment=retina.environment) == retina
        assert (retina.environment["image_size"], retina.environment["num_clutter"]) == (side, clutter)


@pytest.mark.parametrize("name", ["center", "raster", "oracle"])
def test_rows_with_a_scripted_gaze_differ_from_the_learned_one_in_nothing_else(name):
    row, learned = ROWS[f"cluttered-8-{name}"], ROWS["cluttered-8"]
    assert row.scripted and not learned.scripted
    environment = dict(row.settings.environment)
    assert environment.pop("gaze") == {"oracle": "object"}.get(name, name)
    first = environment.pop("first_location", None)
    assert first == {"center": "center", "raster": [-0.75, -0.5], "oracle": None}[name]
    unlearned = {"location_weight": 0.0, "location_gradient": 0.0}
    assert replace(row.settings, environment=environment) == replace(learned.settings, **unlearned)


def test_rows_with_the_first_glimpse_inside_differ_from_the_others_in_nothing_else():
    inside, other = ROWS["mnist-2-inside"], ROWS["mnist-2"]
    assert inside.first_inside and not other.first_inside and inside.reported == other.reported
    environment = {**inside.settings.environment, "first_location": None}
    assert replace(inside.settings, environment=environment) == other.settings
    differing = set(departures(inside.settings.to_dict())) ^ set(departures(other.settings.to_dict()))
    assert differing == {"first glimpse completely inside the scene"}


def test_the_classifiers_are_those_of_the_paper():
    connected, conv = ROWS["cluttered-fc-64"].settings, ROWS["cluttered100-conv"].settings
    assert isinstance(connected, ClassifierSettings) and connected.hidden == (64, 64)
    assert isinstance(conv, ClassifierSettings)
    assert (conv.filters, conv.filter_size, conv.stride, conv.hidden) == (8, 10, 5, (256,))


def test_rows_are_chosen_by_table_and_name():
    assert [row.name for row in choose_rows(["catch"], ["mnist-2"])] == ["mnist-2", "catch"]
    assert choose_rows() == list(ROWS.values())
    with pytest.raises(ValueError, match="row='mnist-9' is not one of mnist-fc-256"):
        choose_rows(names=["mnist-9"])
    with pytest.raises(ValueError, match="table='svhn' is not one of mnist, translated"):
        choose_rows(["svhn"])


def test_validation_leaves_the_last_images_out_and_nothing_else_changes():
    for row in ROWS.values():
        changed = for_validation(row)
        if isinstance(row.settings, GameSettings):
            assert changed == row
            continue
        split = f"train[:-{5000 * COPIES}]" if "augmented" in row.name else VALIDATION_TRAIN
        whole = {name: value for name, value in row.settings.environment.items() if name != "split"}
        assert changed.settings.environment == {**whole, "split": split}
        assert replace(changed.settings, environment=row.settings.environment) == row.settings


def test_scaling_changes_the_length_and_nothing_else():
    game, images = scaled(ROWS["catch"], 0.5), scaled(ROWS["mnist-6"], 1e-6)
    assert game.settings == replace(ROWS["catch"].settings, frames=ROWS["catch"].settings.frames // 2)
    assert images.settings == replace(ROWS["mnist-6"].settings, epochs=1)


@pytest.mark.parametrize("name", ["mnist-random-6", "cluttered-random-8", "cluttered-8-center", "mnist-6-raster"])
def test_a_gaze_that_is_not_learned_does_not_depart_from_the_paper(name):
    found = departures(ROWS[name].settings.to_dict())
    assert not [one for one in found if "location" in one] and "classification loss at every step" in found


def test_departures_from_the_papers_networks_are_named():
    training = HybridSettings().to_dict()
    network = {
        **training["network"],
        "core": "relu",
        "core_size": 256,
        "location_network_hidden": 0,
        "glimpse_hidden": 128,
        "location_hidden": 128,
        "glimpse_features": 256,
    }
    assert departures({**training, "network": network}) == []
    other = {**network, "core": "lstm", "location_network_hidden": 64, "glimpse_hidden": 256}
    found = ["LSTM core", "location network with a hidden layer of 64", "glimpse branches of 256 and 128"]
    assert departures({**training, "network": other}) == found
    network = {**network, "squash_location": True}
    assert departures({**training, "network": network}) == ["tanh-squashed location mean"]
    changes = {"class_loss": "every", "location_reward": "confidence", "location_gradient": 1.0}
    assert departures({**training, **changes}) == [
        "classification loss at every step",
        "location policy rewarded with the increase of the probability of the correct class instead of 0/1",
        "location gradient flows into the core",
    ]
    less = ["classification loss at every step, the earlier ones with less and less weight"]
    assert departures({**training, "network": {**network, "squash_location": False}, "class_loss": "annealed"}) == less
    game = ROWS["catch"].settings.to_dict()
    assert "LSTM core" not in departures(game) and "ReLU core" not in departures(game)
