"""A person's keys, clicks and pointer become actions; the scene stays hidden; the score counts finished episodes."""

import threading
import time
from collections.abc import Iterator

import gymnasium
import numpy as np
import pygame
import pytest

import ram_envs  # noqa: F401
from agents.play import CatchGame, ClassificationGame, DisplayError, Score, play
from ram_envs.rendering import layout

LEFT, STAY, RIGHT = 0, 1, 2


@pytest.fixture(autouse=True)
def no_display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.quit()


def key(code: int, text: str = "", up: bool = False) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYUP if up else pygame.KEYDOWN, key=code, unicode=text)


def digit(number: int) -> pygame.event.Event:
    return key(pygame.K_0 + number, str(number))


def click(position: tuple[float, float]) -> pygame.event.Event:
    return pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=position, button=1)


def catch(**settings) -> CatchGame:
    env = gymnasium.make("RAM-CatchGame-v0", action_format="dict", **settings)
    return CatchGame(pygame, env, seed=0, hidden=True)


def digits(**settings) -> ClassificationGame:
    env = gymnasium.make("RAM-Digits-v0", action_format="dict", **settings)
    return ClassificationGame(pygame, env, seed=0, hidden=True)


def place(game: CatchGame | ClassificationGame, x: float, y: float) -> tuple[float, float]:
    """Where in the window a location is."""
    left, top, width, height = layout(game.view()).scene
    return left + (x + 1) / 2 * width, top + (y + 1) / 2 * height


def paddle(game: CatchGame) -> int:
    return int(np.flatnonzero(game.source.scene[-1])[0])


def test_the_ball_waits_for_the_person() -> None:
    game = catch()
    game.tick()
    assert game.steps == 0
    game.handle(key(pygame.K_SPACE))
    game.tick()
    assert game.steps == 1


def test_arrow_keys_move_the_paddle_while_held_and_once_when_tapped() -> None:
    game = catch()
    places = [paddle(game)]
    direction = pygame.K_LEFT if places[0] > 12 else pygame.K_RIGHT
    sign = -1 if direction == pygame.K_LEFT else 1
    game.handle(key(direction))
    for _ in range(2):
        game.tick()
        places.append(paddle(game))
    game.handle(key(direction, up=True))
    game.tick()
    places.append(paddle(game))
    game.handle(key(direction))
    game.handle(key(direction, up=True))
    for _ in range(2):
        game.tick()
        places.append(paddle(game))
    assert (np.diff(places) * sign).tolist() == [1, 1, 0, 1, 0]


def test_both_arrow_keys_cancel_out() -> None:
    game = catch()
    before = paddle(game)
    game.handle(key(pygame.K_LEFT))
    game.handle(key(pygame.K_RIGHT))
    game.tick()
    assert paddle(game) == before


@pytest.mark.parametrize("location", [(0.0, 0.0), (-1.0, 1.0), (0.5, -0.25)])
def test_the_pointer_is_the_next_fixation(location: tuple[float, float]) -> None:
    game = catch()
    game.handle(pygame.event.Event(pygame.MOUSEMOTION, pos=place(game, *location), rel=(0, 0), buttons=(0, 0, 0)))
    game.handle(key(pygame.K_SPACE))
    game.tick()
    assert game.observation["location"] == pytest.approx(location, abs=1e-6)


def test_a_pointer_beside_the_scene_looks_at_its_edge() -> None:
    game = catch()
    assert game.location_at((-500, -500)).tolist() == [-1, -1]
    assert game.location_at((5000, 5000)).tolist() == [1, 1]


def test_a_pointer_that_never_moved_leaves_the_gaze_where_it_is() -> None:
    game = catch()
    before = game.observation["location"].copy()
    game.handle(key(pygame.K_SPACE))
    game.tick()
    assert game.observation["location"] == pytest.approx(before)


def test_the_score_counts_finished_episodes_only() -> None:
    game = catch()
    for _ in range(3):
        game.handle(key(pygame.K_SPACE))
        for _ in range(30):  # more than there are steps
            game.tick()
        assert game.over
        caught = bool(game.info["is_success"])
        assert ("caught" if caught else "missed") in game.view().caption
        game.handle(key(pygame.K_SPACE))
        assert not game.over
    assert game.score.episodes == 3
    game.handle(key(pygame.K_SPACE))
    game.tick()
    game.handle(key(pygame.K_r))
    assert (game.steps, game.score.episodes) == (0, 3)


