"""Runs: exact resuming, clean stopping, and what happens when something goes wrong."""

import csv
import errno
import json
import os
import re
import signal
from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from agents.errors import RAMError, SettingsError
from agents.evaluation.evaluate import evaluate
from agents.pictures.results import draw_results
from agents.ram.checkpoint import FILE_NAME, CheckpointError, load_checkpoint, save_checkpoint
from agents.ram.settings import NetworkSettings
from agents.training import games, hybrid, run, trainer
from agents.training import metrics as metrics_module
from agents.training.exploration import draw_scan
from agents.training.optimisation import annealed
from agents.training.run import TrainingError
from agents.training.settings import GameSettings, HybridSettings
from agents.training.trainer import resume, train
from ram_envs.errors import UserError

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
GAME = GameSettings(
    environment={"screen_size": 6, "patch_size": 2, "num_scales": 2},
    network=NetworkSettings(core="lstm", **SMALL),
    num_envs=8,
    frames=6 * 8 * 5,  # 6 iterations
    update_epochs=2,
    minibatches=2,
    log_every=2,
    checkpoint_every=2,
    location_std_final=0.05,
)
HYBRID = HybridSettings(
    environment={"split": "train[:48]", "num_glimpses": 2},
    network=NetworkSettings(**SMALL),
    num_envs=16,
    epochs=2,  # 6 iterations
    log_every=2,
    checkpoint_every=2,
    schedule="cosine",
)
OWN = "tests.agents.training.own_task:RAM-Drift-v0"  # imported only when it is used: it registers an environment
STEPS = 4
DRIFT = HybridSettings(
    network=NetworkSettings(**SMALL),
    num_envs=16,
    frames=6 * 16 * STEPS,  # 6 iterations
    log_every=2,
)
REINFORCE = replace(GAME, algorithm="reinforce")
STOPPING = replace(
    GAME, environment={"split": "train[:48]", "num_glimpses": 3, "stop": "learned", "glimpse_cost": 0.01}
)
RUNS = {
    "ppo": (CATCH, GAME),
    "reinforce": (CATCH, REINFORCE),
    "hybrid": (DIGITS, HYBRID),
    "shared baseline": (DIGITS, replace(HYBRID, rollouts_per_image=2, class_loss="every")),
    "likelihood": (DIGITS, replace(HYBRID, location_reward="likelihood")),
    "confidence": (DIGITS, replace(HYBRID, location_reward="confidence", class_loss="every", location_gradient=0.1)),
    "annealed": (DIGITS, replace(HYBRID, class_loss="annealed")),
    "exploration": (DIGITS, replace(HYBRID, location_exploration=0.5)),
    "learned stop": (DIGITS, STOPPING),
    "bfloat16": (CATCH, replace(GAME, precision="bfloat16")),
    "slow locations": (CATCH, replace(GAME, location_learning_rate=1e-4)),
}


def after_iteration(monkeypatch, number, action):
    """Do something within the iteration of this number, counted from 0."""
    original = run.Run.log

    def log(self, statistics):
        original(self, statistics)
        if self.progress.iteration == number:
            action(self)

    monkeypatch.setattr(run.Run, "log", log)


def interrupt(_):
    os.kill(os.getpid(), signal.SIGINT)


def metrics(folder):
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def same_state(a, b):
    """Weights, optimiser and place of two runs' checkpoints are the same to the last bit."""
    a, b = load_checkpoint(a), load_checkpoint(b)
    tensors = [(a.policy.state_dict(), b.policy.state_dict()), (a.optimizer, b.optimizer)]
    place = a.progress["iteration"] == b.progress["iteration"]
    return place and all(x.keys() == y.keys() and all(torch.equal(x[k], y[k]) for k in x) for x, y in tensors)


@pytest.mark.parametrize("kind", RUNS)
def test_stopped_and_resumed_equals_never_stopped(kind, tmp_path, monkeypatch):
    env_id, settings = RUNS[kind]
    whole = train(env_id, settings, tmp_path / "whole", seed=3, progress_bar=False)
    assert whole.stopped_by is None
    with monkeypatch.context() as patch:
        after_iteration(patch, 2, interrupt)  # between two checkpoints and two lines of the logs
        stopped = train(env_id, settings, tmp_path / "stopped", seed=3, progress_bar=False)
    assert stopped.stopped_by == "SIGINT"
    assert stopped.progress.iteration == 3
    assert not same_state(tmp_path / "whole", tmp_path / "stopped")
    resumed = resume(tmp_path / "stopped", progress_bar=False)
    assert resumed.stopped_by is None
    assert resumed.progress.frames == whole.progress.frames
    assert same_state(tmp_path / "whole", tmp_path / "stopped")
    frames = [int(line["frames"]) for line in metrics(tmp_path / "stopped")]
    assert frames == sorted(set(frames))
    assert frames[-1] == whole.progress.frames


