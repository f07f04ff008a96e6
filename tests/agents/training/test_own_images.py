"""Training on images of a user from Python: arrays, which are not stored, and the names of the classes, which are."""

from dataclasses import replace

import numpy as np
import pytest

from agents.evaluation.evaluate import evaluate
from agents.pretrained import load_pretrained
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.ram.export import export_agent
from agents.ram.settings import NetworkSettings
from agents.training.settings import HybridSettings
from agents.training.trainer import resume, train
from ram_envs.errors import InvalidArgument

ENV_ID = "RAM-Images-v0"
SETTINGS = HybridSettings(
    network=NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8),
    environment={"patch_size": 4, "num_glimpses": 2},
    num_envs=4,
    epochs=1,
)
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 12, 12, 3)).astype(np.uint8)
LABELS = np.arange(12) % 3
NAMES = ("cat", "dog", "owl")
DATASET = {"train": (IMAGES[:9], LABELS[:9], NAMES), "test": (IMAGES[9:], LABELS[9:], NAMES)}


def run(out, dataset=DATASET, settings=SETTINGS):
    return train(ENV_ID, settings, out, dataset=dataset, device="cpu", progress_bar=False).folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a run on arrays."""
    return run(tmp_path_factory.mktemp("trained"))


def test_arrays_are_not_stored_and_asked_for_again(trained):
    checkpoint = load_checkpoint(trained)
    assert checkpoint.env_settings == {"patch_size": 4, "num_glimpses": 2, "dataset": "<arrays>"}
    assert checkpoint.training["environment"] == checkpoint.env_settings
    with pytest.raises(InvalidArgument, match="trained on arrays, which its checkpoint does not hold: pass them again"):
        evaluate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings)
    result = evaluate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, dataset=DATASET)
    assert (result.episodes, result.split) == (3, "test")
    one_split = (IMAGES, LABELS, NAMES)
    assert evaluate(checkpoint.policy, ENV_ID, checkpoint.env_settings, dataset=one_split).episodes == 3  # a fifth


def test_arrays_in_the_settings_are_not_stored_either(tmp_path):
    settings = replace(SETTINGS, environment={**SETTINGS.environment, "dataset": DATASET})
    folder = run(tmp_path / "run", None, settings)
    assert load_checkpoint(folder).env_settings["dataset"] == "<arrays>"


def test_a_run_on_arrays_is_resumed_with_them(tmp_path):
    folder = run(tmp_path / "run")
    with pytest.raises(CheckpointError, match="trained on arrays"):
        resume(folder, device="cpu", progress_bar=False)
    assert resume(folder, dataset=DATASET, device="cpu", progress_bar=False).progress.iteration == 3
    assert load_checkpoint(folder).env_settings["dataset"] == "<arrays>"


def test_a_path_is_stored_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("data.npz", x_train=IMAGES, y_train=LABELS, class_names=NAMES)
    checkpoint = load_checkpoint(run("run", "data.npz"))
    assert checkpoint.env_settings["dataset"] == str(tmp_path / "data.npz")
    assert checkpoint.policy.answer_names == NAMES
    monkeypatch.chdir("/")
    assert evaluate(checkpoint.policy, ENV_ID, checkpoint.env_settings).episodes == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("dog", "cat", "owl"),
            r"trained to answer 'cat', 'dog', 'owl' \(3\); here the answers are 'dog', 'cat', 'owl'",
        ),
        (
            ("cat", "dog", "owl", "bat"),
            r"here the answers are 'cat', 'dog', 'owl', 'bat' \(4\): expected the same names",
        ),
        (None, None),
        (("cat", "1", "owl"), None),
    ],
)
def test_the_names_of_the_classes_are_compared(trained, tmp_path, names, message):
    """Classes without names, which are called by their numbers, are compared by number only."""
    exported = export_agent(trained, tmp_path / "agent.safetensors")
    for folder in (trained, exported):
        policy = load_checkpoint(folder).policy
        assert policy.answer_names == NAMES
        dataset = {"test": (IMAGES, LABELS, names)}
        if message is None:
            assert evaluate(policy, ENV_ID, SETTINGS.environment, dataset=dataset).episodes == 12
            continue
        with pytest.raises(InvalidArgument, match=message):
            evaluate(policy, ENV_ID, SETTINGS.environment, dataset=dataset)


def test_resuming_with_other_classes_is_refused(tmp_path):
    folder = run(tmp_path / "run")
    for other in ((IMAGES, LABELS, ("a", "b", "c")), (IMAGES, LABELS % 2, ("cat", "dog"))):
        with pytest.raises(InvalidArgument, match="trained to answer 'cat', 'dog', 'owl'"):
            resume(folder, dataset={"train": other}, device="cpu", progress_bar=False)


def test_checkpoints_of_version_0_1_have_no_names():
    assert load_pretrained("RAM-MNIST-v0").policy.answer_names == ()


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        (None, InvalidArgument, "^dataset is missing: pass the images as dataset="),
        ((IMAGES / 255, LABELS), InvalidArgument, r"^train images are float64: .*np.rint\(images \* 255\)"),
        (
            (IMAGES.reshape(12, -1), LABELS),
            InvalidArgument,
            r"Rows of channels become images with images.reshape\(-1, 3, 12, 12\)",
        ),
        ((IMAGES, LABELS[:5]), InvalidArgument, "^there are 12 train images but 5 labels"),
        ({"training": (IMAGES, LABELS)}, InvalidArgument, "^dataset has the splits 'training'"),
        ("nowhere/at/all", FileNotFoundError, "^dataset='nowhere/at/all' is neither a registered dataset nor"),
    ],
)
def test_wrong_images_are_refused_before_a_folder_is_made(tmp_path, dataset, error, message):
    with pytest.raises(error, match=message) as caught:
        run(tmp_path / "run", dataset)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_a_game_takes_no_images(tmp_path):
    with pytest.raises(InvalidArgument, match="dataset has no meaning for RAM-CatchGame-v0, which shows no images"):
        train("RAM-CatchGame-v0", SETTINGS, tmp_path, dataset=DATASET, device="cpu")
