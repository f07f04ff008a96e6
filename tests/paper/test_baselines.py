"""Classifiers of whole scenes: exact resuming, the scenes that RAM sees, checkpoints that say what is wrong."""

import os
import signal
from dataclasses import replace

import pytest
import torch

from agents.ram.checkpoint import FILE_NAME, CheckpointError, load_checkpoint
from agents.training import run
from agents.training.run import TrainingError
from paper.baselines import evaluate_classifier, resume_classifier, train_classifier
from paper.classifier_checkpoint import load_classifier
from paper.classifiers import Classifier, ClassifierSettings, classifier_settings_from_dict
from ram_envs import make_tensor

DIGITS = "RAM-Digits-v0"
SETTINGS = ClassifierSettings(
    environment={"split": "train[:100]"},
    hidden=(16,),
    filters=4,
    filter_size=3,
    stride=2,
    dropout=0.2,
    num_envs=32,
    epochs=2,  # 7 iterations
    log_every=2,
    checkpoint_every=2,
)
CONNECTED = replace(SETTINGS, kind="connected", hidden=(8, 8))
NORMALISED = replace(SETTINGS, kind="normalised", hidden=(), channels=(4, 6))


def train(settings, folder, **options):
    return train_classifier(DIGITS, settings, folder, device="cpu", progress_bar=False, **options)


def resume(folder):
    return resume_classifier(folder, device="cpu", progress_bar=False)


def weights(folder):
    state = load_classifier(folder).classifier.state_dict()
    return {name: value for name, value in state.items() if value.is_floating_point()}


@pytest.mark.parametrize("settings", [SETTINGS, CONNECTED, NORMALISED], ids=lambda settings: settings.kind)
def test_stopped_and_resumed_equals_never_stopped(settings, tmp_path, monkeypatch):
    whole = train(settings, tmp_path / "whole", seed=3)
    assert whole.stopped_by is None
    original = run.Run.log

    def log(self, statistics):
        original(self, statistics)
        if self.progress.iteration == 2:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(run.Run, "log", log)
        stopped = train(settings, tmp_path / "stopped", seed=3)
    assert stopped.stopped_by == "SIGINT" and stopped.progress.iteration == 3
    assert resume(tmp_path / "stopped").progress.frames == whole.progress.frames == 7 * 32
    a, b = weights(tmp_path / "whole"), weights(tmp_path / "stopped")
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns(tmp_path):
    settings = replace(CONNECTED, environment={}, dropout=0.0, hidden=(32, 32), epochs=10)
    train(settings, tmp_path)
    result = evaluate_classifier(load_classifier(tmp_path).classifier, DIGITS, {})
    assert result.value < 25 and (result.episodes, result.split) == (360, "test")
    assert result.interval_low < result.value < result.interval_high


def test_a_diverged_run_says_at_which_step_and_keeps_its_last_good_checkpoint(tmp_path, monkeypatch):
    original = torch.nn.functional.cross_entropy
    calls = []

    def cross_entropy(*arguments):
        calls.append(arguments)
        return original(*arguments) * (float("nan") if len(calls) == 5 else 1)

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", cross_entropy)
    with pytest.raises(TrainingError, match=r"is nan at iteration 5 .* checkpoint of iteration 4 is kept"):
        train(SETTINGS, tmp_path)
    assert all(value.isfinite().all() for value in weights(tmp_path).values())


def test_a_gradient_that_is_not_finite_never_reaches_a_checkpoint(tmp_path, monkeypatch):
    original = torch.nn.functional.cross_entropy
    calls = []

    def cross_entropy(*arguments):
        calls.append(arguments)
        loss = original(*arguments)
        if len(calls) == 4:
            loss.register_hook(lambda gradient: gradient * float("nan"))
        return loss

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", cross_entropy)
    with pytest.raises(TrainingError, match=r"gradient_norm is nan at iteration 4 .* of iteration 2 is kept"):
        train(SETTINGS, tmp_path)
    assert all(value.isfinite().all() for value in weights(tmp_path).values())


class NamesTheBrightest(Classifier):
    """Says the class that the sum of the pixels gives, so that the error is that of the scenes."""

    def forward(self, scenes, generator=None):
        return torch.nn.functional.one_hot(scenes.long().sum((1, 2, 3)) % 10, 10).float()


def test_evaluation_shows_every_image_once_in_the_scenes_of_its_seed():
    arguments = {"image_size": 12, "num_clutter": 1, "clutter_size": 4}
    classifier = NamesTheBrightest(CONNECTED, (12, 12, 1), 10)
    results = [evaluate_classifier(classifier, DIGITS, arguments, seed=7, num_envs=size) for size in (50, 1000)]
    env = make_tensor(DIGITS, 360, split="test", **arguments)
    _, info = env.reset(seed=7, options={"image_index": torch.arange(360)})
    expected = (env.scene.long().sum((1, 2, 3)) % 10 != info["label"]).float().mean()
    assert results[0].value == results[1].value == pytest.approx(100 * expected.item())


