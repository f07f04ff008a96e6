"""The pictures of a training run: its learning curve, and an animation of the trained agent."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import NamedTuple

from agents.environments.make import is_task
from agents.pictures.animation import animate
from agents.pictures.curves import plot_learning_curve
from agents.pictures.worlds import LongAnimationWarning, NoPicture
from agents.ram.checkpoint import load_checkpoint
from agents.training.run import METRICS
from ram_envs import make_task

CURVE, ANIMATION = "curve.png", "animation.gif"


class ResultPictures(NamedTuple):
    """The pictures in a run's folder.

    Attributes:
        curve: Learning curve, PNG.
        animation: Episodes of the trained agent, GIF; None if the environment cannot be rendered.
    """

    curve: Path
    animation: Path | None


def draw_results(run_folder: str | os.PathLike[str]) -> ResultPictures:
    """Draw the learning curve of a run and an animation of its agent into the run's folder.

    Args:
        run_folder: Folder of a run that :func:`agents.training.trainer.train` made.

    Raises:
        CheckpointError: If it holds no checkpoint.
        OSError: If a picture cannot be written.
    """
    folder = Path(run_folder)
    checkpoint = load_checkpoint(folder)
    is_own = is_task(checkpoint.env_id)
    figure = make_task(checkpoint.env_id, **checkpoint.env_settings).figure if is_own else None
    plot_learning_curve(folder / METRICS, folder / CURVE, figure)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LongAnimationWarning)  # nobody asked for a number of episodes
            animate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, folder / ANIMATION)
    except NoPicture:
        return ResultPictures(folder / CURVE, None)
    return ResultPictures(folder / CURVE, folder / ANIMATION)