def test_a_killed_run_goes_on_from_its_last_checkpoint(tmp_path, monkeypatch):
    train(CATCH, GAME, tmp_path / "whole", progress_bar=False)

    def kill(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        after_iteration(patch, 4, kill)
        train(CATCH, replace(GAME, log_every=1), tmp_path / "killed", progress_bar=False)
    assert load_checkpoint(tmp_path / "killed").progress["iteration"] == 4
    resume(tmp_path / "killed", progress_bar=False)
    assert same_state(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_leaves_and_gives_its_handler_back(number, tmp_path, monkeypatch):
    before = signal.getsignal(number)
    after_iteration(monkeypatch, 0, lambda _: os.kill(os.getpid(), number))
    result = train(CATCH, GAME, tmp_path, progress_bar=False)
    assert result.stopped_by == signal.Signals(number).name
    assert load_checkpoint(tmp_path).progress["iteration"] == 1
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_last_iteration_does_not_make_a_complete_run_incomplete(number, tmp_path, monkeypatch):
    """In version 0.1 it lost the learning curve and the animation."""
    after_iteration(monkeypatch, 5, lambda _: os.kill(os.getpid(), number))
    result = train(CATCH, GAME, tmp_path, progress_bar=False)
    assert result.stopped_by is None and result.progress.iteration == 6
    assert load_checkpoint(tmp_path).progress["iteration"] == 6
    monkeypatch.undo()
    pictures = draw_results(result.folder)
    assert pictures.curve.read_bytes().startswith(b"\x89PNG") and pictures.animation.read_bytes().startswith(b"GIF89a")


def test_training_draws_nothing(tmp_path):
    train(CATCH, GAME, tmp_path, progress_bar=False)
    assert not list(tmp_path.glob("*.png")) and not list(tmp_path.glob("*.gif"))


def test_the_same_seed_trains_the_same_policy_and_another_one_another(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(hash(name))  # the global random state must not matter
        train(CATCH, GAME, tmp_path / name, seed=seed, progress_bar=False)
    assert same_state(tmp_path / "a", tmp_path / "b")
    assert not same_state(tmp_path / "a", tmp_path / "c")


@pytest.mark.parametrize("module", [games, hybrid])
@pytest.mark.parametrize("poison", ["loss", "gradient"])
def test_nan_stops_the_run_and_the_last_good_checkpoint_stays(module, poison, tmp_path, monkeypatch):
    env_id, settings = (CATCH, GAME) if module is games else (DIGITS, HYBRID)
    original, steps = module.update, []
    updates = 4 if module is games else 1

    def update(policy, optimizer, loss, max_grad_norm):
        steps.append(loss)
        if len(steps) == 4 * updates + 1:  # in the fifth iteration
            if poison == "gradient":
                next(policy.parameters()).register_hook(lambda gradient: gradient * float("nan"))
            else:
                loss = loss * float("nan")
        return original(policy, optimizer, loss, max_grad_norm)

    monkeypatch.setattr(module, "update", update)
    with pytest.raises(TrainingError, match=r"is nan at iteration 5 .* checkpoint of iteration 4 is kept"):
        train(env_id, settings, tmp_path, progress_bar=False)
    checkpoint = load_checkpoint(tmp_path)
    assert checkpoint.progress["iteration"] == 4
    assert all(value.isfinite().all() for value in checkpoint.policy.state_dict().values())


def test_a_seed_means_the_same_however_many_threads_torch_has(tmp_path):
    settings = replace(GAME, network=replace(GAME.network, core_size=128, glimpse_features=256), frames=1)
    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            train(CATCH, settings, tmp_path / str(threads), progress_bar=False)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert same_state(tmp_path / "1", tmp_path / "2")


def test_a_folder_that_holds_a_run_is_refused(tmp_path):
    train(CATCH, GAME, tmp_path, progress_bar=False)
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(TrainingError, match="holds another run: resume it .*--resume .*or choose another folder"):
        train(CATCH, GAME, tmp_path, seed=1, progress_bar=False)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_a_run_that_ended_before_its_first_checkpoint_is_not_in_the_way(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("agents.training.run.Run.save", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        train(CATCH, GAME, tmp_path, progress_bar=False)
    assert {file.name for file in tmp_path.iterdir()} == {"settings.json", ".lock"}
    train(CATCH, GAME, tmp_path, progress_bar=False)
    assert load_checkpoint(tmp_path).progress["iteration"] > 0


def test_a_full_disk_stops_the_run_and_the_last_good_checkpoint_stays(tmp_path, monkeypatch):
    def disk_full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    after_iteration(monkeypatch, 3, lambda _: monkeypatch.setattr(os, "fsync", disk_full))
    with pytest.raises(TrainingError, match="No space left on device; the checkpoint of iteration 2 is kept"):
        train(CATCH, GAME, tmp_path, progress_bar=False)
    monkeypatch.undo()
    assert load_checkpoint(tmp_path).progress["iteration"] == 2


def test_a_folder_that_cannot_be_made_is_an_error_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainingError, match="cannot be written"):
        train(CATCH, GAME, tmp_path / "file" / "run", progress_bar=False)


def test_logs_that_cannot_be_written_stop_the_run(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(metrics_module, "append_line", full)
    with pytest.raises(TrainingError, match="No space left on device; the checkpoint of iteration 0 is kept"):
        train(CATCH, GAME, tmp_path, progress_bar=False)


def test_resuming_another_environment_or_a_bare_policy_is_refused(tmp_path):
    train(CATCH, GAME, tmp_path / "run", progress_bar=False)
    with pytest.raises(CheckpointError, match="was trained on RAM-CatchGame-v0, not on RAM-Digits-v0"):
        resume(tmp_path / "run", env_id=DIGITS, progress_bar=False)
    (tmp_path / "bare").mkdir()
    save_checkpoint(tmp_path / "bare", load_checkpoint(tmp_path / "run").policy, CATCH, {})
    with pytest.raises(CheckpointError, match="to use, but not to resume from"):
        resume(tmp_path / "bare", progress_bar=False)
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        resume(tmp_path, progress_bar=False)


def test_resuming_a_complete_run_changes_nothing(tmp_path):
    train(CATCH, GAME, tmp_path, progress_bar=False)
    before, lines = load_checkpoint(tmp_path), metrics(tmp_path)
    resume(tmp_path, progress_bar=False)
    after = load_checkpoint(tmp_path)
    assert all(torch.equal(value, after.policy.state_dict()[k]) for k, value in before.policy.state_dict().items())
    assert metrics(tmp_path) == lines


def test_cuda_where_there_is_none_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no CUDA device here: use 'cpu' or 'auto'"):
        train(CATCH, GAME, tmp_path, device="cuda", progress_bar=False)
    assert os.listdir(tmp_path) == []


def test_settings_that_do_not_fit_the_environment_are_refused(tmp_path):
    with pytest.raises(RAMError, match="RAM-CatchGame-v0 has no right answers to learn from"):
        train(CATCH, replace(HYBRID, environment={}), tmp_path, progress_bar=False)
    stopping = replace(HYBRID, environment={"stop": "learned"})
    with pytest.raises(RAMError, match="stop='learned'"):
        train(DIGITS, stopping, tmp_path, progress_bar=False)
    with pytest.raises(RAMError, match="no fixed set of images to count epochs of: set frames"):
        train(OWN, replace(DRIFT, frames=None), tmp_path, progress_bar=False)
    with pytest.raises(RAMError, match="rollouts_per_image=2, but .* has no images"):
        train(OWN, replace(DRIFT, rollouts_per_image=2), tmp_path, progress_bar=False)
    for seed in (-1, 2**29, 0.5, True):
        with pytest.raises(RAMError, match=f"seed={seed} is .*: expected an integer from 0 to {2**29 - 1}"):
            train(CATCH, GAME, tmp_path, seed=seed, progress_bar=False)
    with pytest.raises(RAMError, match="baseline_gradient='no' is not valid: expected True or False"):
        replace(HYBRID, baseline_gradient="no")
    assert os.listdir(tmp_path) == []


def test_an_argument_that_the_environment_does_not_have_is_refused(tmp_path):
    with pytest.raises(UserError, match="unexpected keyword argument 'num_clutter'"):
        train(CATCH, replace(GAME, environment={"num_clutter": 2}), tmp_path, progress_bar=False)


def test_annealed_answers_begin_as_all_of_them_and_end_as_those_that_count(tmp_path, monkeypatch):
    """The first iteration is that of "every", to the last bit, and the last one, here the only one, that of "last"."""
    kinds, one_iteration = ("last", "every", "annealed"), replace(HYBRID, epochs=1, num_envs=48)
    for kind in kinds:
        train(DIGITS, replace(one_iteration, class_loss=kind), tmp_path / f"{kind}-only", progress_bar=False)
    after_iteration(monkeypatch, 0, interrupt)
    for kind in kinds:
        settings = replace(one_iteration, class_loss=kind, epochs=6)
        first = train(DIGITS, settings, tmp_path / f"{kind}-first", progress_bar=False)
        assert (first.stopped_by, first.progress.iteration) == ("SIGINT", 1)
    assert same_state(tmp_path / "annealed-only", tmp_path / "last-only")
    assert same_state(tmp_path / "annealed-first", tmp_path / "every-first")
    assert not same_state(tmp_path / "annealed-first", tmp_path / "last-first")


@pytest.mark.parametrize(
    "id", ["ram_envs:RAM-CatchGame-v0", "RAM-CatchGame-Flat-v0", "ram_envs:RAM-CatchGame-Discrete-v0"]
)
def test_every_id_of_an_environment_trains_it(id, tmp_path):
    """In version 0.1 a run of "ram_envs:RAM-CatchGame-v0" could not be evaluated."""
    train(CATCH, GAME, tmp_path / "plain", progress_bar=False)
    with pytest.raises(TrainingError, match="holds another run"):
        train(id, GAME, tmp_path / "plain", progress_bar=False)
    train(id, GAME, tmp_path / "run", progress_bar=False)
    assert same_state(tmp_path / "plain", tmp_path / "run")
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint.env_id == CATCH
    assert evaluate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, episodes=5).episodes == 5
    assert resume(tmp_path / "run", env_id=id, progress_bar=False).stopped_by is None


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"class_loss": "every", "location_reward": "confidence"},
        {"location_reward": "likelihood", "environment": {"turns": True}},
        {"environment": {"sensor": "zoom", "gaze": "relative", "max_step": 0.5}},
        {"network": NetworkSettings(core="lstm", random_locations=True, **SMALL)},
    ],
)
def test_a_task_from_outside_without_images_is_trained_by_both_loops(change, tmp_path):
    hybrid = train(OWN, replace(DRIFT, **change), tmp_path / "hybrid", progress_bar=False)
    assert hybrid.progress.frames == DRIFT.frames == 6 * 16 * STEPS
    checkpoint = load_checkpoint(tmp_path / "hybrid")
    assert checkpoint.env_id == OWN
    zooms = change.get("environment", {}).get("sensor") == "zoom"
    assert checkpoint.policy.settings.gaze_size == (3 if zooms else 2)
    lines = metrics(tmp_path / "hybrid")
    assert all(0 <= float(line["points"]) <= STEPS - 1 for line in lines)
    game = replace(GAME, environment=change.get("environment", {}))
    train(OWN, game, tmp_path / "game", progress_bar=False)
    assert all(0 <= float(line["points"]) <= STEPS - 1 for line in metrics(tmp_path / "game"))


def test_where_the_answer_counts_is_what_the_hybrid_learns(tmp_path):
    """The right answer changes within the episode, and the first one does not count."""
    settings = replace(
        DRIFT,
        environment={"turns": True, "first_location": "center", "patch_size": 8, "num_scales": 1},
        network=NetworkSettings(core="lstm", core_size=32, glimpse_features=32, location_std=0.05),
        num_envs=128,
        frames=150 * 128 * STEPS,
        learning_rate=1e-2,
    )
    train(OWN, settings, tmp_path, progress_bar=False)
    assert float(metrics(tmp_path)[-1]["points"]) > 2.8  # of 3


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [
        (CATCH, replace(GAME, environment={"screen_size": 8, "patch_size": 2, "sensor": "zoom"})),
        (CATCH, replace(GAME, environment={"screen_size": 8, "patch_size": 2, "gaze": "relative"})),
        (DIGITS, replace(HYBRID, environment={"split": "train[:48]", "sensor": "zoom"})),
    ],
    ids=["zoom", "relative", "zoom, hybrid"],
)
def test_other_sensors_and_gazes_train_and_resume_exactly(env_id, settings, tmp_path, monkeypatch):
    train(env_id, settings, tmp_path / "whole", progress_bar=False)
    with monkeypatch.context() as patch:
        after_iteration(patch, 2, interrupt)
        train(env_id, settings, tmp_path / "stopped", progress_bar=False)
    resume(tmp_path / "stopped", progress_bar=False)
    assert same_state(tmp_path / "whole", tmp_path / "stopped")