def test_scenes_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"made for scenes of .* \(12, 12, 1\), and RAM-Digits-v0 has \(8, 8, 1\)"):
        evaluate_classifier(Classifier(CONNECTED, (12, 12, 1), 10), DIGITS, {})
    with pytest.raises(ValueError, match="filter_size=10 is larger than the scenes, 8x8"):
        Classifier(ClassifierSettings(), (8, 8, 1), 10)
    with pytest.raises(ValueError, match="RAM-CatchGame-v0 has no labels"):
        train_classifier("RAM-CatchGame-v0", replace(SETTINGS, environment={}), "nowhere")


def test_the_papers_networks_cost_what_they_should():
    conv = Classifier(ClassifierSettings(), (60, 60, 1), 10)
    assert conv.places == 11 * 11
    assert conv.multiply_adds == 121 * 8 * 100 + 121 * 8 * 256 + 256 * 10
    connected = Classifier(ClassifierSettings(kind="connected", hidden=(64, 64)), (60, 60, 1), 10)
    assert connected.multiply_adds == 3600 * 64 + 64 * 64 + 64 * 10
    assert conv(torch.zeros(3, 1, 60, 60, dtype=torch.uint8)).shape == (3, 10)


def test_a_batch_normalised_network_costs_what_it_should_and_is_evaluated_by_running_means(tmp_path):
    classifier = Classifier(ClassifierSettings(kind="normalised", hidden=(), channels=(4, 6, 8)), (15, 15, 1), 10)
    assert classifier.multiply_adds == 8 * 8 * 9 * 4 + 8 * 8 * 9 * 4 * 6 + 4 * 4 * 9 * 6 * 8 + 8 * 10
    train(NORMALISED, tmp_path)
    trained = load_classifier(tmp_path).classifier
    scenes = torch.randint(256, (5, 1, 8, 8), dtype=torch.uint8)
    trained.eval()
    with torch.no_grad():
        together, alone = trained(scenes), torch.cat([trained(scene[None]) for scene in scenes])
    torch.testing.assert_close(together, alone)
    running = trained.state_dict()["normalised.1.running_var"]
    assert not torch.equal(running, torch.ones_like(running))
    before = {name: value.clone() for name, value in trained.train().state_dict().items()}
    evaluate_classifier(trained, DIGITS, {"split": "train[:100]"}, split="train[:100]")
    assert all(torch.equal(before[name], value) for name, value in trained.state_dict().items())


def test_dropout_follows_its_generator_and_leaves_evaluation_alone():
    torch.manual_seed(0)  # with few units and any weights, both rows may lose the same ones
    classifier = Classifier(replace(CONNECTED, hidden=(64, 64), dropout=0.5), (8, 8, 1), 10)
    scenes = torch.full((2, 1, 8, 8), 200, dtype=torch.uint8)
    a, b = (classifier(scenes, torch.Generator().manual_seed(0)) for _ in range(2))
    assert torch.equal(a, b) and not torch.equal(a[0], a[1])
    assert torch.equal(classifier(scenes)[0], classifier(scenes)[1])


def test_broken_and_foreign_checkpoints_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        load_classifier(tmp_path)
    train(SETTINGS, tmp_path / "run")
    file = tmp_path / "run" / FILE_NAME
    with pytest.raises(CheckpointError, match="not a checkpoint of a RAM policy"):
        load_checkpoint(file)
    with pytest.raises(TrainingError, match="holds another run"):
        train(SETTINGS, tmp_path / "run")
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="truncated"):
        load_classifier(tmp_path / "run")


@pytest.mark.parametrize(
    ("setting", "value"),
    [("kind", "linear"), ("hidden", (0,)), ("channels", (8, 0)), ("stride", 0), ("dropout", 1.0), ("epochs", 0)],
)
def test_a_bad_setting_is_named(setting, value):
    with pytest.raises(ValueError, match=setting):
        replace(SETTINGS, **{setting: value})


def test_settings_survive_json():
    assert classifier_settings_from_dict(SETTINGS.to_dict()) == SETTINGS
    with pytest.raises(ValueError, match="not the settings of a classifier"):
        classifier_settings_from_dict({"method": "hybrid"})
    with pytest.raises(ValueError, match="not of this version"):
        classifier_settings_from_dict({**SETTINGS.to_dict(), "magic": 1})
