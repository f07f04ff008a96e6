"""Early stopping of episodes: a policy that classifies at every step answers as soon as it is sure enough.

It needs no training of its own. The agent looks on until its largest class probability reaches a threshold, at most for
as many glimpses as an episode has. The threshold means what it says if the probabilities are calibrated: a temperature
(Guo et al. 2017, arXiv:1706.04599, section 4.2) divides the logits, and is fitted on images that were not trained on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from agents.environments.make import is_task
from agents.evaluation.fit import check_fit
from agents.evaluation.loop import play
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.evaluation.splits import evenly_spread, with_split
from agents.ram.policy import RAMPolicy
from ram_envs import make_tensor
from ram_envs.arguments import check_number
from ram_envs.errors import InvalidArgument
from ram_envs.registration import task_class
from ram_envs.tasks import Task

LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE = 0.05, 20.0


@dataclass(frozen=True)
class StopRule:
    """Answer with the most likely class once its probability reaches a threshold, and at the last step.

    Attributes:
        threshold: In [0, 1].
        temperature: Divides the logits; 1 leaves the probabilities as they are.
        num_classes: Number of classes. Further logits ("look on" of a learned stop) are ignored.
        num_glimpses: The most glimpses of an episode.
    """

    threshold: float
    temperature: float
    num_classes: int
    num_glimpses: int

    def __post_init__(self) -> None:
        """Check threshold and temperature.

        Raises:
            InvalidArgument: If one is not valid.
        """
        check_threshold(self.threshold)
        check_temperature(self.temperature)

    def answer(self, logits: Tensor, scores: Tensor, step: int | Tensor) -> Tensor:
        """Return the class, or ``num_classes`` to look on: int64 (B,).

        Args:
            logits: float32 (B, n), at least as many as classes.
            scores: float32 (B, n), the logits, with noise where classes are sampled: the largest one is the class.
            step: Number of the step, from 0; of all rows, or int64 (B,).
        """
        logits, label = logits[:, : self.num_classes], scores[:, : self.num_classes].argmax(1)
        confidence = (logits / self.temperature).softmax(1).amax(1)
        return torch.where((confidence >= self.threshold) | (step >= self.num_glimpses - 1), label, self.num_classes)


def check_threshold(threshold: float) -> float:
    """Check a threshold.

    Raises:
        InvalidArgument: If it is not in [0, 1].
    """
    return check_number("stop_threshold", threshold, 0, 1)


def check_temperature(temperature: float) -> float:
    """Check a temperature.

    Raises:
        InvalidArgument: If it is not in [0.05, 20].
    """
    return check_number("temperature", temperature, LOWEST_TEMPERATURE, HIGHEST_TEMPERATURE)


def early_settings(env_id: str, env_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an environment in which a class may be answered before the last glimpse.

    Raises:
        InvalidArgument: If the task has no such mode.
    """
    early = task_class(env_id).with_early_answers(env_settings) if is_task(env_id) else None
    if early is None:
        raise InvalidArgument(
            f"stop_threshold has no meaning for {env_id}, whose episodes an answer cannot end: leave it out"
        )
    return early


def stop_rule(policy: RAMPolicy, task: Task[Any], threshold: float, temperature: float = 1.0) -> StopRule:
    """Return the rule of a policy for a task with early answers, from :func:`early_settings`."""
    look_on = task.answer.look_on
    assert look_on is not None
    return StopRule(threshold, temperature, min(look_on, policy.settings.num_actions), task.max_episode_steps)


class Beliefs(NamedTuple):
    """What a policy believes after each glimpse of N episodes of T glimpses.

    Attributes:
        logits: float32 (T, N, classes).
        target: int64 (N,), the right classes.
    """

    logits: Tensor
    target: Tensor


class StopPoint(NamedTuple):
    """What a threshold gives.

    Attributes:
        threshold: The threshold.
        error_percent: Errors in percent.
        mean_glimpses: Mean number of glimpses in an episode.
    """

    threshold: float
    error_percent: float
    mean_glimpses: float