def test_the_precision_is_decided_once_and_recorded(tmp_path, monkeypatch):
    calls = []

    def decide(precision, device):
        calls.append(precision)
        return "bfloat16"

    monkeypatch.setattr(trainer, "resolve_precision", decide)
    train(CATCH, GAME, tmp_path, progress_bar=False)
    monkeypatch.setattr(trainer, "resolve_precision", lambda *_: "float32")  # another machine
    resume(tmp_path, progress_bar=False)
    assert calls == ["auto"]
    assert load_checkpoint(tmp_path).training["precision"] == "bfloat16"


@pytest.mark.parametrize(("env_id", "settings"), [(CATCH, GAME), (DIGITS, HYBRID)])
def test_a_run_writes_metrics_logs_and_settings(env_id, settings, tmp_path):
    train(env_id, settings, tmp_path, seed=5, progress_bar=False)
    lines = metrics(tmp_path)
    assert [int(line["iteration"]) for line in lines] == [2, 4, 6]
    figure = "success_rate" if env_id == CATCH else "error_percent"
    for line in lines:
        assert 0 <= float(line[figure]) <= 100
        assert float(line["frames_per_second"]) > 0
    assert list((tmp_path / "tensorboard").iterdir())
    content = json.loads((tmp_path / "settings.json").read_text())
    assert (content["env_id"], content["seed"]) == (env_id, 5)
    assert content["training"]["precision"] in ("float32", "bfloat16")


