"""A person's keys, clicks and pointer become actions; the scene stays hidden; the score counts finished episodes."""

import gymnasium
import numpy as np
import pygame
import pytest

import ram_envs  # noqa: F401
from agents.play.game import Game
from ram_envs.envs.single import GlimpseEnv
from tests.agents.play.people import ESCAPE, SPACE, Dot, click, digit, key, move, place, typing, wheel


def make_game(env_id: str, **settings) -> Game:
    return Game(pygame, gymnasium.make(env_id, action_format="dict", **settings), seed=0, hidden=True)


def catch(**settings) -> Game:
    return make_game("RAM-CatchGame-v0", **settings)


def digits(**settings) -> Game:
    return make_game("RAM-Digits-v0", **settings)


def dot(**settings) -> Game:
    return Game(pygame, GlimpseEnv(Dot, action_format="dict", **settings), seed=0, hidden=True)


def paddle(game: Game) -> int:
    return int(np.flatnonzero(game.source.scene[-1])[0])


def result(game: Game) -> tuple[float, int]:
    return game.score.total, game.score.episodes


def test_the_ball_waits_for_the_person() -> None:
    game = catch()
    game.tick()
    assert game.steps == 0
    assert "press a key to start" in game.view().caption
    game.handle(SPACE)
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
    game.handle(move(place(game, *location)))
    game.handle(SPACE)
    game.tick()
    assert game.location == pytest.approx(location, abs=1e-6)


def test_a_pointer_beside_the_scene_looks_at_its_edge() -> None:
    game = catch()
    for position, expected in (((-500, -500), [-1, -1]), ((5000, 5000), [1, 1])):
        game.handle(move(position))
        assert game.gaze.next_location(game.location).tolist() == expected


def test_a_pointer_that_never_moved_leaves_the_gaze_where_it_is() -> None:
    game = catch()
    before = game.location.copy()
    game.handle(SPACE)
    game.tick()
    assert game.location == pytest.approx(before)
    assert game.view().preview is None


def test_the_preview_is_where_the_sensor_looks_next() -> None:
    for game in (catch(), catch(gaze="relative", max_step=0.1), catch(sensor="zoom")):
        game.handle(move(place(game, 0.5, 0.25)))
        game.handle(wheel(3))
        preview = game.view().preview
        assert preview is not None
        game.handle(SPACE)
        game.tick()
        assert np.array_equal(game.view().outlines, preview)


def test_a_relative_gaze_moves_towards_the_pointer_and_stops_there() -> None:
    game = catch(gaze="relative", max_step=0.25, first_location=(0.0, 0.0))
    game.handle(move(place(game, 0.8, 0.6)))  # at a distance of 1
    game.handle(SPACE)
    places = []
    for _ in range(6):
        game.tick()
        places.append(np.hypot(*game.location))
    assert places == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1], abs=1e-6)
    assert game.location == pytest.approx((0.8, 0.6), abs=1e-6)


@pytest.mark.parametrize("gaze", ["absolute", "relative"])
def test_wheel_and_plus_zoom_in(gaze: str) -> None:
    game = catch(sensor="zoom", gaze=gaze, first_location=(0.0, 0.0, 0.0))
    before = game.view().outlines[0][2]
    game.handle(wheel(2))
    game.handle(key(pygame.K_PLUS, "+"))
    game.tick()
    game.tick()
    assert game.location == pytest.approx((0, 0, -0.3), abs=1e-6)
    assert game.view().outlines[0][2] < before
    game.handle(key(pygame.K_MINUS, "-"))
    game.tick()
    assert game.location[2] == pytest.approx(-0.2)
    assert "zoom" in game.view().hint
    assert "zoom" not in catch().view().hint


def test_the_score_counts_finished_episodes_only_and_one_key_starts_the_next() -> None:
    game = catch()
    game.handle(SPACE)
    for number in range(3):
        for _ in range(30):  # more than there are steps
            game.tick()
        assert game.over
        banner = game.view().banner
        assert banner is not None
        assert banner == ("success!" if game.info["is_success"] else "failure", game.info["is_success"])
        assert game.score.episodes == number + 1
        game.handle(key(pygame.K_LEFT))  # which a person may still hold
        assert game.over
        game.handle(SPACE)
        assert not game.over
        assert game.view().banner is None
        game.tick()
        assert game.steps == 1
    game.handle(key(pygame.K_r))
    assert (game.steps, game.score.episodes) == (0, 3)


def test_the_scene_is_hidden_until_shown_or_over() -> None:
    game = catch(first_location=(-1, -1), num_scales=1)
    visible = game.view().visible
    assert visible is not None
    assert not visible[3:].any()
    game.handle(key(pygame.K_h))
    assert np.array_equal(game.view().scene, game.source.scene)
    game.handle(key(pygame.K_h))
    game.handle(SPACE)
    for _ in range(23):
        game.tick()
    assert game.view().visible is None
    assert np.array_equal(game.view().scene, game.source.scene)


def test_colour_scenes_are_hidden_too() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 10, 12, 3), dtype=np.uint8)
    game = digits(dataset=(images, np.array([0, 1, 0, 1])), split="train")
    seen, visible = game.view().scene, game.view().visible
    assert seen.shape == (10, 12, 3)
    assert visible is not None and visible.any()
    assert np.array_equal(seen[visible], game.source.scene[visible])


