"""Evaluation of a policy: its figure of merit on a split of images or in fresh episodes, with a 95 % interval.

Every image is shown in one episode. All randomness of an episode follows from its seed alone, so the result does not
depend on the size of the batches, apart from floating-point rounding.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import agents.with_torch  # noqa: F401

# isort: split
import numpy as np
import torch
from numpy.typing import NDArray

from agents.environments.make import is_task
from agents.evaluation.fit import check_fit
from agents.evaluation.intervals import mean_interval, wilson_interval
from agents.evaluation.loop import play_all
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.evaluation.splits import evenly_spread, with_dataset, with_split
from agents.evaluation.stopping import early_settings, stop_rule
from agents.ram.policy import RAMPolicy
from ram_envs import make_tensor
from ram_envs.arguments import check_integer
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.datasets import DatasetSource
from ram_envs.tasks import EPISODE_RETURN, FIGURES, FigureOfMerit

GAME_EPISODES = 10_000
"""Episodes of a task without images, unless asked otherwise."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        env_id: The environment.
        figure: Name of the figure of merit: "error_percent" in [0, 100], "success_rate" in [0, 1], or the task's own.
        value: Its value.
        interval_low: Lower end of its 95 % interval: Wilson's for a share of episodes, otherwise Student's,
            which has no end for a single episode.
        interval_high: Upper end.
        episodes: Number of episodes.
        mean_glimpses: Mean number of glimpses in an episode; 0 for classifiers of whole scenes.
        split: Split of the images; None in tasks without images.
        seed: Random seed of the first episode.
        greedy: Whether the policy took its mean locations instead of sampling them.
        greedy_action: Whether it took its most likely answers instead of sampling them.
        seconds: Duration.
        stop_threshold: The class probability at which the policy answered early; None if it did not.
        temperature: What the logits were divided by for that probability.
        rates: Further figures of the task in percent, :attr:`ram_envs.tasks.Task.rates`; empty if it has none.
    """

    env_id: str
    figure: str
    value: float
    interval_low: float
    interval_high: float
    episodes: int
    mean_glimpses: float
    split: str | None
    seed: int
    greedy: bool
    greedy_action: bool
    seconds: float
    stop_threshold: float | None = None
    temperature: float = 1.0
    rates: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON; those of early stopping and rates only if there are any.

        An end of an interval that is infinite is None.
        """
        values = asdict(self)
        for name in ("interval_low", "interval_high"):
            values[name] = values[name] if math.isfinite(values[name]) else None
        if not self.rates:
            del values["rates"]
        if self.stop_threshold is None:
            del values["stop_threshold"], values["temperature"]
        return values

    def __str__(self) -> str:
        """Write it in one line."""
        figure = FIGURES.get(self.figure, EPISODE_RETURN)
        digits = figure.digits + len(f"{figure.shown_factor:.0f}") - 1
        value, low, high = (f"{x:.{digits}f}" for x in (self.value, self.interval_low, self.interval_high))
        rollouts = ", one rollout per image" if self.split else ""
        what = "locations" if self.greedy_action else "decisions"
        sampled = "" if self.greedy else f", {what} sampled"
        looks = f", {self.mean_glimpses:.4g} glimpses an episode" if self.mean_glimpses else ""
        stop = "" if self.stop_threshold is None else f", stopped at probability {self.stop_threshold:g}"
        heat = "" if self.temperature == 1 else f" (temperature {self.temperature:.3g})"
        episodes = f"{self.episodes} episodes{rollouts}{looks}{stop}{heat}{sampled}"
        rates = "".join(f"  {name} {rate:.2f}" for name, rate in self.rates.items())
        return f"{self.figure} {value}  95% interval [{low}, {high}]{rates}  {episodes}"


