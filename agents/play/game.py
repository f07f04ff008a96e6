"""The episodes of one person: events and time become actions, and the state becomes a view.

The environment determines the controls: its answer the keys, its gaze control the effect of the pointer. Tasks with a
target, such as classification, wait for the person. Games run in real time.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from agents.play.controls import AnswerKeys, Gaze
from agents.play.rules import rules_of
from agents.play.score import Score, episode_result
from ram_envs.rendering import Banner, View, hide_unseen, layout

if TYPE_CHECKING:
    import pygame

    from agents.play.opponent import Opponent


class Game:
    """The episodes of one person.

    Args:
        pygame: The module.
        env: The environment, with ``action_format="dict"``.
        seed: Random seed of the first episode.
        hidden: Whether the scene is hidden at the start.
        opponent: An agent that plays the same episodes.

    Attributes:
        left: Whether the person wants to leave.
        score: The person's score.
        places: The layout of every view.
        over: Whether the episode has ended.
        steps: Steps taken in this episode.
    """

    def __init__(
        self,
        pygame: ModuleType,
        env: gymnasium.Env[Any, Any],
        seed: int | None,
        hidden: bool,
        opponent: Opponent | None = None,
    ) -> None:
        self.pygame, self.env, self.hidden, self.opponent = pygame, env, hidden, opponent
        env.reset(seed=seed)  # the rules ask about the state
        self.rules = rules_of(env, pygame)
        self.source, self.real_time = self.rules.source, self.rules.real_time
        self.keys = AnswerKeys(pygame, self.rules.answer, self.rules.keys)
        self.gaze = Gaze(pygame, self.rules)
        self.score = Score(self.rules.figure)
        self.left = self.running = False
        self.begin(seed)
        self.places = layout(self.view())

    def begin(self, seed: int | None = None) -> None:
        """Start the next episode, or the first one of a seed. An unfinished episode does not count."""
        self.observation, self.info = self.env.reset(seed=seed)
        self.steps, self.over, self.episode_return = 0, False, 0.0
        self.banner: Banner | None = None
        self.keys.reset()
        self.gaze.reset()

    def handle(self, event: pygame.event.Event) -> None:
        """Handle an event; positions of the pointer are in frame pixels."""
        pygame = self.pygame
        if event.type in (pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN):
            self.gaze.point(self._location_at(event.pos))
        key = event.key if event.type == pygame.KEYDOWN else None
        clicked = event.type == pygame.MOUSEBUTTONDOWN and event.button == 1
        if event.type == pygame.QUIT or key == pygame.K_ESCAPE:
            self.left = True
        elif key == pygame.K_h:
            self.hidden = not self.hidden
        elif key == pygame.K_r:
            if self.opponent is not None and not self.over:
                self.opponent.play(counts=False)
            self.begin()
        elif self.over:
            self.keys.handle(event)  # released keys are no longer held
            if clicked or key in (pygame.K_SPACE, pygame.K_RETURN, pygame.K_KP_ENTER):
                self.begin()
        elif self.real_time:
            self.running = self.running or clicked or key is not None
            self.gaze.handle(event, self.location)
            self.keys.handle(event)
        else:
            self.gaze.handle(event, self.location)
            answer = self.keys.handle(event)
            if answer is not None:
                self._answer(answer)
            elif clicked and self.may_look:
                self._look()

    def tick(self) -> None:
        """Take the step of a game that is due; called `steps_per_second` times a second."""
        if self.real_time and self.running and not self.over:
            self._step(self.gaze.action(self.location), self.keys.pressed())

    @property
    def location(self) -> NDArray[np.float32]:
        """The current location, float32 (gaze_size,)."""
        return self.rules.location

    @property
    def may_look(self) -> bool:
        """Whether the next step can be a glimpse only: not the last step, and without an answer that counts."""
        look_on = self.rules.answer.look_on is not None and not self._is_last
        return look_on or not self.rules.answer_counts

    @property
    def _is_last(self) -> bool:
        """Whether the next step is the last one of the episode."""
        return self.rules.last_step is not None and self.steps + 1 >= self.rules.last_step

    def _look(self) -> None:
        """Take another glimpse, with the choice to look on or with an answer that does not count."""
        answer, space = self.rules.answer, self.rules.answer.space
        ignored = space.low.astype(np.float32) if isinstance(space, Box) else answer.look_on or 0
        self._step(self.gaze.action(self.location), ignored)

    def _answer(self, answer: Any) -> None:
        """Give the answer. If answers count only at the end, the remaining glimpses are skipped."""
        while not self.rules.answer_counts and not self.over:
            self._step(self._stay, answer)
        if not self.over:
            self._step(self.gaze.action(self.location) if self._answer_looks else self._stay, answer)

    @property
    def _answer_looks(self) -> bool:
        """Whether a step with an answer that counts also takes a glimpse: in games, before the last step."""
        return not self.may_look and not self._is_last

    @property
    def _stay(self) -> NDArray[np.float32]:
        """The gaze part of an action that does not move the gaze."""
        return np.zeros_like(self.location) if self.rules.gaze_control.relative else self.location.copy()

    def _step(self, gaze: NDArray[np.float32], answer: Any) -> None:
        """Take a step, and update the score at the end of an episode."""
        target = self.rules.target
        action = self.rules.action(gaze, answer)
        self.observation, reward, terminated, truncated, self.info = self.env.step(action)
        self.steps += 1
        self.episode_return += float(reward)
        if not (terminated or truncated):
            return
        self.over = True
        result = episode_result(self.rules.figure, bool(self.info.get("is_success")), self.episode_return)
        self.score = self.score.plus(result)
        self.banner = self._result(result, target, answer)
        if self.opponent is not None:
            self.opponent.play(counts=True)

    def _result(self, result: float, target: Any, answer: Any) -> Banner:
        """Return the banner with the result of an episode."""
        if not self.rules.figure.is_share:
            return Banner(f"{self.rules.figure.label} {self.rules.figure.write(result)}", None)
        good = bool(result)
        if target is None:
            return Banner("success!" if good else "failure", good)
        told, right = self._name(answer), self._name(target)
        return Banner(f"{told} is right" if good else f"{told}? It is {right}", good)

    def _name(self, answer: Any) -> str:
        """Return the name of an answer."""
        if self.rules.answer.is_choice:
            return self.rules.answer.names[int(answer)]
        return " ".join(f"{number:.3g}" for number in answer)

    def _location_at(self, position: tuple[float, float]) -> NDArray[np.float32]:
        """Return the location, float32 (2,) in [-1, 1], nearest to a position in the frame."""
        height, width = self.rules.scene_size
        column, row = self.places.scene_point(position)
        return np.clip([column / width * 2 - 1, row / height * 2 - 1], -1, 1).astype(np.float32)

    def view(self) -> View:
        """Return the view; the whole scene at the end of an episode."""
        view = self.source.view()
        if self.hidden and not self.over:
            view = hide_unseen(view)
        return view._replace(
            caption=self._caption(),
            preview=self._preview(view),
            banner=self.banner,
            choices=self.keys.choices(),
            hint=self._hint(),
        )

    def _preview(self, view: View) -> NDArray[np.integer] | None:
        """Return the outlines of the next glimpse, int (levels, 4); None if there is no other one."""
        if self.over or not self.gaze.moves or not (self.real_time or self.may_look or self._answer_looks):
            return None
        outlines = np.array(self.rules.glimpse_sensor.outlines(self.gaze.next_location(self.location)))
        return None if np.array_equal(outlines, view.outlines) else outlines

    def _caption(self) -> str:
        """Return the state of the episode, without what would reveal the answer, and the score."""
        steps = self.steps
        of_last = "" if self.rules.last_step is None else f" of {self.rules.last_step}"
        if self.over:
            line = [self.rules.result_caption(steps, self.episode_return)]
        elif self.real_time:
            line = [f"step {steps}{of_last}" if self.running else "press a key to start"]
        else:
            line = [f"glimpse {steps + 1}{of_last}"]
            if self.keys.typed:
                line.append(f"answer: {self.keys.typed}_")
            elif not self.may_look:
                line.append("answer now")
        score = f"you {self.score}"
        if self.opponent is not None:
            score = f"you {self.score.points}, agent {self.opponent.score.points}"
            score += f" of {self.score.episodes}" if self.rules.figure.is_share else ""
        return " · ".join([*line, score])

    def _hint(self) -> str:
        """Return the hint with the keys."""
        parts = [self.keys.help(), self.gaze.help(click=not self.real_time), "H: scene", "R: restart", "Esc: leave"]
        return " · ".join(part for part in ["space: next episode" if self.over else "", *parts] if part)
