"""What an algorithm has to be to take part in a benchmark, and which ones come with it."""

from __future__ import annotations

import difflib
import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import gymnasium
from gymnasium.vector import AutoresetMode

from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.envs.observations import OBSERVATION_FORMATS
from ram_envs.envs.vector import GlimpseVectorEnv

ALGORITHMS: dict[str, str] = {
    "ppo": "agents.benchmark.stable_baselines3:PPO",
    "ppo-stacked": "agents.benchmark.stable_baselines3:StackedPPO",
    "a2c": "agents.benchmark.stable_baselines3:A2C",
    "dqn": "agents.benchmark.stable_baselines3:DQN",
    "sac": "agents.benchmark.stable_baselines3:SAC",
    "recurrent-ppo": "agents.benchmark.stable_baselines3:RecurrentPPO",
    "recurrent-ppo-ram": "agents.benchmark.stable_baselines3:RecurrentPPOWithRAM",
    "ram": "agents.benchmark.ram:RAM",
}
"""The algorithms that come with the benchmark, and where they are."""

Progress = Callable[[int], None]
"""What :meth:`Algorithm.learn` calls with the number of frames that are done."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What there is to learn.

    Attributes:
        env_id: Id of the environment, one of ``ram_envs.ENVIRONMENTS``.
        env_settings: Its arguments, without the formats.
        action_format: One of the algorithm's ``action_formats``.
        observation_format: One of the algorithm's ``observation_formats``.
        seed: The run's seed, in [0, 2**29): everything random in learning has to follow from it.
        device: "cpu", "cuda" or "auto", for those who can choose.
    """

    env_id: str
    env_settings: Mapping[str, Any] = field(default_factory=dict)
    action_format: str = "box"
    observation_format: str = "dict"
    seed: int = 0
    device: str = "cpu"

    @property
    def training_seed(self) -> int:
        """A seed for the first reset of the training environment: its episodes are never those of the evaluation."""
        return (self.seed + 1) << 32

    @property
    def arguments(self) -> dict[str, Any]:
        """All arguments of the environment, for ``gymnasium.make``, ``gymnasium.make_vec`` and the like."""
        formats = {"action_format": self.action_format, "observation_format": self.observation_format}
        return {**self.env_settings, **formats}

    def make_vec(
        self, num_envs: int, autoreset_mode: str | AutoresetMode = AutoresetMode.SAME_STEP, **changes: Any
    ) -> GlimpseVectorEnv:
        """Make the environment, many rows in one.

        Args:
            num_envs: Number of rows, B.
            autoreset_mode: When a row that has ended begins its next episode.
            **changes: Arguments of the environment, in place of the problem's.
        """
        arguments = self.arguments | changes
        env = gymnasium.make_vec(self.env_id, num_envs, autoreset_mode=autoreset_mode, **arguments)
        assert isinstance(env, GlimpseVectorEnv)
        return env


class Algorithm(ABC):
    """A learning algorithm in a benchmark: derive from it, and name it as "module:Class" in the benchmark's file.

    An instance is one run: it is made, learns once with a budget of frames, and plays whenever the benchmark wants to
    know how well it does: while ``learn`` calls ``progress``, and after it. The benchmark does the evaluating, for
    every algorithm in the same way: the same fresh episodes, many rows at once, actions from :meth:`act`.

    Args:
        problem: What there is to learn.
        settings: Settings that a user has chosen in place of the defaults.

    Attributes:
        problem: As given.
        settings: The chosen settings, and the defaults of the others; they are written down with the run's results.
    """

    name: ClassVar[str] = ""
    """What reports call it, unless the benchmark's file has a name for it; if empty, the name of the class."""
    action_formats: ClassVar[tuple[str, ...]] = ("box",)
    """The formats of actions that it can learn with, the one that suits it best first."""
    observation_formats: ClassVar[tuple[str, ...]] = ("dict", "flat")
    """The formats of observations that it can learn with, the one that suits it best first."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """Its settings and their default values, which are plain values such as numbers and texts."""

    def __init__(self, problem: Problem, settings: Mapping[str, Any]) -> None:
        self.problem = problem
        defaults = self.known_settings(problem.env_id)
        self.settings: dict[str, Any] = {**defaults}
        for name, value in settings.items():
            whole = isinstance(value, float) and type(defaults.get(name)) is int  # 1e5, for instance
            self.settings[name] = int(value) if whole else value

    @classmethod
    def known_settings(cls, env_id: str) -> Mapping[str, Any]:
        """Return the settings that there are on an environment, and their default values."""
        return cls.defaults

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any], env_id: str) -> None:
        """Check settings that a user has chosen, before anything runs.

        Raises:
            ValueError: If there is no such setting, or it is not of the kind that its default is of.
        """
        known = cls.known_settings(env_id)
        for name, value in settings.items():
            if name not in known:
                raise ValueError(
                    f"there is no setting {name!r}{_did_you_mean(name, known)}: expected "
                    f"{', '.join(known) or 'none, this algorithm has no settings'}"
                )
            if not _is_like(value, known[name]):
                raise ValueError(f"{name}={value!r} is not valid: expected something like {known[name]!r}")

    @abstractmethod
    def learn(self, frames: int, progress: Progress) -> None:
        """Learn.

        Args:
            frames: The budget: steps of the environment, those of all rows together. Batches may make it a little more.
            progress: To be called with the frames that are done, after every change of the policy or as often as is
                easy, and at the end. It costs nothing most of the time; now and then it lets the algorithm play, to
                draw the learning curve, and what that takes is not counted as time of learning.
        """

    def start(self, num_envs: int) -> None:  # noqa: B027 (an algorithm without a memory has nothing to do)
        """Forget everything that was seen: the next call of :meth:`act` is the first of new episodes in all rows.

        Args:
            num_envs: Number of rows, B; it may differ from that of the training.
        """

    @abstractmethod
    def act(self, observation: Any) -> Any:
        """Choose actions as well as it can: without exploring, and without changing what learning does next.

        Args:
            observation: What the vector environment gives in ``problem.observation_format``: a dictionary of "glimpse"
                float32 (B, glimpse_size) and "location" float32 (B, 2), or one array float32 (B, glimpse_size + 2).

        Returns:
            Actions as the vector environment takes them in ``problem.action_format``, (B, ...).
        """


def find_algorithm(name: str) -> type[Algorithm]:
    """Return the class of an algorithm.

    Args:
        name: One of :data:`ALGORITHMS`, or "module:Class".

    Raises:
        ValueError: If there is none, it cannot be imported or it is no :class:`Algorithm`; the message says what to do.
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
    except Exception as error:  # whatever a user's module does wrong is the user's to mend
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


def _is_like(value: Any, default: Any) -> bool:
    """Whether a value is of the kind that the default is of; None and "auto" stand for values of other kinds."""
    if default in (None, "auto") or value is None:
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
