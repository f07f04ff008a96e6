"""The agent from Python: a trained policy that acts on the NumPy observations of one environment or of a batch."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import agents.with_torch  # noqa: F401

# isort: split
import gymnasium
import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from agents.environments.make import is_task
from agents.errors import SettingsError, invalid_settings
from agents.evaluation.fit import check_fit
from agents.evaluation.players import FORMATS, choose, row_noise
from agents.evaluation.splits import with_dataset, with_split
from agents.evaluation.stopping import StopRule, early_settings
from agents.observation import read_observation
from agents.pretrained import resolve_checkpoint
from agents.ram.checkpoint import Checkpoint, load_checkpoint
from agents.training.fast.device import resolve_device
from ram_envs import ENVIRONMENTS, make_task, parse_id
from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument, shown
from ram_envs.registration import task_class
from ram_envs.sensors.gaze import GazeControl

if TYPE_CHECKING:
    from agents.pictures.paths import Gaze
    from ram_envs.scenes.datasets import DatasetSource
    from ram_envs.tasks import Task

Action = dict[str, Any]


class AgentState(NamedTuple):
    """What an agent remembers between two steps; pass it back to :meth:`Agent.act` as it is.

    Attributes:
        core: State of the recurrent core, tensors of (B, core_size).
        step: Number of steps since the agent started with ``state=None``.
        episode_step: int64 (B,), number of steps in the episode of each row; None for ``step`` in all rows.
    """

    core: tuple[Tensor, ...]
    step: int
    episode_step: Tensor | None = None


class Agent:
    """A trained agent: its policy, its environment, and how it acts.

    An episode::

        import agents

        agent = agents.load("pretrained:RAM-CatchGame-v0")
        env = agent.make_env()
        observation, info = env.reset(seed=0)
        state, over = None, False
        while not over:
            action, state = agent.act(observation, state)
            observation, reward, terminated, truncated, info = env.step(action)
            over = terminated or truncated

    Args:
        checkpoint: From :func:`agents.ram.checkpoint.load_checkpoint`; :meth:`load` does both.

    Attributes:
        policy: The :class:`agents.ram.policy.RAMPolicy`, a ``torch.nn.Module``.
        env_id: Id of the environment that it was trained on.
        env_settings: Arguments of that environment.
        training: The training settings, as plain values; empty if they are not known.
        progress: How long it was trained: "seed", "iteration", "frames" and "time_s"; empty if that is not known.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.policy = checkpoint.policy.eval()
        self.env_id, self.env_settings = checkpoint.env_id, dict(checkpoint.env_settings)
        self.training, self.progress = dict(checkpoint.training), dict(checkpoint.progress)
        self._generator: np.random.Generator | None = None
        self._answer_key: str | None = None
        self._max_steps: int | None = None
        self._endings: set[str] = set()  # of the environments that it has made: what ends their episodes
        task = task_class(self.env_id)
        chosen = {"gaze": task.gaze, **ENVIRONMENTS[parse_id(self.env_id).base], **self.env_settings}["gaze"]
        self._gaze_control = GazeControl(chosen, None)

    @classmethod
    def load(cls, checkpoint: str | os.PathLike[str], *, device: str = "cpu") -> Self:
        """Load a trained agent; see :func:`agents.load`."""
        content = load_checkpoint(resolve_checkpoint(checkpoint), device=resolve_device(device))
        return cls._kind_for(content)(content)

    @classmethod
    def _kind_for(cls, checkpoint: Checkpoint) -> type[Self]:
        """Return the class for an agent: environments that are no task of the suite have their own."""
        if is_task(checkpoint.env_id):
            return cls
        from agents.world_agent import WorldAgent

        return cast("type[Self]", WorldAgent)

    @property
    def answer_key(self) -> str:
        """The key of the answer in an action: "label" in classification, "move" in games."""
        if self._answer_key is None:
            known = task_class(self.env_id).answer_key
            self._answer_key = known or make_task(self.env_id, **self.env_settings).answer.key
        return self._answer_key

    @property
    def answer_names(self) -> tuple[str, ...]:
        """The names of the answers in their order, such as the classes; empty if version 0.1 saved the checkpoint."""
        return self.policy.answer_names

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
        """Choose the next action, for one environment or for a batch.

        Args:
            observation: The observation in the "dict" format, from ``env.reset`` or ``env.step``: "glimpse" float32
                (glimpse_size,) in [0, 1] and "location" float32 (gaze_size,) in [-1, 1]; in a batch (B, glimpse_size)
                and (B, gaze_size).
            state: None at the start of an episode, then what the last call returned.
            episode_start: bool (B,), the rows of a batch in which a new episode starts with this observation: their
                memory is erased, and their glimpses are counted anew. For vector environments that reset finished rows
                themselves.
            deterministic: Take the mean location and the most likely answer. False samples both, as in training. An
                agent with random locations samples them in any case.
            seed: What is sampled follows from this seed, the row and the number of the step, so that an episode can be
                repeated. Pass the same seed in all calls.
            generator: Sample with this generator instead. With neither, every call samples something new.
            stop_threshold: In classification, answer as soon as the largest class probability reaches this number in
                [0, 1], and look on before that; at the last glimpse answer in any case. Needs an environment whose
                episodes an answer may end, from ``make_env(stop="learned")``. The last glimpse is that of the
                environment made last by :meth:`make_env` or :meth:`make_vec`; if there is none, that of the training.
                None for the agent's own decision.
            temperature: Divides the logits before that comparison.

        Returns:
            The action in the "dict" format, and the state for the next call. The action of one environment is
            ``{"fixation": float32 (gaze_size,) in [-1, 1], answer_key: int64 ()}``, that of a batch has arrays of
            (B, gaze_size) and (B,).

        Raises:
            SettingsError: If the observation, the state or another argument does not fit.
        """
        batch = read_observation(observation, self.policy.settings)
        state = self._state_for(state, batch.num_rows)
        check_source(seed, generator, 2**62)
        core, device = state.core, self.policy.location_std.device
        episode_step = state.episode_step
        if episode_step is None:
            episode_step = torch.full((batch.num_rows,), state.step, device=device)
        if episode_start is not None:
            core = self._erased(core, episode_start)
            episode_step = torch.where(torch.as_tensor(np.asarray(episode_start), device=device), 0, episode_step)
        normal = gumbel = None
        if not deterministic or self.policy.settings.random_locations:
            normal, gumbel = self._noise(batch.num_rows, state.step, seed, generator)
        tensors = {key: torch.as_tensor(array, device=device) for key, array in batch.arrays.items()}
        if stop_threshold is None and self._endings == {"threshold"}:
            raise SettingsError(
                "the agent was not trained to look on: where an answer ends the episode, it would answer at its first "
                "glimpse; pass stop_threshold, for instance 0.98"
            )
        rule = () if stop_threshold is None else (self._stop_at(stop_threshold, temperature, episode_step),)
        fixation, answer, core = choose(self.policy, tensors, core, normal, None if deterministic else gumbel, *rule)
        fixation = cast(torch.Tensor, self._gaze_control.within(fixation)).float()
        action = {"fixation": fixation.cpu().numpy(), self.answer_key: answer.cpu().numpy()}
        if batch.single:
            action = {key: array[0] for key, array in action.items()}
        return action, AgentState(core, state.step + 1, episode_step + 1)

    def make_env(self, *, split: str | None = None, render_mode: str | None = None, **settings: Any) -> gymnasium.Env:
        """Make the environment that the agent was trained on, with ``gymnasium.make``.

        Args:
            split: The images to show, "test" if None; for tasks without images None only.
            render_mode: "rgb_array", "human" or None.
            **settings: Arguments of the environment that replace those of the training, such as ``dataset`` for images
                that have moved.

        Raises:
            InvalidArgument: If the agent cannot act there: with another sensor, other answers, or moves instead of
                locations.
            SettingsError: If another format of actions or observations is asked for.
            ValueError: If an argument is not valid.
        """
        env = gymnasium.make(self.env_id, render_mode=render_mode, **self._settings(split, settings))
        self._will_play(cast(Any, env.unwrapped).task)
        return env

    def make_vec(
        self, num_envs: int, *, split: str | None = None, render_mode: str | None = None, **settings: Any
    ) -> gymnasium.vector.VectorEnv:
        """Make a batch of environments, with ``gymnasium.make_vec``; see :meth:`make_env`.

        Args:
            num_envs: Number of environments, B.
            split: See :meth:`make_env`.
            render_mode: "rgb_array" or None.
            **settings: See :meth:`make_env`; also ``autoreset_mode``.
        """
        env = gymnasium.make_vec(self.env_id, num_envs, render_mode=render_mode, **self._settings(split, settings))
        self._will_play(cast(Any, env).task)
        return env

    def follow_gaze(self, episodes: int = 6, seed: int = 0, *, dataset: DatasetSource | None = None) -> Gaze:
        """Play episodes deterministically, and record for figures where the agent looks and what it sees.

        :func:`agents.pictures.paths.draw_glimpse_paths` draws them.

        Args:
            episodes: Number of episodes, B.
            seed: Random seed of the first one. Tasks with images show those of the test split.
            dataset: The images, if they have moved since the training; see :func:`agents.evaluation.evaluate.evaluate`.

        Raises:
            ValueError: If an argument is not valid.
        """
        from agents.pictures.paths import follow_gaze

        on_cpu = self.policy.location_std.device.type == "cpu"
        policy = self.policy if on_cpu else copy.deepcopy(self.policy).cpu()
        env_settings = with_dataset(self.env_id, self.env_settings, dataset)
        return follow_gaze(policy, self.env_id, env_settings, episodes, seed)

    def _settings(self, split: str | None, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the arguments of an environment to act in."""
        if wrong := [name for name in FORMATS if changes.get(name, FORMATS[name]) != FORMATS[name]]:
            raise SettingsError(
                f"{wrong[0]}={changes[wrong[0]]!r} is not one that an agent acts in: leave it out, for 'dict'"
            )
        return {**with_split(self.env_id, self.env_settings, split), **changes, **FORMATS}

    def _will_play(self, task: Task[Any]) -> None:
        """Check that the agent can act in an environment that it has made, and remember what ends its episodes.

        Raises:
            InvalidArgument: If it cannot.
        """
        check_fit(self.policy, task, self.env_id)
        gaze = task.gaze_control
        if gaze.relative != self._gaze_control.relative and not (gaze.scripted or self._gaze_control.scripted):
            raise InvalidArgument(
                f"gaze={gaze.gaze!r}, but the agent was trained with gaze={self._gaze_control.gaze!r}: leave it out, "
                "or train an agent with it"
            )
        self._max_steps, look_on = task.max_episode_steps, task.answer.look_on
        untrained = look_on == self.policy.settings.num_actions
        self._endings.add("length" if look_on is None else "threshold" if untrained else "answer")

    def _stop_at(self, threshold: float, temperature: float, step: Tensor) -> Callable[[Tensor, Tensor], Tensor]:
        """Return what chooses the answers of a step, int64 (B,), from the logits."""
        with invalid_settings():
            settings = {**ENVIRONMENTS[parse_id(self.env_id).base], **self.env_settings}
            early = early_settings(self.env_id, settings)
            looks_on = early == settings  # trained to decide when to stop: "look on" is its last answer
            rule = StopRule(
                threshold, temperature, self.policy.settings.num_actions - looks_on, self._longest_episode(settings)
            )
        if self._endings == {"length"}:
            raise SettingsError(
                f"stop_threshold={threshold} needs an environment in which an answer ends the episode: make it with "
                "make_env(stop='learned')"
            )
        return partial(rule.answer, step=step)

    def _longest_episode(self, settings: Mapping[str, Any]) -> int:
        """Return the largest number of steps in an episode; where no argument says it, from the task, with its data."""
        if self._max_steps is None:
            known = settings.get("num_glimpses")
            self._max_steps = known or make_task(self.env_id, **self.env_settings).max_episode_steps
        return self._max_steps

    def _state_for(self, state: AgentState | None, num_rows: int) -> AgentState:
        """Return a state, or that of the start of an episode, and check that it is one of as many rows.

        Raises:
            SettingsError: If it is not.
        """
        initial = self.policy.initial_state(num_rows)
        if state is None:
            return AgentState(initial, 0)
        if not isinstance(state, AgentState):
            raise SettingsError(f"state={shown(state)} is not valid: expected what act() returned, or None")
        if len(state.core[0]) != num_rows:
            raise SettingsError(
                f"state is that of {len(state.core[0])} environments, and the observation of {num_rows}: pass "
                "state=None at the start of an episode"
            )
        found, expected = ([tuple(part.shape) for part in core] for core in (state.core, initial))
        if found != expected:
            raise SettingsError(f"state has the shapes {found}, that of another agent: expected {expected}, or None")
        return state

    def _erased(self, core: tuple[Tensor, ...], episode_start: ArrayLike) -> tuple[Tensor, ...]:
        """Return the state of the core with that of some rows erased."""
        start = np.asarray(episode_start)
        if start.dtype != np.bool_ or start.shape != (len(core[0]),):
            raise SettingsError(
                f"episode_start is {start.dtype} of shape {start.shape}: expected bool, one for each of "
                f"{len(core[0])} environments"
            )
        rows = torch.as_tensor(start, device=core[0].device)[:, None]
        fresh = self.policy.initial_state(len(core[0]))
        return tuple(torch.where(rows, new, old) for new, old in zip(fresh, core, strict=True))

    def _noise(
        self, num_rows: int, step: int, seed: int | None, generator: np.random.Generator | None
    ) -> tuple[Tensor, Tensor]:
        """Draw what is sampled in one step: see :func:`agents.evaluation.players.row_noise`."""
        row_seeds: NDArray[np.int64]
        if seed is not None:
            row_seeds = int(seed) + np.arange(num_rows)
        else:
            if generator is None:
                generator = self._generator = self._generator or np.random.default_rng()
            row_seeds, step = generator.integers(2**62, size=num_rows), 0
        settings = self.policy.settings
        seeds = torch.as_tensor(row_seeds, device=self.policy.location_std.device)
        return row_noise(seeds, step, settings.gaze_size, settings.num_actions)


def check_source(seed: int | None, generator: np.random.Generator | None, most: int) -> None:
    """Check what samples are drawn with.

    Args:
        seed: A seed from 0 to ``most``, or None.
        generator: A generator, or None.
        most: The largest seed.

    Raises:
        SettingsError: If one is not valid, or both are given.
    """
    if seed is not None and generator is not None:
        raise SettingsError("seed and generator are both given: expected one of them")
    if seed is not None:
        with invalid_settings():
            check_integer("seed", seed, 0, most)
    if generator is not None and not isinstance(generator, np.random.Generator):
        raise SettingsError(f"generator={shown(generator)} is not valid: expected a numpy.random.Generator")
