"""Collects whole episodes from the tensor environment, and decides what is random in training.

Nothing here keeps a random state: the episodes, the draws of the policy and the order of the images follow from the
run's seed and the number of the iteration alone, so a run that was stopped goes on exactly from these two numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.ram.policy import RAMPolicy
from agents.training import distributed
from agents.training.recording import Recording
from ram_envs.envs.tensor import TensorEnv

Observation = dict[str, Tensor]
"""What the agents see: "glimpse" float32 (..., glimpse_size) and "location" float32 (..., 2)."""


class Episodes(NamedTuple):
    """Whole episodes, time first: T steps of B rows, T the longest that an episode may be.

    Attributes:
        observation: "glimpse" float32 (T, B, glimpse_size) and "location" float32 (T, B, 2), before each step; from a
            recording in its dtype, and like ``h`` good until its next rollout.
        fixation: float32 (T, B, 2), the location decided on at each step, as drawn.
        task_action: int64 (T, B), likewise.
        h: float (T, B, core_size), what the core said; it carries the gradient if the episodes were collected with one.
        reward: float32 (T, B), 0 after the end.
        terminated: bool (T, B), whether the episode is over after the step.
        mask: bool (T, B), whether the step was taken, which is until the episode is over.
        success: bool (B,), whether the episode ended well.
        info: What the environment said after the last step, (B,).
    """

    observation: Observation
    fixation: Tensor
    task_action: Tensor
    h: Tensor
    reward: Tensor
    terminated: Tensor
    mask: Tensor
    success: Tensor
    info: dict[str, Tensor]


def collect_episodes(
    env: TensorEnv,
    policy: RAMPolicy,
    observation: Observation,
    generator: torch.Generator | None = None,
    greedy_action: bool = False,
    recording: Recording | None = None,
) -> Episodes:
    """Play the episodes that a reset began, one in each row, to the end.

    Rows that end early stay as they are, and ``mask`` says so: nothing waits for the device. Under ``torch.no_grad`` it
    writes down what happened; otherwise ``h`` also carries the gradient of the glimpse and the core network. A
    recording gives ``h`` that gradient in any case, and in less time.

    Args:
        env: With auto-reset disabled, actions as a dictionary and no checks.
        policy: Who plays.
        observation: What ``env.reset`` returned, (B, ...).
        generator: Source of the policy's draws.
        greedy_action: Whether the likeliest task action is taken; locations are drawn in any case.
        recording: Of this policy, for as many steps and rows.
    """
    if recording is not None:
        recording.begin()
    state = policy.initial_state(env.num_envs)
    alive = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    steps: list[tuple[Any, ...]] = []
    share = distributed.share()
    for _ in range(env.task.max_episode_steps):
        seen: tuple[Tensor, ...] = ()
        if recording is None:
            h, state = policy.encode_step(observation, state)
            seen = observation["glimpse"], observation["location"], h
        else:
            h = recording.step(observation)
        fixation, task_action = policy.choose(h, greedy_action=greedy_action, generator=generator, share=share)
        action = {"fixation": fixation, env.task.answer.key: task_action}
        observation, reward, terminated, _, info = env.step(action)
        steps.append((fixation, task_action, reward, terminated, alive, *seen))
        alive = ~terminated
    columns = [torch.stack(values) for values in zip(*steps, strict=True)]  # T x (B, ...) -> (T, B, ...)
    fixation, task_action, reward, terminated, mask, *observed = columns
    glimpse, location, h = observed if recording is None else (*recording.inputs, recording.h_with_gradient())
    return Episodes(
        {"glimpse": glimpse, "location": location},
        fixation,
        task_action,
        h,
        reward,
        terminated,
        mask,
        info["is_success"],
        info,
    )


def episode_seed(seed: int, iteration: int, num_envs: int) -> int:
    """Return the seed of the first row in an iteration's reset: no two rows of a run share one, nor do two runs.

    It is 2**32 and more, so that episodes seeded with small numbers, as in evaluation, are never those of training.
    """
    return ((seed + 1) << 32) + iteration * num_envs


def seed_generator(generator: torch.Generator, seed: int, iteration: int) -> torch.Generator:
    """Seed a generator for one iteration of a run, and return it."""
    word = (
        ((seed << 32) + iteration) * 0x9E3779B97F4A7C15 % 2**64
    )  # SplitMix64, so that the low 32 bits, which are all that
    word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 % 2**64  # some generators take, depend on both numbers
    word = (word ^ word >> 27) * 0x94D049BB133111EB % 2**64
    return generator.manual_seed((word ^ word >> 31) % 2**63)


class ImageOrder:
    """The order in which training shows its images: every image once an epoch, in an order of its own for each epoch.

    Args:
        num_images: Images in the training set.
        seed: The run's seed.
        device: Where the indices live.
    """

    def __init__(self, num_images: int, seed: int, device: torch.device) -> None:
        self.num_images, self._seed = num_images, seed
        self._generator = torch.Generator(device)
        self._epochs: dict[int, Tensor] = {}

    def batch(self, start: int, size: int) -> Tensor:
        """Return images ``start`` to ``start + size`` of the endless row of epochs: int64 (size,)."""
        parts = []
        while size > 0:
            epoch, offset = divmod(start, self.num_images)
            part = self._epoch(epoch)[offset : offset + size]
            parts.append(part)
            start, size = start + len(part), size - len(part)
        return torch.cat(parts)

    def _epoch(self, epoch: int) -> Tensor:
        if epoch not in self._epochs:
            generator = seed_generator(self._generator, self._seed, 2**31 + epoch)
            order = torch.randperm(self.num_images, generator=generator, device=generator.device)
            self._epochs = {epoch: order}  # the one before it is over
        return self._epochs[epoch]
