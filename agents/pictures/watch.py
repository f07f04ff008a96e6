"""A policy at work, to look at: its views with what it computes, one after the other, and a window that shows them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import gymnasium
import numpy as np
import torch
from gymnasium.vector import AutoresetMode

from agents.environments.make import is_task
from agents.evaluation.fit import check_fit
from agents.evaluation.loop import play
from agents.evaluation.players import FORMATS, PolicyPlayer
from agents.evaluation.stopping import early_settings, stop_rule
from agents.pictures.controls import HINT, HOLD_SECONDS, NO_DISPLAY, Controls
from agents.play.display import open_display
from agents.play.score import Score, episode_result
from ram_envs.arguments import check_integer
from ram_envs.envs.drawing import view_row
from ram_envs.rendering import Readout, View, frame_surface, import_pygame

if TYPE_CHECKING:
    import pygame

    from agents.ram.policy import RAMPolicy
    from ram_envs.envs.vector import GlimpseVectorEnv
    from ram_envs.tasks import Task

EPISODE_SECONDS = 3.0
"""An episode is shown for about so long."""
FRAME_SECONDS = (0.1, 0.5)
"""But each view for at least and at most so long."""


class Look(NamedTuple):
    """One moment of an episode that a policy plays.

    Attributes:
        view: What there is to see, without the readout.
        readout: What the policy computed from the glimpses so far.
        over: Whether the episode has ended.
        result: The result of an episode that has ended, see :func:`agents.play.score.episode_result`; otherwise 0.
    """

    view: View
    readout: Readout
    over: bool
    result: float


def frame_seconds(task: Task[Any]) -> float:
    """Return for how long each view of a task's episode is shown, in seconds."""
    return float(np.clip(EPISODE_SECONDS / (task.max_episode_steps + 1), *FRAME_SECONDS))


def make_one(env_id: str, env_settings: Mapping[str, Any], early: bool = False) -> GlimpseVectorEnv:
    """Return an environment with one row for :func:`looks`.

    Args:
        env_id: The environment.
        env_settings: Its arguments; the action and the observation format are those of a RAM policy.
        early: Whether the policy may answer before the last glimpse.
    """
    settings = {**(early_settings(env_id, env_settings) if early else env_settings), **FORMATS}
    return cast("GlimpseVectorEnv", gymnasium.make_vec(env_id, 1, autoreset_mode=AutoresetMode.DISABLED, **settings))


def looks(
    policy: RAMPolicy, env: GlimpseVectorEnv, episodes: int | None, seed: int, stop_threshold: float | None = None
) -> Iterator[Look]:
    """Play deterministically, and yield every moment.

    Args:
        policy: The policy; it computes on its own device.
        env: From :func:`make_one`.
        episodes: Number of episodes; None for no limit.
        seed: Random seed of the first episode; the next ones follow it.
        stop_threshold: See :func:`agents.evaluation.evaluate.evaluate`; the environment must allow early answers.

    Raises:
        ValueError: If the seed is not valid.
    """
    check_integer("seed", seed, 0, 2**62)
    task = env.task
    rule = None if stop_threshold is None else stop_rule(policy, task, stop_threshold)
    for episode in itertools.count() if episodes is None else range(episodes):
        seeds = torch.tensor([seed + episode], device=policy.location_std.device)
        player, reader = PolicyPlayer(policy, task.answer.key, seeds, stop_rule=rule), _Reader(policy, task)
        path: list[np.ndarray] = []
        for moment in play(env, player, seed=None if episode else seed):
            over = not moment.running[0]
            if not over:
                reader.read(moment.observation)
            path.append(moment.observation["location"][0])
            view = view_row(task, env.state, 0, path)
            result = episode_result(task.figure, moment.success[0], moment.returns[0]) if over else 0.0
            yield Look(view, reader.readout(), over, result)


def watch(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    episodes: int | None = None,
    seed: int = 0,
    stop_threshold: float | None = None,
) -> int:
    """Show a policy in a window, until a person leaves or all episodes are shown.

    Space pauses, the right arrow steps, Escape, q and the close button leave.

    Args:
        policy: The policy.
        env_id: The id of the environment.
        env_settings: Its arguments; the action and the observation format are ignored.
        episodes: Number of episodes; None for no limit.
        seed: Random seed of the first episode.
        stop_threshold: See :func:`agents.evaluation.evaluate.evaluate`.

    Returns:
        Number of episodes that were shown to their end.

    Raises:
        ValueError: If an argument is not valid.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    if not is_task(env_id):
        from agents.pictures.worlds import watch_world

        return watch_world(policy, env_id, env_settings, episodes, seed)
    pygame = import_pygame()
    env = make_one(env_id, env_settings, stop_threshold is not None)
    check_fit(policy, env.task, env_id)
    seconds, score = frame_seconds(env.task), Score(env.task.figure)
    controls: Controls | None = None
    try:
        for look in looks(policy, env, episodes, seed, stop_threshold):
            number = score.episodes + 1
            score = score.plus(look.result) if look.over else score
            caption = f"{look.view.caption} · episode {number} · score {score}"
            view = look.view._replace(caption=caption, readout=look.readout, hint=HINT)
            if controls is None:
                open_display(view, env_id, NO_DISPLAY)
                controls = Controls()
            controls.show(partial(_draw, view), HOLD_SECONDS if look.over else seconds)
            if controls.left:
                break
    finally:
        pygame.display.quit()
        env.close()
    return score.episodes


def _draw(view: View, paused: bool) -> pygame.Surface:
    return frame_surface(view._replace(hint=f"paused · {view.hint}") if paused else view)


class _Reader:
    """Reads what a policy computes in an episode: the probabilities of the answers, and the values where they matter.

    Args:
        policy: The policy.
        task: The task. The value is that of a policy which learns its answers from rewards.
    """

    def __init__(self, policy: RAMPolicy, task: Task[Any]) -> None:
        self._policy, self._task, self._state = policy, task, policy.initial_state(1)
        self._probabilities: list[np.ndarray] = []
        self._values: list[float] = []

    @torch.inference_mode()
    def read(self, observation: Mapping[str, Any]) -> None:
        """Read on, with the observation of one row."""
        device = self._policy.location_std.device
        tensors = {key: torch.as_tensor(value, device=device) for key, value in observation.items()}
        h, self._state = self._policy.encode_step(tensors, self._state)
        heads = self._policy.heads(h)
        self._probabilities.append(heads.action_logits[0].softmax(-1).cpu().numpy())
        if not (self._task.supervised or self._task.answer.look_on == self._policy.settings.num_actions):
            self._values.append(float(heads.value[0]))

    def readout(self) -> Readout:
        """Return what was read so far."""
        return Readout(
            title=self._task.answer.key,
            names=self._task.answer.names[: self._policy.settings.num_actions],
            probabilities=np.stack(self._probabilities),
            values=np.array(self._values),
            num_glimpses=self._task.max_episode_steps,
        )