def test_the_progress_bar_shows_speed_and_the_figure_that_matters(tmp_path, capsys):
    train(DIGITS, HYBRID, tmp_path)
    shown = capsys.readouterr().err
    assert re.search(r"error \d+\.\d+ %", shown)
    assert "frames/s" in shown


def test_schedules_begin_and_end_where_they_should(tmp_path, monkeypatch):
    seen = []
    after_iteration(
        monkeypatch,
        0,
        lambda self: seen.append((self.optimizer.param_groups[0]["lr"], self.policy.location_std.item())),
    )
    train(CATCH, replace(GAME, warmup=0.5), tmp_path / "start", progress_bar=False)
    assert seen[0] == pytest.approx((GAME.learning_rate / 3, 0.1))
    assert load_checkpoint(tmp_path / "start").policy.location_std == torch.tensor(0.05)


def test_the_location_network_has_its_own_learning_rate(tmp_path, monkeypatch):
    weights = []
    for iteration in (0, 5):
        with monkeypatch.context() as patch:
            after_iteration(patch, iteration, lambda self: weights.append(deepcopy(self.policy.state_dict())))
            settings = replace(GAME, location_learning_rate=0.0)
            train(CATCH, settings, tmp_path / str(iteration), progress_bar=False)
    start, end = weights
    changed = {name.split(".")[0] for name in start if not torch.equal(start[name], end[name])}
    assert {"glimpse_network", "core_network", "action_network", "baseline"} <= changed
    assert "location_network" not in changed
    with monkeypatch.context() as patch:
        rates = []
        after_iteration(patch, 3, lambda self: rates.extend(group["lr"] for group in self.optimizer.param_groups))
        train(CATCH, replace(GAME, location_learning_rate=1e-4), tmp_path / "rates", progress_bar=False)
    assert rates == pytest.approx([GAME.learning_rate / 2, 1e-4 / 2])  # both follow the schedule


