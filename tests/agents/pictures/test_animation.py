"""Animations are small and sharp, and hold the last frame of an episode."""

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

from agents.pictures.animation import animate
from agents.pictures.encoding import Shot, encoder
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings

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


def test_an_mp4_has_the_size_of_its_frames(tmp_path: Path) -> None:
    """Other environments have frames of any size, which must not be scaled to multiples of 16."""
    for (height, width), size in (((40, 50), (50, 40)), ((41, 51), (52, 42))):
        frame = np.full((height, width, 3), 200, np.uint8)
        (tmp_path / "a.mp4").write_bytes(encoder(".mp4")([Shot.of(frame, 0.2)]))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(tmp_path / "a.mp4")]
        assert f" {size[0]}x{size[1]}" in subprocess.run(command, capture_output=True, text=True).stderr


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
