"""The `ram` command: finds the command, and turns errors into one line and an exit status.

A command is imported when it is used, and imports what it needs after reading its options: `ram --help` and `ram list`
answer at once and work without the extra `agents`.
"""

from __future__ import annotations

import atexit
import difflib
import gc
import importlib
import os
import re
import select
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TextIO

HELP = """\
usage: ram COMMAND [OPTIONS]

Active-vision environments, and agents that learn where to look.

  ram list                    the environments
  ram train ENV_ID            train an agent, or resume a run (--resume FOLDER)
  ram evaluate CHECKPOINT     test error or success rate, with a 95 % interval
  ram watch CHECKPOINT        see an agent play: window, video or web page
  ram play ENV_ID             play yourself, with arrow keys and mouse
  ram plot RUN...             learning curves of several runs in one picture
  ram benchmark FILE          compare algorithms; `ram benchmark report FOLDER`
                              writes tables and plots
  ram export CHECKPOINT OUT   write an agent to a small file to share

CHECKPOINT is a run folder or a trained agent of the package, such as
pretrained:RAM-CatchGame-v0. `ram COMMAND --help` explains the options,
`ram --version` shows the version."""

COMMANDS = ("list", "train", "evaluate", "watch", "play", "plot", "benchmark", "export")
MOVED = ("reproduce", "figures")
USER_ERROR, INTERRUPTED, TERMINATED = 2, 130, 143
COLLECTION_THRESHOLD = 100_000
"""New objects between two runs of the garbage collector. Python's default of 700 collects hundreds of times while torch
is imported, and finds nothing."""
_OUT_OF_MEMORY = re.compile(r"out of memory|(can't|cannot|unable to) allocate", re.IGNORECASE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The command line after `ram`; None for that of the process.

    Returns:
        The exit status, which is 0, 1 if a part of a benchmark failed, 2 for an error that the user can fix, 130 after
        Ctrl-C, 143 after SIGTERM. A bug is raised.
    """
    # The module agents.cli.list hides the built-in of that name here, once it is imported.
    arguments = [*(sys.argv[1:] if arguments is None else arguments)]
    if not arguments:
        print(HELP, file=sys.stderr)
        return USER_ERROR
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(HELP)
        return 0
    try:
        with _terminable(), _files_only(), _current_folder_on_path(), _plain_warnings(name), _rare_collection():
            return _run(name, rest)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as exit:  # after --help and --version, by SIGTERM, and by a user's module
        if exit.code is None or isinstance(exit.code, int):
            return exit.code or 0
        print(f"ram {name}: {exit.code}", file=sys.stderr)
        return 1
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _reader_is_gone():
            return 0
        if (status := _status_of_signal(error)) is not None:
            return status
        message = explain(error)
        if message is None:
            raise
    print(f"ram {name}: {message}", file=sys.stderr)
    return USER_ERROR


def _run(name: str, arguments: Sequence[str]) -> int:
    """Run a command by its name.

    Raises:
        RAMError: If there is none.
    """
    if name == "--version":
        from agents.cli.parser import version

        print(version())
        return 0
    from agents.errors import RAMError

    if name in MOVED:
        raise RAMError(f"moved out of the package: run `python -m paper {name}` in a clone of the repository")
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean `ram {close[0]}`? " if close else ""
        raise RAMError(f"there is no such command: {hint}`ram --help` lists them")
    return importlib.import_module(f"agents.cli.{name}").run(arguments)


def _reader_is_gone() -> bool:
    """Return whether the reader of the output, `head` for instance, has closed it; what is left goes nowhere then."""
    try:
        number = sys.stdout.fileno()
    except (OSError, ValueError):  # it is no file
        return False
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(number, 0)  # errors are reported in any case
        if not any(event & select.POLLERR for _, event in poll.poll(0)):
            return False
    os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    return True


def _status_of_signal(error: BaseException | None) -> int | None:
    """Return the exit status if an error is the consequence of Ctrl-C or SIGTERM, otherwise None.

    Code that a signal interrupts may raise an error of its own: before Python 3.12, a class body does.
    """
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return INTERRUPTED
        if isinstance(error, SystemExit) and error.code == TERMINATED:
            return TERMINATED
        error = error.__cause__ or error.__context__
    return None


def explain(error: Exception) -> str | None:
    """Return what to tell the user in one line; None for a bug."""
    if isinstance(error, ModuleNotFoundError):
        from agents.extras import EXTRAS

        package = (error.name or "").partition(".")[0]
        if package in ("", "agents", "ram_envs"):
            return None
        source = f"'ram-active-vision[{EXTRAS[package]}]'" if package in EXTRAS else package
        return f"needs {package}, which is not installed: pip install {source}"
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        reason = " ".join(str(error).split("\n")[0].split())
        return f"not enough memory ({reason}): use smaller networks, fewer --num-envs or fewer --episodes"
    from agents.files import WriteError

    if isinstance(error, WriteError):
        return f"{error.filename} cannot be written ({error.strerror}): choose another path"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
    if isinstance(error, _user_errors()):
        return " ".join(str(error).split())
    return None


def _user_errors() -> tuple[type[Exception], ...]:
    """Return the classes of errors that a user can fix; imported late, since an error may be about their modules."""
    import gymnasium

    from ram_envs.errors import UserError

    return UserError, gymnasium.error.Error


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the command like Ctrl-C does, so that files and processes are cleaned up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> NoReturn:
        sys.exit(TERMINATED)

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _plain_warnings(command: str) -> Iterator[None]:
    """Print the warnings of this project in one line, without the line of code that caused them.

    Of several processes that torchrun started, only the first one prints them.
    """
    show = warnings.showwarning

    def print_line(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if category.__module__.partition(".")[0] in ("agents", "ram_envs"):
            if os.environ.get("RANK", "0") == "0":
                print(f"ram {command}: warning: {' '.join(str(message).split())}", file=sys.stderr)
        else:
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = print_line
    try:
        yield
    finally:
        warnings.showwarning = show


@contextmanager
def _current_folder_on_path() -> Iterator[None]:
    """Let modules of the user be imported from the current folder, as `python -m` does."""
    folder = os.getcwd()
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


@contextmanager
def _files_only() -> Iterator[None]:
    """Tell matplotlib to write files only: a notebook sets a backend that may not exist where the command runs."""
    before = os.environ.get("MPLBACKEND")
    os.environ["MPLBACKEND"] = "agg"
    try:
        yield
    finally:
        if before is None:
            del os.environ["MPLBACKEND"]
        else:
            os.environ["MPLBACKEND"] = before


@contextmanager
def _rare_collection() -> Iterator[None]:
    """Run the garbage collector rarely, and not at all when the interpreter exits.

    With torch loaded the two cost half a second of every command, more than the evaluation of 10,000 images.
    """
    before = gc.get_threshold()
    gc.set_threshold(COLLECTION_THRESHOLD, *before[1:])
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)  # the collection at exit looks only at objects that are not frozen
    try:
        yield
    finally:
        gc.set_threshold(*before)
