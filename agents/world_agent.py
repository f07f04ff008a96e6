"""The agent from Python in environments of other packages; see :mod:`agents.agent`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import agents.with_torch  # noqa: F401

# isort: split
import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector.utils import batch_space, iterate
from numpy.typing import ArrayLike

from agents.agent import Action, Agent, AgentState, check_source
from agents.environments.make import arguments_of, make_world
from agents.environments.player import choose
from agents.environments.world import World
from agents.errors import SettingsError
from agents.evaluation.worlds import check_world
from agents.ram.checkpoint import Checkpoint
from agents.ram.validation import UNREGISTERED
from ram_envs.scenes.randomness import random_word

if TYPE_CHECKING:
    from agents.pictures.paths import Gaze
    from ram_envs.scenes.datasets import DatasetSource


class WorldAgent(Agent):
    """A trained agent for an environment that is no task of the suite. It is used like :class:`agents.agent.Agent`.

    Observations and actions are those of the environment, for one or for a batch of environments.

    Args:
        checkpoint: From :func:`agents.ram.checkpoint.load_checkpoint`.

    Raises:
        SettingsError: If the agent was trained on an environment without an id.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        if checkpoint.env_id == UNREGISTERED:
            raise SettingsError(
                "the agent was trained on an environment without an id: register the environment and train on its id, "
                "or use agents.evaluation.worlds.evaluate_world with load_checkpoint(...).policy"
            )
        self.policy = checkpoint.policy.eval()
        self.env_id, self.env_settings = checkpoint.env_id, dict(checkpoint.env_settings)
        self.training, self.progress = dict(checkpoint.training), dict(checkpoint.progress)
        self._generator: np.random.Generator | None = None
        self._known: World | None = None

    @property
    def answer_key(self) -> NoReturn:
        """Not known: an action is whatever the environment takes."""
        raise SettingsError(f"the actions of {self.env_id} have no key of the answer: use what act() returns")

    @torch.inference_mode()
    def act(
        self,
        observation: Any,
        state: AgentState | None = None,
        *,
        episode_start: ArrayLike | None = None,
        deterministic: bool = True,
        seed: int | None = None,
        generator: np.random.Generator | None = None,
        stop_threshold: float | None = None,
        temperature: float = 1.0,
    ) -> tuple[Action, AgentState]:
        """Choose the next action, for one environment or for a batch; see :meth:`Agent.act`.

        With autoreset_mode NEXT_STEP (the default of Gymnasium), an episode starts with the observation after the final
        one; pass ``episode_start`` for it.

        Returns:
            The action, or a batch of actions, as the environment takes it; and the state for the next call.

        Raises:
            SettingsError: If the observation or another argument does not fit.
        """
        if stop_threshold is not None:
            raise SettingsError(f"stop_threshold={stop_threshold} has no meaning for {self.env_id}: leave it out")
        env = self._world.env
        try:
            rows = _num_rows(env.single_observation_space, observation)
            single, num_rows = rows is None, 1 if rows is None else rows
            batch = _batched(observation) if single else observation
            seen = self._world.adapter.observe(batch, num_rows)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise SettingsError(
                f"the observation is not one of {env.single_observation_space}, nor a batch of them: make the "
                "environment with agent.make_env() or agent.make_vec()"
            ) from error
        state = self._state_for(state, num_rows)
        core = state.core if episode_start is None else self._erased(state.core, episode_start)
        check_source(seed, generator, 2**31)
        random = self._torch_generator(state.step, seed, generator)
        choice, core = choose(self.policy, seen, core, random, deterministic, deterministic)
        action = self._world.adapter.act(choice)
        if single:
            action = next(iter(iterate(batch_space(env.single_action_space, 1), action)))
        return action, AgentState(core, state.step + 1)

    def make_env(self, *, split: str | None = None, render_mode: str | None = None, **settings: Any) -> gymnasium.Env:
        """Make the environment that the agent was trained on, with ``gymnasium.make``.

        Some vector environments, such as Atari's, differ from their single ones: use :meth:`make_vec` for these.

        Args:
            split: None.
            render_mode: As in ``gymnasium.make``.
            **settings: Arguments of the environment that replace those of the training.

        Raises:
            SettingsError: If the agent cannot act there.
        """
        name, arguments = arguments_of(self.env_id, self._changed(split, settings))
        drawn = arguments if render_mode is None else {**arguments, "render_mode": render_mode}
        # Checked in one of its own: the vector environments of Gymnasium up to 1.2 close what is in them.
        probe = gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make(name, **arguments)])
        try:
            check_world(self.policy, World(probe))
        finally:
            probe.close()
        return gymnasium.make(name, **drawn)

    def make_vec(
        self, num_envs: int, *, split: str | None = None, render_mode: str | None = None, **settings: Any
    ) -> gymnasium.vector.VectorEnv:
        """Make a batch of environments; see :meth:`make_env`."""
        world = make_world(self.env_id, num_envs, self._changed(split, settings), render_mode=render_mode)
        check_world(self.policy, world)
        return world.env

    def follow_gaze(self, episodes: int = 6, seed: int = 0, *, dataset: DatasetSource | None = None) -> Gaze:
        """Refuse: only tasks of the suite have these figures.

        Raises:
            SettingsError: Always.
        """
        raise SettingsError(f"{self.env_id} is no task of the suite: use `ram watch --video FILE` to see its gaze")

    @property
    def _world(self) -> World:
        if self._known is None:
            self._known = make_world(self.env_id, 1, self.env_settings)
            check_world(self.policy, self._known)
        return self._known

    def _changed(self, split: str | None, settings: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of the environment with some replaced."""
        if split is not None:
            raise SettingsError(f"split={split!r} has no meaning for {self.env_id}: leave it out")
        return {**self.env_settings, **settings}

    def _torch_generator(self, step: int, seed: int | None, generator: np.random.Generator | None) -> torch.Generator:
        """Return the generator of what is sampled in one step."""
        if seed is not None:
            number = random_word((int(seed) << 32) + step)
        else:
            if generator is None:
                generator = self._generator = self._generator or np.random.default_rng()
            number = int(generator.integers(2**62))
        return torch.Generator(self.policy.location_std.device).manual_seed(number % 2**63)


def _num_rows(space: spaces.Space[Any], observation: Any) -> int | None:
    """Return the number of environments in a batch of observations; None for a single observation.

    The shapes decide, not the values: an environment may exceed the bounds that it declares, or return float64.

    Raises:
        ValueError: If it is neither. Like the errors below, if its shapes are not those of the space.
        TypeError: If it is no mapping or sequence where the space is one.
        KeyError: If a key is missing.
    """
    if isinstance(space, spaces.Dict):
        parts = [(part, observation[key]) for key, part in space.items()]
    elif isinstance(space, spaces.Tuple):
        parts = list(zip(space.spaces, observation, strict=True))
    elif space.shape is None:  # texts and the like have none
        return None if space.contains(observation) else len(observation)
    else:
        shape = np.shape(observation)
        if shape == space.shape:
            return None
        if not shape or shape[1:] != space.shape:
            raise ValueError(f"a part of it has the shape {shape}")
        return shape[0]
    (rows,) = {_num_rows(*part) for part in parts}
    return rows


def _batched(observation: Any) -> Any:
    """Add an axis for the rows."""
    if isinstance(observation, dict):
        return {key: _batched(value) for key, value in observation.items()}
    if isinstance(observation, tuple):
        return tuple(map(_batched, observation))
    return np.asarray(observation)[None]
