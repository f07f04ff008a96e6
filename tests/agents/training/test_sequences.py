"""The hybrid loop reads sequences: which answers are trained, and that the digits are learned one after the other."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import ram_envs
from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training import trainer
from agents.training.presets import settings_for
from agents.training.rollout import collect_episodes
from agents.training.settings import HybridSettings

ID, END = "RAM-MNISTSequence-v0", 3
# Three classes of 4x3 images, each of one grey level.
IMAGES = np.broadcast_to(np.array([80, 160, 240], np.uint8)[:, None, None], (3, 4, 3)).copy()
DATASET = {"train": (np.repeat(IMAGES, 100, axis=0), np.repeat(np.arange(3), 100)), "test": (IMAGES, np.arange(3))}
SCENES = {
    "dataset": DATASET,
    "scene_size": (4, 8),
    "max_objects": 2,
    "max_gap": 1,
    "glimpses_per_object": 2,
    "patch_size": 4,
    "num_scales": 2,
}
SMALL = NetworkSettings(core="lstm", core_size=32, glimpse_hidden=32, location_hidden=16, glimpse_features=32)


def episodes(network=SMALL):
    torch.manual_seed(0)
    env = ram_envs.make_tensor(ID, 200, action_format="dict", check_actions=False, **SCENES)
    policy = RAMPolicy(RAMSettings.for_environment(env, network))
    torch.nn.init.normal_(policy.action_network.logits.weight, std=2.0)
    observation, _ = env.reset(seed=1)
    labels = env.state.labels
    return collect_episodes(env, policy, observation, torch.Generator().manual_seed(0), supervised=True), labels


def test_targets_follow_the_sequence_and_count_after_every_second_glimpse():
    found, labels = episodes()
    assert found.target.shape == (6, 200)
    for step in range(6):
        alive = found.mask[step]
        assert torch.equal(found.target[step][alive], labels[alive, step // 2])
        assert (found.answer_counts[step][alive] == (step % 2 == 1)).all()
    wrong = found.task_action[1] != found.target[1]
    assert torch.equal(found.over[1], wrong) and 0 < wrong.sum() < 200
    assert not found.mask[2][wrong].any() and found.mask[2][~wrong].all()
    right = (found.task_action == found.target) & found.mask & found.answer_counts & (found.target != END)
    assert torch.equal(found.reward.sum(0), right.sum(0).float())


def run(folder, **changes):
    settings = HybridSettings(environment=SCENES, network=SMALL, num_envs=100, **changes)
    trainer.train(ID, settings, folder, seed=0, device="cpu", progress_bar=False)
    checkpoint = load_checkpoint(folder)
    return evaluate(checkpoint.policy, ID, SCENES, split="train", seed=5)


def test_an_evaluation_has_the_error_of_digits_and_of_sequences(tmp_path):
    result = run(tmp_path / "run", epochs=1)
    assert result.figure == "error_percent" and set(result.rates) == {"digit_error_percent"}
    assert 0 <= result.rates["digit_error_percent"] <= 100
    values = result.to_dict()
    assert values["rates"] == result.rates
    assert f"digit_error_percent {result.rates['digit_error_percent']:.2f}" in str(result)
    digits = evaluate(load_checkpoint(tmp_path / "run").policy, ID, SCENES, split="train", seed=5, num_envs=70)
    assert digits.rates == result.rates and digits.value == result.value


def test_the_preset_trains_sequences(tmp_path):
    preset = settings_for(ID)
    small = {name: getattr(SMALL, name) for name in ("core_size", "glimpse_hidden", "location_hidden")}
    settings = replace(preset, environment=SCENES, network=replace(preset.network, **small), num_envs=100, epochs=1)
    trainer.train(ID, settings, tmp_path / "run", device="cpu", progress_bar=False)
    assert load_checkpoint(tmp_path / "run").policy.settings.num_actions == END + 1


@pytest.mark.slow
def test_sequences_are_learned(tmp_path):
    """Chance is 1 of 3 for each digit and 1 of 2 for the end."""
    result = run(
        tmp_path / "run",
        epochs=150,
        class_loss="every",
        location_reward="confidence",
        confidence_discount=0.5,
        learning_rate=5e-3,
        schedule="cosine",
    )
    assert result.value < 5 and result.rates["digit_error_percent"] < 3
