"""Scenes with two digits, by the distance between them: how much of the error is due to digits that overlap.

Evaluated with the agents of the package, never trained, and with the classifiers of whole scenes when their rows are.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from agents.evaluation.loop import play_all
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.pictures.markdown import markdown_table
from agents.pretrained import load_pretrained
from agents.ram.checkpoint import Checkpoint
from paper.baselines import right_answers
from paper.classifiers import Classifier
from paper.records import read_record, record_file
from paper.row import PACKAGED
from paper.rows import ROWS
from paper.tables import scene_title
from ram_envs import make_tensor
from ram_envs.tasks import Classification

EDGES = (0, 8, 12, 16, 20, 28, 40)
"""Distances in pixels between the centers at which a column of the table begins; digits are drawn in 20x20 pixels."""
TWO_DIGITS = ("pairs", "addition")
"""The tables whose scenes have two digits."""
APART = 20
"""Distance from which digits hardly overlap, in pixels."""


def measure_distance() -> dict[str, Any]:
    """Evaluate the packaged agents for two digits on all test images, deterministically.

    Returns:
        Plain values by the name of the row: ``EDGES``, and for each the number of scenes and of errors.
    """
    rows = [ROWS[name] for name in PACKAGED if ROWS[name].table in TWO_DIGITS]
    return {row.name: _measure(load_pretrained(row.env_id)) for row in rows}


def _measure(agent: Checkpoint) -> dict[str, Any]:
    settings = {**agent.env_settings, "split": "test", **FORMATS}
    env = make_tensor(agent.env_id, 1000, check_actions=False, **settings)
    task = cast(Classification, env.task)
    assert task.num_images is not None
    seeds = np.arange(task.num_images)
    episodes = play_all(env, lambda seed: PolicyPlayer(agent.policy, task.answer.key, seed), seeds, seeds)
    return _counts(task, episodes.success)


def measure_classifier(classifier: Classifier, env_id: str, env_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Evaluate a classifier of whole scenes on all test images; see :func:`measure_distance`."""
    return _counts(*right_answers(classifier, env_id, {**env_settings, "split": "test"}))


def classifier_distances(results: Path) -> dict[str, Any]:
    """Return what :func:`measure_classifier` found when the rows were trained, first seeds, by the name of the row.

    Raises:
        ResultError: If a results file cannot be read.
    """
    rows = (row.name for row in ROWS.values() if row.table in TWO_DIGITS)
    records = {name: record for name in rows if (record := read_record(record_file(results, name)))}
    first = {name: record.seeds[min(record.seeds)].distance for name, record in records.items()}
    return {name: distance for name, distance in first.items() if distance}


def _counts(task: Classification, right: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the counts of scenes and of errors, given whether the answer of seed i is right, bool (N,)."""
    bins = np.digitize(_distances(task, torch.arange(len(right))), EDGES) - 1
    scenes, errors = (np.bincount(bins[rows], minlength=len(EDGES)) for rows in (slice(None), ~right))
    return {"edges": list(EDGES), "scenes_and_errors": np.stack([scenes, errors], axis=1).tolist()}


def scenes_and_errors(one: Mapping[str, Any], at_least: int = 0, below: float = math.inf) -> tuple[int, int]:
    """Return the number of scenes and of errors of a measured row, between two of its edges in pixels."""
    pairs = zip(one["edges"], one["scenes_and_errors"], strict=True)
    counts = [counts for edge, counts in pairs if at_least <= edge < below]
    return sum(scenes for scenes, _ in counts), sum(errors for _, errors in counts)


def distance_table(measured: Mapping[str, Any]) -> str:
    """Return the table: a distance a column, and for each task a line for the scenes and one for each error."""
    edges = next(iter(measured.values()))["edges"]
    spans: list[tuple[int, float]] = [*itertools.pairwise([*edges, math.inf]), (0, math.inf), (APART, math.inf)]
    ranges = [f"{low} to {high}" for low, high in itertools.pairwise(edges)] + [f"over {edges[-1]}"]
    lines: list[list[str]] = []
    tables = set()
    for row in (row for row in ROWS.values() if row.name in measured):
        counts = [scenes_and_errors(measured[row.name], *span) for span in spans]
        if row.table not in tables:
            total, _ = scenes_and_errors(measured[row.name])
            lines.append(
                [f"{scene_title(row.name)}: scenes", *(f"{100 * scenes / max(total, 1):.1f}" for scenes, _ in counts)]
            )
            tables.add(row.table)
        errors = (f"{100 * errors / max(scenes, 1):.2f}" for scenes, errors in counts)
        lines.append([f"error: {row.label}", *errors])
    return markdown_table(["pixels", *ranges, "all", f"at least {APART}"], lines, numeric=True)


def _distances(task: Classification, seed: torch.Tensor) -> NDArray[np.floating]:
    """Return the distance in pixels between the two digits in the first episode of each seed, float32 (N,)."""
    places = [task.object_location(seed, torch.zeros_like(seed), torch.full_like(seed, step)) for step in (0, 1)]
    height, width, _ = task.scene_shape
    pixels = (places[0] - places[1]) * torch.tensor([width, height]) / 2
    return pixels.norm(dim=-1).numpy()
