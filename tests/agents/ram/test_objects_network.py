"""A softmax for each of several objects: the probabilities of the answers, and what they are for."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

import ram_envs
from agents.errors import SettingsError
from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import FILE_NAME, load_checkpoint, save_checkpoint
from agents.ram.networks import ObjectsNetwork
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training import trainer
from agents.training.presets import settings_for
from agents.training.settings import HybridSettings
from ram_envs.scenes.labels import CombinedLabels

PAIRS, ADDITION = "RAM-MNISTPairs-v0", "RAM-MNISTAddition-v0"
NAMES = ("a", "b", "c")
SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
# Five classes of 4x4 images, each of one grey level.
IMAGES = np.broadcast_to(np.arange(50, 250, 40, dtype=np.uint8)[:, None, None], (5, 4, 4)).copy()
DATASET = {"train": (np.repeat(IMAGES, 4, axis=0), np.repeat(np.arange(5), 4)), "test": (IMAGES, np.arange(5))}
SCENES = {"dataset": DATASET, "image_size": 16, "patch_size": 4, "num_scales": 2, "num_clutter": 0, "num_glimpses": 3}


@pytest.mark.parametrize("combine", ["set", "sum"])
@pytest.mark.parametrize("objects", [2, 3])
def test_the_probability_of_an_answer_is_that_of_all_its_sequences(combine, objects):
    labels = CombinedLabels(combine, objects, NAMES)
    network, h = ObjectsNetwork(4, labels), 3 * torch.randn(2, 5, 4)
    each = network.logits(h).unflatten(-1, (objects, 3)).softmax(-1)
    expected = torch.zeros(2, 5, len(labels.names))
    for group in itertools.product(range(3), repeat=objects):
        answer = labels.join([np.array([label]) for label in group])[0]
        expected[..., answer] += math.prod(each[..., n, label] for n, label in enumerate(group))
    torch.testing.assert_close(network(h).exp(), expected)
    torch.testing.assert_close(expected.sum(-1), torch.ones(2, 5))


@pytest.mark.parametrize("objects", [2, 3])
def test_the_softmaxes_differ_from_the_start(objects):
    """Equal ones get equal gradients, and would take long to learn different objects."""
    torch.manual_seed(0)
    network = ObjectsNetwork(64, CombinedLabels("set", objects, NAMES))
    each = network.logits(torch.randn(100, 64)).unflatten(-1, (objects, 3)).softmax(-1)
    for one, other in itertools.combinations(range(objects), 2):
        assert (each[:, one] - each[:, other]).abs().mean() > 0.05


def test_impossible_answers_have_a_finite_gradient():
    network = ObjectsNetwork(2, CombinedLabels("set", 2, NAMES))
    h = torch.tensor([[1e4, -1e4]])
    network(h).log_softmax(-1).sum().backward()
    assert network(h).isfinite().all() and network.logits.weight.grad.isfinite().all()


def test_the_overlap_of_answers_by_hand():
    labels = CombinedLabels("set", 2, NAMES)
    assert labels.names == ("a a", "a b", "a c", "b b", "b c", "c c")
    half = 0.5
    assert labels.overlap().tolist() == [
        [1, half, half, 0, 0, 0],
        [half, 1, half, half, half, 0],
        [half, half, 1, 0, half, half],
        [0, half, 0, 1, half, 0],
        [0, half, half, half, 1, half],
        [0, 0, half, 0, half, 1],
    ]
    assert CombinedLabels("sum", 2, NAMES).overlap() is None
    assert CombinedLabels("set", 1, NAMES).overlap().tolist() == np.eye(3).tolist()


@pytest.mark.parametrize("env_id", [PAIRS, ADDITION])
def test_a_run_with_a_softmax_for_each_object_is_saved_and_evaluated(env_id, tmp_path):
    preset = settings_for(env_id)
    start = {PAIRS: "RAM-ClutteredMNIST100-v0", ADDITION: PAIRS}[env_id]
    assert preset.network.answer_heads == "objects" and preset.init_from == f"pretrained:{start}"
    small = replace(preset.network, **SMALL)
    settings = replace(preset, environment=SCENES, network=small, num_envs=10, epochs=2, precision="float32")
    trainer.train(env_id, settings, tmp_path / "run", device="cpu", progress_bar=False)
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint.policy.action_network.sizes == (2, 5)
    result = evaluate(checkpoint.policy, env_id, SCENES, split="train")
    assert result.episodes == 20 and 0 <= result.value <= 100


def test_what_a_task_does_not_have_is_refused(tmp_path):
    network = NetworkSettings(answer_heads="objects", **SMALL)
    task = ram_envs.make_task("RAM-Digits-v0")
    with pytest.raises(SettingsError, match="answer_heads='objects' is for tasks whose answer follows from several"):
        RAMSettings.for_task(task, network)
    settings = HybridSettings(environment=SCENES, location_reward="overlap", num_envs=4)
    with pytest.raises(SettingsError, match="location_reward='overlap' is for answers that say which objects there"):
        trainer.train(ADDITION, settings, tmp_path / "run", device="cpu", progress_bar=False)
    with pytest.raises(SettingsError, match="gives 15 answers, and the task has 16"):
        RAMSettings.for_task(ram_envs.make_task(PAIRS, **SCENES, stop="learned"), network).combined_labels  # noqa: B018


def test_an_agent_with_more_answers_than_units_is_saved_and_loaded(tmp_path):
    environment = {**SCENES, "num_objects": 4}
    env = ram_envs.make_tensor(PAIRS, 2, **environment)
    policy = RAMPolicy(RAMSettings.for_environment(env, NetworkSettings(**SMALL, answer_heads="objects")))
    assert policy.settings.num_actions == 70 > max(max(value.shape, default=0) for value in policy.parameters())
    save_checkpoint(tmp_path / FILE_NAME, policy, env_id=PAIRS, env_settings={})
    loaded = load_checkpoint(tmp_path).policy
    assert loaded.settings == policy.settings