@torch.inference_mode()
def beliefs(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    split: str = "test",
    seed: int = 0,
    episodes: int | None = None,
    num_envs: int = 1000,
) -> Beliefs:
    """Play deterministic episodes to the last glimpse, and return what the policy believes after every glimpse.

    Args:
        policy: The policy, which classifies.
        env_id: The environment.
        env_settings: Its arguments.
        split: The images, each shown once.
        seed: Image i is shown in the episode of seed + i, as in :func:`agents.evaluation.evaluate.evaluate`.
        episodes: Number of images, evenly spread over the split; None for all.
        num_envs: Episodes that are played in parallel.

    Raises:
        InvalidArgument: If the policy does not fit the environment, or an answer cannot end its episodes.
    """
    device = policy.location_std.device
    early = early_settings(env_id, env_settings)
    settings = {**with_split(env_id, early, split), **FORMATS}
    task = make_tensor(env_id, 1, device, **settings).task
    check_fit(policy, task, env_id)
    assert task.num_images is not None
    images = evenly_spread(task.num_images if episodes is None else min(episodes, task.num_images), task.num_images)
    env = make_tensor(env_id, min(num_envs, len(images)), device, check_actions=False, **settings)
    rule = stop_rule(policy, task, 1.0)
    logits, targets = [], []
    for first in range(0, len(images), env.num_envs):
        rows = np.minimum(np.arange(first, first + env.num_envs), len(images) - 1)
        index = torch.as_tensor(images[rows], device=device)
        recorder = _Recorder(rule)
        player = PolicyPlayer(policy, task.answer.key, seed + index, stop_rule=recorder)
        for _ in play(env, player, seed=seed + index, options={"image_index": index}):
            pass
        count = min(env.num_envs, len(images) - first)
        target = env.target()
        assert target is not None
        logits.append(torch.stack(recorder.logits)[:, :count].cpu())
        targets.append(target[:count].cpu())
    return Beliefs(torch.cat(logits, 1), torch.cat(targets))


class _Recorder:
    """A rule that never stops early, and keeps the logits of the classes at each step, float32 (B, classes)."""

    def __init__(self, rule: StopRule) -> None:
        self._rule, self.logits = rule, list[Tensor]()

    def answer(self, logits: Tensor, scores: Tensor, step: int) -> Tensor:
        """Return the class at the last step, and "look on" before."""
        self.logits.append(logits[:, : self._rule.num_classes])
        label = self.logits[-1].argmax(1)
        return label if step >= self._rule.num_glimpses - 1 else torch.full_like(label, self._rule.num_classes)


def fit_temperature(found: Beliefs) -> float:
    """Return the temperature that minimises the mean cross-entropy over all glimpses, in [0.05, 20].

    Found by golden-section search over its logarithm, in which the cross-entropy has one minimum.
    """
    target = found.target.expand(len(found.logits), -1)

    def loss(log_temperature: float) -> float:
        scaled = found.logits.double() / np.exp(log_temperature)
        return float(torch.nn.functional.cross_entropy(scaled.flatten(0, 1), target.flatten()))

    low, high = np.log(LOWEST_TEMPERATURE), np.log(HIGHEST_TEMPERATURE)
    golden = (5**0.5 - 1) / 2
    a, b = high - golden * (high - low), low + golden * (high - low)
    loss_a, loss_b = loss(a), loss(b)
    while high - low > 1e-4:
        if loss_a < loss_b:
            high, b, loss_b = b, a, loss_a
            a = high - golden * (high - low)
            loss_a = loss(a)
        else:
            low, a, loss_a = a, b, loss_b
            b = low + golden * (high - low)
            loss_b = loss(b)
    return float(np.exp((low + high) / 2))


def stop_curve(found: Beliefs, thresholds: Sequence[float], temperature: float = 1.0) -> list[StopPoint]:
    """Return error and mean number of glimpses for each threshold, all from the same episodes.

    Args:
        found: From :func:`beliefs`.
        thresholds: Each in [0, 1].
        temperature: Divides the logits.
    """
    check_temperature(temperature)
    confidence, label = (found.logits / temperature).softmax(-1).max(-1)  # (T, N)
    right = (label == found.target).numpy()
    points = []
    for threshold in thresholds:
        sure = (confidence >= check_threshold(threshold)).numpy()
        sure[-1] = True
        stop: NDArray[np.intp] = sure.argmax(0)  # the first glimpse after which it is sure enough
        error = 100 * (1 - right[stop, np.arange(right.shape[1])].mean())
        points.append(StopPoint(float(threshold), float(error), float(stop.mean() + 1)))
    return points
