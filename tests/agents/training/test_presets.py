"""Presets and settings: there is one for every environment, and a bad value is named."""

from dataclasses import replace

import pytest

from agents.ram.settings import NetworkSettings
from agents.training.presets import PRESETS, settings_for
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
from ram_envs import ENVIRONMENTS


def test_every_environment_has_a_default():
    assert set(PRESETS) == set(ENVIRONMENTS)
    for env_id in ENVIRONMENTS:
        kind = HybridSettings if ENVIRONMENTS[env_id]["task"] == "classification" else GameSettings
        assert isinstance(settings_for(env_id), kind)


def test_an_unknown_environment_or_preset_names_those_there_are():
    with pytest.raises(ValueError, match=r"'CartPole-v1' has no preset: expected one of RAM-CatchGame-v0"):
        settings_for("CartPole-v1")
    with pytest.raises(ValueError, match=r"preset='best' is not one of RAM-CatchGame-v0: expected one of 'default'"):
        settings_for("RAM-CatchGame-v0", "best")


def test_settings_survive_json():
    for presets in PRESETS.values():
        for settings in presets.values():
            assert settings_from_dict(settings.to_dict()) == settings
    with pytest.raises(ValueError, match="method='magic' is no way to train"):
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
