"""Adapters: what the RAM policy sees of an environment, and how its decisions become actions.

Three come with the project: for environments with a glimpse sensor of ``ram_envs`` (the tasks and wrapped
environments), for ap_gym, and for any other environment, which the policy sees whole and without a gaze.
:func:`register_adapter` adds one of your own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorEnv
from numpy.typing import NDArray

from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs.tasks import EPISODE_RETURN, FigureOfMerit


class Choice(NamedTuple):
    """The decisions of the policy in B rows.

    Attributes:
        fixation: float32 (B, gaze_size), as sampled: it may leave [-1, 1]. (B, 0) without a gaze.
        task_action: int64 (B,), or float32 (B, choices + numbers).
        outputs: float32 (B, num_actions + numbers), the outputs of the action network: logits, then means.
    """

    fixation: NDArray[np.float32]
    task_action: NDArray[Any]
    outputs: NDArray[np.float32]


class Adapter(ABC):
    """Connects the policy to one kind of vector environment.

    A subclass reads the sizes below from the environment.

    Args:
        env: The vector environment.

    Raises:
        SettingsError: If the policy cannot act there; the message says what to do.

    Attributes:
        glimpse_shape: (levels, channels, rows, columns) of a glimpse.
        gaze_size: Numbers in a location; 0 for no gaze.
        senses: Further senses: key to numbers in it.
        choices: The number of options of each choice in a task action.
        numbers: Numbers in a task action.
        answer_names: What the options are called; empty for none.
        figure: The figure of merit of an evaluation. It counts successes if the adapter knows the right answers, and
            is then the share of episodes whose last answer is right.
    """

    glimpse_shape: tuple[int, int, int, int]
    gaze_size: int = 0
    senses: Mapping[str, int] = {}
    choices: tuple[int, ...] = ()
    numbers: int = 0
    answer_names: tuple[str, ...] = ()
    figure: FigureOfMerit = EPISODE_RETURN

    @abstractmethod
    def __init__(self, env: VectorEnv) -> None: ...

    @classmethod
    @abstractmethod
    def fits(cls, env: VectorEnv) -> bool:
        """Return whether this is the adapter for an environment."""

    @abstractmethod
    def observe(self, observation: Any, num_rows: int) -> dict[str, NDArray[np.float32]]:
        """Return what the policy sees.

        Args:
            observation: A batch of observations.
            num_rows: B.

        Returns:
            "glimpse" float32 (B, glimpse_size), "location" float32 (B, gaze_size) if there is a gaze, and each further
            sense, float32 (B, n).
        """

    @abstractmethod
    def act(self, choice: Choice) -> Any:
        """Return a batch of actions."""

    def right_answers(self, info: Mapping[str, Any]) -> NDArray[np.int64] | None:
        """Return the right answers of a step, int64 (B,), from its infos; None if the environment does not tell."""
        return None

    def successes(self, choice: Choice, info: Mapping[str, Any]) -> NDArray[np.bool_] | None:
        """Return which episodes succeeded if they ended with a step, bool (B,); None if that has no meaning.

        Without another meaning an episode succeeds if its last answer is right.
        """
        right = self.right_answers(info)
        return None if right is None else choice.outputs.argmax(1) == right

    @property
    def is_supervised(self) -> bool:
        """Whether the environment hands out the right answers."""
        return type(self).right_answers is not Adapter.right_answers

    def settings(self, network: NetworkSettings) -> RAMSettings:
        """Join the settings of the networks with the sizes of this environment."""
        return RAMSettings.join(
            network,
            num_actions=sum(self.choices),
            glimpse_shape=self.glimpse_shape,
            gaze_size=self.gaze_size,
            senses=dict(self.senses),
            choices=self.choices if len(self.choices) > 1 else (),
            numbers=self.numbers,
        )


_ADAPTERS: list[type[Adapter]] = []


def register_adapter(adapter: type[Adapter]) -> type[Adapter]:
    """Add an adapter, which is asked before all others; usable as a class decorator."""
    _ADAPTERS.insert(0, adapter)
    return adapter


def adapter_for(env: VectorEnv) -> Adapter:
    """Return the adapter of a vector environment.

    Raises:
        SettingsError: If the policy cannot act there.
    """
    from agents.environments.ap_gym import ActivePerceptionAdapter
    from agents.environments.glimpses import GlimpseAdapter
    from agents.environments.plain import PlainAdapter

    known: tuple[type[Adapter], ...] = (*_ADAPTERS, GlimpseAdapter, ActivePerceptionAdapter, PlainAdapter)
    return next(adapter for adapter in known if adapter.fits(env))(env)


def find_attribute(env: Any, name: str) -> Any:
    """Return an attribute of a vector environment, of what it wraps, or of its first row; None if there is none."""
    layer = env
    while layer is not None:
        if hasattr(layer, name):
            return getattr(layer, name)
        if isinstance(layer, (SyncVectorEnv, AsyncVectorEnv)):
            # Asked first, since a process of AsyncVectorEnv ends with an error where there is no such attribute.
            return layer.get_attr(name)[0] if layer.call("has_wrapper_attr", name)[0] else None
        layer = getattr(layer, "env", None)
    return None
