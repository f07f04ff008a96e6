"""Every command takes a stranger's tasks, dataset and sensor, and both training loops train on them."""

import json
import subprocess
import sys

import pytest

from agents.cli import main
from agents.ram.checkpoint import load_checkpoint
from tests.limits import HANG_S

SMALL = ["--core-size=16", "--glimpse-hidden=16", "--location-hidden=16", "--glimpse-features=16", "--num-envs=8"]
LENGTH = {
    "Counting-v0": ["--frames=640"],
    "Chasing-v0": ["--frames=640"],
    "Stripes-v0": ["--epochs=2"],
    "CrossStripes-v0": ["--epochs=2"],
}


def ram(capsys, *arguments):
    status = main([str(argument) for argument in arguments])
    output = capsys.readouterr()
    assert status == 0, output.err
    return output.out


def _one_line(text):
    """Undo the wrapping of a table whose cells are wrapped under each other."""
    return " ".join(" ".join(line.split()) for line in text.splitlines())


def train(capsys, id, out, *options):
    length = LENGTH[id.removeprefix("strangers:")]
    return ram(capsys, "train", id, "--out", out, *SMALL, *length, *options)


@pytest.mark.parametrize(("id", "method"), list(zip(LENGTH, ["hybrid", "game", "hybrid", "hybrid"], strict=True)))
def test_a_stranger_trains_evaluates_and_watches(id, method, tmp_path, capsys):
    folder = tmp_path / "run"
    assert "ram evaluate" in train(capsys, f"strangers:{id}", folder)
    checkpoint = load_checkpoint(folder)
    assert checkpoint.env_id == f"strangers:{id}" and checkpoint.training["method"] == method
    result = json.loads(ram(capsys, "evaluate", folder, "--episodes=20", "--json"))
    assert result["episodes"] == 20 and 0 <= result["interval_low"] <= result["value"] <= result["interval_high"]
    assert {path.name for path in folder.iterdir()} >= {"curve.png", "animation.gif", "metrics.csv"}
    video = tmp_path / "watched.gif"
    ram(capsys, "watch", folder, "--video", video, "--episodes=1")
    assert video.read_bytes()[:4] == b"GIF8"
    page = tmp_path / "watched.html"
    ram(capsys, "watch", folder, "--html", page, "--episodes=1")
    assert id in page.read_text(encoding="utf-8")


def test_its_own_arguments_are_options_and_another_sensor_too(tmp_path, capsys):
    folder = tmp_path / "run"
    train(capsys, "strangers:Counting-v0", folder, "--num-objects=2", "--sensor=zoom", "--gaze=absolute")
    checkpoint = load_checkpoint(folder)
    assert checkpoint.env_settings == {"num_objects": 2, "sensor": "zoom", "gaze": "absolute"}
    assert checkpoint.policy.settings.num_actions == 2 and checkpoint.policy.settings.gaze_size == 3
    help = ram(capsys, "train", "strangers:Counting-v0", "--help")
    assert "--num-objects" in help and "the most objects there are" in help.lower() and "--num-clutter" not in help


def test_the_list_shows_them(capsys):
    output = ram(capsys, "list", "strangers")
    assert "Counting-v0" in output and "Say at the end how many objects there are" in _one_line(output)


def test_they_export_and_plot(tmp_path, capsys):
    for seed in (0, 1):
        train(capsys, "strangers:Chasing-v0", tmp_path / f"run{seed}", f"--seed={seed}")
    ram(capsys, "plot", tmp_path / "run0", tmp_path / "run1", "--out", tmp_path / "curves.png")
    assert (tmp_path / "curves.png").read_bytes()[1:4] == b"PNG"
    ram(capsys, "export", tmp_path / "run0", tmp_path / "small.safetensors")
    assert load_checkpoint(tmp_path / "small.safetensors").env_id == "strangers:Chasing-v0"


def test_a_benchmark_compares_algorithms_on_them(tmp_path, capsys):
    options = ["--algorithms", "ram", "ppo", "--environments", "strangers:Counting-v0", "--frames", "600"]
    ram(capsys, "benchmark", *options, "--seeds", "0", "--workers", "1", "--out", tmp_path)
    scores = {
        file.parent.name: json.loads(file.read_text())["score"]["value"] for file in tmp_path.glob("runs/*/*/*.json")
    }
    assert set(scores) == {"random", "oracle", "ram", "ppo"} and scores["oracle"] == 1
    ram(capsys, "benchmark", "report", tmp_path)
    assert "Counting" in (tmp_path / "report.md").read_text()


def test_a_person_plays_them(tmp_path):
    """In a process of its own, whose window closes after the first frames."""
    code = (
        "import pygame, threading, time\n"
        "from agents.cli import main\n"
        "def leave():\n"
        "    while not pygame.display.get_init() or pygame.display.get_surface() is None: time.sleep(0.05)\n"
        "    time.sleep(0.5); pygame.event.post(pygame.event.Event(pygame.QUIT))\n"
        "threading.Thread(target=leave, daemon=True).start()\n"
        "raise SystemExit(main(['play', 'strangers:Chasing-v0', '--num-objects', '2']))\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S)
    assert result.returncode == 0, result.stderr


def test_wrong_arguments_are_one_line(capsys):
    for arguments, message in (
        (["train", "strangers:Counting-v0", "--num-objects=99"], "num_objects=99 is too many"),
        (["train", "strangers:Nothing-v0"], "no environment 'strangers:Nothing-v0'"),
        (["train", "nobody:Counting-v0"], "no module 'nobody'"),
        (["train", "strangers:Counting-v0", "--sensor=eye"], "sensor='eye'"),
    ):
        assert main(arguments) == 2
        error = capsys.readouterr().err
        assert message in error and error.count("\n") == 1 and "Traceback" not in error
