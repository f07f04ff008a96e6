"""The results files of the paper's rows: one JSON file per row, with the results of all of its seeds.

Tables and figures are made from these files alone. A file with another version of the protocol or other settings is
never overwritten but renamed.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np

from agents.experiments.files import read_result, set_aside, write_result
from agents.files import WriteError
from agents.training.settings import settings_from_dict
from paper.classifiers import METHOD, classifier_settings_from_dict
from paper.departures import departures
from paper.row import Row
from paper.shapes import check_curve, check_distance, check_shape, check_stopping
from ram_envs.tasks import FIGURES, FigureOfMerit

VERSION = 1
"""Version of the protocol and of the files; a table shows one version only."""
CURVE_POINTS = 200
_HEADER = {"kind": "ram-results", "version": VERSION}
_NO_MATTER = ("precision", "log_every", "checkpoint_every")
"""Settings that may differ within a file: they change nothing that is learned, except its rounding."""


@dataclass(frozen=True, kw_only=True)
class SeedResult:
    """The result of one seed of a row.

    Attributes:
        seed: Random seed of the training.
        greedy: Deterministic evaluation, an :class:`agents.evaluation.evaluate.Evaluation` as plain values.
        sampled: Evaluation with sampled locations; None for classifiers of whole scenes.
        validation: Deterministic evaluation on the validation scenes, by which a seed is chosen; or None.
        frames: Environment steps of the training; for classifiers, scenes.
        seconds: Duration of the training.
        parameters: Number of learned parameters.
        hardware: Device and precision of the training.
        versions: Versions of Python and of packages.
        curve: Training curve of the figure of merit, at most 200 means of equal spans: "frames" and "values".
        stopping: Error against mean glimpses (:func:`paper.stopping.curve_of`) of rows in ``STOPPED``, otherwise None.
        distance: Errors by the distance of two digits (:func:`paper.distance.measure_classifier`), for classifiers of
            such scenes, otherwise None.
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
    stopping: dict[str, Any] | None = None
    distance: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """A results file.

    Attributes:
        row: Name of the row.
        env_id: The environment.
        settings: Training settings, as plain values.
        seeds: Results by seed.
    """

    row: str
    env_id: str
    settings: dict[str, Any]
    seeds: dict[int, SeedResult] = field(default_factory=dict)

    def fits(self, row: Row) -> bool:
        """Whether the results belong to the current settings of a row."""
        return self.env_id == row.env_id and same_settings(self.settings, plain_settings(row))

    @property
    def values(self) -> list[float]:
        """Deterministic test figures of all seeds, in percent."""
        return [in_percent(result.greedy) for _, result in sorted(self.seeds.items())]

    @property
    def best_seed(self) -> int | None:
        """The seed with the best validation figure; None if there is none."""
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
    """Return the settings of a row as read back from JSON."""
    return json.loads(json.dumps(row.settings.to_dict()))


def same_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two trainings have the same settings, except those that do not change what is learned."""
    return not differing_settings(one, other)


def differing_settings(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return "name=value instead of value" for every setting that matters and differs."""
    flat_one, flat_other = _flat(_complete(one)), _flat(_complete(other))
    return [
        f"{name}={flat_one.get(name)} instead of {flat_other.get(name)}"
        for name in sorted(flat_one.keys() | flat_other.keys())
        if flat_one.get(name) != flat_other.get(name) and name not in _NO_MATTER
    ]


