"""All results of a benchmark by algorithm and environment, in percent; returns as they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agents.benchmark.references import ORACLE, RANDOM, REFERENCES, references_of
from agents.benchmark.statistics import Estimate, estimate
from agents.experiments.files import ResultError


class Summary:
    """The results of a benchmark.

    A normalized score is 0 for the random player and 100 for the oracle, or for the best algorithm on average where
    returns have no oracle.

    Args:
        results: From :func:`agents.benchmark.run.run`.

    Attributes:
        results: As given.
        environments: Names of the environments.
        algorithms: Names of the algorithms without the references, the best first.
        frames: Budget of each run.
        evaluation: Settings of the evaluation.

    Raises:
        ResultError: If runs differ in budget or evaluation, or there are no runs of an algorithm.
    """

    def __init__(self, results: Sequence[dict[str, Any]]) -> None:
        self.results = results
        self._runs: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for result in results:
            job = result["job"]
            self._runs.setdefault((job["algorithm"], job["environment"]), []).append(result)
        learned = [result for result in results if result["job"]["algorithm"] not in REFERENCES]
        if not learned:
            raise ResultError("there are no results of any algorithm yet: run the benchmark first")
        self.environments = tuple(dict.fromkeys(result["job"]["environment"] for result in results))
        self.frames: int = _common(learned, "frames")
        self.evaluation: dict[str, Any] = _common(results, "evaluation")
        names = dict.fromkeys(result["job"]["algorithm"] for result in learned)
        self.algorithms = tuple(sorted(names, key=self._quality, reverse=True))

    def runs(self, algorithm: str, environment: str) -> list[dict[str, Any]]:
        """Return the results of an algorithm on an environment."""
        return self._runs.get((algorithm, environment), [])

    def scores(self, algorithm: str, environment: str) -> NDArray[np.float64]:
        """Return the final scores, float64 (runs,)."""
        return np.array([_factor(run) * run["score"]["value"] for run in self.runs(algorithm, environment)])

    def curves(self, algorithm: str, environment: str) -> NDArray[np.float64]:
        """Return the learning curves, float64 (runs, points)."""
        runs = self.runs(algorithm, environment)
        curves = [[_factor(run) * point["score"] for point in run["curve"]] for run in runs]
        return np.array(curves, dtype=np.float64).reshape(len(curves), self.evaluation["curve_points"] + 1)

    def frames_due(self) -> NDArray[np.float64]:
        """Return the frames at which the points of the curves are due, float64 (points,)."""
        points = self.evaluation["curve_points"]
        return self.frames * np.arange(points + 1) / points

    def frames_per_second(self, algorithm: str, environment: str) -> NDArray[np.float64]:
        """Return the training speeds, float64 (runs,)."""
        return np.array([run["frames_per_second"] for run in self.runs(algorithm, environment)])

    def reference(self, name: str, environment: str) -> float | None:
        """Return the score of a reference; None if there is none."""
        scores = self.scores(name, environment)
        return float(scores[0]) if len(scores) else None

    def is_share(self, environment: str) -> bool:
        """Return whether scores are shares of successful episodes, in percent, and no returns."""
        runs = (run for run in self.results if run["job"]["environment"] == environment)
        return all(_is_share(run) for run in runs)

    def normalized(self, scores: NDArray[np.float64], environment: str) -> NDArray[np.float64]:
        """Return scores, of any shape, in percent of the range from the random player to the oracle.

        Without an oracle the range ends at 100 % of successful episodes, or at the best mean return of an algorithm
        (nobody learned anything if that is not above the random player's: the range is then 1).
        """
        low, high = self.reference(RANDOM, environment), self.reference(ORACLE, environment)
        low = 0.0 if low is None else low
        if high is None:
            high = 100.0 if self.is_share(environment) else self._best(environment)
        return 100 * (scores - low) / (high - low if high > low else 1.0)

    def final(self, algorithm: str, environment: str) -> Estimate | None:
        """Return the interquartile mean of the scores on an environment; None if there are none."""
        scores = self.scores(algorithm, environment)
        return estimate([scores]) if len(scores) else None

    def overall(self, algorithm: str) -> Estimate | None:
        """Return the interquartile mean of all normalized scores; None if an environment has none."""
        strata = [self.normalized(self.scores(algorithm, where), where) for where in self.environments]
        return estimate(strata) if all(map(len, strata)) else None

    def overall_curve(self, algorithm: str) -> Estimate | None:
        """Return the same for every point of the learning curves, each float64 (points,)."""
        strata = [self.normalized(self.curves(algorithm, where), where) for where in self.environments]
        return estimate(strata) if all(map(len, strata)) else None

    def curve(self, algorithm: str, environment: str) -> Estimate | None:
        """Return the interquartile mean of the learning curves on an environment; None if there are none."""
        curves = self.curves(algorithm, environment)
        return estimate([curves]) if len(curves) else None

    def missing(self) -> list[str]:
        """Return the runs that are missing: every algorithm should have the same seeds on every environment."""
        seeds = sorted({run["job"]["seed"] for name in self.algorithms for run in self._of(name)})
        expected = [(name, seed) for name in self.algorithms for seed in seeds]
        ids = {run["job"]["environment"]: run["job"]["env_id"] for run in self.results}
        present = {(r["job"]["algorithm"], r["job"]["environment"], r["job"]["seed"]) for r in self.results}
        return [
            f"{name} on {where}, seed {seed}"
            for where in self.environments
            for name, seed in (*expected, *((name, 0) for name in references_of(ids[where])))
            if (name, where, seed) not in present
        ]

    def _of(self, algorithm: str) -> list[dict[str, Any]]:
        return [run for where in self.environments for run in self.runs(algorithm, where)]

    def _best(self, environment: str) -> float:
        """Return the best mean score of an algorithm."""
        learned = {name for name, where in self._runs if where == environment and name not in REFERENCES}
        return max((float(self.scores(name, environment).mean()) for name in learned), default=0.0)

    def _quality(self, algorithm: str) -> float:
        """Return the mean normalized score, by which algorithms are sorted."""
        parts = [self.normalized(self.scores(algorithm, where), where) for where in self.environments]
        return float(np.mean([part.mean() for part in parts if len(part)]))


def _factor(run: dict[str, Any]) -> float:
    """Return the factor from a stored score to the shown one: percent, except of a return."""
    return 100.0 if _is_share(run) else 1.0


def _is_share(run: dict[str, Any]) -> bool:
    return bool(run["score"].get("is_share", True))


def _common(results: Sequence[dict[str, Any]], key: str) -> Any:
    """Return the value of a key that all jobs must share.

    Raises:
        ResultError: If they differ.
    """
    first = results[0]["job"]
    for result in results:
        job = result["job"]
        if job[key] != first[key]:
            raise ResultError(
                f"runs cannot be compared: {job['algorithm']} on {job['environment']} has {key}={job[key]!r}, and "
                f"{first['algorithm']} on {first['environment']} {first[key]!r}; keep them in separate folders"
            )
    return first[key]
