"""The play loop: a player acts in a batch of environments, and whoever watches iterates over the moments.

Evaluation counts successes and glimpses, pictures record paths and draw frames. On tensors, nothing in the loop waits
for the device.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ram_envs.arrays import Array, namespace


class Player(Protocol):
    """Who acts: a policy, a learned algorithm, a random or a scripted player."""

    def start(self, num_envs: int) -> None:
        """Start new episodes in all rows.

        Args:
            num_envs: Number of rows, B.
        """

    def act(self, observation: Any) -> Any:
        """Choose the next actions.

        Args:
            observation: Observations of all rows, as the environment gives them.

        Returns:
            Actions of all rows, as the environment takes them.
        """


class Moment(NamedTuple):
    """A batch of episodes after the reset or after a step.

    Attributes:
        observation: What the player observes next.
        running: bool (B,), the episodes that have not ended.
        success: bool (B,), the episodes that have ended with ``info["is_success"]``.
        returns: float (B,), the sum of the rewards of each episode.
        info: The infos of the last step.
    """

    observation: Any
    running: Array
    success: Array
    returns: Array
    info: dict[str, Any]


def play(env: Any, player: Player, *, seed: Any = None, options: Mapping[str, Any] | None = None) -> Iterator[Moment]:
    """Play one episode in every row, and yield every moment.

    Rows that end earlier than others stay as they are, or play on if the environment resets them, which does not count.

    Args:
        env: A :class:`ram_envs.envs.tensor.TensorEnv` with auto-reset disabled, or a vector environment. It is played
            for the longest episode on tensors, otherwise until the last episode has ended.
        player: Who acts.
        seed: Seed of the reset, or the seeds of the rows.
        options: Options of the reset.
    """
    observation, info = env.reset(seed=seed.tolist() if isinstance(seed, np.ndarray) else seed, options=options)
    player.start(env.num_envs)
    first = next(iter(observation.values())) if isinstance(observation, dict) else observation
    xp = namespace(first)
    running = xp.ones(env.num_envs, dtype=xp.bool, device=first.device)
    success, returns = ~running, xp.zeros(env.num_envs, dtype=xp.float32, device=first.device)
    yield Moment(observation, running, success, returns, info)
    on_host = isinstance(first, np.ndarray)
    for _ in itertools.count() if on_host else range(env.task.max_episode_steps):
        observation, reward, terminated, truncated, info = env.step(player.act(observation))
        last = info.get("final_info", info)
        ended = running & (terminated | truncated)
        returns = returns + reward * running
        if "is_success" in last:
            success = success | (ended & last["is_success"])
        running = running & ~ended
        yield Moment(observation, running, success, returns, info)
        if on_host and not running.any():
            return


class Episodes(NamedTuple):
    """How episodes ended.

    Attributes:
        success: bool (N,).
        returns: float (N,).
        glimpses: int64 (N,), glimpses before the end.
        counts: The infos that were asked for, (N,), at the end.
    """

    success: NDArray[np.bool_]
    returns: NDArray[np.floating]
    glimpses: NDArray[np.int64]
    counts: dict[str, NDArray[Any]]


def play_all(
    env: Any,
    make_player: Callable[[Any], Player],
    seeds: NDArray[np.int64],
    images: NDArray[np.int64] | None = None,
    counts: Sequence[str] = (),
) -> Episodes:
    """Play numbered episodes, one batch after the other.

    Args:
        env: See :func:`play`.
        make_player: Returns the player of a batch, given the seeds of its rows, int64 (B,).
        seeds: int64 (N,), the seed of each episode.
        images: int64 (N,), the image that each episode shows; None in tasks without images.
        counts: Keys of infos to return, for environments whose rows stay as they are after the end.
    """
    parts = []
    for first in range(0, len(seeds), env.num_envs):
        # The last batch is filled up with its last episode.
        batch = np.minimum(np.arange(first, first + env.num_envs), len(seeds) - 1)
        seed = _on_device(env, seeds[batch])
        options = None if images is None else {"image_index": _on_device(env, images[batch])}
        glimpses: Any = 0
        for moment in play(env, make_player(seed), seed=seed, options=options):
            glimpses = glimpses + moment.running
        count = min(env.num_envs, len(seeds) - first)
        infos = [moment.info[key] for key in counts]
        parts.append([_on_host(array)[:count] for array in (moment.success, moment.returns, glimpses, *infos)])
    success, returns, glimpses, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Episodes(success, returns, glimpses, dict(zip(counts, columns, strict=True)))


def _on_device(env: Any, values: NDArray[np.int64]) -> Any:
    """Return values as an environment takes them: as a tensor on its device, or as an array."""
    if (device := getattr(env, "device", None)) is None:
        return values
    import torch

    return torch.as_tensor(values, device=device)


def _on_host(array: Any) -> NDArray[Any]:
    return array if isinstance(array, np.ndarray) else array.cpu().numpy()
