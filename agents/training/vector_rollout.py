"""Plays in a vector environment and stores what learning needs: segments, in which episodes may end and start."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.environments.adapter import Choice
from agents.environments.world import InvalidValue, Observation, Step, World
from agents.ram.networks import State
from agents.ram.policy import RAMPolicy
from agents.training.folder import TrainingError
from ram_envs.scenes.randomness import random_word
from ram_envs.tasks import FigureOfMerit

WINDOW = 100
"""Episodes over which the figures of a training are averaged."""


class Segment(NamedTuple):
    """T steps of B rows, time first. An episode may end in any step, and the next one starts in a later one.

    Attributes:
        observation: What the policy saw before each step, float32 (T, B, n) by key.
        starts: bool (T, B), whether an episode starts with the observation.
        state: State of the core before the first step, without a gradient.
        fixation: float32 (T, B, gaze_size), the location chosen at each step, as sampled.
        task_action: (T, B) or (T, B, n), the task action chosen at each step.
        location_log_prob: float32 (T, B), at the time the location was sampled.
        action_log_prob: float32 (T, B), at the time the task action was sampled.
        value: float32 (T, B), the baseline before each step.
        next_value: float32 (T, B), the baseline of the observation that the step led to: of the final one where an
            episode was truncated. Without meaning where one terminated.
        reward: float32 (T, B).
        terminated: bool (T, B).
        over: bool (T, B), terminated or truncated.
        taken: bool (T, B), False for steps in which a row only started a new episode.
        target: int64 (T, B), the right answer of each step; None if the environment does not hand it out.
    """

    observation: dict[str, Tensor]
    starts: Tensor
    state: State
    fixation: Tensor
    task_action: Tensor
    location_log_prob: Tensor
    action_log_prob: Tensor
    value: Tensor
    next_value: Tensor
    reward: Tensor
    terminated: Tensor
    over: Tensor
    taken: Tensor
    target: Tensor | None


class Record:
    """Return, length and success of the episodes, as they end.

    Args:
        num_envs: B.

    Attributes:
        returns: Returns of the last ``WINDOW`` episodes.
        lengths: Their numbers of steps.
        successes: Which of them succeeded; empty if that has no meaning.
    """

    def __init__(self, num_envs: int) -> None:
        self.returns: deque[float] = deque(maxlen=WINDOW)
        self.lengths: deque[int] = deque(maxlen=WINDOW)
        self.successes: deque[bool] = deque(maxlen=WINDOW)
        self._return, self._length = np.zeros(num_envs), np.zeros(num_envs, np.int64)

    def add(self, step: Step) -> None:
        """Add a step."""
        self._return += np.where(step.taken, step.reward, 0.0)
        self._length += step.taken
        for row in np.flatnonzero(step.over):
            self.returns.append(float(self._return[row]))
            self.lengths.append(int(self._length[row]))
            if step.success is not None:
                self.successes.append(bool(step.success[row]))
        self._return[step.over], self._length[step.over] = 0.0, 0

    def statistics(self, figure: FigureOfMerit) -> dict[str, Tensor]:
        """Return the figure of merit and the mean return and length, float32 ().

        Before the first episode has ended these are the return and length of the episodes so far, and no success.
        """
        returns, lengths = self.returns or self._return, self.lengths or self._length
        values = {"episode_return": float(np.mean(returns)), "episode_length": float(np.mean(lengths))}
        if figure.of != "return":
            share = float(np.mean(self.successes)) if self.successes else 0.0
            values = {figure.name: figure.stored_factor * (share if figure.of == "success" else 1 - share), **values}
        return {name: torch.tensor(value) for name, value in values.items()}


class Rollout:
    """The policy in a vector environment: the observations, the core's state and the episodes of the moment.

    Args:
        world: This process's rows.
        policy: The policy.
        generator: Random generator of the policy's samples.
        batch: Rows of the whole batch, for which random numbers are drawn.
        rows: This process's rows in the batch.
        greedy_action: Whether the most likely task action is taken; locations are sampled in any case.
    """

    def __init__(
        self,
        world: World,
        policy: RAMPolicy,
        generator: torch.Generator,
        batch: int,
        rows: slice,
        greedy_action: bool = False,
    ) -> None:
        self._world, self._policy, self._generator = world, policy, generator
        self._batch, self._rows, self._greedy_action = batch, rows, greedy_action
        self._device = policy.location_std.device
        self.record = Record(world.num_envs)

    def reset(self, seed: int) -> None:
        """Start new episodes in all rows; the seed is that of the first row of the whole batch."""
        self._observation = self._world.reset(seed + self._rows.start)
        self._starts = np.ones(self._world.num_envs, bool)
        self._state = self._policy.initial_state(self._world.num_envs)

    @torch.no_grad()
    def collect(self, num_steps: int) -> Segment:
        """Play this many steps in every row.

        Raises:
            TrainingError: If the policy's outputs are not finite.
            InvalidValue: If the environment returns something that is not finite.
        """
        policy, before = self._policy, self._state
        seen: dict[str, list[Tensor]] = {}
        columns: dict[str, list[Tensor]] = {}
        finals: dict[int, Tensor] = {}
        for t in range(num_steps):
            observation, starts = self._tensors(self._observation), self._tensor(self._starts)
            h, state = policy.encode_step(observation, policy.forget(self._state, starts))
            heads = policy.heads(h)
            noise = policy.noise(self._batch, self._generator, greedy_action=self._greedy_action).of(self._rows)
            decision = policy.decision(heads, noise)
            step = self._step(Choice(*map(_array, (decision.fixation, decision.task_action, heads.action_logits))))
            if step.final is not None and step.truncated.any():
                h_final, _ = policy.encode_step(self._tensors(step.final), state)
                finals[t] = policy.heads(h_final).value
            for key, value in observation.items():
                seen.setdefault(key, []).append(value)
            values = {"starts": starts, **decision._asdict(), **self._outcome(step)}
            for name, value in values.items():
                columns.setdefault(name, []).append(value)
            self._observation, self._starts, self._state = step.observation, step.starts, state
            self.record.add(step)
        stacked = {name: torch.stack(values) for name, values in columns.items()}  # T x (B, ...)
        return Segment(
            observation={key: torch.stack(values) for key, values in seen.items()},
            state=before,
            next_value=self._next_value(stacked["value"], finals, stacked["over"] & ~stacked["terminated"]),
            target=stacked.pop("target", None),
            **stacked,
        )

    def _step(self, choice: Choice) -> Step:
        if not np.isfinite(choice.outputs).all():
            raise TrainingError(
                "the policy's outputs are not finite: training diverged. Train again with a lower learning_rate or "
                "max_grad_norm"
            )
        try:
            return self._world.step(choice)
        except InvalidValue as error:
            raise TrainingError(f"{error}. Training stops; the last checkpoint is kept") from error

    def _outcome(self, step: Step) -> dict[str, Tensor]:
        """Return what a step led to, (B,) by the names in :class:`Segment`."""
        outcome = {
            "reward": self._tensor(step.reward),
            "terminated": self._tensor(step.terminated),
            "over": self._tensor(step.over),
            "taken": self._tensor(step.taken),
        }
        if (target := self._world.adapter.right_answers(step.info)) is not None:
            outcome["target"] = self._tensor(target)
        return outcome

    def _next_value(self, value: Tensor, finals: dict[int, Tensor], truncated: Tensor) -> Tensor:
        """Return the values of the observations that the steps led to, (T, B).

        Args:
            value: float32 (T, B), the values before each step. Where an episode ended in the step before, that is the
                value of the final observation, unless the environment resets rows in the same step.
            finals: float32 (B,) by step, values of final observations that are not among these.
            truncated: bool (T, B).
        """
        state = self._policy.forget(self._state, self._tensor(self._starts))
        h, _ = self._policy.encode_step(self._tensors(self._observation), state)
        next_value = torch.cat([value[1:], self._policy.heads(h).value[None]])
        for t, final in finals.items():
            next_value[t] = torch.where(truncated[t], final, next_value[t])
        return next_value

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.as_tensor(array, device=self._device)

    def _tensors(self, observation: Observation) -> dict[str, Tensor]:
        return {key: self._tensor(value) for key, value in observation.items()}


def reset_seed(seed: int, iteration: int) -> int:
    """Return the seed of the first row for a reset in an iteration of a run.

    It is at least 2**30, so small seeds, as in evaluation, never occur in training; and less than 2**31, the largest
    that Atari environments take.
    """
    return 2**30 + random_word((seed << 32) + iteration) % 2**29


def _array(values: Tensor) -> NDArray[Any]:
    return values.cpu().numpy()
