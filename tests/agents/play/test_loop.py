"""Playing in a window: events from the queue, resized windows, no display, and the agent on the same episodes."""

import threading
import time

import gymnasium
import numpy as np
import pygame
import pytest

import agents.play.loop as loop
from agents.play import DisplayError, Score, play
from agents.play.opponent import find_opponent
from ram_envs.envs.vector import GlimpseVectorEnv
from ram_envs.errors import UnknownName
from ram_envs.rendering import layout
from ram_envs.tasks.figure import EPISODE_RETURN, SUCCESS_RATE
from tests.agents.play.people import ESCAPE, SPACE, click
from tests.limits import HANG_S

CATCH = "RAM-CatchGame-v0"


def test_playing_for_real_with_events_from_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    landed, tick = threading.Event(), loop.Game.tick

    def count(game: loop.Game) -> None:
        tick(game)
        if game.score.episodes:
            landed.set()

    monkeypatch.setattr(loop.Game, "tick", count)

    def person() -> None:
        while not pygame.display.get_init() or pygame.display.get_surface() is None:
            time.sleep(0.01)
        pygame.event.post(SPACE)
        landed.wait(HANG_S)
        pygame.event.post(ESCAPE)

    thread = threading.Thread(target=person)
    thread.start()
    score = play("RAM-CatchGame-Discrete-v0", {"screen_size": 12}, seed=0, steps_per_second=1000)
    thread.join()
    assert score.episodes == 1
    assert not pygame.display.get_init()


def test_in_a_resized_window_a_click_looks_at_the_same_place(monkeypatch: pytest.MonkeyPatch) -> None:
    locations, frames = [], []
    show = loop.present

    def present(frame: pygame.Surface) -> None:
        show(frame)
        frames.append(frame)
        window = pygame.display.get_surface()
        if len(frames) == 1:
            pygame.display.set_mode((window.get_width() // 2, window.get_height() // 2), pygame.RESIZABLE)
        elif len(frames) == 2:
            left, top, width, height = layout(games[0].view()).scene
            pygame.event.post(click(((left + 0.75 * width) / 2, (top + 0.25 * height) / 2)))
        elif len(frames) == 4:
            locations.append(games[0].location)
            pygame.event.post(ESCAPE)

    class Game(loop.Game):
        def __init__(self, *args, **kwargs) -> None:
            super().__init__(*args, **kwargs)
            games.append(self)

    games: list[loop.Game] = []
    monkeypatch.setattr(loop, "present", present)
    monkeypatch.setattr(loop, "Game", Game)
    play("ram_envs:RAM-Digits-v0", seed=0)
    assert locations[0] == pytest.approx((0.5, -0.5), abs=0.01)


@pytest.mark.parametrize("driver", [None, "nope"])
def test_no_display_ends_at_once_and_names_the_way_out(monkeypatch: pytest.MonkeyPatch, driver: str | None) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if driver is not None:
        monkeypatch.setenv("SDL_VIDEODRIVER", driver)
    with pytest.raises(DisplayError, match="no display.*--video FILE"):
        play(CATCH)
    assert not pygame.display.get_init()


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="steps_per_second=0"):
        play(CATCH, steps_per_second=0)
    with pytest.raises(UnknownName, match="RAM-CatchGame-v0"):
        play("CartPole-v1")
    with pytest.raises(TypeError, match="screen_siz"):
        play(CATCH, {"screen_siz": 3})


def test_the_agent_plays_the_episodes_that_the_person_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    opponent = find_opponent(CATCH, {}, seed=5)
    assert opponent is not None
    own = gymnasium.make(CATCH)
    played = [own.reset(seed=5) and own.unwrapped.scene] + [own.reset() and own.unwrapped.scene for _ in range(3)]
    seen = []
    reset = GlimpseVectorEnv.reset

    def record(env, **kwargs):
        observation = reset(env, **kwargs)
        seen.append(env.scene[0])
        return observation

    monkeypatch.setattr(GlimpseVectorEnv, "reset", record)
    for counts in (True, False, True, True):
        opponent.play(counts)
    opponent.close()
    assert np.array_equal(seen, played)
    assert opponent.score.episodes == 3
    assert opponent.score.total == 3  # it catches 99.6 % of the balls


@pytest.mark.parametrize(
    "env_id, settings",
    [
        ("RAM-Digits-v0", {"num_glimpses": 2, "patch_size": 3}),
        (CATCH, {"patch_size": 4}),
        (CATCH, {"sensor": "zoom"}),
        (CATCH, {"gaze": "relative"}),
    ],
)
def test_there_is_no_agent_for_another_sensor(env_id: str, settings: dict) -> None:
    assert find_opponent(env_id, settings, seed=0) is None


def test_the_score_is_told_beside_that_of_the_agent() -> None:
    game = loop.Game(pygame, gymnasium.make(CATCH, action_format="dict"), 0, True)
    game.opponent = find_opponent(CATCH, {}, 0)
    game.handle(SPACE)
    for _ in range(23):
        game.tick()
    assert f"you {game.score.total:.0f}, agent 1 of 1" in game.view().caption


def test_scores_are_written_in_the_figure_of_merit() -> None:
    assert str(Score(SUCCESS_RATE).plus(1).plus(0).plus(1)) == "2 of 3"
    assert str(Score(EPISODE_RETURN).plus(1.5).plus(0.5)) == "episode return 1.000 (mean of 2)"
    assert str(Score(EPISODE_RETURN)) == "episode return none yet (mean of 0)"