def test_exploration_falls_to_nothing(tmp_path, monkeypatch):
    shares = []

    def draw(scenes, first_location, num_steps, share, draws):
        shares.append(share.item())
        return draw_scan(scenes, first_location, num_steps, share, draws)

    monkeypatch.setattr("agents.training.hybrid.draw_scan", draw)
    train(DIGITS, replace(HYBRID, location_exploration=0.3), tmp_path, progress_bar=False)
    assert load_checkpoint(tmp_path).progress["iteration"] == 6
    assert shares == pytest.approx([0.3, 0.24, 0.18, 0.12, 0.06, 0.0])


def test_exploration_is_refused_where_a_location_is_no_place(tmp_path):
    settings = replace(HYBRID, environment={"sensor": "zoom"}, location_exploration=0.3)
    with pytest.raises(SettingsError, match=r"location_exploration=0.3 is for .*not for the 3 numbers.*expected 0"):
        train(DIGITS, settings, tmp_path / "run", progress_bar=False)
    assert not (tmp_path / "run").exists()


def test_the_last_iteration_has_the_final_standard_deviation_exactly():
    """In version 0.1 it was never reached."""
    assert [annealed(0.25, 0.05, iteration, 5) for iteration in (0, 2, 4)] == [0.25, pytest.approx(0.15), 0.05]
    assert annealed(0.25, 0.05, 0, 1) == 0.05
