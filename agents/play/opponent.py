"""The packaged agent plays the same episodes as the person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from agents.play.score import Score
from ram_envs import ENVIRONMENTS, parse_id
from ram_envs.registration import is_wrapper_id

if TYPE_CHECKING:
    from agents.pictures.watch import Look
    from agents.ram.checkpoint import Checkpoint
    from ram_envs.envs.vector import GlimpseVectorEnv
    from ram_envs.tasks import Task


class Opponent:
    """An agent and its score.

    Args:
        looks: Its episodes, starting with the random seed of the person.
        env: Its environment.
        score: Its score so far.
    """

    def __init__(self, looks: Iterator[Look], env: GlimpseVectorEnv, score: Score) -> None:
        self._looks, self._env = looks, env
        self.score = score

    def play(self, counts: bool) -> None:
        """Play the next episode. It does not count if the person gave it up."""
        last = next(look for look in self._looks if look.over)
        if counts:
            self.score = self.score.plus(last.result)

    def close(self) -> None:
        """Close its environment."""
        self._env.close()


def find_opponent(env_id: str, env_settings: Mapping[str, Any], seed: int) -> Opponent | None:
    """Return the packaged agent of an environment; None if there is none, or it was trained with other arguments.

    Args:
        env_id: The id of the environment.
        env_settings: Its arguments.
        seed: Random seed of the first episode.
    """
    from agents.pretrained import load_pretrained, pretrained_ids

    if is_wrapper_id(env_id):
        return None
    base = parse_id(env_id).base
    if base not in pretrained_ids() or find_spec("torch") is None:  # without the extra "agents" a person plays alone
        return None
    from agents.pictures.watch import looks, make_one

    checkpoint = load_pretrained(base)
    env = make_one(env_id, env_settings)
    if not _fits(checkpoint, env.task):
        env.close()
        return None
    return Opponent(looks(checkpoint.policy, env, None, seed), env, Score(env.task.figure))


def _fits(checkpoint: Checkpoint, task: Task[Any]) -> bool:
    """Return whether an agent was trained with the sensor, the gaze control and the answers of a task."""
    settings = checkpoint.policy.settings
    same_shapes = (settings.glimpse_shape, settings.num_actions) == (
        task.glimpse_sensor.glimpse_shape,
        task.answer.size,
    )
    trained = {**ENVIRONMENTS[checkpoint.env_id], **checkpoint.env_settings}
    return same_shapes and all(
        getattr(task, name) == (trained.get(name) or getattr(type(task), name)) for name in ("sensor", "gaze")
    )
