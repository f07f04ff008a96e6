"""The commands behind this repository's results: `python -m paper reproduce`, `tables` and `figures`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, UseAppendAction

from paper.ablations import ABLATION_SEEDS, ABLATIONS, choose_ablations
from paper.drawings import draw_figures
from paper.export import export_best
from paper.reproduce import DOCUMENTS, PAGE, README, WHAT_MATTERED, missing, reproduce, write_tables
from paper.rows import choose_rows, for_validation, scaled
from ram_envs.arguments import check_integer, check_number

Table = Literal["mnist", "translated", "cluttered", "cluttered100", "catch"]
Names = UseAppendAction[tuple[Annotated[str, tyro.conf.arg(metavar="ROW")], ...]]
FAILED, USER_ERROR = 1, 2


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """Reproduce the rows of the paper's tables: train and evaluate what is missing, resume what was interrupted.

    Each row has one results file in --results. After every run, the tables of README.md and docs/results.md are
    regenerated from these files (with --ablations, those of docs/what-mattered.md). List the missing runs with
    --dry-run. Several processes may run at once: each run is taken by one of them. Ctrl-C saves a checkpoint first;
    the same command resumes.
    """

    table: UseAppendAction[tuple[Table, ...]] = ()
    """Rows of a table; may be repeated. All tables if neither this nor --row is given."""
    row: Names = ()
    """A row; may be repeated."""
    ablations: FlagCreatePairsOff[bool] = False
    """Run ablations instead: headline rows with one ingredient changed, at a reduced length. --row takes an ablation,
    or a headline row for all of its ablations."""
    seeds: int | None = None
    """Random seeds of each row; by default 3 for headline rows and for ablations, 1 for other rows."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device; "auto" uses the GPU if there is one."""
    out: Path = Path("runs/reproduce")
    """Folder of the training runs."""
    results: Path = Path("docs/results")
    """Folder of the results files."""
    validate: FlagCreatePairsOff[bool] = False
    """For choosing hyperparameters: train without the last 5,000 training images and evaluate on them. The results
    are written below --out."""
    budget_scale: float = 1.0
    """Factor on the length of every training, for quick trials. Unless it is 1, the results are written below --out."""
    dry_run: FlagCreatePairsOff[bool] = False
    """Print the names of the missing runs and stop."""
    export: FlagCreatePairsOff[bool] = False
    """Export the agents of the headline rows into the package, each with the seed that did best in validation."""


@dataclass(frozen=True, kw_only=True)
class TablesOptions:
    """Regenerate the tables of README.md, docs/results.md and docs/what-mattered.md from the results files."""

    results: Path = Path("docs/results")
    """Folder of the results files."""


@dataclass(frozen=True, kw_only=True)
class FiguresOptions:
    """Draw the figures from the results files and from the agents that come with the package.

    Prints the pictures on standard output. Missing and incomplete pictures are listed on standard error with the
    command that makes them.
    """

    results: Path = Path("docs/results")
    """Folder of the results files."""
    out: Path = Path("docs/figures")
    """Folder of the figures."""
    measure_cost: FlagCreatePairsOff[bool] = False
    """Measure the cost of an image against its size first, which takes minutes. By default the last measurement is
    drawn."""


Options = (
    Annotated[ReproduceOptions, tyro.conf.subcommand("reproduce")]
    | Annotated[TablesOptions, tyro.conf.subcommand("tables")]
    | Annotated[FiguresOptions, tyro.conf.subcommand("figures")]
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: What follows `python -m paper` on the command line; None takes it from there.

    Returns:
        The exit status: 0, 1 if a run failed, 2 for a user's error, 128 plus the number of the signal that stopped it.
    """
    options = tyro.cli(Options, args=arguments, prog="python -m paper", description=__doc__)
    try:
        if isinstance(options, ReproduceOptions):
            return _reproduce(options)
        if isinstance(options, TablesOptions):
            return _print(write_tables(options.results, DOCUMENTS))
        return _figures(options)
    except (ValueError, RuntimeError, OSError, ImportError) as error:
        print(f"python -m paper: {error}", file=sys.stderr)
        return USER_ERROR


def _reproduce(options: ReproduceOptions) -> int:
    if options.seeds is not None:
        check_integer("seeds", options.seeds, 1)
    check_number("budget_scale", options.budget_scale, 1e-9, 1e9)
    if options.export and (options.ablations or options.validate or options.dry_run or options.budget_scale != 1):
        raise ValueError(
            "--export needs agents of whole rows: leave out --ablations, --validate, --dry-run and --budget-scale"
        )
    seeds, validate, out, results = options.seeds, options.validate, options.out, options.results
    if options.ablations:
        rows, documents = choose_ablations(options.table, options.row), [WHAT_MATTERED]
        seeds, validate = ABLATION_SEEDS if seeds is None else seeds, True
    else:
        for name in options.row:
            if name in (one.full_name for one in ABLATIONS):
                raise ValueError(f"row={name!r} is an ablation: add --ablations")
        rows, documents = choose_rows(options.table, options.row), [README, PAGE]
    if options.budget_scale != 1:
        rows = [scaled(row, options.budget_scale) for row in rows]
        out, documents = out / f"scaled-{options.budget_scale:g}", []
    if validate and not options.ablations:
        rows = [for_validation(row) for row in rows]
        out, documents = out / "validation", []
    if out != options.out:
        results = out / "results"
    if options.dry_run:
        return _print(job.name for job in missing(rows, seeds, results))
    outcome = reproduce(
        rows, seeds=seeds, device=options.device, out=out, results=results, documents=documents, validate=validate
    )
    if outcome.stopped_by is not None:
        print(f"stopped by {outcome.stopped_by}, checkpoint saved; run the same command to resume", file=sys.stderr)
        return 128 + signal.Signals[outcome.stopped_by].value
    exported = export_best(rows, out, results) if options.export else []
    _print([*exported, *write_tables(results, documents)])
    return FAILED if outcome.failed else 0


def _figures(options: FiguresOptions) -> int:
    done = draw_figures(options.results, options.out, measure_cost=options.measure_cost)
    for name, reason in done.wanting.items():
        state = "is incomplete" if options.out / name in done.files else "is not drawn"
        print(f"{name} {state}: {reason}", file=sys.stderr)
    return _print(done.files)


def _print(lines: Iterable[object]) -> int:
    for line in lines:
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
