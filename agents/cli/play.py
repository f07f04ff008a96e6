"""`ram play`: play an environment yourself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.cli.environment import Environment, asks_for_help, named_environments, read_for_environment
from agents.cli.fields import options_of
from agents.cli.options import EnvironmentId, Switch
from agents.cli.parser import Parser, group_of
from agents.cli.vector_environment import VectorEnvironment, find_playable

SUMMARY = """\
Play an environment yourself. You see what an agent sees: arrow keys move, the mouse looks, number keys answer.

`ram play ENV_ID --help` also lists the arguments of the environment. `ram play RAM-Glimpse-v0 --env-id ALE/Pong-v5`
plays any environment with pixels, with its own keys where it has some. One that has an action that does nothing runs in
real time; the others take a step at every key.
"""
OPTIONS, ENVIRONMENT = "options", "environment options"


@dataclass(frozen=True, kw_only=True)
class PlayOptions:
    """The options that do not depend on the environment."""

    env_id: EnvironmentId
    seed: int | None = None
    """Random seed of the first episode; random if not given."""
    show_scene: Switch = False
    """Show the whole scene from the start; the key H shows and hides it at any time."""
    steps_per_second: float = 4.0
    """Speed of a game."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    if asks_for_help(arguments):
        environments = named_environments(arguments, find_playable)
        print((_full_parser(environments[0]) if environments else _parser()).help_text())
        return 0
    environment, values = read_for_environment("play", arguments, OPTIONS, _parser, _full_parser, find_playable)
    options = PlayOptions(**group_of(values, OPTIONS))
    from agents.play import play

    score = play(
        environment.id,
        group_of(values, ENVIRONMENT),
        seed=options.seed,
        hidden=not options.show_scene,
        steps_per_second=options.steps_per_second,
    )
    print(score)
    return 0


def _parser() -> Parser:
    parser = Parser("play", SUMMARY)
    parser.add_options(OPTIONS, options_of(PlayOptions))
    return parser


def _full_parser(environment: Environment | VectorEnvironment) -> Parser:
    parser = _parser()
    parser.add_options(ENVIRONMENT, environment.options({}))
    return parser
