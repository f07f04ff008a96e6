"""Plays in a vector environment and stores what learning needs: segments, in which episodes may end and start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.environments.adapter import Choice
from agents.environments.world import InvalidValue, Observation, World
from agents.ram.decisions import Noise
from agents.ram.networks import State
from agents.ram.policy import RAMPolicy
from agents.training.folder import TrainingError
from agents.training.record import Record
from ram_envs.scenes.randomness import random_word


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


class Rollout:
    """The policy in vector environments: the observations, the core's state and the episodes of the moment.

    Several worlds take turns: while the processes of one step its rows, the policy chooses for the rows of another.

    Args:
        worlds: This process's rows, in parts.
        policy: The policy.
        generator: Random generator of the policy's samples.
        batch: Rows of the whole batch, for which random numbers are drawn.
        first_row: The first of this process's rows in the batch.
        greedy_action: Whether the most likely task action is taken; locations are sampled in any case.
    """

    def __init__(
        self,
        worlds: Sequence[World],
        policy: RAMPolicy,
        generator: torch.Generator,
        batch: int,
        first_row: int = 0,
        greedy_action: bool = False,
    ) -> None:
        self._policy, self._generator, self._batch = policy, generator, batch
        self._greedy_action = greedy_action
        self.num_envs = sum(world.num_envs for world in worlds)
        self.record = Record(self.num_envs)
        self._parts, start = [], 0
        for world in worlds:
            self._parts.append(_Part(world, policy, start, first_row, self.record))
            start += world.num_envs

    def reset(self, seed: int) -> None:
        """Start new episodes in all rows; the seed is that of the first row of the whole batch."""
        self.record.reset()
        for part in self._parts:
            part.reset(seed)

    @torch.no_grad()
    def collect(self, num_steps: int) -> Segment:
        """Play this many steps in every row.

        Raises:
            TrainingError: If the policy's outputs or what the environment returns are not finite.
        """
        for part in self._parts:
            part.begin_segment()
        for _ in range(num_steps):
            noise = self._policy.noise(self._batch, self._generator, greedy_action=self._greedy_action)
            for part in self._parts:
                part.end_step()
                part.begin_step(noise)
        for part in self._parts:
            part.end_step()
        segments = [part.segment() for part in self._parts]
        return segments[0] if len(segments) == 1 else _joined(segments)


class _Part:
    """Some of the rows, which are stepped together.

    Args:
        world: The rows.
        policy: The policy.
        start: The first of the rows among this process's rows.
        first_row: The first of this process's rows in the batch.
        record: Record of all of this process's rows.
    """

    def __init__(self, world: World, policy: RAMPolicy, start: int, first_row: int, record: Record) -> None:
        self._world, self._policy, self._record = world, policy, record
        self._device = policy.location_std.device
        self._own = slice(start, start + world.num_envs)
        self._rows = slice(first_row + start, first_row + start + world.num_envs)

    def reset(self, seed: int) -> None:
        self._observation = self._world.reset(seed + self._rows.start)
        self._starts = np.ones(self._world.num_envs, bool)
        self._state = self._policy.initial_state(self._world.num_envs)

    def begin_segment(self) -> None:
        self._before, self._pending = self._state, False
        self._seen: dict[str, list[Tensor]] = {}
        self._columns: dict[str, list[Tensor]] = {}
        self._finals: dict[int, Tensor] = {}  # by step, (B,): values of final observations in infos

    def begin_step(self, noise: Noise) -> None:
        """Choose actions, and let the environment begin to step."""
        policy = self._policy
        observation, starts = self._tensors(self._observation), self._tensor(self._starts)
        h, self._state = policy.encode_step(observation, policy.forget(self._state, starts))
        heads = policy.heads(h)
        decision = policy.decision(heads, noise.of(self._rows))
        choice = Choice(*map(_array, (decision.fixation, decision.task_action, heads.action_logits)))
        if not np.isfinite(choice.outputs).all():
            raise TrainingError(
                "the policy's outputs are not finite: training diverged. Train again with a lower learning_rate or "
                "max_grad_norm"
            )
        self._world.begin_step(choice)
        self._pending = True
        for key, value in observation.items():
            self._seen.setdefault(key, []).append(value)
        self._store(starts=starts, **decision._asdict())

    def end_step(self) -> None:
        """Wait for the step that was begun, if one was, and store what it led to."""
        if not self._pending:
            return
        try:
            step = self._world.end_step()
        except InvalidValue as error:
            raise TrainingError(f"{error}. Training stops; the last checkpoint is kept") from error
        self._pending = False
        if step.final is not None and step.truncated.any():
            h, _ = self._policy.encode_step(self._tensors(step.final), self._state)
            self._finals[len(self._columns["value"]) - 1] = self._policy.heads(h).value
        outcome = {"reward": step.reward, "terminated": step.terminated, "over": step.over, "taken": step.taken}
        if (target := self._world.adapter.right_answers(step.info)) is not None:
            outcome["target"] = target
        self._store(**{name: self._tensor(values) for name, values in outcome.items()})
        self._observation, self._starts = step.observation, step.starts
        self._record.add(step, self._own)

    def segment(self) -> Segment:
        stacked = {name: torch.stack(values) for name, values in self._columns.items()}  # T x (B, ...)
        truncated = stacked["over"] & ~stacked["terminated"]
        # The value before the next step is that of the final observation if it is in the stream.
        state = self._policy.forget(self._state, self._tensor(self._starts))
        h, _ = self._policy.encode_step(self._tensors(self._observation), state)
        next_value = torch.cat([stacked["value"][1:], self._policy.heads(h).value[None]])
        for t, final in self._finals.items():
            next_value[t] = torch.where(truncated[t], final, next_value[t])
        return Segment(
            observation={key: torch.stack(values) for key, values in self._seen.items()},
            state=self._before,
            next_value=next_value,
            target=stacked.pop("target", None),
            **stacked,
        )

    def _store(self, **values: Tensor) -> None:
        for name, value in values.items():
            self._columns.setdefault(name, []).append(value)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.as_tensor(array, device=self._device)

    def _tensors(self, observation: Observation) -> dict[str, Tensor]:
        return {key: self._tensor(value) for key, value in observation.items()}


def _joined(parts: Sequence[Segment]) -> Segment:
    """Join segments of different rows."""
    joined: dict[str, Any] = {
        "observation": {key: torch.cat([part.observation[key] for part in parts], 1) for key in parts[0].observation},
        "state": tuple(torch.cat(states) for states in zip(*(part.state for part in parts), strict=True)),
    }
    for name in set(Segment._fields) - joined.keys():
        columns = [getattr(part, name) for part in parts]
        joined[name] = None if columns[0] is None else torch.cat(columns, 1)
    return Segment(**joined)


def reset_seed(seed: int, iteration: int) -> int:
    """Return the seed of the first row for a reset in an iteration of a run.

    It is at least 2**30, so small seeds, as in evaluation, never occur in training; and less than 2**31, the largest
    that Atari environments take.
    """
    return 2**30 + random_word((seed << 32) + iteration) % 2**29


def _array(values: Tensor) -> NDArray[Any]:
    return values.cpu().numpy()
