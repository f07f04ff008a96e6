"""metrics.csv: exact after a resume, and kept when it is damaged."""

import errno
import threading
from contextlib import suppress

import pytest
from tensorboard.compat.tensorflow_stub.io.gfile import LocalFileSystem

from agents.training.metrics import Logs, Means, append_line, forget_after
from agents.training.run import METRICS
from agents.training.trainer import resume, train
from tests.agents.training.test_trainer import CATCH, DIGITS, GAME, HYBRID, after_iteration, interrupt, metrics, replace

HEADER = "iteration,frames,time_s,frames_per_second,success_rate\n"
LINES = ["2,80,0.1,800.0,0.25\n", "4,160,0.2,800.0,0.5\n", "6,240,0.3,800.0,0.75\n"]
WHOLE = HEADER + "".join(LINES)


def without_times(folder):
    times = ("time_s", "frames_per_second")
    return [{name: value for name, value in line.items() if name not in times} for line in metrics(folder)]


@pytest.mark.parametrize(
    ("env_id", "settings", "log_every", "checkpoint_every"),
    [(CATCH, GAME, 4, 1), (CATCH, GAME, 3, 2), (CATCH, GAME, 2, 4), (CATCH, GAME, 10, 4), (DIGITS, HYBRID, 5, 3)],
)
@pytest.mark.parametrize("stop", ["signal", "kill"])
def test_a_resumed_run_logs_what_an_uninterrupted_one_logs(
    env_id, settings, log_every, checkpoint_every, stop, tmp_path, monkeypatch
):
    settings = replace(settings, log_every=log_every, checkpoint_every=checkpoint_every)
    train(env_id, settings, tmp_path / "whole", progress_bar=False)

    class Killed(BaseException):
        pass

    def kill(_):
        raise Killed

    for iteration in (2, 4):  # stopped twice
        with monkeypatch.context() as patch:
            after_iteration(patch, iteration, interrupt if stop == "signal" else kill)
            try:
                if iteration == 2:
                    train(env_id, settings, tmp_path / "stopped", progress_bar=False)
                else:
                    resume(tmp_path / "stopped", progress_bar=False)
            except Killed:
                pass
    resume(tmp_path / "stopped", progress_bar=False)
    assert without_times(tmp_path / "stopped") == without_times(tmp_path / "whole")
    assert without_times(tmp_path / "whole")[-1]["iteration"] == "6"


def test_means_continue_from_their_state_to_the_last_bit():
    values = [(0.1 * number, 1 / (number + 1)) for number in range(7)]
    whole, first = Means(), Means()
    for row in values:
        whole.add(["a", "b"], row)
    for row in values[:4]:
        first.add(["a", "b"], row)
    second = Means(first.state())
    for row in values[4:]:
        second.add(["a", "b"], row)
    assert second.take() == whole.take() and second.state() is None


def test_means_of_a_version_with_other_statistics_are_dropped():
    means = Means({"iterations": 3, "sums": {"a": 3.0}})
    means.add(["b"], [2.0])
    assert means.take() == {"b": 2.0}


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (WHOLE, HEADER + LINES[0] + LINES[1]),
        (WHOLE[:-1], HEADER + LINES[0] + LINES[1]),
        (WHOLE[: -len(LINES[2]) - 3], HEADER + LINES[0]),  # cut off in the second line
        (HEADER, None),
        ("", None),
    ],
)
def test_lines_beyond_the_checkpoint_and_a_line_that_is_cut_off_are_dropped(content, kept, tmp_path, capsys):
    file = tmp_path / METRICS
    file.write_text(content)
    forget_after(file, 160)
    assert (file.read_text() if file.exists() else None) == kept
    assert capsys.readouterr().err == "" and [path.name for path in tmp_path.iterdir()] == ([METRICS] if kept else [])


