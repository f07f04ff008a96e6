"""Where a policy looks: glimpse paths over scenes, as in the figures of Mnih et al. (2014)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from agents.evaluation.evaluate import with_split
from agents.pictures.style import DPI, PATH_COLOUR, RIGHT_COLOUR, WRONG_COLOUR, write_figure
from ram_envs import make_tensor
from ram_envs.arguments import check_integer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from agents.ram.policy import RAMPolicy

MAX_COLUMNS = 8
"""Glimpses that are drawn of an episode; of longer ones, as many, evenly spread."""
FADED = 0.35
"""How bright the first frame of a moving scene is drawn, beside the last."""
GAMMA = 0.5
"""What the glimpses of moving scenes are raised to: a ball of one pixel is dim at the coarser scales."""


class Gaze(NamedTuple):
    """What one policy saw of some episodes.

    Attributes:
        scenes: uint8 (T, B, C, H, W), the hidden scene at every glimpse.
        locations: float32 (T, B, 2), the fixations (x, y) in [-1, 1].
        fixations: float32 (T, B, 2), the same as (column, row) in pixels of the scene.
        glimpses: float32 (T, B, k, C, g, g) in [0, 1].
        success: bool (B,).
        verdict: One line on each episode.
    """

    scenes: NDArray[np.uint8]
    locations: NDArray[np.float32]
    fixations: NDArray[np.float32]
    glimpses: NDArray[np.float32]
    success: NDArray[np.bool_]
    verdict: list[str]


@torch.inference_mode()
def follow_gaze(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int = 6, seed: int = 0
) -> Gaze:
    """Play episodes side by side, greedily, and note where the policy looks and what it sees.

    Args:
        policy: The policy, on the CPU.
        env_id: The environment.
        env_settings: Its arguments; classification shows test images.
        episodes: How many, B.
        seed: Of the first one.

    Raises:
        ValueError: If an argument is not valid.
    """
    check_integer("episodes", episodes, 1)
    settings = with_split(env_id, env_settings, None) | {"action_format": "dict", "observation_format": "dict"}
    env = make_tensor(env_id, episodes, **settings)
    task = env.task
    observation, info = env.reset(seed=seed)
    state = policy.initial_state(episodes)
    scenes, locations, glimpses = [], [], []
    for _ in range(task.max_episode_steps):
        scenes.append(env.scene.numpy())
        locations.append(observation["location"].numpy())
        glimpses.append(observation["glimpse"].numpy())
        decision, state = policy.act(observation, state, greedy=True)
        observation, _, _, _, info = env.step({"fixation": decision.fixation, task.answer.key: decision.task_action})
    where = np.stack(locations)
    success = info["is_success"].numpy()
    if task.answer.key == "label":
        names = task.data.class_names  # type: ignore[attr-defined]
        pairs = zip(info["label"].tolist(), info["prediction"].tolist(), strict=True)
        verdict = [
            names[label] if label == guess else f"{names[label]}, taken for {names[guess]}" for label, guess in pairs
        ]
    else:
        verdict = ["caught" if caught else "missed" for caught in success.tolist()]
    return Gaze(
        np.stack(scenes),
        where,
        task.glimpse_sensor.to_pixels(where.reshape(-1, 2)).reshape(where.shape),
        np.stack(glimpses).reshape(len(where), episodes, *task.glimpse_sensor.glimpse_shape),
        success,
        verdict,
    )


def as_seen(glimpse: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lay the patches of a glimpse over one another where they were taken: sharp in the middle, blurred around.

    Args:
        glimpse: float32 (k, C, g, g) in [0, 1], finest scale first.

    Returns:
        float32 (side, side) or (side, side, 3), side = g * 2**(k - 1) pixels of the scene.
    """
    num_scales, channels, size, _ = glimpse.shape
    side = size * 2 ** (num_scales - 1)
    seen = np.zeros((side, side, channels), np.float32)
    for scale in reversed(range(num_scales)):
        width = size * 2**scale
        start = (side - width) // 2
        patch = glimpse[scale].repeat(2**scale, axis=1).repeat(2**scale, axis=2)
        seen[start : start + width, start : start + width] = np.moveaxis(patch, 0, -1)
    return seen[..., 0] if channels == 1 else seen


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
            seen = as_seen(gaze.glimpses[step, episode]) ** gamma
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
