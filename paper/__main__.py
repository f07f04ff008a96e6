"""The commands behind this repository's results: `python -m paper reproduce`, `measure`, `tables` and `figures`."""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gymnasium

from agents.cli import INTERRUPTED, explain
from agents.errors import RAMError
from paper.ablations import ABLATIONS, choose_ablations
from paper.beyond import MEASUREMENTS, measure
from paper.beyond import PAGE as BEYOND_PAGE
from paper.drawings import draw_figures
from paper.export import export_best
from paper.jobs import Job, missing_starts
from paper.reproduce import ABLATIONS_PAGE, DOCUMENTS, PAGE, README, RESULTS, missing, reproduce, write_tables
from paper.row import PACKAGED, SEEDS, TABLES, Row, for_validation, scaled
from paper.rows import choose_rows
from ram_envs.arguments import check_integer, check_number
from ram_envs.errors import InvalidArgument, UserError

REPRODUCE = """
Reproduce the rows of the paper's tables: train and evaluate what is missing, resume what was interrupted. Each row has
one results file in --results. After every run, the tables of README.md and docs/results.md are regenerated from these
files (with --ablations, those of docs/ablations.md), unless --results names another folder. Several processes may run
at once: each run is done by one of them. Ctrl-C saves a checkpoint first; the same command resumes.
"""
MEASURE = """
Evaluate the packaged agents. Each measurement has one results file in --results; the tables of docs/beyond.md are
regenerated from these files, unless --results names another folder.
"""
FIGURES = """
Draw the figures from the results files and with the agents that come with the package. Prints the pictures on standard
output, and on standard error the missing and incomplete ones with the command that makes them.
"""
DRAWINGS = Path("docs/figures")
FAILED, USER_ERROR = 1, 2
MOST_SEEDS = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: The command line after `python -m paper`; None for that of the process.

    Returns:
        The exit status: 0, 1 if a run failed, 2 for an error that the user can fix, 128 plus the number of the signal
        that stopped it (130 for Ctrl-C).
    """
    options = _parser().parse_args(arguments)
    try:
        if options.command == "reproduce":
            return _reproduce(options)
        if options.command == "tables":
            _check_results(options.results)
            return _print(write_tables(options.results, DOCUMENTS))
        if options.command == "measure":
            return _measure(options)
        return _figures(options)
    except KeyboardInterrupt:
        print("python -m paper: interrupted; the same command starts what is missing", file=sys.stderr)
        return INTERRUPTED
    except (RAMError, UserError, OSError, gymnasium.error.Error) as error:
        print(f"python -m paper: {explain(error)}", file=sys.stderr)
        return USER_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m paper", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--results", type=Path, default=RESULTS, help="folder of the results files")

    reproduce = commands.add_parser("reproduce", description=REPRODUCE, help="train what is missing")
    option = reproduce.add_argument
    switch: dict[str, Any] = {"action": "store_true"}
    option("--table", action="append", default=[], choices=list(TABLES), help="rows of a table; may be repeated")
    option("--row", action="append", default=[], metavar="ROW", help="a row; may be repeated; all rows by default")
    option(
        "--ablations",
        **switch,
        help="run ablations instead: rows with one ingredient changed, at a reduced length; --row takes an "
        "ablation, or a row for all of its ablations",
    )
    option("--seeds", type=int, default=SEEDS, metavar="N", help=f"random seeds of each row, {SEEDS} by default")
    option("--device", choices=["auto", "cpu", "cuda"], default="auto", help="auto: the GPU if there is one")
    option("--results", type=Path, help=f"folder of the results files ({RESULTS}); with another one no page changes")
    option("--out", type=Path, default=Path("runs/reproduce"), help="folder of the training runs")
    option(
        "--validate",
        **switch,
        help="for tuning: train without the last 5,000 training images and evaluate on them; results go below --out. "
        "Initial weights from the package have seen these images",
    )
    option(
        "--budget-scale",
        type=float,
        default=1.0,
        metavar="X",
        help="factor on the length of every training, for quick trials; unless it is 1, results go below --out",
    )
    option(
        "--dry-run",
        **switch,
        help="print the names of the missing runs, and of those trained first because these start from them, and stop",
    )
    option(
        "--export",
        **switch,
        help="train nothing: export the agents of the packaged rows, each with the best seed in validation, from their "
        "runs in --out into the package",
    )

    commands.add_parser("tables", parents=[common], help="regenerate the tables of README.md and docs/")

    measured = commands.add_parser(
        "measure", parents=[common], description=MEASURE, help="evaluate the packaged agents for docs/beyond.md"
    )
    measured.add_argument("name", nargs="*", metavar="NAME", help=f"one of {', '.join(MEASUREMENTS)}; all by default")

    figures = commands.add_parser("figures", parents=[common], description=FIGURES, help="draw the figures")
    figures.add_argument(
        "--out", type=Path, help=f"folder of the figures; {DRAWINGS}, or figures in --results if that is another folder"
    )
    figures.add_argument(
        "--measure-cost", **switch, help="measure the cost of an image against its size first, which takes minutes"
    )
    return parser


def _measure(options: argparse.Namespace) -> int:
    for name in options.name:
        if name not in MEASUREMENTS:
            raise InvalidArgument(f"name={name!r} is not one of {', '.join(MEASUREMENTS)}")
    files = [measure(name, options.results) for name in options.name or MEASUREMENTS]
    return _print([*files, *write_tables(options.results, _pages(options.results, [BEYOND_PAGE]))])


def _pages(results: Path, pages: list[Path]) -> list[Path]:
    """Return the pages that show these results: none if they are not those of the repository."""
    return pages if _are_ours(results) else []


def _are_ours(results: Path) -> bool:
    return results.resolve() == RESULTS.resolve()


def _reproduce(options: argparse.Namespace) -> int:
    check_integer("seeds", options.seeds, 1, MOST_SEEDS)
    check_number("budget_scale", options.budget_scale, 1e-9, 1e9)
    if options.export and (options.ablations or options.validate or options.dry_run or options.budget_scale != 1):
        raise InvalidArgument(
            "--export needs agents of whole rows: leave out --ablations, --validate, --dry-run and --budget-scale"
        )
    validate, out, results = options.validate, options.out, options.results or RESULTS
    if options.ablations:
        rows, pages = choose_ablations(options.table, options.row), [ABLATIONS_PAGE]
        validate = True
    else:
        for name in options.row:
            if name in (one.full_name for one in ABLATIONS):
                raise InvalidArgument(f"row={name!r} is an ablation: add --ablations")
        rows, pages = choose_rows(options.table, options.row), [README, PAGE]
    if options.budget_scale != 1:
        rows = [scaled(row, options.budget_scale) for row in rows]
        out = out / f"scaled-{options.budget_scale:g}"
    if validate and not options.ablations:
        rows = [for_validation(row) for row in rows]
        out = out / "validation"
    if out != options.out:
        if options.results is not None:
            raise InvalidArgument(
                f"results={str(results)!r} cannot be used with --validate or --budget-scale: their results go to "
                f"{out / 'results'}; leave out --results, or choose another --out"
            )
        results = out / "results"
    documents = _pages(results, pages)
    if options.export:
        return _export(rows, out, results, documents)
    jobs = missing(rows, options.seeds, results)
    if not jobs:
        again = "--results" if out == options.out else "--out"
        print(f"nothing to train: {results} holds the results; a new {again} trains again", file=sys.stderr)
    if options.dry_run:
        return _print(_plan(jobs, out))
    outcome = reproduce(
        rows,
        seeds=options.seeds,
        device=options.device,
        out=out,
        results=results,
        documents=documents,
        validate=validate,
    )
    if outcome.stopped_by is not None:
        print(f"stopped by {outcome.stopped_by}, checkpoint saved; run the same command to resume", file=sys.stderr)
        return 128 + signal.Signals[outcome.stopped_by].value
    _print(write_tables(results, documents))
    return FAILED if outcome.failed else 0


def _export(rows: Sequence[Row], out: Path, results: Path, documents: Sequence[Path]) -> int:
    files = export_best(rows, out, results)
    if not files:
        print(f"nothing to export: {results} holds no results of {', '.join(PACKAGED)} among these", file=sys.stderr)
        return 0
    return _print([*files, *write_tables(results, documents)])


def _plan(jobs: Iterable[Job], out: Path) -> Iterator[str]:
    """Yield the names of runs in the order of training; the missing ones that a run starts from come before it."""
    named: set[str] = set()
    for job in jobs:
        names = [start.name for start in missing_starts(job, out)] + [job.name]
        yield from (f"{name} (for {after})" for name, after in itertools.pairwise(names) if name not in named)
        yield job.name
        named.update(names)


def _holds_results(folder: Path) -> bool:
    return any(folder.glob("*.json"))


def _check_results(folder: Path) -> None:
    """Refuse to make tables without any results: they would be empty.

    Raises:
        InvalidArgument: If a folder holds none.
    """
    if not _holds_results(folder):
        raise InvalidArgument(f"results={str(folder)!r} holds no results files: expected a folder such as {RESULTS}")


def _figures(options: argparse.Namespace) -> int:
    out = options.out or (DRAWINGS if _are_ours(options.results) else options.results / "figures")
    done = draw_figures(options.results, out, measure_cost=options.measure_cost)
    for name, reason in done.wanting.items():
        state = "is incomplete" if out / name in done.files else "is not drawn"
        print(f"{name} {state}: {reason}", file=sys.stderr)
    return _print(done.files)


def _print(lines: Iterable[object]) -> int:
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
