"""The commands that use a run: what they print, what they write, and what they refuse."""

import json

import numpy as np
import pytest

from agents.cli import main
from agents.pictures.comparison import RunsError, find_runs, group_runs, read_run
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from ram_envs.tasks.figure import SUCCESS_RATE


def test_list_shows_every_environment_in_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split("  ")[:1] == ["RAM-CatchGame-v0"] and "6x6, 3 scales" in lines[1] and "24x24" in lines[1]
    text = " ".join(" ".join(lines).split())
    assert "RAM-ClutteredMNIST100-v0 12x12, 4 scales mnist, 100x100, 8 pieces of clutter; 8 glimpses" in text
    assert max(map(len, lines)) <= 80


def test_list_shows_the_environments_of_a_module(elsewhere, ram, refused):
    status, stdout, stderr = ram("list", "somebody", folder=elsewhere)
    assert status == 0 and "somebody:Basket-v0" in stdout, stderr
    assert "there is no module 'nobody'" in refused("list", "nobody")


def test_evaluate_prints_one_json_object_and_nothing_else(digits, tmp_path, ram):
    status, stdout, stderr = ram("evaluate", digits[0], "--json", folder=tmp_path)
    assert status == 0, stderr
    result = json.loads(stdout)
    assert result["figure"] == "error_percent" and result["episodes"] == 360 and result["mean_glimpses"] == 3
    assert result["interval_low"] < result["value"] < result["interval_high"]


def test_evaluate_prints_figure_interval_and_number(catch, capsys):
    assert main(["evaluate", str(catch[0]), "--episodes", "50", "--sampled", "--device", "cpu"]) == 0
    line = capsys.readouterr().out
    assert line.startswith("success_rate 0.") and "  95% interval [0." in line and "  50 episodes" in line


def test_evaluate_takes_a_part_of_a_split(digits, capsys):
    assert main(["evaluate", str(digits[0] / FILE_NAME), "--split", "train[-100:]"]) == 0
    assert "100 episodes, one rollout per image" in capsys.readouterr().out


def test_evaluate_refuses_more_images_than_there_are(refused, digits):
    assert "at most 360" in refused("evaluate", digits[0], "--episodes", "361")


def test_evaluate_refuses_the_split_of_a_game(refused, catch):
    assert "shows no images" in refused("evaluate", catch[0], "--split", "test")


def test_watch_writes_a_video(catch, tmp_path, ram):
    status, stdout, stderr = ram("watch", catch[0], "--video", "out.gif", "--episodes", "1", folder=tmp_path)
    assert (status, stdout) == (0, "out.gif\n"), stderr
    assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF89a")


