"""The `ram` command: which command was asked for, and what becomes of errors.

Nothing is imported before it is needed: `ram list` and `ram --help` take a moment and work without the extra `agents`.
An error that a user can cause ends in one line and exit status 2; a bug shows its traceback.
"""

from __future__ import annotations

import difflib
import dis
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from types import TracebackType
from typing import Any

HELP = """\
usage: ram COMMAND ...

Environments of active vision, and agents that learn where to look.

  ram list                     the environments
  ram train ENV_ID             train an agent, or go on with a run (--resume)
  ram evaluate CHECKPOINT      how well an agent does, with a 95 % interval
  ram watch CHECKPOINT         see it play, in a window or as a video (--video)
  ram play ENV_ID              play yourself, with arrow keys and mouse
  ram benchmark FILE           compare algorithms; `ram benchmark report FOLDER` shows how they did

CHECKPOINT is a run's folder, or an agent that comes with the package, as in pretrained:RAM-CatchGame-v0.
`ram COMMAND --help` explains every option; `ram --version` says which version this is."""

EXTRA = "pip install 'ram-active-vision[agents]'"
IMAGE_SIDES = {"mnist": 28, "digits": 8}
USER_ERROR, INTERRUPTED = 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: What follows `ram` on the command line; None takes it from there.

    Returns:
        The exit status: 0, 2 for an error that the user can mend, 130 after Ctrl-C.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments:
        print(HELP, file=sys.stderr)
        return USER_ERROR
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(HELP)
        return 0
    try:
        return _command(name)(rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # whoever read the output, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "agents", "ram_envs"):
            raise
        message = f"needs {package}, which is not installed: {EXTRA}"
    except OSError as error:
        message = str(error)
    except (ValueError, RuntimeError, ImportError) as error:
        if not _is_ours(error.__traceback__):
            raise
        message = str(error)
    print(f"ram {name}: {message}", file=sys.stderr)
    return USER_ERROR


def _command(name: str) -> Callable[[list[str]], int]:
    """Return the command of that name.

    Raises:
        ValueError: If there is none.
    """
    if name == "--version":
        return _show_version
    if name == "list":
        return _list
    names = ("list", "train", "evaluate", "watch", "play", "benchmark")
    if name not in names:
        alike = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean `ram {alike[0]}`? " if alike else ""
        raise ValueError(f"there is no such command: {hint}`ram --help` shows them all")
    if name == "benchmark":
        from agents.benchmark.command import benchmark

        return benchmark
    from agents import commands

    return {
        "train": commands.train,
        "evaluate": commands.evaluate,
        "watch": commands.watch,
        "play": commands.play,
    }[name]


def _is_ours(trace: TracebackType | None) -> bool:
    """Whether an error comes from a `raise` of this project's own, each of which is meant for the user.

    One that comes from anywhere else, from within a built-in function that we call for instance, is a bug.
    """
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    module = trace.tb_frame.f_globals.get("__name__", "")
    operation = dis.opname[trace.tb_frame.f_code.co_code[trace.tb_lasti]]
    return module.partition(".")[0] in ("agents", "ram_envs") and operation == "RAISE_VARARGS"


def _show_version(arguments: list[str]) -> int:
    from ram_envs import __version__

    print(f"ram-active-vision {__version__}")
    return 0


def _list(arguments: list[str]) -> int:
    """Print the environments: scene, sensor, glimpses."""
    from ram_envs import ENVIRONMENTS, VARIANTS

    if arguments:
        if set(arguments) <= {"-h", "--help"}:
            print("usage: ram list\n\nShow the environments: what the scene is, what the sensor sees, and how often.")
            return 0
        raise ValueError(f"unexpected {' '.join(arguments)!r}: expected nothing")
    table = [("id", "scene", "sensor", "glimpses")]
    table += [(id, *_describe(settings)) for id, settings in ENVIRONMENTS.items()]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    variants = " and ".join(f"RAM-...-{variant}-v0" for variant in VARIANTS if variant)
    print(f"\nEach also as {variants}, for tools that take nothing but an id.")
    return 0


def _describe(settings: dict[str, Any]) -> tuple[str, str, str]:
    """Return scene, sensor and number of glimpses of an environment, without loading its images."""
    from ram_envs.tasks import find_task

    kind = find_task(settings["task"])
    values: dict[str, Any] = {field.name: field.default for field in fields(kind)} | settings
    patch, scales = values["patch_size"], values["num_scales"]
    sensor = f"{scales} {'scale' if scales == 1 else 'scales'} of {patch}x{patch}"
    if settings["task"] == "catch":
        side = values["screen_size"]
        return f"game, {side}x{side}", sensor, f"{side - 1}, every frame"
    side = values["image_size"] or IMAGE_SIDES[values["dataset"]]
    clutter = f", {values['num_clutter']} pieces of clutter" if values["num_clutter"] else ""
    return f"{values['dataset']}, {side}x{side}{clutter}", sensor, str(values["num_glimpses"])


if __name__ == "__main__":
    sys.exit(main())
