"""Recordings for the site: an animation of every environment, and a page to step through for every trained agent."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from docs.site.environments import INNER, environment_ids
from ram_envs import make_task
from ram_envs.registration import GLIMPSE_ID

ROOT = Path(__file__).parents[2]
EPISODES = 3
EPISODES_OF_PAGE = 6
SEED = 0
UNAVAILABLE = (OSError, ValueError, RuntimeError)
"""What is raised where images are missing and cannot be downloaded."""


def record(folder: Path) -> dict[str, tuple[str, str]]:
    """Record every environment, and return by id the file name of its animation and a caption.

    An environment whose images are not here is left out, and named on standard error.
    """
    recorded = {}
    for id in environment_ids():
        try:
            recorded[id] = f"{id}.gif", _record(id, folder / f"{id}.gif")
        except UNAVAILABLE as error:
            print(f"no animation of {id}: {error}", file=sys.stderr)
    return recorded


def has_images(id: str) -> bool:
    """Whether the images of an environment are here or can be downloaded."""
    try:
        make_task(id)
    except UNAVAILABLE:
        return False
    return True


def _record(id: str, file: Path) -> str:
    """Write the animation of an environment, and the page of its trained agent; return a caption."""
    from agents.evaluation.splits import with_split
    from agents.pictures.animation import animate
    from agents.pictures.html_page import write_html
    from agents.pretrained import load_pretrained, pretrained_ids

    if id not in pretrained_ids():
        _animate_random(id, file)
        return "Random actions. Left: the scene, the sensor's patches and the path of the gaze. Right: the glimpse."
    checkpoint = load_pretrained(id)
    settings = with_split(id, checkpoint.env_settings, None)
    animate(checkpoint.policy, id, settings, file, EPISODES, SEED)
    write_html(checkpoint.policy, id, settings, file.with_suffix(".html"), EPISODES_OF_PAGE, SEED)
    return (
        "The trained agent of the package. Left: the scene, the patches and the path of the gaze. Right: the glimpse."
    )


def _animate_random(id: str, file: Path) -> None:
    from agents.pictures.controls import HOLD_SECONDS
    from agents.pictures.encoding import Shot, encoder

    settings: dict[str, Any] = {GLIMPSE_ID: INNER, "RAM-Images-v0": {"dataset": _photographs()}}.get(id, {})
    env = gymnasium.make(f"ram_envs:{id}", render_mode="rgb_array", **settings)
    env.action_space.seed(SEED)
    shots = []
    for episode in range(EPISODES):
        env.reset(seed=SEED + episode)
        shots.append(_shot(env, 0.4))
        over = False
        while not over:
            _, _, terminated, truncated, _ = env.step(env.action_space.sample())
            over = terminated or truncated
            shots.append(_shot(env, HOLD_SECONDS if over else 0.4))
    env.close()
    file.write_bytes(encoder(".gif")([Shot(*shot) if isinstance(shot, tuple) else shot for shot in shots]))


def _shot(env: gymnasium.Env[Any, Any], seconds: float) -> Any:
    from agents.pictures.encoding import Shot

    frame = np.asarray(env.render(), dtype=np.uint8)
    return Shot.of(frame, seconds)


def _photographs() -> tuple[NDArray[np.uint8], NDArray[np.int64], tuple[str, ...]]:
    """Return crops of the two photographs that come with scikit-learn."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    crops, labels = [], []
    for label, photograph in enumerate(load_sample_images().images):
        for number in range(20):
            top, left = number // 5 * 106, number % 5 * 128
            crops.append(np.asarray(Image.fromarray(photograph[top : top + 106, left : left + 128]).resize((96, 80))))
            labels.append(label)
    return np.stack(crops), np.array(labels), ("china", "flower")
