"""The interface of an algorithm in a benchmark, and the algorithms that come with it."""

from __future__ import annotations

import copy
import difflib
import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
from gymnasium.vector import AutoresetMode, VectorEnv

from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.envs.observations import OBSERVATION_FORMATS
from ram_envs.registration import is_wrapper_id

ALGORITHMS: dict[str, str] = {
    "ppo": "agents.benchmark.stable_baselines3:PPO",
    "ppo-stacked": "agents.benchmark.stable_baselines3:StackedPPO",
    "a2c": "agents.benchmark.stable_baselines3:A2C",
    "dqn": "agents.benchmark.stable_baselines3:DQN",
    "qrdqn": "agents.benchmark.stable_baselines3:QRDQN",
    "sac": "agents.benchmark.stable_baselines3:SAC",
    "tqc": "agents.benchmark.stable_baselines3:TQC",
    "recurrent-ppo": "agents.benchmark.stable_baselines3:RecurrentPPO",
    "recurrent-ppo-ram": "agents.benchmark.stable_baselines3:RecurrentPPOWithRAM",
    "cleanrl-ppo-lstm": "agents.benchmark.cleanrl:PPOLSTM",
    "ram": "agents.benchmark.ram:RAM",
}
"""The algorithms that come with the benchmark: name -> "module:Class"."""

Progress = Callable[[int], None]
"""The callback of :meth:`Algorithm.learn`, called with the number of frames so far."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The environment to learn, and how.

    Attributes:
        env_id: Id of the environment, one of ``ram_envs.ENVIRONMENTS``, or "RAM-Glimpse-v0" for a wrapped one.
        env_settings: Its arguments, except the formats.
        action_format: One of the algorithm's ``action_formats``.
        observation_format: One of the algorithm's ``observation_formats``.
        seed: Random seed of the run, in [0, 2**29). All randomness in learning must follow from it.
        device: "cpu", "cuda" or "auto", for algorithms that can choose.
    """

    env_id: str
    env_settings: Mapping[str, Any] = field(default_factory=dict)
    action_format: str = "box"
    observation_format: str = "dict"
    seed: int = 0
    device: str = "cpu"

    @property
    def is_wrapped(self) -> bool:
        """Whether this is an environment of another package, seen through glimpses."""
        return is_wrapper_id(self.env_id)

    @property
    def training_seed(self) -> int:
        """Random seed for the first reset of the training environment. Evaluation never uses its episodes."""
        return (self.seed + 1) << 32

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the environment, for ``gymnasium.make`` and ``gymnasium.make_vec``."""
        formats = {"action_format": self.action_format, "observation_format": self.observation_format}
        return {**self.env_settings, **formats}

    def make_vec(
        self, num_envs: int, autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP, **changes: Any
    ) -> VectorEnv:
        """Make the vector environment: a task's own, or Gymnasium's ``SyncVectorEnv`` over wrapped environments.

        Args:
            num_envs: Number of rows, B.
            autoreset_mode: When a row that has ended starts its next episode.
            **changes: Arguments of the environment that replace the problem's.
        """
        arguments = self.arguments | changes
        if not self.is_wrapped:
            return gymnasium.make_vec(self.env_id, num_envs, autoreset_mode=autoreset_mode, **arguments)
        mode = {"autoreset_mode": AutoresetMode(autoreset_mode)}
        return gymnasium.make_vec(self.env_id, num_envs, vectorization_mode="sync", vector_kwargs=mode, **arguments)


class Algorithm(ABC):
    """A learning algorithm in a benchmark: derive from it, and name it as "module:Class" in the benchmark's file.

    An instance is one run: it learns once with a budget of frames. The benchmark evaluates it while ``learn`` calls
    ``progress`` and after it, with :meth:`start` and :meth:`act`. All algorithms are evaluated on the same new
    episodes, many rows in parallel.

    Args:
        problem: The environment to learn.
        settings: Settings that replace the defaults.

    Attributes:
        problem: As given.
        settings: All settings, defaults included; they are stored with the result of the run, as they are before it.

    Raises:
        ValueError: If a setting is not valid; see :meth:`check_settings`.
    """

    name: ClassVar[str] = ""
    """Name in reports, unless the benchmark's file gives one; if empty, the name of the class."""
    action_formats: ClassVar[tuple[str, ...]] = ("box",)
    """The action formats that it supports, the preferred one first."""
    observation_formats: ClassVar[tuple[str, ...]] = ("dict", "flat")
    """The observation formats that it supports, the preferred one first."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Its settings with their default values, which are plain values such as numbers and strings."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        self.check_settings(settings, problem.env_id)
        self.problem = problem
        defaults = self.known_settings(problem.env_id)
        self.settings: dict[str, Any] = copy.deepcopy({**defaults, **settings})
        for name, value in settings.items():
            if isinstance(value, float) and type(defaults.get(name)) is int:  # 1e5, for instance
                self.settings[name] = int(value)

    @classmethod
    def known_settings(cls, env_id: str) -> Mapping[str, Any]:
        """Return the settings on an environment with their default values."""
        return cls.defaults

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check the settings that differ from the defaults, before anything runs.

        Raises:
            ValueError: If there is no such setting, its type is not that of the default, or settings contradict each
                other.
        """
        check_known(settings, cls.known_settings(env_id))

    @abstractmethod
    def learn(self, frames: int, progress: Progress) -> None:
        """Learn.

        Args:
            frames: The budget: environment steps of all rows together. Whole batches may exceed it a little.
            progress: Call it with the number of frames so far after every update of the policy, or as often as
                convenient, and at the end. From time to time it evaluates the algorithm for the learning curve, which
                is not counted as training time.
        """

    def start(self, num_envs: int) -> None:  # noqa: B027 (an algorithm without a memory has nothing to do)
        """Start new episodes in all rows, for evaluation: reset all memory.

        Args:
            num_envs: Number of rows, B; it may differ from that of the training.
        """

    @abstractmethod
    def act(self, observation: Any) -> Any:
        """Choose deterministic actions, without any effect on learning.

        Args:
            observation: Observations in ``problem.observation_format``: a dictionary of "glimpse" float32
                (B, glimpse_size) and "location" float32 (B, gaze_size), or one array of both.

        Returns:
            Actions in ``problem.action_format``, (B, ...).
        """


