"""The results of the paper's rows as files: one JSON file a row, which holds what every seed of it reached.

The tables and figures are made from these files and from nothing else. A file that was written by another version of
the protocol, or with other settings, is never overwritten: it is given another name, and that name is said.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from agents.experiments.files import read_result, set_aside, write_result
from agents.training.settings import settings_from_dict
from paper.classifiers import METHOD, classifier_settings_from_dict
from paper.rows import Row
from ram_envs.tasks import FIGURES, FigureOfMerit

VERSION = 1
"""Version of the protocol and of the files; figures of different versions do not stand in one table."""
CURVE_POINTS = 200
_HEADER = {"kind": "ram-results", "version": VERSION}
_NO_MATTER = ("precision", "log_every", "checkpoint_every")
"""Settings that results of one file may differ in: they change the rounding, or nothing, of what is learned."""


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """What one seed of a row reached.

    Attributes:
        seed: The training's seed.
        greedy: The test set with the mean locations, an :class:`agents.evaluation.evaluate.Evaluation` as plain values.
        sampled: The same with drawn locations; None for classifiers of whole scenes.
        validation: The same as ``greedy`` on what a seed may be chosen by; None where no seed is chosen.
        frames: Environment steps of the training; for classifiers of whole scenes, scenes.
        seconds: That the training took.
        parameters: Numbers that the networks learned.
        hardware: What it was trained on, and in which precision.
        versions: Of Python and of the packages that matter.
        curve: The figure in training, in at most 200 means of equal spans: "frames" and "values".
    """

    seed: int
    greedy: dict[str, Any]
    sampled: dict[str, Any] | None
    validation: dict[str, Any] | None
    frames: int
    seconds: float
    parameters: int
    hardware: str
    versions: dict[str, str]
    curve: dict[str, list[float]]


@dataclass(frozen=True, kw_only=True)
class Record:
    """A results file.

    Attributes:
        row: Name of the row.
        env_id: The environment.
        settings: How it was trained, as plain values.
        seeds: The results, by seed.
    """

    row: str
    env_id: str
    settings: dict[str, Any]
    seeds: dict[int, SeedResult] = field(default_factory=dict)

    def fits(self, row: Row) -> bool:
        """Whether the results are of a row as it is trained now."""
        return self.env_id == row.env_id and same_settings(self.settings, plain_settings(row))

    @property
    def values(self) -> list[float]:
        """The greedy test figures of all seeds, in percent: errors, or for games what was won."""
        return [in_percent(result.greedy) for _, result in sorted(self.seeds.items())]

    @property
    def best_seed(self) -> int | None:
        """The seed that did best in validation; None if none was validated."""
        scores = {
            seed: result.validation["value"] * (1 if figure_of(result.validation).more_is_better else -1)
            for seed, result in self.seeds.items()
            if result.validation is not None
        }
        return max(scores, key=lambda seed: scores[seed], default=None)


def figure_of(evaluation: Mapping[str, Any]) -> FigureOfMerit:
    """Return the figure of merit of an evaluation."""
    return FIGURES[evaluation["figure"]]


def in_percent(evaluation: Mapping[str, Any], key: str = "value") -> float:
    """Return the value of an evaluation, or an end of its interval, in percent."""
    return figure_of(evaluation).shown(evaluation[key])


def plain_settings(row: Row) -> dict[str, Any]:
    """Return a row's settings as JSON gives them back."""
    return json.loads(json.dumps(row.settings.to_dict()))


def same_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two trainings are the same but for what does not matter to what is learned."""
    return not differing_settings(one, other)


def differing_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return "name=value and not value" for every setting that matters and differs."""
    flat_one, flat_other = _flat(_complete(one)), _flat(_complete(other))
    return [
        f"{name}={flat_one.get(name)} and not {flat_other.get(name)}"
        for name in sorted(flat_one.keys() | flat_other.keys())
        if flat_one.get(name) != flat_other.get(name) and name not in _NO_MATTER
    ]


def _complete(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with the defaults of those that did not exist yet when they were written."""
    try:
        if settings.get("method") == METHOD:
            return classifier_settings_from_dict(settings).to_dict()
        return settings_from_dict(dict(settings)).to_dict()
    except ValueError:  # of a version that had others
        return settings


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def record_file(folder: Path, row: str) -> Path:
    """Return the file of a row."""
    return folder / f"{row}.json"


def read_record(file: Path) -> Record | None:
    """Read a results file.

    Returns:
        None if there is none, or it is of another version.

    Raises:
        ResultError: If it cannot be read.
    """
    return read_result(file, _HEADER, _parse)


def _parse(content: Mapping[str, Any]) -> Record:
    seeds = {int(seed): SeedResult(**result) for seed, result in content["seeds"].items()}
    return Record(row=content["row"], env_id=content["env_id"], settings=content["settings"], seeds=seeds)


def add_result(folder: Path, row: Row, result: SeedResult) -> Path | None:
    """Write the result of a seed into the file of its row; the caller sees to it that nobody else writes it.

    Args:
        folder: Of the results.
        row: The row.
        result: What the seed reached.

    Returns:
        The name under which an older file was kept, which was of another version or of other settings; None if there
        was none.

    Raises:
        ResultError: If the file that is there cannot be read.
        OSError: If it cannot be written; an older file is left as it was.
    """
    file = record_file(folder, row.name)
    record, kept = read_record(file), None
    if record is None or not record.fits(row):
        if file.exists():
            kept = set_aside(file)
        record = Record(row=row.name, env_id=row.env_id, settings=plain_settings(row))
    seeds = dict(sorted({**record.seeds, result.seed: result}.items()))
    content = {
        **_HEADER,
        "row": record.row,
        "env_id": record.env_id,
        "settings": record.settings,
        "seeds": {str(seed): asdict(one) for seed, one in seeds.items()},
    }
    write_result(file, content)
    return kept


def read_curve(metrics_csv: Path, figure: str) -> dict[str, list[float]]:
    """Return a run's figure over its frames, in at most 200 means of equal spans.

    Args:
        metrics_csv: The metrics of a run.
        figure: The column, "success_rate" or "error_percent".
    """
    with metrics_csv.open(newline="", encoding="utf-8") as file:
        lines = [(float(line["frames"]), float(line[figure])) for line in csv.DictReader(file)]
    parts = np.array_split(np.array(lines, dtype=np.float64), min(CURVE_POINTS, len(lines)))
    return {
        "frames": [float(part[-1, 0]) for part in parts],
        "values": [float(f"{part[:, 1].mean():.5g}") for part in parts],
    }


def frames_to_reach(curve: Mapping[str, list[float]], value: float) -> float | None:
    """Return after how many frames a figure first was at least ``value``; None if it never was."""
    reached = (frames for frames, one in zip(curve["frames"], curve["values"], strict=True) if one >= value)
    return next(reached, None)
