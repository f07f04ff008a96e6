"""Keys become answers and the pointer becomes a gaze, for every kind of answer."""

import numpy as np
import pygame
import pytest
from gymnasium import spaces

import ram_envs
from agents.play.controls import AnswerKeys, Gaze
from ram_envs.tasks import Answer
from tests.agents.play.people import digit, key, typing, wheel


def keys(size: int, names: tuple[str, ...] = (), look_on: int | None = None) -> AnswerKeys:
    return AnswerKeys(pygame, Answer("answer", spaces.Discrete(size), names, look_on))


def numbers(low: list[float], high: list[float]) -> AnswerKeys:
    space = spaces.Box(np.array(low, np.float32), np.array(high, np.float32))
    return AnswerKeys(pygame, Answer("answer", space))


def test_a_game_without_a_choice_to_rest_repeats_the_last_answer() -> None:
    player = keys(3, ("red", "green", "blue"))
    assert player.pressed() == 0
    player.handle(digit(2))
    assert [player.pressed() for _ in range(3)] == [2, 2, 2]
    player.reset()
    assert player.pressed() == 0


@pytest.mark.parametrize("player", [keys(4, ("red", "stay", "green", "blue")), keys(3, ("red", "look", "blue"), 1)])
def test_a_game_with_a_choice_to_rest_takes_a_typed_answer_once(player: AnswerKeys) -> None:
    assert player.pressed() == 1
    player.handle(digit(2))
    assert [player.pressed() for _ in range(3)] == [2, 1, 1]


def test_arrows_are_held_and_opposite_ones_cancel() -> None:
    player = keys(5, ("up", "stay", "down", "left", "right"))
    player.handle(key(pygame.K_UP))
    player.handle(key(pygame.K_LEFT))
    assert player.pressed() == 3  # the one that was pressed last
    player.handle(key(pygame.K_RIGHT))
    assert player.pressed() == 0
    for code in (pygame.K_UP, pygame.K_LEFT, pygame.K_RIGHT):
        player.handle(key(code, up=True))
    assert player.pressed() == 1
    assert player.help() == "arrow keys: up down left right"
    assert player.choices() == ()


def test_arrows_and_numbers_go_together() -> None:
    player = keys(3, ("left", "right", "fire"))
    assert player.handle(key(pygame.K_RIGHT)) == 1
    assert player.handle(digit(2)) == 2
    assert player.help() == "arrow keys: left right · 0-2: answer"
    assert player.choices() == ("0  left", "1  right", "2  fire")


def test_choices_whose_names_are_numbers_are_typed_as_their_names() -> None:
    player = keys(3, ("1", "2", "12"))
    assert player.handle(digit(2)) == 1
    assert player.handle(digit(1)) is None  # which may become 12
    assert player.handle(digit(2)) == 2
    assert player.handle(digit(1)) is None
    assert player.handle(key(pygame.K_RETURN, "\r")) == 0
    assert player.handle(digit(3)) is None
    assert player.typed == ""
    assert player.choices() == ()
    assert player.help() == "1-12: answer"


def test_the_choice_to_look_on_is_not_typed() -> None:
    player = keys(3, ("0", "1", "look on"), look_on=2)
    assert player.handle(digit(2)) is None
    assert player.handle(digit(1)) == 1
    assert player.help() == "0-1: answer"


def test_a_task_may_ask_for_nothing_but_a_gaze() -> None:
    player = keys(1, look_on=0)
    assert player.pressed() == 0
    assert player.handle(digit(0)) is None
    assert (player.help(), player.choices()) == ("", ())


def test_numbers_are_checked_and_stay_until_they_are_right() -> None:
    player = numbers([-1, 0], [1, 10])
    assert player.pressed().tolist() == [0, 5]
    answers = [player.handle(event) for event in typing("-0.5 12")]
    assert answers[-1] is None
    assert player.typed == "-0.5 12"
    player.handle(key(pygame.K_BACKSPACE, "\b"))
    assert player.handle(key(pygame.K_RETURN, "\r")).tolist() == [-0.5, 1]
    assert player.pressed().tolist() == [-0.5, 1]
    for wrong in ("1", "1 2 3", "1 e", ""):
        player.reset()
        assert [player.handle(event) for event in typing(wrong)][-1] is None
    assert player.choices() == ("0: -1 to 1", "1: 0 to 10")


def test_minus_is_part_of_a_number_where_numbers_are_typed() -> None:
    task = ram_envs.make_task("RAM-CatchGame-v0", sensor="zoom")
    gaze = Gaze(pygame, task)
    start = np.zeros(3, np.float32)
    gaze.handle(key(pygame.K_MINUS, "-"), start)
    assert gaze.action(start) == pytest.approx([0, 0, 0.1])
    object.__setattr__(task, "answer", Answer("answer", spaces.Box(-1, 1, (1,), np.float32)))
    gaze = Gaze(pygame, task)
    gaze.handle(key(pygame.K_MINUS, "-"), start)
    assert not gaze.moves
    gaze.handle(wheel(-1), start)
    assert gaze.action(start) == pytest.approx([0, 0, 0.1])
    assert "wheel: zoom" in gaze.help(click=True)


def test_the_zoom_stays_in_range() -> None:
    gaze = Gaze(pygame, ram_envs.make_task("RAM-CatchGame-v0", sensor="zoom"))
    for _ in range(50):
        gaze.handle(wheel(1), np.zeros(3, np.float32))
    assert gaze.next_location(np.zeros(3, np.float32))[2] == -1
    gaze.reset()
    assert not gaze.moves
