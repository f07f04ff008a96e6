"""A training callback sees every line of the logs, and stops a run cleanly."""

import csv

import numpy as np
import pytest

from agents.errors import SettingsError
from agents.evaluation.evaluate import evaluate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings
from agents.training.run import Progress
from agents.training.settings import GameSettings, HybridSettings
from agents.training.trainer import resume, train

SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
GAME = GameSettings(
    environment={"screen_size": 6, "patch_size": 2, "num_scales": 2},
    network=NetworkSettings(core="lstm", **SMALL),
    num_envs=8,
    frames=7 * 8 * 5,  # 7 iterations
    update_epochs=1,
    minibatches=2,
    log_every=2,
    checkpoint_every=100,
)
HYBRID = HybridSettings(
    environment={"split": "train[:48]", "num_glimpses": 2},
    network=NetworkSettings(**SMALL),
    num_envs=16,
    epochs=2,  # 6 iterations
    log_every=2,
)


def lines(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def weights(folder):
    return load_checkpoint(folder).policy.state_dict()


@pytest.mark.parametrize(("env_id", "settings"), [(CATCH, GAME), (DIGITS, HYBRID)])
def test_it_is_called_at_every_line_of_the_logs(env_id, settings, tmp_path):
    calls = []
    result = train(
        env_id, settings, tmp_path, callback=lambda *call: calls.append(call), progress_bar=False, device="cpu"
    )
    assert result.stopped_by is None
    written = lines(tmp_path)
    assert len(calls) == len(written) == (4 if env_id == CATCH else 3)
    for (progress, metrics, policy), line in zip(calls, written, strict=True):
        assert isinstance(progress, Progress) and isinstance(policy, RAMPolicy)
        assert (progress.iteration, progress.frames) == (int(line["iteration"]), int(line["frames"]))
        assert metrics == {name: pytest.approx(float(value)) for name, value in line.items()}


def test_returning_false_stops_after_a_checkpoint_and_the_run_can_be_resumed(tmp_path):
    train(CATCH, GAME, tmp_path / "whole", progress_bar=False, device="cpu")
    stopped = train(
        CATCH,
        GAME,
        tmp_path / "stopped",
        callback=lambda progress, metrics, policy: progress.iteration < 4,
        progress_bar=False,
        device="cpu",
    )
    assert (stopped.stopped_by, stopped.progress.iteration) == ("callback", 4)
    assert load_checkpoint(tmp_path / "stopped").progress["iteration"] == 4
    assert len(lines(tmp_path / "stopped")) == 2
    resumed = resume(tmp_path / "stopped", progress_bar=False, device="cpu")
    assert (resumed.stopped_by, resumed.progress.iteration) == (None, 7)
    whole = weights(tmp_path / "whole")
    assert all((value == whole[name]).all() for name, value in weights(tmp_path / "stopped").items())
    assert [line["frames"] for line in lines(tmp_path / "stopped")] == [
        line["frames"] for line in lines(tmp_path / "whole")
    ]


def test_a_resumed_run_is_stopped_too(tmp_path):
    for iterations in (2, 6):
        callback = lambda progress, metrics, policy, end=iterations: progress.iteration < end  # noqa: E731
        if iterations == 2:
            result = train(CATCH, GAME, tmp_path, callback=callback, progress_bar=False, device="cpu")
        else:
            result = resume(tmp_path, callback=callback, progress_bar=False, device="cpu")
        assert (result.stopped_by, result.progress.iteration) == ("callback", iterations)


@pytest.mark.parametrize("answer", [None, True, 0, 0.0, "", np.bool_(True)])
def test_nothing_else_than_false_stops(answer, tmp_path):
    result = train(CATCH, GAME, tmp_path, callback=lambda *_: answer, progress_bar=False, device="cpu")
    assert (result.stopped_by, result.progress.iteration) == (None, 7)


def test_the_false_of_numpy_stops(tmp_path):
    result = train(CATCH, GAME, tmp_path, callback=lambda *_: np.float64(1) < 0, progress_bar=False, device="cpu")
    assert (result.stopped_by, result.progress.iteration) == ("callback", 2)


def test_false_at_the_last_line_leaves_a_complete_run(tmp_path):
    result = train(
        CATCH,
        GAME,
        tmp_path,
        callback=lambda progress, metrics, policy: progress.iteration < 7,
        progress_bar=False,
        device="cpu",
    )
    assert (result.stopped_by, result.progress.iteration) == (None, 7)


def test_evaluating_the_policy_changes_nothing_of_the_training(tmp_path):
    values = []

    def validate(progress, metrics, policy):
        values.append(evaluate(policy, DIGITS, {"num_glimpses": 2}, episodes=20, greedy=False).value)

    train(DIGITS, HYBRID, tmp_path / "alone", progress_bar=False, device="cpu")
    train(DIGITS, HYBRID, tmp_path / "validated", callback=validate, progress_bar=False, device="cpu")
    alone = weights(tmp_path / "alone")
    assert len(values) == 3
    assert all((value == alone[name]).all() for name, value in weights(tmp_path / "validated").items())


def test_an_error_in_the_callback_ends_the_run_and_keeps_the_last_checkpoint(tmp_path):
    def fail(*_):
        raise ZeroDivisionError("a bug of the user")

    with pytest.raises(ZeroDivisionError, match="a bug of the user"):
        train(CATCH, GAME, tmp_path, callback=fail, progress_bar=False, device="cpu")
    assert resume(tmp_path, progress_bar=False, device="cpu").progress.iteration == 7


def test_what_cannot_be_called_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(SettingsError, match="callback='stop' is not valid: expected a function"):
        train(CATCH, GAME, tmp_path / "run", callback="stop", progress_bar=False)
    assert not (tmp_path / "run").exists()
    with pytest.raises(SettingsError, match="callback=3 is not valid"):
        resume(tmp_path / "run", callback=3)
