"""The packaged agents on scenes that differ from those of their training: evaluated, never trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from agents.evaluation.evaluate import evaluate
from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained
from paper.rows import IMAGE_HEADLINES, ROWS
from paper.tables import scene_title
from ram_envs import ENVIRONMENTS, make_task, register
from ram_envs.arguments import check_number
from ram_envs.arrays import Array, clip, namespace
from ram_envs.scenes.randomness import draw_words, uniform
from ram_envs.tasks import Classification
from ram_envs.tasks.classification import ClassificationState

SIDES = (20, 14)
"""Sides in pixels that digits of 28 pixels are scaled to."""


@dataclass(frozen=True, kw_only=True)
class NoisyClassification(Classification):
    """Classification in scenes with noise.

    ## Arguments
    - ``noise`` (0.0): every pixel changes by a uniformly random number in [-noise, noise], clipped to [0, 1].
    """

    noise: float = 0.0

    def __post_init__(self) -> None:
        """Check the settings."""
        check_number("noise", self.noise, 0, 1)
        super().__post_init__()

    def initial(self, seed: Array, episode: Array, image_index: Array | None = None) -> ClassificationState:
        """Add the noise to a new scene; see :meth:`ram_envs.tasks.Task.initial`."""
        state = super().initial(seed, episode, image_index)
        xp = namespace(seed)
        height, width, channels = self.scene_shape
        # One draw of words for each line of pixels, all of other seeds than the scene's own.
        lines = [draw_words(seed + (line + 1) * 2**40, episode, width) for line in range(channels * height)]
        words = xp.concat(lines, axis=1)
        change = xp.astype(xp.round((uniform(words) * 2 - 1) * (255 * self.noise)), xp.int64)
        noisy = clip(xp.astype(state.scenes, xp.int64) + xp.reshape(change, state.scenes.shape), 0, 255)
        scenes = xp.astype(noisy, xp.uint8)
        return state._replace(scenes=scenes, prepared=self.glimpse_sensor.prepare(scenes))


class Change(NamedTuple):
    """A change of the scenes.

    Attributes:
        name: Its name in the table.
        settings: The arguments that change.
        noise: Amplitude of the noise.
        side: Side in pixels that the digits are scaled to; None leaves them.
    """

    name: str
    settings: dict[str, Any] = {}
    noise: float = 0.0
    side: int | None = None


def changes(env_id: str, settings: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the changes of an environment's scenes that are measured."""
    task = _task(env_id, {**settings, "split": "test"})
    yield Change("as in training")
    for side in SIDES:
        yield Change(f"digits scaled from 28 to {side} pixels", side=side)
    yield Change("first glimpse at the centre", {"first_location": "center"})
    for noise in (0.1, 0.3):
        yield Change(f"noise of up to {100 * noise:.0f} %", noise=noise)
    if task.image_size is None:
        return
    for factor in (0.75, 1.5):
        yield Change(f"canvas {factor:g} times as wide", {"image_size": round(factor * task.image_size)})
    for pieces in dict.fromkeys((0, task.num_clutter // 2, task.num_clutter * 2) if task.num_clutter else (4,)):
        yield Change(f"{pieces} pieces of clutter, not {task.num_clutter}", {"num_clutter": pieces})


def measure_robustness() -> dict[str, Any]:
    """Evaluate the packaged agents under every change, on all test images.

    Returns:
        Plain values by the name of the row: the name of each change, with error, interval and episodes.
    """
    found: dict[str, Any] = {}
    for name in IMAGE_HEADLINES:
        row = ROWS[name]
        agent = load_pretrained(row.env_id)
        noisy = row.env_id.replace("RAM-", "RAM-Noisy")
        arguments = {key: value for key, value in ENVIRONMENTS[row.env_id].items() if key != "task"}
        register(noisy, NoisyClassification, **arguments)
        found[name] = {}
        for change in changes(row.env_id, agent.env_settings):
            settings = {**agent.env_settings, **change.settings}
            env_id = row.env_id
            if change.noise:
                env_id, settings = noisy, {**settings, "noise": change.noise}
            dataset = None if change.side is None else _scaled(row.env_id, settings, change.side)
            result = evaluate(agent.policy, env_id, settings, dataset=dataset)
            values = (result.value, result.interval_low, result.interval_high)
            found[name][change.name] = [round(value, 4) for value in values]
    return found


def robustness_table(measured: Mapping[str, Any]) -> str:
    """Return the table: a change a line, a task a column."""
    names = dict.fromkeys(change for one in measured.values() for change in one)
    head = ["change", *map(scene_title, measured)]
    lines = [
        [change, *(f"{one[change][0]:.2f}" if change in one else "–" for one in measured.values())] for change in names
    ]
    return markdown_table(head, lines, numeric=True)


def _task(env_id: str, settings: Mapping[str, Any]) -> Classification:
    return cast(Classification, make_task(env_id, **settings))


def _scaled(env_id: str, settings: Mapping[str, Any], side: int) -> dict[str, Any]:
    """Return train and test images with smaller digits; without a canvas, in the middle of images of the old size."""
    parts = {}
    for split in ("train[:10]", "test"):  # only the test images are shown
        task = _task(env_id, {**settings, "split": split})
        images = np.stack([_smaller(image, side, task.image_size is None) for image in task.data.images[..., 0]])
        parts[split.partition("[")[0]] = (images, task.data.labels)
    return parts


def _smaller(image: NDArray[np.uint8], side: int, pad: bool) -> NDArray[np.uint8]:
    """Scale an image, uint8 (H, W); with ``pad``, in the middle of a black one of the old size."""
    small = np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BOX))
    if not pad:
        return small
    whole = np.zeros_like(image)
    top, left = ((old - side) // 2 for old in image.shape)
    whole[top : top + side, left : left + side] = small
    return whole
