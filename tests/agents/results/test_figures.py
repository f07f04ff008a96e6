"""Learning curves survive what training leaves behind; animations are small, sharp and hold their last frames."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import imageio_ffmpeg
import numpy as np
import pytest
import torch
from gymnasium.error import DependencyNotInstalled
from PIL import Image, ImageSequence

from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.results import figures
from agents.results.figures import animate, plot_learning_curve


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def curve(path: Path, text: str) -> list[tuple[float, float]]:
    _, frames, values = figures._read_curve(write(path, text))
    return list(zip(frames.tolist(), values.tolist(), strict=True))


def test_the_curve_is_that_of_the_figure_that_matters(tmp_path: Path) -> None:
    file = tmp_path / "metrics.csv"
    assert curve(file, "frames,time_s,success_rate\n10,1,0.25\n20,2,0.5\n") == [(10, 25), (20, 50)]
    assert curve(file, "time_s,error_percent,frames\n1,60,10\n2,40,20\n") == [(10, 60), (20, 40)]


def test_of_a_resumed_run_the_later_lines_count(tmp_path: Path) -> None:
    text = "frames,success_rate\n10,0.1\n20,0.2\n30,0.3\nframes,success_rate\n20,0.5\n30,0.6\n"
    assert curve(tmp_path / "metrics.csv", text) == [(10, 10), (20, 50), (30, 60)]


def test_lines_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    text = "frames,time_s,success_rate\n10,1,0.1\n20,2,\n30,3,nan\n\nwhat,is,this\n40,4,0.4\n50,5"
    assert curve(tmp_path / "metrics.csv", text) == [(10, 10), (40, 40)]


@pytest.mark.parametrize("num_lines", [0, 1, 2, 300])
@pytest.mark.parametrize("column", ["success_rate", "error_percent"])
def test_curves_of_any_length_are_drawn(tmp_path: Path, num_lines: int, column: str) -> None:
    lines = "".join(f"{1000 * (i + 1)},{i},{1 / (i + 1)}\n" for i in range(num_lines))
    plot_learning_curve(write(tmp_path / "metrics.csv", f"frames,time_s,{column}\n{lines}"), tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 700


def test_an_error_of_zero_has_no_logarithm_and_is_drawn_anyway(tmp_path: Path) -> None:
    plot_learning_curve(write(tmp_path / "m.csv", "frames,error_percent\n1,50\n2,0\n"), tmp_path / "curve.png")
    assert (tmp_path / "curve.png").exists()


def test_smoothing_keeps_a_straight_line_and_averages_noise() -> None:
    line = np.arange(100.0)
    assert np.allclose(figures._smoothed(line)[4:-4], line[4:-4])
    noise = np.tile([0.0, 1.0], 50)
    assert np.abs(figures._smoothed(noise) - 0.5).max() < 0.11
    assert figures._smoothed(np.array([3.0])).tolist() == [3.0]


@pytest.mark.parametrize("text", ["", "frames,loss\n1,2\n", "success_rate\n0.5\n"])
def test_a_table_without_the_columns_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="expected frames and one of success_rate, error_percent"):
        plot_learning_curve(write(tmp_path / "metrics.csv", text), tmp_path / "curve.png")
    assert not (tmp_path / "curve.png").exists()


def test_a_missing_table_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        plot_learning_curve(tmp_path / "metrics.csv", tmp_path / "curve.png")


def test_drawing_a_curve_leaves_pyplot_alone(tmp_path: Path) -> None:
    table = write(tmp_path / "metrics.csv", "frames,success_rate\n1,0.5\n")
    program = (
        "import sys, agents.results.figures as f; assert 'matplotlib' not in sys.modules;"
        f"f.plot_learning_curve({str(table)!r}, {str(tmp_path / 'curve.png')!r});"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


CATCH = "RAM-CatchGame-v0"
SMALL = {"screen_size": 8, "num_scales": 2, "patch_size": 4}  # 7 steps an episode


@pytest.fixture
def policy() -> RAMPolicy:
    torch.manual_seed(0)
    sizes = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
    return RAMPolicy(RAMSettings(num_actions=3, glimpse_shape=(2, 1, 4, 4), core="lstm", **sizes))


def test_a_gif_shows_every_step_and_holds_the_last_frame(tmp_path: Path, policy: RAMPolicy) -> None:
    animate(policy, CATCH, SMALL, tmp_path / "play.gif", episodes=2, seed=5)
    with Image.open(tmp_path / "play.gif") as gif:
        durations = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
        assert gif.info["loop"] == 0
    assert durations == 2 * (7 * [durations[0]] + [1000])
    assert 100 <= durations[0] <= 500
    assert (tmp_path / "play.gif").stat().st_size < 120_000


def test_a_gif_shows_what_the_environment_renders(tmp_path: Path, policy: RAMPolicy) -> None:
    animate(policy, CATCH, SMALL, tmp_path / "play.gif", episodes=1, seed=5)
    env = gymnasium.make(CATCH, render_mode="rgb_array", **SMALL)
    env.reset(seed=5)
    with Image.open(tmp_path / "play.gif") as gif:
        shown = np.asarray(gif.convert("RGB")).astype(int)
    difference = np.abs(shown - env.render())
    assert (difference.max(axis=-1) == 0).mean() > 0.99  # all but a few shades of the smoothed path
    assert difference.max() < 40
    env.close()


def test_the_same_seed_gives_the_same_animation(tmp_path: Path, policy: RAMPolicy) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        animate(policy, CATCH, SMALL, tmp_path / f"{name}.gif", episodes=1, seed=seed)
    a, b, c = ((tmp_path / f"{name}.gif").read_bytes() for name in "abc")
    assert a == b != c


def test_formats_of_the_environment_do_not_matter(tmp_path: Path, policy: RAMPolicy) -> None:
    animate(policy, "RAM-CatchGame-Discrete-v0", SMALL, tmp_path / "a.gif", episodes=1)
    animate(
        policy, CATCH, {**SMALL, "action_format": "box", "observation_format": "flat"}, tmp_path / "b.gif", episodes=1
    )
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_an_mp4_is_as_long_as_its_shots(tmp_path: Path, policy: RAMPolicy) -> None:
    animate(policy, CATCH, SMALL, tmp_path / "play.mp4", episodes=1)
    _, seconds = imageio_ffmpeg.count_frames_and_secs(str(tmp_path / "play.mp4"))
    assert seconds == pytest.approx(7 * 0.375 + 1, abs=0.1)


def test_a_missing_ffmpeg_is_an_error_that_names_the_extra(
    tmp_path: Path, policy: RAMPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(DependencyNotInstalled, match=r"ram-active-vision\[video\]"):
        animate(policy, CATCH, SMALL, tmp_path / "play.mp4")


@pytest.mark.parametrize("name", ["play.avi", "play", "play.gif.bak"])
def test_an_unknown_suffix_is_refused_before_anything_is_played(tmp_path: Path, policy: RAMPolicy, name: str) -> None:
    with pytest.raises(ValueError, match=r"ends in \.gif or \.mp4"):
        animate(policy, CATCH, SMALL, tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_no_episodes_are_refused(tmp_path: Path, policy: RAMPolicy) -> None:
    with pytest.raises(ValueError, match="episodes=0"):
        animate(policy, CATCH, SMALL, tmp_path / "play.gif", episodes=0)


def test_a_failed_animation_leaves_the_old_file(
    tmp_path: Path, policy: RAMPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "play.gif"
    file.write_bytes(b"old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        animate(policy, CATCH, SMALL, file, episodes=1)
    assert file.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["play.gif"]