def test_watch_shows_a_window(digits, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    assert main(["watch", str(digits[0]), "--episodes", "1"]) == 0


def test_watch_writes_a_page_and_a_video_of_the_same_episodes(catch, tmp_path, capsys):
    page, video = tmp_path / "out.html", tmp_path / "out.gif"
    assert main(["watch", str(catch[0]), "--html", str(page), "--video", str(video), "--episodes", "1"]) == 0
    assert capsys.readouterr().out.split() == [str(video), str(page)]
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>") and video.read_bytes()[:3] == b"GIF"


@pytest.mark.parametrize(
    ("option", "name"),
    [("--html", "a.html"), ("--video", "a.gif"), ("--html", "file/a.html"), ("--video", "file/a.gif")],
)
def test_watch_names_a_file_that_cannot_be_written(refused, digits, tmp_path, option, name):
    (tmp_path / "file").touch()
    (tmp_path / "a.html").mkdir()
    (tmp_path / "a.gif").mkdir()
    line = refused("watch", digits[0], option, tmp_path / name, "--episodes", "1")
    assert f"{tmp_path / name} cannot be written (" in line and "choose another path" in line


def test_watch_refuses_a_page_with_another_suffix(refused, digits, tmp_path):
    assert "ends in .html" in refused("watch", digits[0], "--html", tmp_path / "out.gif")


def test_watch_refuses_an_unknown_kind_of_video(refused, digits, tmp_path):
    assert ".gif or .mp4" in refused("watch", digits[0], "--video", tmp_path / "out.avi")


def test_watch_and_play_say_that_there_is_no_display(refused, digits, monkeypatch):
    monkeypatch.setenv("SDL_VIDEODRIVER", "nope")
    assert "--video FILE" in refused("watch", digits[0])
    assert "no display" in refused("play", "RAM-Digits-v0")


def test_play_passes_on_its_options(monkeypatch, capsys):
    from agents import play

    calls, score = [], play.Score(SUCCESS_RATE, 5, 2)
    monkeypatch.setattr(play, "play", lambda *args, **kwargs: calls.append((args, kwargs)) or score)
    assert main(["play", "RAM-CatchGame-Flat-v0", "--screen-size", "12", "--show-scene", "--seed", "4"]) == 0
    expected = {"seed": 4, "hidden": False, "steps_per_second": 4.0}
    assert calls == [(("RAM-CatchGame-v0", {"screen_size": 12}), expected)]
    assert capsys.readouterr().out == "2 of 5\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["play", "RAM-MNSIT-v0"], "did you mean RAM-MNIST-v0"),
        (["play"], "missing ENV_ID"),
        (["play", "RAM-CatchGame-v0", "--screen-sise=9"], "did you mean --screen-size?"),
        (["evaluate"], "missing CHECKPOINT"),
        (["watch", "pretrained:RAM-Nothing-v0"], "pretrained:RAM-CatchGame-v0"),
        (["export", "pretrained:RAM-CatchGame-v0"], "no file to write: expected OUT"),
        (["plot"], "missing RUN"),
        (["list", "--all"], "there is no option --all"),
        (["benchmark", "--workers", "two"], "--workers: expected an integer, got 'two'"),
        (["benchmark"], "a benchmark needs a file"),
        (["benchmark", "nowhere.yaml"], "nowhere.yaml"),
        (["benchmark", "report", "nowhere"], "nowhere"),
        (["evaluate", "pretrained:RAM-Digits-v0", "--stop-threshold=7", "--calibrate=train"], "stop_threshold=7"),
        (["evaluate", "pretrained:RAM-CatchGame-v0", "--episodes=1000000000000000"], "not enough memory"),
    ],
)
def test_wrong_input_is_explained_in_one_line(refused, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert message in refused(*arguments)


@pytest.mark.parametrize("arguments", [["evaluate"], ["watch"], ["train", "--resume"], ["export"]])
def test_a_checkpoint_that_is_truncated_or_missing_is_refused(refused, digits, tmp_path, arguments):
    content = (digits[0] / FILE_NAME).read_bytes()
    (tmp_path / FILE_NAME).write_bytes(content[: len(content) // 2])
    rest = [tmp_path / "out.safetensors"] if arguments == ["export"] else []
    assert "truncated" in refused(*arguments, tmp_path, *rest)
    assert "does not exist" in refused(*arguments, tmp_path / "nowhere", *rest)


def test_export_writes_a_small_agent_that_evaluates_alike(digits, tmp_path, capsys):
    file = tmp_path / "agent.safetensors"
    assert main(["export", str(digits[0]), str(file)]) == 0
    assert str(file) in capsys.readouterr().out
    assert file.stat().st_size < (digits[0] / FILE_NAME).stat().st_size / 3
    exported, original = load_checkpoint(file), load_checkpoint(digits[0])
    assert exported.optimizer == {} and exported.env_settings == original.env_settings
    for name, value in exported.policy.state_dict().items():
        assert np.allclose(value, original.policy.state_dict()[name], atol=1e-3), name
    assert main(["evaluate", str(file), "--episodes", "20"]) == 0


def test_both_names_are_checked_before_either_file_is_written(refused, digits, tmp_path):
    out = tmp_path / "out.safetensors"
    assert "expected a name that ends in .onnx" in refused("export", digits[0], out, "--onnx", tmp_path / "graph.txt")
    pictures = "--video", tmp_path / "play.gif", "--html", tmp_path / "play.txt"
    assert "expected a name that ends in .html" in refused("watch", digits[0], *pictures)
    assert list(tmp_path.iterdir()) == []


def test_export_refuses_to_overwrite_what_it_reads(refused, digits, tmp_path):
    before = (digits[0] / FILE_NAME).read_bytes()
    assert "the checkpoint itself" in refused("export", digits[0], digits[0] / FILE_NAME)
    assert "ends in .safetensors" in refused("export", digits[0], digits[0])
    assert "ends in .safetensors" in refused("export", digits[0], tmp_path / "agent.pt")
    assert (digits[0] / FILE_NAME).read_bytes() == before


def write_run(folder, seed, values, learning_rate=0.1, column="success_rate", env_id="RAM-CatchGame-v0"):
    folder.mkdir(parents=True)
    training = {"method": "game", "learning_rate": learning_rate, "threads": seed, "network": {"core_size": 8}}
    (folder / "settings.json").write_text(json.dumps({"env_id": env_id, "seed": seed, "training": training}))
    lines = "".join(f"{100 * (i + 1)},{value}\n" for i, value in enumerate(values))
    (folder / "metrics.csv").write_text(f"frames,{column}\n{lines}")
    return folder


def test_runs_are_grouped_by_what_differs_with_mean_and_spread(tmp_path):
    for seed, values in enumerate(([0.2, 0.4], [0.4, 0.8, 0.9])):
        write_run(tmp_path / f"slow/seed{seed}", seed, values)
    write_run(tmp_path / "fast", 0, [0.5, 0.5], learning_rate=0.2)
    groups = {group.label: group for group in group_runs([read_run(run) for run in find_runs(tmp_path)])}
    assert sorted(groups) == ["learning_rate=0.1", "learning_rate=0.2"]
    frames, mean, spread = groups["learning_rate=0.1"].band()
    assert (frames[0], frames[-1]) == (100, 200)
    assert np.isclose(mean[0], 30) and np.isclose(mean[-1], 60)
    assert np.isclose(spread[0], np.std([20, 40], ddof=1))


@pytest.mark.parametrize("name", ["curves.png", "curves.svg", "sub/curves.pdf"])
def test_plot_writes_a_picture(tmp_path, monkeypatch, capsys, name):
    monkeypatch.setenv("MPLBACKEND", "module://nowhere")
    runs = [write_run(tmp_path / f"run{seed}", seed, [0.5, 0.25, 0.0]) for seed in range(2)]
    assert main(["plot", *map(str, runs), "--out", str(tmp_path / name)]) == 0
    start = (tmp_path / name).read_bytes()[:5]
    assert start in (b"\x89PNG\r", b"<?xml", b"%PDF-")


def test_a_run_that_is_given_twice_is_one(tmp_path, monkeypatch, capsys):
    run = write_run(tmp_path / "run", 0, [0.5, 0.25])
    (tmp_path / "link").symlink_to(run)
    monkeypatch.chdir(tmp_path)
    assert main(["plot", "run", str(run), "link"]) == 0
    assert capsys.readouterr().out.count("(seed 0)") == 1


def test_plot_refuses_what_it_cannot_draw(refused, tmp_path):
    run = write_run(tmp_path / "run", 0, [0.5])
    other = write_run(tmp_path / "other", 0, [50], column="error_percent", env_id="RAM-MNIST-v0")
    empty = write_run(tmp_path / "empty", 0, [])
    assert "draw them in two pictures" in refused("plot", run, other)
    assert "measured nothing yet" in refused("plot", empty)
    assert "is not a folder" in refused("plot", tmp_path / "nowhere")
    assert "ends in .png, .svg, .pdf" in refused("plot", run, "--out", tmp_path / "curves.jpg")
    (run / "settings.json").write_text("{")
    with pytest.raises(RunsError, match="cannot be drawn"):
        read_run(run)
