"""How well a policy does: its error on a split of images, or how many balls it catches, with a 95 % interval.

Every image is judged by one rollout, whose randomness follows from the seed and the number of the image alone; so does
every episode of a game. The figure depends on the size of the batches no more than sums of floats do.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from agents.ram.policy import RAMPolicy
from ram_envs import make_tensor
from ram_envs.arguments import check_integer
from ram_envs.envs.tensor import TensorEnv
from ram_envs.scenes.randomness import draw_words, uniform
from ram_envs.registration import task_class
from ram_envs.tasks import Classification

GAME_EPISODES = 10_000
"""Episodes of a game, unless asked otherwise."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        env_id: The environment.
        figure: "error_percent" for classification, in [0, 100], or "success_rate" for games, in [0, 1].
        value: The figure.
        interval_low: Lower end of its 95 % interval (Wilson's score interval).
        interval_high: Upper end.
        episodes: How many were played.
        mean_glimpses: How many glimpses an episode took on average; 0 for what sees the whole scene.
        split: The images that were shown; None for games.
        seed: Of the first episode.
        greedy: Whether the policy took its mean locations, or drew them.
        greedy_action: Whether it took its likeliest task actions, or drew them.
        seconds: How long it took.
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it in one line."""
        digits = 2 if self.figure == "error_percent" else 4
        value, low, high = (f"{x:.{digits}f}" for x in (self.value, self.interval_low, self.interval_high))
        rollouts = ", one rollout per image" if self.split else ""
        what = "locations" if self.greedy_action else "decisions"
        drawn = "" if self.greedy else f", {what} drawn"
        looks = f", {self.mean_glimpses:.4g} glimpses an episode" if self.mean_glimpses else ""
        return f"{self.figure} {value}  95% interval [{low}, {high}]  {self.episodes} episodes{rollouts}{looks}{drawn}"


def evaluate(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    *,
    episodes: int | None = None,
    split: str | None = None,
    seed: int = 0,
    greedy: bool = True,
    greedy_action: bool | None = None,
    num_envs: int = 1000,
) -> Evaluation:
    """Let a policy play, on the device it is on.

    Args:
        policy: The policy.
        env_id: The environment.
        env_settings: Its arguments; formats and split are chosen here.
        episodes: How many. Classification: None shows each image of the split once, a smaller number as many images,
            evenly spread over the split. Games: None is 10,000.
        split: Classification: the images to show, "test" if None, or any split of the dataset, as in "train[-5000:]".
        seed: Image i is shown by episode 0 of row seed + i, and episode i of a game is that too. No training has such
            small seeds.
        greedy: Take the mean location; else draw it. Random locations are drawn in any case.
        greedy_action: Take the likeliest task action; else draw it. None does as ``greedy`` says.
        num_envs: How many are played side by side.

    Raises:
        ValueError: If an argument is not valid, or the policy was made for another sensor or other actions.
    """
    start = time.perf_counter()
    check_integer("seed", seed, 0, 2**62)
    check_integer("num_envs", num_envs, 1)
    settings = with_split(env_id, env_settings, split)
    settings |= {"action_format": "dict", "observation_format": "dict"}
    shows_images = "split" in settings
    greedy_action = greedy if greedy_action is None else greedy_action
    greedy = greedy and not policy.settings.random_locations  # which have no mean

    device = policy.location_std.device
    num_images = make_tensor(env_id, 1, device, **settings).task.num_images if shows_images else None
    index = _episode_numbers(episodes, num_images)
    num_envs = min(num_envs, len(index))
    env = make_tensor(env_id, num_envs, device, check_actions=False, **settings)
    _check_fit(policy, env, env_id)

    successes, glimpses = 0, 0
    for first in range(0, len(index), num_envs):
        batch = index[first : first + num_envs]
        counted = len(batch)
        batch = torch.nn.functional.pad(batch, (0, num_envs - counted)).to(device)  # the last batch is filled up
        options = {"image_index": batch} if shows_images else None
        outcome = _play(policy, env, seed + batch, options, greedy, greedy_action)
        successes += int(outcome.success[:counted].sum())
        glimpses += int(outcome.glimpses[:counted].sum())

    count = len(index)
    hits, scale, figure = (count - successes, 100, "error_percent") if shows_images else (successes, 1, "success_rate")
    low, high = wilson_interval(hits, count)
    return Evaluation(
        env_id=env_id,
        figure=figure,
        value=scale * hits / count,
        interval_low=scale * low,
        interval_high=scale * high,
        episodes=count,
        mean_glimpses=glimpses / count,
        split=settings.get("split"),
        seed=seed,
        greedy=greedy,
        greedy_action=greedy_action,
        seconds=time.perf_counter() - start,
    )


def with_split(env_id: str, env_settings: Mapping[str, Any], split: str | None) -> dict[str, Any]:
    """Return an environment's arguments with the images that are to be shown in place of those of the training.

    Args:
        env_id: The environment.
        env_settings: Its arguments.
        split: The images; None is "test" for classification, and the only choice for games, which show none.

    Raises:
        ValueError: If a split is given for a game.
    """
    if issubclass(task_class(env_id), Classification):
        return {**env_settings, "split": "test" if split is None else split}
    if split is not None:
        raise ValueError(f"split={split!r} has no meaning for {env_id}, which shows no images: leave it out")
    return dict(env_settings)


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % score interval of a proportion: ``hits`` of ``count``."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]  # takes a second to import

    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


class _Outcome(NamedTuple):
    """How a batch of episodes ended: success bool (B,), and the glimpses that each took, int64 (B,)."""

    success: Tensor
    glimpses: Tensor


@torch.inference_mode()
def _play(
    policy: RAMPolicy,
    env: TensorEnv,
    seed: Tensor,
    options: dict[str, Tensor] | None,
    greedy: bool,
    greedy_action: bool,
) -> _Outcome:
    """Play one episode in every row; nothing waits for the device between the steps.

    Args:
        policy: The policy.
        env: With auto-reset disabled: rows that end early stay as they are.
        seed: int64 (B,), of each row.
        options: Of the reset.
        greedy: Whether to take the mean location.
        greedy_action: Whether to take the likeliest task action.
    """
    observation, info = env.reset(seed=seed, options=options)
    state = policy.initial_state(env.num_envs)
    alive = torch.ones_like(seed, dtype=torch.bool)
    glimpses = torch.zeros_like(seed)
    for step in range(env.task.max_episode_steps):
        glimpses += alive
        h, state = policy.encode_step(observation, state)
        heads = policy.heads(h)
        noise, scores = None, heads.action_logits
        if not (greedy and greedy_action):
            normal, gumbel = _row_noise(seed, step, scores.shape[1])
            noise = None if greedy else normal
            scores = scores if greedy_action else scores + gumbel
        fixation = policy.fixation(heads.location_mean, noise)
        action = {"fixation": fixation, env.task.answer.key: scores.argmax(1)}
        observation, _, terminated, _, info = env.step(action)
        alive = ~terminated
    return _Outcome(info["is_success"], glimpses)


def _row_noise(seed: Tensor, step: int, num_actions: int) -> tuple[Tensor, Tensor]:
    """Draw what makes one step's decisions random, keyed by the row's seed, so that no row depends on the others.

    Returns:
        Standard normal numbers, float32 (B, 2), for the location; standard Gumbel numbers, float32 (B, num_actions),
        which added to logits make their argmax a draw from the softmax.
    """
    key = torch.full_like(seed, 2**40 + step)  # far from the numbers of episodes, which key the environment's own draws
    words = draw_words(seed, key, 2 + num_actions)
    exponential = (-torch.log1p(-uniform(words))).clamp_min(torch.finfo(torch.float32).tiny)
    radius, angle = torch.sqrt(2 * exponential[:, 0]), 2 * math.pi * uniform(words[:, 1])  # Box and Muller
    normal = torch.stack([radius * angle.cos(), radius * angle.sin()], 1)
    return normal.float(), -exponential[:, 2:].log().float()


def _episode_numbers(episodes: int | None, num_images: int | None) -> Tensor:
    """Return the images to show, or the numbers of a game's episodes: int64 (N,)."""
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    if num_images is None:
        return torch.arange(GAME_EPISODES if episodes is None else episodes)
    if episodes is not None and episodes > num_images:
        raise ValueError(
            f"episodes={episodes} is more than the split has images, each of which is shown once: expected at most "
            f"{num_images}"
        )
    count = num_images if episodes is None else episodes
    return torch.arange(count) * num_images // count


def _check_fit(policy: RAMPolicy, env: TensorEnv, env_id: str) -> None:
    """Refuse a policy that was made for another sensor or other actions.

    Raises:
        ValueError: If it was.
    """
    sensor, made_for = env.task.glimpse_sensor, policy.settings
    given = (sensor.patch_size, sensor.num_scales, sensor.channels, env.task.answer.size)
    expected = (made_for.patch_size, made_for.num_scales, made_for.channels, made_for.num_actions)
    if given != expected:
        names = ("patch_size", "num_scales", "channels", "num_actions")
        differing = [
            f"{name}={value} and not {other}"
            for name, value, other in zip(names, expected, given, strict=True)
            if value != other
        ]
        raise ValueError(
            f"the policy was made for {', '.join(differing)} as {env_id} has here: use it with the environment and the "
            "settings that it was trained on"
        )
