"""The commands of `ram` that make the results: `ram reproduce` and `ram figures`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import FlagCreatePairsOff, UseAppendAction

from agents.commands import EXIT_STATUS, Device

Table = Literal["mnist", "translated", "cluttered", "cluttered100", "catch"]
Names = UseAppendAction[tuple[Annotated[str, tyro.conf.arg(metavar="ROW")], ...]]
FAILED = 1


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """Reproduce the rows of the paper's tables: train what is missing, go on with what was interrupted, judge it.

    Each row's results are one file in --results; after every run the tables of README.md and docs/results.md are made
    from these files, with --ablations those of docs/what-mattered.md. Which runs are still missing: `ram reproduce
    --dry-run`. Several of these may run at once: no two take the same run. Ctrl-C saves first; the same command goes
    on.
    """

    table: UseAppendAction[tuple[Table, ...]] = ()
    """Rows of a table; may be repeated. All, if neither this nor --row is given."""
    row: Names = ()
    """A row; may be repeated."""
    ablations: FlagCreatePairsOff[bool] = False
    """In place of the rows, what each ingredient of their training is worth: headline rows with one of them changed, at
    a reduced length. --row takes an ablation, or a headline row for all of its ablations."""
    seeds: int | None = None
    """Seeds of each row; if left out, three of the headline rows and of ablations, and one of the others."""
    device: Device = "auto"
    """Where to compute; "auto" takes the GPU if there is one."""
    out: Path = Path("runs/reproduce")
    """The folder of the runs."""
    results: Path = Path("docs/results")
    """The folder of the results files."""
    validate: FlagCreatePairsOff[bool] = False
    """To choose settings: train without the last 5,000 training images and judge by them. Results go below --out."""
    budget_scale: float = 1.0
    """Multiplies the length of every training, to try things out. Other than 1, results go below --out."""
    dry_run: FlagCreatePairsOff[bool] = False
    """Name the runs that are missing, and do nothing."""
    export: FlagCreatePairsOff[bool] = False
    """Hand on the agents of the headline rows, the seed chosen in validation, as those that come with the package."""


@dataclass(frozen=True, kw_only=True)
class FiguresOptions:
    """Draw the figures of the results: from the results files, and from the agents that come with the package.

    The pictures are named on standard output; what is missing of them, and what makes it, on standard error.
    """

    results: Path = Path("docs/results")
    """The folder of the results files."""
    out: Path = Path("docs/figures")
    """The folder of the figures."""
    measure_cost: FlagCreatePairsOff[bool] = False
    """Measure what an image costs against its size, for minutes; if left out, what was measured last is drawn."""


def reproduce(arguments: Sequence[str]) -> int:
    """`ram reproduce`."""
    options = tyro.cli(ReproduceOptions, args=arguments, prog="ram reproduce")
    from agents.results.ablations import ABLATION_SEEDS, ABLATIONS, choose_ablations
    from agents.results.reproduce import PAGE, README, WHAT_MATTERED, export_best, missing, reproduce, write_tables
    from agents.results.rows import choose_rows, for_validation, scaled
    from ram_envs.arguments import check_integer, check_number

    if options.seeds is not None:
        check_integer("seeds", options.seeds, 1)
    check_number("budget_scale", options.budget_scale, 1e-9, 1e9)
    if options.export and (options.ablations or options.validate or options.dry_run or options.budget_scale != 1):
        raise ValueError(
            "--export hands on agents of whole rows: leave out --ablations, --validate, --dry-run and --budget-scale"
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
        for job in missing(rows, seeds, results):
            print(job.name)
        return 0
    outcome = reproduce(
        rows,
        seeds=seeds,
        device=options.device,
        out=out,
        results=results,
        documents=documents,
        validate=validate,
    )
    if outcome.stopped_by is not None:
        print(f"stopped by {outcome.stopped_by}, and saved; the same command goes on", file=sys.stderr)
        return EXIT_STATUS[outcome.stopped_by]
    exported = export_best(rows, out, results) if options.export else []
    for file in [*exported, *write_tables(results, documents)]:
        print(file)
    return FAILED if outcome.failed else 0


def figures(arguments: Sequence[str]) -> int:
    """`ram figures`."""
    options = tyro.cli(FiguresOptions, args=arguments, prog="ram figures")
    from agents.results.drawings import draw_figures

    done = draw_figures(options.results, options.out, measure_cost=options.measure_cost)
    for file in done.files:
        print(file)
    for name, want in done.wanting.items():
        state = "is incomplete" if options.out / name in done.files else "is not drawn"
        print(f"{name} {state}: {want}", file=sys.stderr)
    return 0
