"""One run of a benchmark in this process: trains an algorithm, and measures its learning curve and its score."""

from __future__ import annotations

import json
import operator
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from numbers import Real
from typing import Any, SupportsIndex

from agents.benchmark.algorithm import Algorithm, find_algorithm
from agents.benchmark.evaluation import Evaluator
from agents.benchmark.plan import Job
from agents.benchmark.references import REFERENCES, score_reference
from agents.benchmark.schema import result_problem
from agents.experiments.machine import hardware, versions
from agents.untrusted import parse_json, shown

FORMAT = 1
"""Version of the format of a result."""


class Curve:
    """The learning curve of a run, and the ``progress`` callback of its algorithm.

    Points are due at even distances of the budget of frames, 0 included. Each is measured in the first call at or after
    it is due; a call may measure several.

    Args:
        algorithm: The algorithm.
        evaluator: The episodes of a point.
        frames: The budget.
        points: Points after the one at 0.

    Attributes:
        points: The measured points: "due" frames, "frames" so far, and "score".
        frames: The frames so far.
        seconds: Time of the evaluations.
    """

    def __init__(self, algorithm: Algorithm, evaluator: Evaluator, frames: int, points: int) -> None:
        self._algorithm, self._evaluator = algorithm, evaluator
        self._due = [round(frames * index / points) for index in range(points + 1)]
        self.points: list[dict[str, float]] = []
        self.frames, self.seconds = 0, 0.0

    def __call__(self, frames: SupportsIndex | Real) -> None:
        """Record the number of frames so far, and measure the points that are due.

        Raises:
            TypeError: If it is no whole number; those of NumPy are, and 100.0 is.
            ValueError: If it is less than before.
        """
        frames = _whole(frames)
        if frames < self.frames:
            raise ValueError(
                f"progress was called with {frames} frames after {self.frames}: expected all frames so far"
            )
        self.frames = frames
        self._measure([due for due in self._due[len(self.points) :] if due <= frames])

    def end(self) -> None:
        """Measure the remaining points of an algorithm that used less than its budget."""
        self._measure(self._due[len(self.points) :])

    def _measure(self, due: list[int]) -> None:
        if not due:
            return
        started = time.perf_counter()
        score = self._evaluator.score(self._algorithm).value
        self.points += [{"due": frames, "frames": self.frames, "score": score} for frames in due]
        self.seconds += time.perf_counter() - started


def run(job: Job) -> dict[str, Any]:
    """Do a run.

    Returns:
        The result as plain values: "job", "score" (:class:`agents.benchmark.evaluation.Score`), "curve" (points with
        "due", "frames" and "score"), "settings" (defaults included), "frames", "seconds" of training,
        "frames_per_second", "seconds_evaluating", "started", "versions", "hardware" and "format".

    Raises:
        TypeError: If a setting of the algorithm is no plain value.
        RuntimeError: If the algorithm never called ``progress``.
        ValueError: If the result could not be read back, as that of an environment whose return is infinite.
    """
    started = datetime.now(UTC).isoformat(timespec="seconds")
    settings: dict[str, Any] = {}
    points: list[dict[str, float]] = []
    frames, seconds, evaluating = 0, 0.0, 0.0
    if job.implementation in REFERENCES:
        before = time.perf_counter()
        score = score_reference(job.implementation, job.problem, job.evaluation.episodes, job.evaluation.split)
        evaluating = time.perf_counter() - before
    else:
        algorithm = find_algorithm(job.implementation)(job.problem, job.settings)
        settings = _plain(algorithm.settings, job.implementation)
        few = Evaluator(job.problem, job.evaluation.curve_episodes, job.evaluation.split)
        curve = Curve(algorithm, few, job.frames, job.evaluation.curve_points)
        curve(0)
        before, paused = time.perf_counter(), curve.seconds
        algorithm.learn(job.frames, curve)
        # An algorithm that does nothing takes no time: at least the milliseconds that are stored.
        seconds = max(0.001, time.perf_counter() - before - (curve.seconds - paused))
        if curve.frames == 0:
            raise RuntimeError(
                f"{job.implementation}: learn() never called progress(frames), so its number of frames is unknown"
            )
        curve.end()
        before = time.perf_counter()
        score = Evaluator(job.problem, job.evaluation.episodes, job.evaluation.split).score(algorithm)
        evaluating = curve.seconds + time.perf_counter() - before
        points, frames = curve.points, curve.frames
    result = {
        "format": FORMAT,
        "job": job.to_dict(),
        "settings": settings,
        "score": score._asdict(),
        "curve": points,
        "frames": frames,
        "seconds": round(seconds, 3),
        "frames_per_second": round(frames / seconds, 1) if seconds > 0 else None,
        "seconds_evaluating": round(evaluating, 3),
        "started": started,
        "versions": versions(),
        "hardware": hardware(),
    }
    problem = result_problem(parse_json(json.dumps(result)))
    if problem is not None:
        raise ValueError(f"{job.title}: the result cannot be stored: {problem}")
    return result


def _whole(frames: SupportsIndex | Real) -> int:
    """Return a number of frames as an integer of Python, which JSON takes.

    Raises:
        TypeError: If it is no whole number.
    """
    try:
        return operator.index(frames)  # type: ignore[arg-type]
    except TypeError:
        if isinstance(frames, Real) and float(frames).is_integer():
            return int(float(frames))
    raise TypeError(
        f"progress was called with {shown(frames)}: expected all frames so far, a whole number; convert it with int()"
    )


def _plain(settings: Mapping[str, Any], implementation: str) -> dict[str, Any]:
    """Return settings as they are read back from JSON.

    Raises:
        TypeError: If JSON has no such value: better before the training than after it.
    """
    found = {}
    for name, value in settings.items():
        try:
            found[name] = json.loads(json.dumps(value))
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{implementation}: settings[{name!r}]={value!r} cannot be stored with the result: expected plain "
                "values, such as numbers, texts, lists and dictionaries"
            ) from error
    return found