def find_algorithm(name: str) -> type[Algorithm]:
    """Return the class of an algorithm.

    Args:
        name: One of :data:`ALGORITHMS`, or "module:Class".

    Raises:
        ValueError: If there is none, it cannot be imported, or it does not derive from :class:`Algorithm`.
    """
    if name not in ALGORITHMS and ":" not in name:
        raise ValueError(
            f"there is no algorithm {name!r}{_did_you_mean(name, ALGORITHMS)}: expected one of "
            f"{', '.join(ALGORITHMS)}, or one of your own as 'module:Class'"
        )
    module_name, _, class_name = ALGORITHMS.get(name, name).partition(":")
    try:
        module = importlib.import_module(module_name)
    except gymnasium.error.DependencyNotInstalled as error:
        raise ValueError(f"{name} cannot be used: {error}") from error
    except Exception as error:  # any error in a user's module
        raise ValueError(
            f"{name}: the module {module_name!r} cannot be imported ({type(error).__name__}: {error}); it is "
            "looked for beside the benchmark's file and in the current folder, too"
        ) from error
    kind = getattr(module, class_name, None)
    if not (isinstance(kind, type) and issubclass(kind, Algorithm)):
        found = "nothing" if kind is None else repr(kind)
        raise ValueError(
            f"{name}: {class_name!r} in {module_name} is {found}: expected a class that derives from "
            "agents.benchmark.Algorithm"
        )
    _check_contract(name, kind)
    return kind


def _check_contract(name: str, kind: type[Algorithm]) -> None:
    if inspect.isabstract(kind):
        raise ValueError(
            f"{name} lacks {' and '.join(sorted(kind.__abstractmethods__))}: expected methods of that name"
        )
    for attribute, choices in (("action_formats", ACTION_FORMATS), ("observation_formats", OBSERVATION_FORMATS)):
        formats = getattr(kind, attribute)
        if not isinstance(formats, tuple) or not formats or not set(formats) <= set(choices):
            raise ValueError(
                f"{name}.{attribute} is {formats!r}: expected a tuple of some of {', '.join(map(repr, choices))}"
            )


def check_known(settings: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Check that there are settings of these names, and that values have the types of the defaults.

    Args:
        settings: The settings.
        known: All settings with their default values.

    Raises:
        ValueError: If one is not there, or has another type.
    """
    for name, value in settings.items():
        if name not in known:
            raise ValueError(
                f"there is no setting {name!r}{_did_you_mean(name, known)}: expected "
                f"{', '.join(known) or 'none, this algorithm has no settings'}"
            )
        if not _is_like(value, known[name]):
            raise ValueError(f"{name}={value!r} is not valid: expected something like {known[name]!r}")


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value has the type of the default; None and "auto" stand for values of other types."""
    if default in (None, "auto"):
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(default, bool) and isinstance(value, bool)
    if isinstance(default, int) and isinstance(value, float):
        return value.is_integer()
    if isinstance(default, (int, float)):
        return isinstance(value, (int, float))
    if isinstance(default, (tuple, list)):
        return isinstance(value, (tuple, list))
    return isinstance(value, type(default))


def _did_you_mean(name: str, known: Mapping[str, Any]) -> str:
    alike = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {alike[0]!r}?)" if alike else ""