@torch.inference_mode()
def evaluate(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    episodes: int | None = None,
    split: str | None = None,
    dataset: DatasetSource | None = None,
    seed: int = 0,
    greedy: bool = True,
    greedy_action: bool | None = None,
    num_envs: int = 1000,
    stop_threshold: float | None = None,
    temperature: float = 1.0,
) -> Evaluation:
    """Evaluate a policy on its device.

    Args:
        policy: The policy.
        env_id: The environment. One that is no task of the suite is played as in
            :func:`agents.evaluation.worlds.evaluate_world`.
        env_settings: Its arguments; formats and split are chosen here.
        episodes: Number of episodes. With images: None shows each image of the split once, a smaller number as many
            images, evenly spread over the split. Without images: None is 10,000.
        split: The images to show: "test" if None, or any split of the dataset, such as "train[-5000:]".
        dataset: The images to show in place of those of training: a name, a path, or arrays as in
            :func:`ram_envs.scenes.datasets.load_dataset`. None for the images of training, which have to be where they
            were; arrays are not stored and have to be given again.
        seed: Image i is shown in episode 0 of the row with seed + i; episode i of a game is that too. Training never
            uses seeds that small.
        greedy: Take the mean location instead of sampling it. Random locations are sampled in any case.
        greedy_action: Take the most likely answer instead of sampling it. None for the value of ``greedy``.
        num_envs: Episodes that are played in parallel.
        stop_threshold: In classification, answer as soon as the largest class probability reaches this number in
            [0, 1]; ``num_glimpses`` is then the most glimpses of an episode. None for episodes of full length.
        temperature: Divides the logits before that comparison; see :func:`agents.evaluation.stopping.fit_temperature`.

    Raises:
        ValueError: If an argument is not valid, or the policy was made for another sensor or other answers.
    """
    if stop_threshold is not None:
        env_settings = early_settings(env_id, env_settings)
    if not is_task(env_id):
        from agents.evaluation.worlds import evaluate_world

        return evaluate_world(
            policy,
            env_id,
            with_split(env_id, with_dataset(env_id, env_settings, dataset), split),
            episodes=episodes,
            seed=seed,
            greedy=greedy,
            greedy_action=greedy_action,
            num_envs=num_envs,
        )
    start = time.perf_counter()
    check_integer("seed", seed, 0, 2**62)
    check_integer("num_envs", num_envs, 1)
    settings = {**with_split(env_id, with_dataset(env_id, env_settings, dataset), split), **FORMATS}
    greedy_action = greedy if greedy_action is None else greedy_action
    device = policy.location_std.device

    one = make_tensor(env_id, 1, device, **settings)
    check_fit(policy, one.task, env_id)
    task = one.task
    numbers = _episode_numbers(episodes, task.num_images)
    env = make_tensor(env_id, min(num_envs, len(numbers)), device, check_actions=False, **settings)
    rule = None if stop_threshold is None else stop_rule(policy, task, stop_threshold, temperature)
    make_player = partial(
        PolicyPlayer, policy, task.answer.key, greedy=greedy, greedy_answer=greedy_action, stop_rule=rule
    )
    images = None if task.num_images is None else numbers
    keys = list(dict.fromkeys(key for pair in task.rates.values() for key in pair))
    ended = play_all(env, make_player, seed + numbers, images, keys)
    value, low, high = figure_of(task.figure, ended.success, ended.returns)
    return Evaluation(
        env_id=env_id,
        figure=task.figure.name,
        value=value,
        interval_low=low,
        interval_high=high,
        episodes=len(numbers),
        mean_glimpses=int(ended.glimpses.sum()) / len(numbers),
        split=settings.get("split"),
        seed=seed,
        greedy=greedy and not policy.settings.random_locations,
        greedy_action=greedy_action,
        seconds=time.perf_counter() - start,
        stop_threshold=stop_threshold,
        temperature=1.0 if stop_threshold is None else temperature,
        rates={name: _percent(*(int(ended.counts[key].sum()) for key in pair)) for name, pair in task.rates.items()},
    )


def _percent(part: int, whole: int) -> float:
    """Return a share in percent; 0 of nothing."""
    return 100 * part / max(whole, 1)


def figure_of(
    figure: FigureOfMerit, success: NDArray[np.bool_], returns: NDArray[np.floating] | None = None
) -> tuple[float, float, float]:
    """Return the value of a figure of merit with its 95 % interval, from episodes.

    Args:
        figure: The figure of merit.
        success: bool (N,), which episodes succeeded.
        returns: float (N,), the episode returns; needed if the figure is computed from them.
    """
    count = len(success)
    if not figure.is_share:
        assert returns is not None
        mean = float(returns.mean(dtype=np.float64))
        std = float(returns.std(dtype=np.float64, ddof=1)) if count > 1 else 0.0
        return mean, *mean_interval(mean, std, count)
    successes = int(success.sum())
    hits, factor = count - successes if figure.of == "failure" else successes, figure.stored_factor
    low, high = wilson_interval(hits, count)
    return factor * hits / count, factor * low, factor * high


def _episode_numbers(episodes: int | None, num_images: int | None) -> NDArray[np.int64]:
    """Return the images to show, or the numbers of the episodes: int64 (N,)."""
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    if num_images is None:
        return np.arange(GAME_EPISODES if episodes is None else episodes)
    if episodes is not None and episodes > num_images:
        raise InvalidArgument(
            f"episodes={episodes} is more than the split has images, each of which is shown once: expected at most "
            f"{num_images}"
        )
    return evenly_spread(num_images if episodes is None else episodes, num_images)