def _complete(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return settings with defaults for those that did not exist yet when they were written."""
    try:
        if settings.get("method") == METHOD:
            return classifier_settings_from_dict(settings).to_dict()
        return settings_from_dict(dict(settings)).to_dict()
    except ValueError:  # a version with other settings
        return settings


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def record_file(folder: Path, row: str) -> Path:
    """Return the results file of a row."""
    return folder / f"{row}.json"


def read_record(file: Path) -> Record | None:
    """Read a results file.

    Returns:
        The record; None if there is no file, or it has another version.

    Raises:
        ResultError: If it cannot be read.
    """
    return read_result(file, _HEADER, _parse)


def _parse(content: Mapping[str, Any]) -> Record:
    check_shape("", content, {"row": str, "env_id": str, "settings": {}, "seeds": {str: {}}})
    settings = content["settings"]
    _complete(settings)  # the tables do this and the next step too: better fail here
    if "network" in settings:
        check_shape("settings.network", settings["network"], {})
        departures(settings)
    seeds = {int(seed): SeedResult(**result) for seed, result in content["seeds"].items()}
    if not seeds:
        raise ValueError("it has no result of a seed")
    for seed, one in seeds.items():
        if one.seed != seed:
            raise ValueError(f"the result of seed {seed} says seed={one.seed!r}")
        _check_seed(one)
    curves = [one.stopping for one in seeds.values() if one.stopping is not None]
    if len({(len(one["error_by_glimpse"]), len(one["plain"])) for one in curves}) > 1:
        raise ValueError("the curves of early stopping of its seeds have different lengths")
    return Record(row=content["row"], env_id=content["env_id"], settings=settings, seeds=seeds)


_EVALUATION = {"figure": frozenset(FIGURES), "value": float, "interval_low": float, "interval_high": float}
_SEED = {"greedy": _EVALUATION, "frames": int, "seconds": float, "parameters": int, "hardware": str, "versions": {}}


def _check_seed(result: SeedResult) -> None:
    """Check the values of a seed.

    Raises:
        ValueError: If one is not valid.
    """
    path = f"seeds.{result.seed}"
    for name, shape in _SEED.items():
        check_shape(f"{path}.{name}", getattr(result, name), shape)
    for name, evaluation in (("sampled", result.sampled), ("validation", result.validation)):
        if evaluation is not None:
            check_shape(f"{path}.{name}", evaluation, _EVALUATION)
    check_curve(f"{path}.curve", result.curve)
    if result.stopping is not None:
        check_stopping(f"{path}.stopping", result.stopping)
    if result.distance is not None:
        check_distance(f"{path}.distance", result.distance)


def add_result(folder: Path, row: Row, result: SeedResult) -> Path | None:
    """Add the result of a seed to the file of its row. The caller holds the lock of the results.

    Args:
        folder: Folder of the results files.
        row: The row.
        result: The result.

    Returns:
        The new name of a file with another version or other settings; None if there was none.

    Raises:
        ResultError: If the present file cannot be read.
        OSError: If the file cannot be written.
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


def check_writable(folder: Path) -> None:
    """Create a folder of results files if it is missing, and write to it.

    Raises:
        WriteError: If that is not possible.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise WriteError(error.errno, error.strerror or str(error), str(folder)) from error


def read_curve(metrics_csv: Path, figure: str) -> dict[str, list[float]]:
    """Return the training curve of a figure of merit, a column of the metrics, as at most 200 means of equal spans.

    Raises:
        OSError: If the file cannot be read.
        ValueError: If it has no lines, or one without a number in the columns of the frames and of the figure.
    """
    with metrics_csv.open(newline="", encoding="utf-8") as file:
        try:
            lines = [(float(line["frames"]), float(line[figure])) for line in csv.DictReader(file)]
        except (KeyError, TypeError, csv.Error) as error:
            raise ValueError(f"a line lacks frames or {figure} ({error})") from error
    if not lines or not all(math.isfinite(number) for line in lines for number in line):
        raise ValueError("it has no lines" if not lines else "a number is not finite")
    parts = np.array_split(np.array(lines, dtype=np.float64), min(CURVE_POINTS, len(lines)))
    return {
        "frames": [float(part[-1, 0]) for part in parts],
        "values": [float(f"{part[:, 1].mean():.5g}") for part in parts],
    }


def frames_to_reach(curve: Mapping[str, list[float]], value: float) -> float | None:
    """Return the number of frames at which a curve first reaches ``value``; None if it never does."""
    reached = (frames for frames, one in zip(curve["frames"], curve["values"], strict=True) if one >= value)
    return next(reached, None)
