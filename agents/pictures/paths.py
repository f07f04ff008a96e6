"""Where a policy looks: glimpse paths over scenes, as in the figures of Mnih et al. (2014)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import agents.with_torch  # noqa: F401

# isort: split
import numpy as np
import torch
from numpy.typing import NDArray

from agents.evaluation.fit import check_fit
from agents.evaluation.loop import Moment, play
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.evaluation.splits import with_split
from agents.pictures.style import DPI, PATH_COLOUR, RIGHT_COLOUR, WRONG_COLOUR, write_figure
from ram_envs import make_tensor
from ram_envs.arguments import check_integer
from ram_envs.envs.tensor import TensorEnv
from ram_envs.rendering import View, hide_unseen

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from agents.ram.policy import RAMPolicy

MAX_COLUMNS = 8
"""Glimpses that are drawn of an episode; of a longer one, as many, evenly spread."""
FADED = 0.35
"""Brightness of the first frame of a moving scene, relative to the last."""
GAMMA = 0.5
"""Exponent for the glimpses of moving scenes: a ball of one pixel is dim at the coarser scales."""


class Gaze(NamedTuple):
    """What a policy saw in some episodes.

    Attributes:
        scenes: uint8 (T, B, C, H, W), the hidden scene at every glimpse.
        locations: float32 (T, B, gaze_size) in [-1, 1], where the glimpses were taken.
        fixations: float32 (T, B, 2), the same as (column, row) in pixels of the scene.
        outlines: int64 (T, B, levels, 4), what each level of a glimpse covers: (top, left, height, width) in pixels.
        glimpses: float32 (T, B, levels, C, rows, columns) in [0, 1].
        success: bool (B,).
        verdict: One line about each episode.
    """

    scenes: NDArray[np.uint8]
    locations: NDArray[np.float32]
    fixations: NDArray[np.float32]
    outlines: NDArray[np.int64]
    glimpses: NDArray[np.float32]
    success: NDArray[np.bool_]
    verdict: list[str]


def follow_gaze(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int = 6, seed: int = 0
) -> Gaze:
    """Play episodes in parallel, deterministically, and record where the policy looks and what it sees.

    Args:
        policy: The policy, on the CPU.
        env_id: The environment.
        env_settings: Its arguments; tasks with images show those of the test split.
        episodes: Number of episodes, B.
        seed: Random seed of the first one.

    Raises:
        ValueError: If an argument is not valid.
    """
    check_integer("episodes", episodes, 1)
    env = make_tensor(env_id, episodes, **{**with_split(env_id, env_settings, None), **FORMATS})
    check_fit(policy, env.task, env_id)
    sensor = env.task.glimpse_sensor
    player = PolicyPlayer(policy, env.task.answer.key, torch.arange(seed, seed + episodes))
    scenes, locations, glimpses = [], [], []
    for moment in play(env, player, seed=seed):
        scenes.append(env.scene.numpy())
        locations.append(moment.observation["location"].numpy())
        glimpses.append(moment.observation["glimpse"].numpy())
    location = np.stack(locations[:-1])  # the last action gives no new glimpse
    return Gaze(
        np.stack(scenes[:-1]),
        location,
        np.asarray(sensor.to_pixels(location)),
        np.array([[sensor.outlines(row) for row in rows] for rows in location]),
        np.stack(glimpses[:-1]).reshape(len(location), episodes, *sensor.glimpse_shape),
        np.asarray(moment.success),
        _verdicts(env, moment),
    )


def _verdicts(env: TensorEnv, end: Moment) -> list[str]:
    """Say how each episode ended: the right answer and, where the infos have one, the wrong prediction."""
    target = env.target()
    if target is None or not env.task.answer.is_choice:
        return ["success" if success else "failure" for success in np.asarray(end.success)]
    names = env.task.answer.names
    guesses = end.info["prediction"] if "prediction" in end.info else target
    return [
        names[right] if guess == right else f"{names[right]}, taken for {names[guess] if guess >= 0 else 'nothing'}"
        for right, guess in zip(target.tolist(), guesses.tolist(), strict=True)
    ]


def as_seen(glimpse: NDArray[np.float32], outlines: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Draw the levels of a glimpse over one another where they were taken: sharp in the middle, blurred around.

    Args:
        glimpse: float32 (levels, C, rows, columns) in [0, 1], finest level first.
        outlines: int64 (levels, 4), (top, left, height, width) of each level in pixels of the scene.

    Returns:
        uint8 (height, width) or (height, width, 3), the smallest rectangle around the outlines.
    """
    corner = outlines[:, :2].min(axis=0)
    height, width = (outlines[:, :2] + outlines[:, 2:]).max(axis=0) - corner
    channels = () if glimpse.shape[1] == 1 else (glimpse.shape[1],)
    scene, places = np.zeros((height, width, *channels), np.uint8), outlines - [*corner, 0, 0]
    return hide_unseen(View(scene, np.zeros((0, 2)), places, glimpse, "")).scene