def test_a_file_that_needs_no_change_is_not_written(tmp_path):
    file = tmp_path / METRICS
    file.write_text(WHOLE)
    before = file.stat().st_mtime_ns, file.stat().st_ino
    forget_after(file, 240)
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


@pytest.mark.parametrize(
    ("damaged", "kept", "problem"),
    [
        (b"\xff\xfe" + WHOLE.encode(), None, "not a table"),
        (WHOLE.replace("frames,", "steps,", 1).encode(), None, "no header with the column 'frames'"),
        (WHOLE.replace("time_s", "frames", 1).encode(), None, "no header with the column 'frames'"),
        (b"no newline at all", None, "no header with the column 'frames'"),
        (b"\0" * 500, None, "no header with the column 'frames'"),
        (b'a,"' + b"x" * 200_000, None, "not a table"),
        ((HEADER + "2,80,0.1,800.0\n" + LINES[1]).encode(), HEADER + LINES[1], "1 of its lines"),
        ((HEADER + "2,eighty,0.1,800.0,1\n" + LINES[1]).encode(), HEADER + LINES[1], "1 of its lines"),
        ((HEADER + "2,80,0.1,800.0,nan\n" + LINES[1]).encode(), HEADER + LINES[1], "1 of its lines"),
        ((HEADER + LINES[0] + LINES[0][:5] + LINES[1]).encode(), HEADER + LINES[0], "1 of its lines"),
    ],
)
def test_a_damaged_file_is_kept_under_another_name_and_the_whole_lines_stay(damaged, kept, problem, tmp_path, capsys):
    file = tmp_path / METRICS
    for name in ("metrics.csv.damaged", "metrics.csv.damaged-2"):
        file.write_bytes(damaged)
        forget_after(file, 160)
        assert (file.read_text() if file.exists() else None) == kept
        assert (tmp_path / name).read_bytes() == damaged
        message = capsys.readouterr().err
        assert message.count("\n") == 1 and str(file) in message and problem in message and f"kept as {name}" in message


def test_a_run_with_a_damaged_file_is_resumed(tmp_path, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        after_iteration(patch, 3, interrupt)
        train(CATCH, GAME, tmp_path, progress_bar=False)
    (tmp_path / METRICS).write_text("success_rate\n0.5\n")
    resume(tmp_path, progress_bar=False)
    assert [line["iteration"] for line in metrics(tmp_path)] == ["6"]
    assert (tmp_path / "metrics.csv.damaged").read_text() == "success_rate\n0.5\n"
    assert "kept as metrics.csv.damaged" in capsys.readouterr().err


def test_a_file_with_other_columns_is_not_continued(tmp_path, capsys):
    file = tmp_path / METRICS
    file.write_text(WHOLE)
    line = {"iteration": 8, "frames": 320, "episode_return": 1.0}
    append_line(file, line)
    append_line(file, line)
    assert file.read_text() == "iteration,frames,episode_return\n8,320,1.0\n8,320,1.0\n"
    assert (tmp_path / "metrics.csv.damaged").read_text() == WHOLE
    assert "kept as metrics.csv.damaged" in capsys.readouterr().err


def test_on_a_full_disk_the_thread_of_tensorboard_prints_no_traceback(tmp_path, monkeypatch, capfd):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    shown = []
    monkeypatch.setattr(threading, "excepthook", lambda error: shown.append(error.exc_value))
    before, logs = threading.excepthook, Logs(tmp_path, 0)
    with monkeypatch.context() as patch, suppress(OSError):
        patch.setattr(LocalFileSystem, "_write", full)
        for frames in range(100):
            logs.append({"frames": frames, "value": 0.5})
            logs._writer.flush()
    logs.close()
    assert shown == [] and "Traceback" not in capfd.readouterr().err
    assert threading.excepthook is before
    other = Logs(tmp_path / "other", 0)
    thread = threading.Thread(target=full)
    thread.start()
    thread.join()
    assert [str(error) for error in shown] == ["[Errno 28] No space left on device"]  # errors of others are shown
    other.close()
