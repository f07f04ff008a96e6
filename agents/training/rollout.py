"""Collects whole episodes from the tensor environment, and derives the random numbers of training.

Nothing here keeps a random state: episodes, the policy's samples and the order of the images follow from the run's seed
and the number of the iteration alone, so a stopped run resumes exactly from these two numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.errors import SettingsError
from agents.ram.policy import RAMPolicy
from agents.training.exploration import Scan
from agents.training.fast.recording import Recording
from ram_envs.envs.tensor import TensorEnv
from ram_envs.scenes.randomness import random_word
from ram_envs.tasks import FigureOfMerit

Observation = dict[str, Tensor]
"""Observations: "glimpse" float32 (..., glimpse_size), "location" float32 (..., gaze_size), and further senses."""


class Episodes(NamedTuple):
    """Whole episodes, time first: T steps of B rows, where T is the maximum length of an episode.

    Attributes:
        observation: "glimpse" float32 (T, B, glimpse_size), "location" float32 (T, B, gaze_size) and each further
            sense, float32 (T, B, n), before each step; from a recording in its dtype and, like ``h``, valid until its
            next rollout.
        fixation: float32 (T, B, gaze_size), the location chosen at each step, as sampled.
        task_action: int64 (T, B), the task action chosen at each step.
        h: float (T, B, core_size), output of the core, with a gradient if the episodes were collected with one.
        reward: float32 (T, B), 0 after the end.
        over: bool (T, B), whether the episode is over after the step, terminated or truncated.
        mask: bool (T, B), whether the step was taken: True until the episode is over.
        target: int64 (T, B), the right answer before each step; None in a game.
        answer_counts: bool (T, B), whether the answer of the step counts; None in a game.
        info: Infos after the last step, (B,).
    """

    observation: Observation
    fixation: Tensor
    task_action: Tensor
    h: Tensor
    reward: Tensor
    over: Tensor
    mask: Tensor
    target: Tensor | None
    answer_counts: Tensor | None
    info: dict[str, Tensor]

    def figure(self, figure: FigureOfMerit) -> Tensor:
        """Return a figure of merit over the episodes as it is stored in files, float32 ().

        Raises:
            SettingsError: If it counts successes, and the task's infos have no "is_success".
        """
        if figure.of == "return":
            return figure.stored_factor * self.reward.sum(0).mean()
        if "is_success" not in self.info:
            raise SettingsError(
                f"the figure of merit {figure.name} counts successes, but the task's info has no 'is_success': return "
                "it from info(), or give the task another figure"
            )
        share = self.info["is_success"].float().mean()
        return figure.stored_factor * (share if figure.of == "success" else 1 - share)

    @property
    def location_mask(self) -> Tensor:
        """Whether the location of a step matters, bool (T, B): not after the last step, which no glimpse follows."""
        return self.mask & ~self.over


def collect_episodes(
    env: TensorEnv,
    policy: RAMPolicy,
    observation: Observation,
    generator: torch.Generator | None = None,
    *,
    batch: int | None = None,
    rows: slice = slice(None),
    supervised: bool = False,
    greedy_action: bool = False,
    recording: Recording | None = None,
    scan: Scan | None = None,
) -> Episodes:
    """Play the episodes that a reset began, one in each row, to the end.

    Rows that end early stay as they are and ``mask`` is False: nothing waits for the device. Under ``torch.no_grad``
    ``h`` has no gradient; otherwise it has the gradient of glimpse and core network. With a recording it always has,
    and in less time.

    Args:
        env: With auto-reset disabled, actions as a dictionary and no checks.
        policy: The policy.
        observation: Observations that ``env.reset`` returned, (B, ...).
        generator: Random generator of the policy's samples.
        batch: Rows of the whole batch, for which random numbers are drawn; None if the environment has them all.
        rows: The environment's rows in the batch.
        supervised: Whether to collect the right answers.
        greedy_action: Whether the most likely task action is taken; locations are sampled in any case.
        recording: A recording of this policy, for as many steps and rows.
        scan: Rows whose locations the policy does not choose.
    """
    if recording is not None:
        recording.begin()
    state = policy.initial_state(env.num_envs)
    alive = torch.ones(env.num_envs, dtype=torch.bool, device=env.device)
    steps: dict[str, list[Tensor]] = {}
    seen: dict[str, list[Tensor]] = {}

    def store(**values: Tensor) -> None:
        for name, value in values.items():
            steps.setdefault(name, []).append(value)

    for step in range(env.task.max_episode_steps):
        if recording is None:
            h, state = policy.encode_step(observation, state)
            store(h=h)
            for key, value in observation.items():
                seen.setdefault(key, []).append(value)
        else:
            h = recording.step(observation)
        if supervised:
            target = env.target()
            assert target is not None, "checked by HybridSettings.check_task"
            store(target=target, answer_counts=env.answer_counts())
        noise = policy.noise(batch or env.num_envs, generator, greedy_action=greedy_action)
        fixation, task_action = policy.choose(h, noise.of(rows))
        if scan is not None:
            given = torch.as_tensor(env.task.gaze_control.towards(observation["location"], scan.path[step]))
            fixation = torch.where(scan.explores[:, None], given, fixation)
        action = {"fixation": fixation, env.task.answer.key: task_action}
        observation, reward, terminated, truncated, info = env.step(action)
        over = terminated | truncated
        store(fixation=fixation, task_action=task_action, reward=reward, over=over, mask=alive)
        alive = ~over
    columns: dict[str, Any] = {name: torch.stack(values) for name, values in steps.items()}  # T x (B, ...)
    inputs = {key: torch.stack(values) for key, values in seen.items()}
    if recording is not None:
        inputs = dict(zip(("glimpse", "location"), recording.inputs, strict=True))
        columns["h"] = recording.h_with_gradient()
    return Episodes(**{"target": None, "answer_counts": None, "observation": inputs, "info": info, **columns})


def episode_seed(seed: int, iteration: int, num_envs: int) -> int:
    """Return the seed of the first row in an iteration's reset; all rows of all iterations and runs differ.

    It is at least 2**32, so episodes with small seeds, as in evaluation, never occur in training.
    """
    return ((seed + 1) << 32) + iteration * num_envs


def seed_generator(generator: torch.Generator, seed: int, iteration: int) -> torch.Generator:
    """Seed a generator for one iteration of a run, and return it."""
    # A random word, because some generators take the low 32 bits only: these now depend on both numbers.
    return generator.manual_seed(random_word((seed << 32) + iteration) % 2**63)


class ImageOrder:
    """The order in which training shows the images: each image once an epoch, every epoch in a new random order.

    Args:
        num_images: Images in the training set.
        seed: Random seed of the run.
        device: Device of the indices.
    """

    def __init__(self, num_images: int, seed: int, device: torch.device) -> None:
        self.num_images, self._seed = num_images, seed
        self._generator = torch.Generator(device)
        self._epochs: dict[int, Tensor] = {}

    def batch(self, start: int, size: int) -> Tensor:
        """Return images ``start`` to ``start + size`` of the endless sequence of epochs: int64 (size,)."""
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