def draw_glimpse_paths(gaze: Gaze, title: str, png: str | os.PathLike[str]) -> None:
    """Draw a row for each episode: the scene with the path of the gaze, then what was seen at each glimpse.

    Args:
        gaze: What was seen.
        title: What is written above.
        png: The picture to write.

    Raises:
        OSError: If it cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    steps, episodes = gaze.locations.shape[:2]
    shown = np.unique(np.linspace(0, steps - 1, min(steps, MAX_COLUMNS)).round().astype(int))
    columns = 1 + len(shown)
    layout = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, wspace=0.03, hspace=0.02)
    figure = Figure(figsize=(1.15 * columns + 0.35, 1.27 * episodes + 0.65), dpi=DPI, layout=layout)
    figure.suptitle(title, fontsize=11)
    gamma = GAMMA if (gaze.scenes != gaze.scenes[0]).any() else 1
    grid = figure.subplots(episodes, columns, squeeze=False, width_ratios=[1.18] + [1] * len(shown))
    for episode, axes in enumerate(grid):
        for ax in axes:
            ax.set_xticks([])
            ax.set_yticks([])
        _draw_scene(axes[0], gaze, episode)
        if episode == 0:
            axes[0].set_title("gaze: ring to dot", fontsize=8, pad=3)
        axes[0].set_xlabel(
            gaze.verdict[episode], fontsize=8, color=RIGHT_COLOUR if gaze.success[episode] else WRONG_COLOUR, labelpad=2
        )
        for ax, step in zip(axes[1:], shown, strict=True):
            seen = (as_seen(gaze.glimpses[step, episode], gaze.outlines[step, episode]) / 255) ** gamma
            ax.imshow(seen, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            for spine in ax.spines.values():
                spine.set_color("0.6")
            if episode == 0:
                ax.set_title(f"glimpse {step + 1}", fontsize=8, pad=3)
    write_figure(figure, Path(png))


def _draw_scene(ax: Axes, gaze: Gaze, episode: int) -> None:
    """Draw the scene, what moved in it from dim to bright, and the path of the gaze from its ring to its dot."""
    scenes = gaze.scenes[:, episode].astype(np.float32) / 255  # (T, C, H, W)
    brightness = np.linspace(FADED, 1, len(scenes), dtype=np.float32)[:, None, None, None]
    moving = bool((scenes != scenes[0]).any())
    scene = np.moveaxis((scenes * brightness).max(0) if moving else scenes[0], 0, -1)
    height, width, channels = scene.shape
    ax.imshow(
        scene[..., 0] if channels == 1 else scene,
        cmap="gray",
        vmin=0,
        vmax=1,
        extent=(0, width, height, 0),
        interpolation="nearest",
    )
    column, row = gaze.fixations[:, episode].T
    ax.plot(column, row, color=PATH_COLOUR, linewidth=1.3, marker="o", markersize=2, alpha=0.9, clip_on=False)
    ax.plot(column[0], row[0], "o", markersize=6, markerfacecolor="none", markeredgecolor=PATH_COLOUR, clip_on=False)
    ax.plot(column[-1], row[-1], "o", markersize=4.5, color=PATH_COLOUR, clip_on=False)
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
