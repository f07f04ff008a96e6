"""Scenes with two digits, by the distance between them: how much of the error is due to digits that overlap.

Evaluated with the agents of the package, never trained.
"""

from __future__ import annotations

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
        Plain values by the name of the row: for each of ``EDGES`` the number of scenes and of errors, and the same for
        the scenes whose digits are at least ``APART`` pixels apart.
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
    parts = [bins == number for number in range(len(EDGES))]
    counts = [[int(part.sum()), int((part & ~episodes.success).sum())] for part in (*parts, distance >= APART)]
    return {"edges": list(EDGES), "scenes_and_errors": counts[:-1], "apart": counts[-1]}


def distance_table(measured: Mapping[str, Any]) -> str:
    """Return the table: a task a line, a distance a column, and the share of the scenes in the first line."""
    first = next(iter(measured.values()))
    edges = first["edges"]
    ranges = [f"{low} to {high}" for low, high in zip(edges, edges[1:], strict=False)] + [f"over {edges[-1]}"]
    head = ["pixels", *ranges, "all", f"at least {APART}"]
    total = sum(scenes for scenes, _ in first["scenes_and_errors"])
    shares = [f"{100 * scenes / total:.1f}" for scenes, _ in [*first["scenes_and_errors"], [total, 0], first["apart"]]]
    lines = [["share of the scenes", *shares]]
    for name, one in measured.items():
        parts = one["scenes_and_errors"]
        every = [sum(column) for column in zip(*parts, strict=True)]
        cells = [f"{100 * errors / max(scenes, 1):.2f}" for scenes, errors in [*parts, every, one["apart"]]]
        lines.append([scene_title(name), *cells])
    return markdown_table(head, lines, numeric=True)


def _distances(task: Classification, seed: torch.Tensor) -> NDArray[np.floating]:
    """Return the distance in pixels between the two digits in the first episode of each seed, float32 (N,)."""
    places = [task.object_location(seed, torch.zeros_like(seed), torch.full_like(seed, step)) for step in (0, 1)]
    height, width, _ = task.scene_shape
    pixels = (places[0] - places[1]) * torch.tensor([width, height]) / 2
    return pixels.norm(dim=-1).numpy()
