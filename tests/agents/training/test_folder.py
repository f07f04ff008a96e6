"""A run's folder: one process at a time, cleaned after a kill, and never claimed to hold what is gone."""

import errno
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents import locks
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from agents.training import trainer
from agents.training.run import TrainingError
from agents.training.trainer import resume, train
from tests.agents.training.test_trainer import CATCH, GAME, after_iteration, interrupt, metrics, replace, same_state
from tests.limits import HANG_S

ROOT = Path(__file__).parents[3]
LONG = """
import sys, time
from dataclasses import replace
from pathlib import Path
from agents.training import trainer
from agents.training.run import TrainingError
from tests.agents.training.test_trainer import CATCH, GAME

Path(f"ready-{sys.argv[1]}").touch()
while not Path("go").exists():
    time.sleep(0.001)  # all start at the same moment
try:
    trainer.train(CATCH, replace(GAME, frames=10**9), "run", seed=int(sys.argv[1]), progress_bar=False)
except TrainingError as error:
    sys.exit(str(error))
"""


def start(folder, seed):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LONG, str(seed)]
    return subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True)


def wait_until(condition):
    end = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def test_of_three_trainings_in_one_folder_one_wins_and_a_kill_frees_the_folder(tmp_path):
    processes = [start(tmp_path, seed) for seed in range(3)]
    try:
        wait_until(lambda: len(list(tmp_path.glob("ready-*"))) == 3)
        (tmp_path / "go").touch()
        wait_until(lambda: sum(process.poll() is not None for process in processes) == 2)
        wait_until(lambda: len(metrics(tmp_path / "run")) > 2 if (tmp_path / "run/metrics.csv").exists() else False)
        [winner] = [process for process in processes if process.poll() is None]
        for process in processes:
            if process is not winner:
                message = process.stderr.read().strip()
                assert message.count("\n") == 0 and process.returncode == 1
                assert "run is in use by another process" in message or "run holds another run" in message
        with pytest.raises(TrainingError, match="is in use by another process that trains there: wait until it ends"):
            resume(tmp_path / "run", progress_bar=False)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stderr.close()
    assert load_checkpoint(tmp_path / "run").progress["seed"] == processes.index(winner)
    iterations = [int(line["iteration"]) for line in metrics(tmp_path / "run")]
    assert iterations == sorted(set(iterations))

    def stop(run):
        os.kill(os.getpid(), signal.SIGTERM)

    before = load_checkpoint(tmp_path / "run").progress["iteration"]
    with pytest.MonkeyPatch.context() as patch:
        after_iteration(patch, before + 1, stop)
        assert resume(tmp_path / "run", progress_bar=False).progress.iteration == before + 2


def test_a_second_resume_is_refused_while_the_first_trains(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    messages = []

    def resume_again(_):
        with pytest.raises(TrainingError) as error:
            resume(tmp_path, progress_bar=False)
        messages.append(str(error.value))

    after_iteration(monkeypatch, 4, resume_again)
    resume(tmp_path, progress_bar=False)
    [message] = messages
    assert message.startswith(f"{tmp_path} is in use by another process")
    assert [line["iteration"] for line in metrics(tmp_path)] == ["2", "4", "6"]


def test_a_run_that_another_process_continued_after_the_checkpoint_was_read_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 2, interrupt)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    original = trainer.load_checkpoint

    def load_slowly(*arguments):
        checkpoint = original(*arguments)
        monkeypatch.setattr(trainer, "load_checkpoint", original)
        resume(tmp_path, progress_bar=False)  # the other process
        return checkpoint

    monkeypatch.setattr(trainer, "load_checkpoint", load_slowly)
    with pytest.raises(TrainingError, match="another process has continued this run; resume it again"):
        resume(tmp_path, progress_bar=False)
    assert load_checkpoint(tmp_path).progress["iteration"] == 6
    assert len(metrics(tmp_path)) == 3


def test_a_run_that_another_process_began_after_the_folder_was_checked_is_not_overwritten(tmp_path, monkeypatch):
    original = trainer.check_new

    def check_slowly(folder):
        original(folder)
        monkeypatch.setattr(trainer, "check_new", original)
        train(CATCH, GAME, folder, seed=1, progress_bar=False)  # the other process
        return folder

    monkeypatch.setattr(trainer, "check_new", check_slowly)
    with pytest.raises(TrainingError, match="holds another run"):
        train(CATCH, GAME, tmp_path, progress_bar=False)
    assert load_checkpoint(tmp_path).progress["seed"] == 1


def test_the_folder_is_free_again_after_every_end(tmp_path, monkeypatch):
    def fail(_):
        raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        after_iteration(patch, 3, fail)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        patch.setattr(trainer.Run, "save", fail)  # before the first iteration
        resume(tmp_path, progress_bar=False)
    resume(tmp_path, progress_bar=False)
    resume(tmp_path, progress_bar=False)


