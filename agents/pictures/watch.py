"""Lets a policy play one environment step by step, and shows it in a window."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import gymnasium
import numpy as np
import torch

from agents.play.display import open_display
from agents.play.score import Score, episode_result
from ram_envs.arguments import check_integer
from ram_envs.rendering import Readout, View, frame_surface, import_pygame, present

if TYPE_CHECKING:
    import pygame

    from agents.ram.policy import RAMPolicy

EPISODE_SECONDS = 3.0
"""An episode is shown for about so long."""
FRAME_SECONDS = (0.1, 0.5)
"""But each moment for at least and at most so long."""
HOLD_SECONDS = 1.0
"""The end of an episode is shown for so long."""
POLLS_PER_SECOND = 60
NO_DISPLAY = "use --video FILE, a .gif or .mp4"
HINT = "space: pause · right arrow: step · Esc or q: leave"


def frame_seconds(task: Any) -> float:
    """Return for how long each moment of an episode of a task is shown, in seconds."""
    return float(np.clip(EPISODE_SECONDS / (task.max_episode_steps + 1), *FRAME_SECONDS))


class Moment(NamedTuple):
    """One moment of an episode that a policy plays.

    Attributes:
        readout: What the policy computed from the glimpses so far.
        over: Whether the episode has ended.
        result: The result of an episode that has ended, see :func:`agents.play.score.episode_result`; otherwise 0.
    """

    readout: Readout
    over: bool
    result: float


def play_episodes(policy: RAMPolicy, env: gymnasium.Env[Any, Any], episodes: int | None, seed: int) -> Iterator[Moment]:
    """Play episodes deterministically, and yield at every observation, before the next step is taken.

    Args:
        policy: The policy; it computes on its own device.
        env: An environment with ``action_format="dict"`` and ``observation_format="dict"``.
        episodes: Number of episodes; None for no limit.
        seed: Random seed of the first episode; the next ones follow it.
    """
    device = next(policy.parameters()).device
    task = env.unwrapped.task  # type: ignore[attr-defined]
    for episode in itertools.count():
        if episode == episodes:
            return
        observation, _ = env.reset(seed=seed if episode == 0 else None)
        state, over = policy.initial_state(1), False
        probabilities, values, episode_return = [], [], 0.0
        while not over:
            batch = {key: torch.as_tensor(value, device=device)[None] for key, value in observation.items()}
            with torch.inference_mode():
                h, state = policy.encode_step(batch, state)
                heads = policy.heads(h)
                decision = policy.decide(h, greedy_location=True, greedy_action=True)
            probabilities.append(heads.action_logits[0].softmax(-1).cpu().numpy())
            values.append(float(heads.value[0]))
            readout = Readout(
                title=task.answer.key,
                names=task.answer.names,
                probabilities=np.stack(probabilities),
                values=np.array([] if task.supervised else values),
                num_glimpses=task.max_episode_steps,
            )
            yield Moment(readout, over=False, result=0.0)
            fixation = decision.fixation[0].clamp(-1, 1).float().cpu().numpy()
            action = {"fixation": fixation, task.answer.key: int(decision.task_action[0])}
            observation, reward, terminated, truncated, info = env.step(action)
            episode_return += float(reward)
            over = bool(terminated or truncated)
        yield Moment(readout, over=True, result=episode_result(task.figure, info, episode_return))


def watch(
    policy: RAMPolicy, env_id: str, env_settings: Mapping[str, Any], episodes: int | None = None, seed: int = 0
) -> int:
    """Show a policy in a window, until a person leaves or all episodes are shown.

    Space pauses, the right arrow steps, Escape, q and the close button leave.

    Args:
        policy: The policy.
        env_id: The id of the environment.
        env_settings: Its arguments; the action and the observation format are ignored.
        episodes: Number of episodes; None for no limit.
        seed: Random seed of the first episode.

    Returns:
        Number of episodes that were shown to their end.

    Raises:
        ValueError: If an argument is not valid.
        DependencyNotInstalled: If pygame is missing.
        DisplayError: If there is no display.
    """
    if episodes is not None:
        check_integer("episodes", episodes, 1)
    pygame = import_pygame()
    formats = {"action_format": "dict", "observation_format": "dict"}
    env = gymnasium.make(env_id, **{**env_settings, **formats})
    task = env.unwrapped.task  # type: ignore[attr-defined]
    seconds, score = frame_seconds(task), Score(task.figure)
    controls: _Controls | None = None
    try:
        for moment in play_episodes(policy, env, episodes, seed):
            number = score.episodes + 1
            score = score.plus(moment.result) if moment.over else score
            view = env.unwrapped.view()  # type: ignore[attr-defined]
            caption = f"{view.caption} · episode {number} · score {score}"
            view = view._replace(caption=caption, readout=moment.readout, hint=HINT)
            if controls is None:
                open_display(view, env_id, NO_DISPLAY)
                controls = _Controls()
            controls.show(view, HOLD_SECONDS if moment.over else seconds)
            if controls.left:
                break
    finally:
        pygame.display.quit()
        env.close()
    return score.episodes


class _Controls:
    """A person's control over what the open window shows.

    Attributes:
        left: Whether the person wants to leave.
        paused: Whether a view stays until the person steps or resumes.
    """

    def __init__(self) -> None:
        self.left, self.paused = False, False
        self._pygame = import_pygame()
        self._clock = self._pygame.time.Clock()

    def show(self, view: View, seconds: float) -> None:
        """Show a view for so long, or as long as the person wants."""
        due = time.monotonic() + seconds
        self._draw(view)
        while not self.left:
            events = self._pygame.event.get()
            stepped = [self._handle(event) for event in events]
            if any(stepped) or (not self.paused and time.monotonic() >= due):
                return
            if events:
                self._draw(view)  # the window may have been resized, or paused
            self._clock.tick(POLLS_PER_SECOND)

    def _draw(self, view: View) -> None:
        paused = f"paused · {view.hint}" if self.paused else view.hint
        present(frame_surface(view._replace(hint=paused)))

    def _handle(self, event: pygame.event.Event) -> bool:
        """React to an event, and return whether it asks for the next view."""
        pygame = self._pygame
        if event.type == pygame.QUIT:
            self.left = True
        elif event.type == pygame.KEYDOWN:
            if event.key in (pygame.K_ESCAPE, pygame.K_q):
                self.left = True
            elif event.key == pygame.K_SPACE:
                self.paused = not self.paused
            elif event.key == pygame.K_RIGHT:
                self.paused = True
                return True
        return False
