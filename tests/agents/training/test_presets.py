"""Presets and settings: there is one for every environment, and a bad value is named."""

import json
from dataclasses import replace

import pytest

from agents.errors import RAMError
from agents.ram.settings import NetworkSettings
from agents.training.presets import PRESETS, fit_to_images, register_preset, settings_for
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
from ram_envs import ENVIRONMENTS, make_task, parse_id

OWN = "tests.agents.training.own_task:RAM-Drift-v0"


def test_every_environment_has_a_default():
    for env_id in (id for id in ENVIRONMENTS if not parse_id(id).module):
        kind = GameSettings if ENVIRONMENTS[env_id]["task"] == "catch" else HybridSettings
        assert isinstance(settings_for(env_id), kind)


def test_an_unknown_environment_or_preset_names_those_there_are():
    with pytest.raises(ValueError, match=r"no environment 'CartPole-v1'.* registered ones are RAM-CatchGame-v0"):
        settings_for("CartPole-v1")
    with pytest.raises(RAMError, match=r"preset='best' is not one of RAM-CatchGame-v0: expected one of 'default'"):
        settings_for("RAM-CatchGame-v0", "best")
    with pytest.raises(RAMError, match=r"preset='quick' is not one of RAM-Drift-v0: expected one of 'default'"):
        settings_for(OWN, "quick")


@pytest.mark.parametrize("id", ["ram_envs:RAM-MNIST-v0", "RAM-MNIST-Flat-v0", "ram_envs:RAM-MNIST-Discrete-v0"])
def test_every_id_of_an_environment_has_its_presets(id):
    assert settings_for(id, "quick") is settings_for("RAM-MNIST-v0", "quick")


def test_quick_trains_smaller_networks_for_fewer_frames_than_the_default():
    quick, default = (settings_for("RAM-CatchGame-v0", name) for name in ("quick", "default"))
    for size in ("glimpse_hidden", "location_hidden", "glimpse_features", "core_size"):
        assert getattr(quick.network, size) <= getattr(default.network, size) / 2
    work = [settings.frames * settings.update_epochs for settings in (quick, default)]
    assert work[0] <= work[1] / 2


def test_no_id_that_is_recommended_is_refused():
    """In version 0.1 the id "RAM-MNIST-Flat-v0" was refused with the recommendation of "RAM-MNIST-v0" and others."""
    try:
        settings_for("RAM-MNIST-v1")
    except ValueError as error:
        recommended = [id for id in ENVIRONMENTS if id in str(error)]
    assert "RAM-MNIST-v0" in recommended
    for id in recommended:
        settings_for(id)


@pytest.fixture
def own_environment(monkeypatch):
    monkeypatch.setattr("agents.training.presets.PRESETS", {})


def test_an_environment_without_a_preset_gets_the_settings_of_its_kind(own_environment):
    for id, kind in ((OWN, HybridSettings), ("RAM-CatchGame-v0", GameSettings), ("RAM-Digits-v0", HybridSettings)):
        settings = settings_for(id)
        assert type(settings) is kind
        settings.check_task(id, make_task(id))
        assert settings.iterations(make_task(id)) > 100


def test_a_package_registers_presets_for_its_own_environment(own_environment):
    mine, quick = GameSettings(frames=10), GameSettings(frames=1)
    register_preset(OWN, mine)
    register_preset("RAM-Drift-v0", quick, "quick")
    assert settings_for(OWN) is mine and settings_for(OWN, "quick") is quick
    register_preset(OWN, replace(mine))  # imported again
    with pytest.raises(RAMError, match="RAM-Drift-v0 has another preset 'default' already"):
        register_preset(OWN, quick)
    with pytest.raises(ValueError, match="no environment 'RAM-Nowhere-v0'"):
        register_preset("RAM-Nowhere-v0", mine)


@pytest.mark.parametrize(
    ("settings", "frames", "iterations"),
    [
        (HybridSettings(num_envs=64, epochs=2), 64 * 4, 45),  # ceil(2 * 1437 / 64)
        (HybridSettings(num_envs=64, epochs=2, rollouts_per_image=2), 64 * 4, 90),
        (HybridSettings(num_envs=64, epochs=2, frames=1), 64 * 4, 45),  # it has images: epochs count
        (GameSettings(num_envs=64, frames=1000), 64 * 4, 4),
    ],
)
def test_settings_know_how_long_they_train(settings, frames, iterations):
    task = make_task("RAM-Digits-v0")
    assert settings.frames_per_iteration(task) == frames
    assert settings.iterations(task) == iterations
    assert HybridSettings(num_envs=8, frames=100).iterations(make_task(OWN)) == 4  # ceil(100 / (8 * 4))


