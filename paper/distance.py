"""Scenes with two digits, by the distance between them: how much of the error is due to digits that overlap.

Evaluated with the agents of the package, never trained.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from agents.evaluation.loop import play_all
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained
from agents.ram.checkpoint import Checkpoint
from paper.rows import PACKAGED, ROWS
from paper.tables import scene_title
from ram_envs import make_tensor
from ram_envs.tasks import Classification

EDGES = (0, 8, 12, 16, 20, 28, 40)
"""Distances in pixels between the centers at which a column of the table begins; digits are drawn in 20x20 pixels."""
APART = 20
"""Distance from which digits hardly overlap, in pixels."""


def measure_distance() -> dict[str, Any]:
    """Evaluate the packaged agents for two digits on all test images, deterministically.

    Returns:
        Plain values by the name of the row: ``EDGES``, and for each the number of scenes and of errors.
    """
    rows = [ROWS[name] for name in PACKAGED if ROWS[name].table in ("pairs", "addition")]
    return {row.name: _measure(load_pretrained(row.env_id)) for row in rows}


def _measure(agent: Checkpoint) -> dict[str, Any]:
    settings = {**agent.env_settings, "split": "test", **FORMATS}
    env = make_tensor(agent.env_id, 1000, check_actions=False, **settings)
    task = cast(Classification, env.task)
    assert task.num_images is not None
    seeds = np.arange(task.num_images)
    episodes = play_all(env, lambda seed: PolicyPlayer(agent.policy, task.answer.key, seed), seeds, seeds)
    distance = _distances(task, torch.as_tensor(seeds))
    bins = np.digitize(distance, EDGES) - 1
    scenes, errors = (np.bincount(bins[rows], minlength=len(EDGES)) for rows in (slice(None), ~episodes.success))
    return {"edges": list(EDGES), "scenes_and_errors": np.stack([scenes, errors], axis=1).tolist()}


def scenes_and_errors(one: Mapping[str, Any], at_least: int = 0, below: float = math.inf) -> tuple[int, int]:
    """Return the number of scenes and of errors of a measured row, between two of its edges in pixels."""
    pairs = zip(one["edges"], one["scenes_and_errors"], strict=True)
    scenes, errors = zip(*(counts for edge, counts in pairs if at_least <= edge < below), strict=True)
    return sum(scenes), sum(errors)


def distance_table(measured: Mapping[str, Any]) -> str:
    """Return the table: a distance a column, and for each task a line for the scenes and one for the error."""
    edges = next(iter(measured.values()))["edges"]
    spans: list[tuple[int, float]] = [*itertools.pairwise([*edges, math.inf]), (0, math.inf), (APART, math.inf)]
    ranges = [f"{low} to {high}" for low, high in itertools.pairwise(edges)] + [f"over {edges[-1]}"]
    lines = []
    for name, one in measured.items():
        counts = [scenes_and_errors(one, *span) for span in spans]
        total, _ = scenes_and_errors(one)
        lines.append([f"{scene_title(name)}: scenes", *(f"{100 * scenes / total:.1f}" for scenes, _ in counts)])
        lines.append(["error", *(f"{100 * errors / max(scenes, 1):.2f}" for scenes, errors in counts)])
    return markdown_table(["pixels", *ranges, "all", f"at least {APART}"], lines, numeric=True)


def _distances(task: Classification, seed: torch.Tensor) -> NDArray[np.floating]:
    """Return the distance in pixels between the two digits in the first episode of each seed, float32 (N,)."""
    places = [task.object_location(seed, torch.zeros_like(seed), torch.full_like(seed, step)) for step in (0, 1)]
    height, width, _ = task.scene_shape
    pixels = (places[0] - places[1]) * torch.tensor([width, height]) / 2
    return pixels.norm(dim=-1).numpy()
