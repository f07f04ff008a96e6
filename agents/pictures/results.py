"""The pictures of a training run: its learning curve, and an animation of the trained agent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from agents.pictures.animation import animate
from agents.pictures.curves import plot_learning_curve
from agents.ram.checkpoint import load_checkpoint
from agents.training.run import METRICS
from ram_envs import make_task

CURVE, ANIMATION = "curve.png", "animation.gif"


class ResultPictures(NamedTuple):
    """The pictures in a run's folder.

    Attributes:
        curve: Learning curve, PNG.
        animation: Episodes of the trained agent, GIF.
    """

    curve: Path
    animation: Path


def draw_results(run_folder: str | os.PathLike[str]) -> ResultPictures:
    """Draw the learning curve of a run and an animation of its agent into the run's folder.

    Args:
        run_folder: Folder of a run that :func:`agents.training.trainer.train` made.

    Raises:
        CheckpointError: If it holds no checkpoint.
        OSError: If a picture cannot be written.
    """
    folder = Path(run_folder)
    pictures = ResultPictures(folder / CURVE, folder / ANIMATION)
    checkpoint = load_checkpoint(folder)
    figure = make_task(checkpoint.env_id, **checkpoint.env_settings).figure
    plot_learning_curve(folder / METRICS, pictures.curve, figure)
    animate(checkpoint.policy, checkpoint.env_id, checkpoint.env_settings, pictures.animation)
    return pictures