@pytest.mark.parametrize(
    ("num_images", "num_envs", "epochs", "updates"),
    [
        (1, 64, 64_000, 1_000),
        (32, 64, 2_000, 1_000),
        (144, 64, 445, 1_002),
        (1_437, 128, 100, 1_123),
        (2_048, 256, 100, 800),
        (60_000, 256, 100, 23_438),
    ],
)
def test_a_preset_adapts_batch_and_length_to_few_images(num_images, num_envs, epochs, updates):
    settings = settings_for("RAM-Images-v0", num_images=num_images)
    assert (settings.num_envs, settings.epochs) == (num_envs, epochs)
    assert -(-epochs * num_images // num_envs) == updates
    preset = settings_for("RAM-Images-v0")
    assert replace(settings, num_envs=preset.num_envs, epochs=preset.epochs) == preset


def test_what_a_user_chose_is_not_adapted():
    settings = HybridSettings(num_envs=512, epochs=3)
    assert fit_to_images(settings, 100, ("num_envs", "epochs")) == settings
    assert fit_to_images(settings, 100, ("num_envs",)) == replace(settings, epochs=5_120)
    assert fit_to_images(settings, 100, ("epochs",)) == replace(settings, num_envs=64)
    several = HybridSettings(num_envs=510, rollouts_per_image=10)
    assert fit_to_images(several, 100) == replace(several, num_envs=60)


def test_presets_of_published_datasets_are_not_adapted():
    for env_id, num_images in (("RAM-MNIST-v0", 55_000), ("RAM-ClutteredMNIST-v0", 60_000), ("RAM-Digits-v0", 1_437)):
        assert settings_for(env_id, num_images=num_images) is settings_for(env_id)
    game = settings_for("RAM-CatchGame-v0")
    assert fit_to_images(game, None) is game


def test_old_settings_load_and_compare_equal():
    """Version 0.1 wrote every argument of the environment, null for those that were not set, and knew no frames."""
    old = {name: None for name in ("patch_size", "num_scales", "first_location", "screen_size", "image_size", "split")}
    settings = HybridSettings(environment={"num_glimpses": 3})
    values = settings.to_dict()
    assert values["environment"] == {"num_glimpses": 3}
    del values["frames"]
    written = json.loads(json.dumps({**values, "environment": {**old, "num_glimpses": 3}}))
    assert settings_from_dict(written) == settings
    assert replace(settings, environment={"num_glimpses": 3, "split": None}) == settings


def test_settings_survive_json():
    for presets in PRESETS.values():
        for settings in presets.values():
            assert settings_from_dict(settings.to_dict()) == settings
    with pytest.raises(ValueError, match="method='magic' is unknown"):
        settings_from_dict({"method": "magic"})
    with pytest.raises(ValueError, match="not of this version"):
        settings_from_dict({**GameSettings().to_dict(), "magic": 1})


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("num_envs", 0),
        ("learning_rate", -1.0),
        ("learning_rate", float("nan")),
        ("schedule", "steps"),
        ("warmup", 2.0),
        ("max_grad_norm", 0.0),
        ("location_std_final", 0.0),
        ("precision", "float16"),
        ("frames", 0),
        ("discount", 1.5),
        ("algorithm", "dqn"),
        ("minibatches", 3),
        ("log_every", 0),
    ],
)
def test_a_bad_setting_of_a_game_is_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        replace(GameSettings(), **{setting: value})


@pytest.mark.parametrize(
    ("setting", "value"), [("epochs", 0), ("class_loss", "first"), ("rollouts_per_image", 3), ("location_weight", -1)]
)
def test_a_bad_setting_of_a_classifier_is_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        replace(HybridSettings(), **{setting: value})


def test_a_bad_setting_of_the_network_is_named():
    with pytest.raises(ValueError, match="core_size=0"):
        NetworkSettings(core_size=0)
