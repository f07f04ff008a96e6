"""The runs of a benchmark: algorithms x environments x seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from agents.benchmark.algorithm import Problem, find_algorithm
from agents.benchmark.references import REFERENCES, references_of
from ram_envs import VARIANTS


@dataclass(frozen=True, kw_only=True)
class EvaluationSettings:
    """How algorithms are evaluated."""

    episodes: int = 2000
    """Episodes of the final score; at most the number of images in tasks that show images."""
    curve_points: int = 20
    """Points of the learning curve after the initial one, evenly spread over the budget of frames."""
    curve_episodes: int = 500
    """Episodes of each point of the learning curve."""
    split: str = "test"
    """The images to show, in tasks that show images."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentEntry:
    """An environment of a benchmark.

    Attributes:
        name: Name in reports.
        id: Its id, without "-Flat" or "-Discrete".
        settings: Its arguments, except the formats.
        action_format: The format that the id asks for; None leaves it to each algorithm.
        observation_format: The format that the id asks for; None leaves it to each algorithm.
    """

    name: str
    id: str
    settings: dict[str, Any] = field(default_factory=dict)
    action_format: str | None = None
    observation_format: str | None = None


@dataclass(frozen=True, kw_only=True)
class AlgorithmEntry:
    """An algorithm of a benchmark.

    Attributes:
        name: Name in reports.
        algorithm: One of ``agents.benchmark.algorithm.ALGORITHMS``, "module:Class", or a reference.
        settings: Settings that replace its defaults.
        action_format: Its action format; None for the preferred one.
    """

    name: str
    algorithm: str
    settings: dict[str, Any] = field(default_factory=dict)
    action_format: str | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One run of a benchmark: plain values that are stored with its result and can be sent to other machines.

    Attributes:
        environment: Name of the environment in reports.
        algorithm: Name of the algorithm in reports.
        env_id: Id of the environment.
        env_settings: Its arguments.
        implementation: One of ``ALGORITHMS``, "module:Class", "random" or "oracle".
        settings: Settings that replace the algorithm's defaults.
        action_format: Action format.
        observation_format: Observation format.
        seed: Random seed.
        frames: Budget of environment steps.
        threads: CPU threads of its process.
        device: "cpu", "cuda" or "auto".
        evaluation: How it is evaluated.
    """

    environment: str
    algorithm: str
    env_id: str
    env_settings: dict[str, Any]
    implementation: str
    settings: dict[str, Any]
    action_format: str
    observation_format: str
    seed: int
    frames: int
    threads: int
    device: str
    evaluation: EvaluationSettings

    @property
    def name(self) -> str:
        """Path of its files below the folder of the results, without the suffix."""
        return f"{self.environment}/{self.algorithm}/seed-{self.seed}"

    @property
    def title(self) -> str:
        """Description in one line."""
        return f"{self.algorithm} on {self.environment}, seed {self.seed}"

    @property
    def problem(self) -> Problem:
        """The environment to learn."""
        return Problem(
            env_id=self.env_id,
            env_settings=self.env_settings,
            action_format=self.action_format,
            observation_format=self.observation_format,
            seed=self.seed,
            device=self.device,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Job:
        """Return what :meth:`to_dict` wrote."""
        return cls(**{**values, "evaluation": EvaluationSettings(**values["evaluation"])})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole benchmark.

    Attributes:
        environments: The environments.
        algorithms: The algorithms.
        seeds: Random seeds of each algorithm on each environment.
        frames: Budget of each run.
        threads: CPU threads of each run.
        device: "cpu", "cuda" or "auto".
        evaluation: How algorithms are evaluated.
    """

    environments: tuple[EnvironmentEntry, ...]
    algorithms: tuple[AlgorithmEntry, ...]
    seeds: tuple[int, ...]
    frames: int
    threads: int = 1
    device: str = "cpu"
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)

    def jobs(self) -> list[Job]:
        """Return the runs: the references first, then seed by seed."""
        jobs = [
            self._job(entry, AlgorithmEntry(name=name, algorithm=name), 0)
            for entry in self.environments
            for name in references_of(entry.id)
        ]
        for seed in self.seeds:
            jobs += [self._job(entry, who, seed) for entry in self.environments for who in self.algorithms]
        return jobs

    def _job(self, environment: EnvironmentEntry, algorithm: AlgorithmEntry, seed: int) -> Job:
        is_reference = algorithm.algorithm in REFERENCES
        formats = ("dict", "dict") if is_reference else formats_of(environment, algorithm)
        return Job(
            environment=environment.name,
            algorithm=algorithm.name,
            env_id=environment.id,
            env_settings=environment.settings,
            implementation=algorithm.algorithm,
            settings=algorithm.settings,
            action_format=formats[0],
            observation_format=formats[1],
            seed=seed,
            frames=0 if is_reference else self.frames,
            threads=self.threads,
            device=self.device,
            evaluation=self.evaluation,
        )


def formats_of(environment: EnvironmentEntry, who: AlgorithmEntry) -> tuple[str, str]:
    """Return the action and the observation format of an algorithm on an environment.

    Raises:
        ValueError: If it does not support the formats that the id of the environment asks for.
    """
    kind = find_algorithm(who.algorithm)
    actions = (who.action_format,) if who.action_format else kind.action_formats
    observations = kind.observation_formats
    action = environment.action_format or actions[0]
    observation = environment.observation_format or observations[0]
    if action in actions and observation in observations:
        return action, observation
    fitting = [
        id
        for id, (its_action, its_observation) in variants_of(environment.id).items()
        if (its_action or actions[0]) in actions and (its_observation or observations[0]) in observations
    ]
    raise ValueError(
        f"{who.name} takes action_format {either(actions)} and observation_format {either(observations)}, but "
        f"{environment.name} has {environment.action_format!r} and {environment.observation_format!r}: use the id "
        f"{' or '.join(fitting)} ({environment.id} is played by every algorithm in a format of its own)"
    )


def variants_of(base: str) -> dict[str, tuple[str | None, str | None]]:
    """Return the ids of an environment with the action and the observation format that each asks for."""
    name, version = base.rsplit("-", 1)
    variants: dict[str, tuple[str | None, str | None]] = {base: (None, None)}
    for variant, formats in VARIANTS.items():
        if variant:
            wanted = formats.get("action_format", "box"), formats.get("observation_format", "dict")
            variants[f"{name}-{variant}-{version}"] = wanted
    return variants


def either(choices: tuple[str, ...]) -> str:
    """Write choices as a text: "'box' or 'discrete'"."""
    return " or ".join(map(repr, choices))
