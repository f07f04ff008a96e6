"""Any environment with pixels is played through glimpses, with its own keys or with arrows and numbers."""

import gymnasium
import numpy as np
import pygame
import pytest
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete

import agents.play.loop as loop
from agents.cli import main
from agents.errors import RAMError
from agents.play.game import Game
from ram_envs.wrappers import Glimpse
from tests.agents.play.people import ESCAPE, SPACE, digit, key, move, place, typing
from tests.ram_envs.wrappers.environments import LENGTH, SMALL, WIDTH, Dots

LETTER_A, LETTER_D = key(ord("a"), "a"), key(ord("d"), "d")


class NoRest(Dots):
    """Has no action that does nothing, and no keys."""

    get_keys_to_action = property()

    def get_action_meanings(self):
        return ["FORWARD", "LEFT", "RIGHT"]


class Combined(Dots):
    def get_keys_to_action(self):
        return {(): 1, ("d",): 2, ("d", " "): 0}


def game_of(env, **settings) -> Game:
    return Game(pygame, Glimpse(env, **SMALL, action_format="dict", **settings), seed=0, hidden=True)


def test_the_keys_of_the_environment_and_the_arrows_move_it_in_real_time() -> None:
    game = game_of(Dots(length=99))
    start = game.source.unwrapped.column
    game.tick()
    assert game.steps == 0
    for press, change in ((LETTER_D, 1), (LETTER_A, -1), (key(pygame.K_RIGHT), 1), (key(pygame.K_LEFT), -1)):
        game.handle(press)
        game.handle(key(press.key, up=True))
        game.tick()
        start = (start + change) % WIDTH
        assert game.source.unwrapped.column == start
    game.tick()
    assert game.source.unwrapped.column == start and game.steps == 5
    assert "arrow keys, a d: action" in game.view().hint


def test_combinations_of_keys_count_while_they_are_held() -> None:
    game = game_of(Combined(length=99))
    game.handle(LETTER_D)
    game.handle(SPACE)
    game.tick()
    assert game.source.unwrapped.action == 0
    game.handle(key(pygame.K_SPACE, up=True))
    game.tick()
    assert game.source.unwrapped.action == 2
    game.handle(key(ord("d"), up=True))
    game.tick()
    assert game.source.unwrapped.action == 1


def test_the_pointer_is_where_the_next_step_looks() -> None:
    game = game_of(Dots())
    game.handle(move(place(game, 0.5, -0.25)))
    game.handle(SPACE)
    assert game.view().preview is not None
    game.tick()
    assert game.source.gaze == pytest.approx([0.5, -0.25], abs=0.01)


def test_an_environment_without_a_rest_takes_a_step_at_every_key() -> None:
    game = game_of(NoRest())
    game.tick()
    assert game.steps == 0 and not game.real_time
    game.handle(move(place(game, -0.5, 0.25)))
    game.handle(key(pygame.K_RIGHT))
    assert game.steps == 1 and game.source.unwrapped.action == 2
    assert game.source.gaze == pytest.approx([-0.5, 0.25], abs=0.01)
    game.handle(digit(0))
    assert game.steps == 2 and game.source.unwrapped.action == 0
    assert game.view().choices == ("0  forward", "1  left", "2  right")


def test_the_score_is_the_return() -> None:
    game = game_of(NoRest())
    columns = []
    for _ in range(LENGTH):
        assert not game.over
        game.handle(digit(2))
        columns.append(game.source.unwrapped.column)
    assert game.over and (game.score.total, game.score.episodes) == (sum(columns), 1)
    assert game.view().caption.startswith(f"{LENGTH} steps, return {sum(columns)}")
    game.handle(SPACE)
    assert game.steps == 0 and not game.over


@pytest.mark.parametrize(
    ("space", "text", "expected"),
    [
        (Box(-1, 1, (2,), np.float32), "0.5 -1", [0.5, -1]),
        (Box(-1, 1, (2,), np.float64), "0.5 -1", [0.5, -1]),
        (MultiDiscrete([2, 3]), "1 2", [1, 2]),
    ],
)
def test_numbers_are_typed(space, text: str, expected: list[float]) -> None:
    game = game_of(Dots(action_space=space))
    for event in typing(text):
        game.handle(event)
    np.testing.assert_array_equal(game.source.unwrapped.action, expected)
    for event in typing("9 9"):
        game.handle(event)
    assert game.steps == 1


def test_choices_that_begin_elsewhere_arrive_as_they_are() -> None:
    class Started(NoRest):
        def step(self, action):
            assert self.action_space.contains(action)
            return super().step(action)

    game = game_of(Started(action_space=Discrete(3, start=5)))
    game.handle(digit(2))
    assert game.source.unwrapped.action == 7


def test_actions_that_cannot_be_typed_are_refused() -> None:
    with pytest.raises(RAMError, match="cannot be played: expected Discrete, MultiDiscrete or Box"):
        game_of(Dots(action_space=Dict(a=Discrete(2))))


def test_the_command_plays_a_wrapped_environment(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    games = []

    def run(_, game: Game, steps_per_second: float) -> None:
        games.append((game, steps_per_second))
        game.handle(ESCAPE)

    monkeypatch.setattr(loop, "_run", run)
    module = "tests.ram_envs.wrappers.environments:WrapperTests/Labelled-v0"
    command = ["play", "ram_envs:RAM-Glimpse-v0", "--env-id", module, "--patch-size", "4", "--num-scales", "2"]
    assert main([*command, "--senses", "speed", "direction", "--env-kwargs", "{'length': 3}", "--seed", "3"]) == 0
    game, _ = games[0]
    assert isinstance(game.source, Glimpse) and game.source.unwrapped.length == 3
    assert game.source.sense_keys == ("speed", "direction")
    assert game.source.glimpse_sensor.patch_size == 4
    assert "none yet" in capsys.readouterr().out
    assert gymnasium.spec("RAM-Glimpse-v0").kwargs == {}


def test_the_command_says_what_is_missing(capsys) -> None:
    assert main(["play", "RAM-Glimpse-v0"]) == 2
    assert "env_id=None is not valid: name the environment to wrap" in capsys.readouterr().err
    assert main(["play", "RAM-Glimpse-v0", "--env-id", "CartPole-v1"]) == 2
    assert "use pixels='render'" in capsys.readouterr().err
    assert main(["play", "RAM-Glimpse-v0", "--help"]) == 0
    options = capsys.readouterr().out
    assert "--env-id" in options and "--action-format" not in options
    assert main(["list"]) == 0
    assert "RAM-Glimpse-v0" in capsys.readouterr().out
