"""The agent that comes with the package plays the episodes that a person plays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import gymnasium

from agents.play.score import Score
from ram_envs import ENVIRONMENTS, parse_id

if TYPE_CHECKING:
    from agents.pictures.watch import Moment
    from agents.ram.checkpoint import Checkpoint
    from ram_envs.tasks import Task


class Opponent:
    """An agent and its score.

    Args:
        moments: The episodes that it plays, from the person's random seed on.
        env: Where it plays them.
        score: Its score so far.
    """

    def __init__(self, moments: Iterator[Moment], env: gymnasium.Env[Any, Any], score: Score) -> None:
        self._moments, self._env = moments, env
        self.score = score

    def play(self, counts: bool) -> None:
        """Play the next episode, which need not count: so that it keeps step with a person who gave one up."""
        last = next(moment for moment in self._moments if moment.over)
        if counts:
            self.score = self.score.plus(last.result)

    def close(self) -> None:
        """Close its environment."""
        self._env.close()


def find_opponent(env_id: str, env_settings: Mapping[str, Any], seed: int) -> Opponent | None:
    """Return the agent for an environment; None if there is none, or it was trained with other arguments.

    Args:
        env_id: The id of the environment.
        env_settings: Its arguments.
        seed: Random seed of the first episode.
    """
    from agents.pretrained import load_pretrained, pretrained_ids

    base = parse_id(env_id).base
    if base not in pretrained_ids() or find_spec("torch") is None:  # without the extra "agents" a person plays alone
        return None
    from agents.pictures.watch import play_episodes

    checkpoint = load_pretrained(base)
    formats = {"action_format": "dict", "observation_format": "dict"}
    env = gymnasium.make(env_id, **{**env_settings, **formats})
    task = env.unwrapped.task  # type: ignore[attr-defined]
    if not _fits(checkpoint, task):
        env.close()
        return None
    return Opponent(play_episodes(checkpoint.policy, env, None, seed), env, Score(task.figure))


def _fits(checkpoint: Checkpoint, task: Task[Any]) -> bool:
    """Return whether an agent was trained with the sensor, the gaze control and the answers of a task."""
    settings, sensor = checkpoint.policy.settings, task.glimpse_sensor
    made_for = (settings.num_scales, settings.channels, settings.patch_size, settings.patch_size, settings.num_actions)
    trained = {**ENVIRONMENTS[checkpoint.env_id], **checkpoint.env_settings}
    return made_for == (*sensor.glimpse_shape, task.answer.size) and all(
        getattr(task, name) == (trained.get(name) or getattr(type(task), name)) for name in ("sensor", "gaze")
    )