def test_part_files_of_a_killed_process_are_deleted_at_the_next_start(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    for name in (f"{FILE_NAME}.999999.part", "curve.png.12.part"):
        (tmp_path / name).write_bytes(b"half")
    (tmp_path / "notes.txt").write_text("mine")
    resume(tmp_path, progress_bar=False)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {FILE_NAME, "metrics.csv", "settings.json", "tensorboard", "notes.txt", ".lock"}


@pytest.mark.parametrize("replaced", [False, True])
@pytest.mark.parametrize("log_every", [1, 1000])
def test_a_folder_that_is_deleted_during_training_is_not_claimed_to_hold_a_checkpoint(
    replaced, log_every, tmp_path, monkeypatch
):
    folder = tmp_path / "run"

    def delete(run):
        shutil.rmtree(folder)
        if replaced:
            monkeypatch.undo()
            train(CATCH, GAME, folder, seed=1, progress_bar=False)

    after_iteration(monkeypatch, 3, delete)
    settings = replace(GAME, log_every=log_every)
    with pytest.raises(TrainingError) as error:
        train(CATCH, settings, folder, progress_bar=False)
    assert str(error.value) == (
        f"{folder} was deleted or replaced during training: nothing is left of this run to resume; train again"
    )
    assert folder.exists() == replaced
    if replaced:
        assert load_checkpoint(folder).progress == {**load_checkpoint(folder).progress, "seed": 1, "iteration": 6}


def test_a_run_that_diverges_says_if_its_checkpoint_is_gone(tmp_path, monkeypatch):
    def poison(run):
        (tmp_path / FILE_NAME).unlink()
        run._on_device[-1][0] = float("nan")

    after_iteration(monkeypatch, 3, poison)
    with pytest.raises(TrainingError, match=r"training diverged; no checkpoint is left in .*Train again with a lower"):
        train(CATCH, GAME, tmp_path, progress_bar=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_last_iteration_leaves_a_complete_run(number, tmp_path, monkeypatch):
    after_iteration(monkeypatch, 5, lambda _: os.kill(os.getpid(), number))
    result = train(CATCH, GAME, tmp_path, progress_bar=False)
    assert result.stopped_by is None and result.progress.iteration == 6
    assert load_checkpoint(tmp_path).progress["iteration"] == 6 and len(metrics(tmp_path)) == 3


class Broken(io.StringIO):
    """A stderr that nobody reads any more."""

    def write(self, text):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    def flush(self):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")


@pytest.mark.parametrize("stderr", [None, Broken(), "closed"])
def test_training_does_not_need_stderr(stderr, tmp_path, monkeypatch):
    if stderr == "closed":
        stderr = io.StringIO()
        stderr.close()
    (tmp_path / "run").mkdir()
    monkeypatch.setattr(sys, "stderr", stderr)
    after_iteration(monkeypatch, 2, interrupt)
    train(CATCH, GAME, tmp_path / "run")
    (tmp_path / "run/metrics.csv").write_text("damaged")  # of which nobody is told
    assert resume(tmp_path / "run").stopped_by is None


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_folder_whose_name_is_not_utf_8(tmp_path, monkeypatch, capsys):
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/run-\xff"))
    with monkeypatch.context() as patch:
        after_iteration(patch, 2, interrupt)
        train(CATCH, GAME, folder)
    assert "no TensorBoard log" in capsys.readouterr().err
    resume(folder)
    train(CATCH, GAME, tmp_path / "whole", progress_bar=False)
    assert same_state(folder, tmp_path / "whole")
    files = {path.name for path in folder.iterdir()}
    assert files == {FILE_NAME, "metrics.csv", "settings.json", ".lock"}
    assert (folder / "settings.json").read_bytes() == (tmp_path / "whole/settings.json").read_bytes()


def test_a_file_system_without_locks_is_told_and_used(tmp_path, monkeypatch, capsys):
    def unsupported(*_, **__):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.FileLock, "acquire", unsupported)
    train(CATCH, GAME, tmp_path, progress_bar=False)
    assert f"the file system of {tmp_path} has no locks" in capsys.readouterr().err


@pytest.mark.parametrize("change", [{"iteration": 7, "frames": 280}, {"iteration": 5}, {"frames": 200}])
def test_progress_that_does_not_fit_the_settings_is_refused(change, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    original = trainer.load_checkpoint
    monkeypatch.setattr(
        trainer, "load_checkpoint", lambda *arguments: _changed(original(*arguments), change | {"pending": None})
    )
    with pytest.raises(TrainingError, match="its settings give 6 iterations of 40 steps: it is damaged"):
        resume(tmp_path, progress_bar=False)


def _changed(checkpoint, change):
    return replace(checkpoint, progress=checkpoint.progress | change)