def test_clicks_look_and_a_number_answers() -> None:
    game = digits(num_glimpses=3)
    label = game.info["label"]
    assert "glimpse 1 of 3" in game.view().caption
    for location in ((0.5, 0.5), (-0.5, 0.0)):
        game.handle(click(place(game, *location)))
        assert game.location == pytest.approx(location, abs=1e-6)
    assert "answer now" in game.view().caption
    game.handle(click(place(game, 1, 1)))
    assert (game.steps, game.over) == (2, False)  # the last glimpse is taken: a click must not answer
    game.handle(digit(label))
    assert result(game) == (1, 1)
    assert game.view().banner == (f"{label} is right", True)
    assert "you 1 of 1" in game.view().caption


def test_time_does_not_pass_while_a_task_waits_for_an_answer() -> None:
    game = digits()
    game.handle(click(place(game, 0, 0)))
    for _ in range(10):
        game.tick()
    assert game.steps == 1


@pytest.mark.parametrize("stop", ["fixed", "learned"])
def test_an_early_answer_ends_the_episode(stop: str) -> None:
    game = digits(num_glimpses=4, stop=stop)
    label = game.info["label"]
    wrong = (label + 1) % 10
    game.handle(click(place(game, 0, 0)))
    game.handle(digit(wrong))
    assert game.over
    assert game.info["prediction"] == wrong
    assert result(game) == (0, 1)
    assert game.view().banner == (f"{wrong}? It is {label}", False)


def test_where_stopping_is_learned_the_last_click_does_not_end_the_episode() -> None:
    game = digits(num_glimpses=3, stop="learned")
    for _ in range(5):
        game.handle(click(place(game, 0, 0)))
    assert (game.steps, game.over) == (2, False)
    game.handle(click(place(game, 0, 0)))
    game.handle(digit(3))
    assert game.over


def test_the_caption_does_not_tell_the_label() -> None:
    game = digits(num_glimpses=3)
    captions = [game.view().caption]
    for _ in range(2):
        game.handle(click(place(game, 0, 0)))
        captions.append(game.view().caption)
    assert not any("label" in caption or "guess" in caption for caption in captions)


def test_more_than_ten_classes_are_typed_with_two_digits() -> None:
    images = np.eye(8, dtype=np.uint8)[None].repeat(12, axis=0) * 255
    game = digits(dataset=(images, np.arange(12)), split="train")
    game.handle(digit(1))
    assert "answer: 1_" in game.view().caption
    game.handle(key(pygame.K_BACKSPACE, "\b"))
    game.handle(digit(1))
    game.handle(digit(9))
    assert not game.over  # there is no class 19
    game.handle(digit(1))
    game.handle(digit(1))
    assert game.info["prediction"] == 11
    game.handle(SPACE)
    game.handle(digit(7))  # 70 to 79 do not exist: no second digit is waited for
    assert game.info["prediction"] == 7
    game.handle(SPACE)
    game.handle(digit(1))
    game.handle(key(pygame.K_RETURN, "\r"))
    assert game.info["prediction"] == 1


def test_names_are_listed_beside_the_glimpse_unless_they_are_the_keys() -> None:
    images = np.eye(8, dtype=np.uint8)[None].repeat(4, axis=0) * 255
    assert digits().view().choices == catch().view().choices == ()
    assert digits(stop="learned").view().choices == ()
    named = dot(asks="side").view().choices
    assert named == ("0  west", "1  east")
    assert digits(dataset=(images, np.array([0, 1, 0, 1])), split="train").view().choices == ()


@pytest.mark.parametrize("event", [ESCAPE, pygame.event.Event(pygame.QUIT)])
def test_escape_and_the_close_button_leave(event: pygame.event.Event) -> None:
    game = catch()
    game.handle(event)
    assert game.left


def test_a_game_of_four_directions_is_scored_by_its_return() -> None:
    game = dot(asks="chase")
    game.handle(SPACE)
    start, row, column = (int(game.source.state[i][0]) for i in (0, 2, 3))
    assert start == 0
    game.handle(key(pygame.K_UP if row > 6 else pygame.K_DOWN))
    game.tick()
    assert int(game.source.state.row[0]) == row + (-1 if row > 6 else 1)
    assert int(game.source.state.column[0]) == column
    for _ in range(4):
        game.tick()
    assert game.over
    assert game.score.total == game.episode_return > 0
    banner = game.view().banner
    assert banner is not None and banner.good is None
    assert f"episode return {game.episode_return:.3f}" in banner.text
    assert "arrow keys: up down left right" in game.view().hint


def test_a_number_is_typed() -> None:
    game = dot(asks="column")
    column = int(game.source.state.column[0])
    assert game.view().choices == ("column: 0 to 15",)
    for event in typing("99"):
        game.handle(event)
    assert not game.over  # out of bounds
    assert "answer: 99_" in game.view().caption
    for _ in range(2):
        game.handle(key(pygame.K_BACKSPACE, "\b"))
    game.handle(click(place(game, 0, 0)))
    assert (game.steps, game.over) == (1, False)
    number = abs(column - 0.25)
    for event in typing(f"{number}"):
        game.handle(event)
    assert game.over
    assert result(game) == (1, 1)
    assert game.view().banner == (f"{number:.3g} is right", True)


def test_where_every_answer_counts_each_answer_is_a_step_that_also_looks() -> None:
    game = dot(asks="side", gaze="relative", max_step=0.5, first_location=(0.0, 0.0))
    game.handle(click(place(game, 1, 0)))
    assert game.steps == 0  # nothing to answer with
    game.handle(digit(int(game.source.state.column[0] >= 8)))
    assert game.steps == 1
    assert game.location == pytest.approx((0.5, 0))
    while not game.over:
        game.handle(digit(int(game.source.state.column[0] >= 8)))
    assert game.steps == 5
    assert result(game) == (1, 1)
    banner = game.view().banner
    assert banner is not None and banner.text in ("west is right", "east is right")