def test_the_scene_is_hidden_until_shown_or_over() -> None:
    game = catch(first_location=(-1, -1), num_scales=1)
    assert not game.view().visible[3:].any()
    game.handle(key(pygame.K_h))
    assert np.array_equal(game.view().scene, game.source.scene)
    game.handle(key(pygame.K_h))
    game.handle(key(pygame.K_SPACE))
    for _ in range(23):
        game.tick()
    assert np.array_equal(game.view().scene, game.source.scene)


def test_colour_scenes_are_hidden_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 10, 12, 3), dtype=np.uint8)
    game = digits(dataset=(images, np.array([0, 1, 0, 1])), split="train")
    seen, visible = game.view().scene, game.view().visible
    assert seen.shape == (10, 12, 3)
    assert visible.any()
    assert np.array_equal(seen[visible], game.source.scene[visible])


def test_clicks_look_and_a_number_answers() -> None:
    game = digits(num_glimpses=3)
    label = game.info["label"]
    for location in ((0.5, 0.5), (-0.5, 0.0)):
        game.handle(click(place(game, *location)))
        assert game.observation["location"] == pytest.approx(location, abs=1e-6)
    game.handle(click(place(game, 1, 1)))
    assert (game.steps, game.over) == (2, False)  # the last glimpse is taken: a click must not answer
    game.handle(digit(label))
    assert game.score == Score(1, 1)
    assert f"{label} is right" in game.view().caption


@pytest.mark.parametrize("stop", ["fixed", "learned"])
def test_an_early_answer_ends_the_episode(stop: str) -> None:
    game = digits(num_glimpses=4, stop=stop)
    wrong = (game.info["label"] + 1) % 10
    game.handle(click(place(game, 0, 0)))
    game.handle(digit(wrong))
    assert game.over
    assert game.info["prediction"] == wrong
    assert game.score == Score(0, 1)


def test_the_caption_does_not_tell_the_label() -> None:
    game = digits(num_glimpses=3)
    captions = [game.view().caption]
    for _ in range(2):
        game.handle(click(place(game, 0, 0)))
        captions.append(game.view().caption)
    assert not any("label" in caption or "guess" in caption for caption in captions)


def test_more_than_ten_classes_are_typed_with_two_digits() -> None:
    images = np.zeros((12, 8, 8, 1), dtype=np.uint8)
    images[:, 0] = 255
    game = digits(dataset=(images, np.arange(12)), split="train")
    game.handle(digit(1))
    game.handle(key(pygame.K_BACKSPACE, "\b"))
    game.handle(digit(9))
    game.handle(digit(9))
    assert not game.over  # there is no class 99
    game.handle(digit(1))
    game.handle(digit(1))
    assert game.info["prediction"] == 11
    game.handle(key(pygame.K_SPACE))
    game.handle(digit(7))
    game.handle(key(pygame.K_RETURN))
    assert game.info["prediction"] == 7


@pytest.mark.parametrize("event", [key(pygame.K_ESCAPE), pygame.event.Event(pygame.QUIT)])
def test_escape_and_the_close_button_leave(event: pygame.event.Event) -> None:
    game = catch()
    game.handle(event)
    assert game.left


def test_playing_for_real_with_events_from_the_queue() -> None:
    def person() -> None:
        while not pygame.display.get_init() or pygame.display.get_surface() is None:
            time.sleep(0.01)
        pygame.event.post(key(pygame.K_SPACE))
        time.sleep(0.5)  # at 1,000 steps a second the ball is down
        pygame.event.post(key(pygame.K_ESCAPE))

    thread = threading.Thread(target=person)
    thread.start()
    score = play("RAM-CatchGame-Discrete-v0", {"screen_size": 12}, seed=0, steps_per_second=1000)
    thread.join()
    assert score.episodes == 1
    assert not pygame.display.get_init()


def test_no_display_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "none-such")
    with pytest.raises(DisplayError, match="needs a display"):
        play("RAM-CatchGame-v0")


def test_an_impossible_pace_is_refused() -> None:
    with pytest.raises(ValueError, match="steps_per_second=0"):
        play("RAM-CatchGame-v0", steps_per_second=0)
