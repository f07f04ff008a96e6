"""Reads a command line: argparse with one style of error, and with options made from the fields of dataclasses.

argparse, not tyro: an error has to fit in one line, which tyro allows through a private interface only, and `ram train`
has to know the environment before it knows its own options.
"""

from __future__ import annotations

import argparse
import difflib
import inspect
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import MISSING
from typing import Any, NoReturn, TypeVar

from agents.cli.fields import Option, options_of
from agents.cli.values import parse_number, reader_of
from agents.errors import RAMError

Options = TypeVar("Options")
HELP_COLUMN = 26


class UsageError(RAMError):
    """The command line cannot be read; the message names the option, its value and the fix."""


class HelpFormatter(argparse.HelpFormatter):
    """Wraps paragraphs at words, at any width of the terminal, and keeps the lines of indented blocks apart."""

    def __init__(self, prog: str, **settings: Any) -> None:
        super().__init__(prog, max_help_position=HELP_COLUMN, **settings)

    def _split_lines(self, text: str, width: int) -> list[str]:
        return textwrap.wrap(text, width, break_on_hyphens=False)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(_wrap_block(block, width, indent) for block in text.strip("\n").split("\n\n"))


class ShowVersion(argparse.Action):
    """Prints the version, which is imported only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """Print it and exit."""
        print(version())
        parser.exit()


class Parser(argparse.ArgumentParser):
    """The options of one command.

    Args:
        command: The command, as in "train".
        description: What it does; an empty line separates paragraphs.
        epilog: What the help ends with.
    """

    def __init__(self, command: str, description: str, epilog: str | None = None) -> None:
        super().__init__(
            prog=f"ram {command}",
            description=description,
            epilog=epilog,
            formatter_class=HelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self._titled: dict[str, argparse._ArgumentGroup] = {}
        self._positional: list[str] = []
        self._optional: list[str] = []
        self._flags: dict[str, bool] = {"--help": False, "--version": False}
        """Every flag, and whether it takes several numbers."""
        self.elsewhere: dict[str, str] = {}
        """Flags that exist, but not here, and why."""

    def add_options(self, title: str, options: Iterable[Option]) -> None:
        """Add a group of options. One that is not given leaves no value behind.

        Args:
            title: The title of the group, which is also what :func:`group_of` finds its values by.
            options: The options. One whose flag is taken already becomes `--TITLE-NAME`.
        """
        for option in options:
            name = "arguments" if option.argument.positional else title
            if name not in self._titled:
                self._titled[name] = self.add_argument_group(name)
            self._add(self._titled[name], title, option)

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Return the values of all options that were given.

        Raises:
            UsageError: If the command line cannot be read.
            SystemExit: After `--help` and `--version`.
        """
        values, unknown = self.read_known(arguments)
        if unknown:
            self.error(self._complain(unknown))
        return values

    def read_known(self, arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
        """Return the values of the options that the parser knows, and the arguments that it does not."""
        self._complete()
        values, unknown = self.parse_known_args(self._normalised(arguments))
        for name in self._optional:
            if not getattr(values, name):
                delattr(values, name)
        return values, unknown

    def help_text(self) -> str:
        """Return the help."""
        self._complete()
        return self.format_help().rstrip()

    def _complete(self) -> None:
        """Add what every command has, after its own options."""
        if self.usage is None:
            self.usage = " ".join(["%(prog)s", *self._positional, "[OPTIONS]"])
            general = self.add_argument_group("other options")
            general.add_argument("-h", "--help", action="help", help="Show this help and exit.")
            general.add_argument("--version", action=ShowVersion, help="Show the version and exit.")

    def error(self, message: str) -> NoReturn:
        """Raise an error that fits in one line.

        Raises:
            UsageError: Always.
        """
        message = message.removeprefix("argument ").replace("the following arguments are required:", "missing")
        raise UsageError(f"{message}; see `{self.prog} --help`")

    def _add(self, group: argparse._ArgumentGroup, title: str, option: Option) -> None:
        reader = reader_of(option.hint)
        settings: dict[str, Any] = {
            "help": option.help_text().replace("%", "%%"),
            "default": argparse.SUPPRESS,
            "metavar": option.argument.metavar or reader.metavar,
            "type": reader.read,
        }
        if reader.repeats:
            settings["nargs"] = "+"
        name = f"{title}.{option.name}"
        if option.argument.positional:
            shown = f"{settings['metavar']}..." if reader.repeats else settings["metavar"]
            self._positional.append(shown if option.default is MISSING else f"[{shown}]")
            if option.default is not MISSING:
                settings |= {"nargs": "*" if reader.repeats else "?", "default": None}  # argparse reads text, not None
                self._optional.append(name)
            group.add_argument(name, **settings)
            return
        flag = option.flag if option.flag not in self._flags else f"--{title.split()[0]}-{option.flag[2:]}"
        self._flags[flag] = reader.takes_numbers
        if reader.is_flag:
            del settings["metavar"], settings["type"]
            settings["action"] = "store_true" if option.argument.switch else argparse.BooleanOptionalAction
        group.add_argument(flag, dest=name, required=option.default is MISSING, **settings)

    def _normalised(self, arguments: Sequence[str]) -> list[str]:
        """Write `--num_envs` as `--num-envs`, and join the numbers after an option that takes several of them.

        argparse cannot choose how many values an option takes by what they are: `--first-location` takes one name, or
        as many numbers as a location has.
        """
        result: list[str] = []
        rest = list(arguments)
        while rest:
            flag, equals, value = rest.pop(0).partition("=")
            if flag.startswith("--"):
                flag = flag.replace("_", "-")
            if self._flags.get(flag) and not equals:
                numbers = []
                while rest and parse_number(rest[0]) is not None:
                    numbers.append(rest.pop(0))
                equals, value = ("=", ",".join(numbers)) if numbers else ("", "")
            result.append(flag + equals + value)
        return result

    def _complain(self, tokens: Sequence[str]) -> str:
        """Say what is wrong with the first token that nothing takes."""
        token = next((token for token in tokens if token.startswith("-")), tokens[0])
        if not token.startswith("-"):
            return f"unexpected argument {token!r}"
        flag = token.partition("=")[0]
        if flag in self.elsewhere:
            return f"{flag} {self.elsewhere[flag]}"
        close = difflib.get_close_matches(flag, self._flags, n=1)
        return f"there is no option {flag}" + (f", did you mean {close[0]}?" if close else "")


def parse(cls: type[Options], command: str, arguments: Sequence[str], epilog: str | None = None) -> Options:
    """Read the options of a command into a dataclass; its docstring is the description.

    Raises:
        UsageError: If the command line cannot be read.
        SystemExit: After `--help` and `--version`.
    """
    parser = Parser(command, inspect.getdoc(cls) or "", epilog)
    parser.add_options("options", options_of(cls))
    return cls(**group_of(parser.read(arguments), "options"))


def group_of(values: argparse.Namespace, title: str) -> dict[str, Any]:
    """Return the values that were given to the options of a group, by field."""
    prefix = f"{title}."
    return {name.removeprefix(prefix): value for name, value in vars(values).items() if name.startswith(prefix)}


def _wrap_block(block: str, width: int, indent: str) -> str:
    """Wrap a paragraph, or each line of an indented block, which goes on two columns further in."""
    lines = block.split("\n") if block.startswith(" ") else [" ".join(block.split())]
    wrapped = []
    for line in lines:
        own = indent + " " * (len(line) - len(line.lstrip()))
        rest = own + "  " if line.startswith(" ") else own
        if len(indent + line) > width:
            line = textwrap.fill(
                line.strip(), width, initial_indent=own, subsequent_indent=rest, break_on_hyphens=False
            )
        wrapped.append(line)
    return "\n".join(wrapped)


def version() -> str:
    """Return the name of the distribution and its version."""
    from ram_envs import __version__

    return f"ram-active-vision {__version__}"
