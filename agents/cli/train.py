"""`ram train`: train an agent, or resume a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

from agents.cli.environment import Environment, complain_about, find_environment, named
from agents.cli.fields import options_of, own_fields
from agents.cli.options import Count, Device, EnvironmentId, Folder
from agents.cli.parser import Parser, UsageError, group_of
from agents.cli.values import Argument
from agents.errors import RAMError
from agents.training.presets import NOTES, PRESETS, settings_for
from agents.ram.settings import NetworkSettings
from agents.training.settings import GameSettings, HybridSettings, TrainingSettings

SUMMARY = """\
Train an agent. The settings come from a preset, and each of them is also an option.

The run folder receives the settings, the metrics (metrics.csv and TensorBoard) and checkpoints, and at the end the
learning curve and an animation of the agent. Ctrl-C saves a checkpoint first; --resume continues from it."""
RUN, ENVIRONMENT, NETWORK = "run options", "environment options", "network options"
OPTIMISATION, ALGORITHM = "optimisation options", "algorithm options"
RUN_SETTINGS = ("precision", "threads", "log_every", "checkpoint_every")
"""Training settings about how a run is executed, not about what is learned."""


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a run needs besides its settings."""

    env_id: EnvironmentId | None = None
    preset: Annotated[str, Argument(metavar="NAME")] = "default"
    """The settings to start from."""
    seed: int = 0
    """Random seed."""
    seeds: Count = 1
    """Train this many random seeds one after the other, from --seed on, in the folders seed0, seed1, ... of the run
    folder."""
    out: Folder | None = None
    """The run folder; by default a new one in "runs"."""
    resume: Folder | None = None
    """Continue the run in this folder with its own settings; only --device goes with it."""
    device: Device = "auto"


class Request(NamedTuple):
    """A training that a command line asks for."""

    environment: Environment
    settings: HybridSettings | GameSettings
    options: RunOptions


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    if not {"-h", "--help"}.isdisjoint(arguments):
        print(help_text(arguments))
        return 0
    values, unknown = run_parser().read_known(arguments)
    options = group_of(values, RUN)
    if options.get("resume") is None:
        request = read(arguments)
        from agents.cli.runs import train

        return train(request)
    others = [flag for flag in unknown if flag.startswith("-")]
    others += [f"--{name}" for name in options if name not in ("env_id", "resume", "device")]
    if others:
        raise UsageError(f"a resumed run keeps its own settings: leave out {' '.join(others)}")
    environment = find_environment(options["env_id"]) if "env_id" in options else None
    from agents.cli.runs import resume

    return resume(options["resume"], environment.id if environment else None, options.get("device", "auto"))


def read(arguments: Sequence[str]) -> Request:
    """Read a command line that starts a run.

    The options depend on the environment, and which argument is the environment depends on the options: in
    `--out RAM-MNIST-v0 RAM-CatchGame-v0` it is the second. So each argument that names an environment is tried as if it
    were the one, until the options of its parser agree.

    Raises:
        RAMError: If the command line cannot be read; UnknownName if it names no environment.
    """
    problem: Exception | None = None
    for environment in named(arguments):
        try:
            request = _read_as(environment, arguments)
        except RAMError as error:
            problem = problem or error
            continue
        if request is not None:
            return request
    if problem is not None:
        raise problem
    values, unknown = run_parser().read_known(arguments)
    complain_about(group_of(values, RUN).get("env_id"), unknown, "train")


def run_parser() -> Parser:
    """Return the parser of the options that do not depend on the environment."""
    parser = Parser("train", SUMMARY)
    parser.add_options(RUN, options_of(RunOptions))
    return parser


def full_parser(environment: Environment, settings: HybridSettings | GameSettings) -> Parser:
    """Return the parser of all options for an environment, with the values of a preset as defaults."""
    parser = run_parser()
    chosen = settings.environment.to_dict()
    parser.add_options(RUN, options_of(TrainingSettings, settings, RUN_SETTINGS))
    parser.add_options(ENVIRONMENT, environment.options(chosen))
    parser.add_options(NETWORK, options_of(NetworkSettings, settings.network))
    shared = [name for name in own_fields(TrainingSettings) if name not in (*RUN_SETTINGS, "environment", "network")]
    parser.add_options(OPTIMISATION, options_of(TrainingSettings, settings, shared))
    parser.add_options(ALGORITHM, options_of(type(settings), settings, own_fields(type(settings))))
    return parser


def help_text(arguments: Sequence[str]) -> str:
    """Return the help: of an environment if the arguments name one, otherwise in general."""
    rest = [argument for argument in arguments if argument not in ("-h", "--help")]
    environment = next(iter(named(rest)), None)
    if environment is not None:
        preset = group_of(run_parser().read_known(rest)[0], RUN).get("preset")
        parser = full_parser(environment, settings_for(environment.id, preset))
        parser.epilog = presets_table([environment.id])
    else:
        parser = run_parser()
        parser.epilog = f"{_overview()}\n\n{presets_table(PRESETS)}"
    return parser.help_text()


def presets_table(env_ids: Iterable[str]) -> str:
    """Return the presets of environments as a table: what each costs and reaches."""
    rows = [("environment", "preset", "training", "result")]
    rows += [(env_id, name, *NOTES[env_id][name]) for env_id in env_ids for name in PRESETS.get(env_id, ())]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "presets (one CPU core; deterministic evaluation):\n\n" + "\n".join(f"  {line}" for line in lines)


def _overview() -> str:
    """Return the flags of every group, for the help without an environment."""
    groups = {
        "environment": "the arguments of the task, such as --patch-size",
        "network": _flags(NetworkSettings),
        "optimisation": _flags(TrainingSettings, leave_out=("environment", "network", *RUN_SETTINGS)),
        "algorithm, classification (hybrid loss)": _flags(HybridSettings),
        "algorithm, games (PPO, REINFORCE)": _flags(GameSettings),
    }
    lines = [f"  {title}: {flags}" for title, flags in groups.items()]
    return "settings, explained with their values by `ram train ENV_ID --help`:\n\n" + "\n".join(lines)


def _flags(cls: type, leave_out: Sequence[str] = ()) -> str:
    return " ".join(option.flag for option in options_of(cls, names=own_fields(cls)) if option.name not in leave_out)


def _read_as(environment: Environment, arguments: Sequence[str]) -> Request | None:
    """Read the command line with the options of an environment; None if it is for another one."""
    preset = "default"
    while True:
        settings = settings_for(environment.id, preset)
        parser = full_parser(environment, settings)
        given = group_of(parser.read_known(arguments)[0], RUN).get("preset", preset)
        if given == preset:
            break
        preset = given
    values = parser.read(arguments)
    options = group_of(values, RUN)
    env_id = options.get("env_id")
    if env_id is None or find_environment(env_id) != environment:
        return None
    changes = {name: options.pop(name) for name in RUN_SETTINGS if name in options}
    changes |= group_of(values, OPTIMISATION) | group_of(values, ALGORITHM)
    network = replace(settings.network, **group_of(values, NETWORK))
    arguments_of_task = settings.environment.to_dict() | group_of(values, ENVIRONMENT)
    settings = replace(settings, environment=arguments_of_task, network=network, **changes)
    return Request(environment, settings, RunOptions(**options))
