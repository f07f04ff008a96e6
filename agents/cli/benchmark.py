"""`ram benchmark`: compare algorithms, and report on them."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from agents.cli.options import Count, File, Folder
from agents.cli.parser import UsageError, parse
from agents.cli.values import Argument

if TYPE_CHECKING:
    from agents.benchmark.plan import Job, Plan
    from agents.benchmark.processes import Outcome
    from agents.benchmark.results import Results

SOME_FAILED = 1
"""Exit status if a run has failed."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """Compare algorithms: train each on each environment with each random seed and the same number of frames.

    What to run is described in a file (see benchmarks/published.yaml), or by --algorithms, --environments, --seeds and
    --frames. Every finished run is one file in the results folder. Run the same command again to complete the missing
    runs. `ram benchmark report FOLDER` writes tables and plots.
    """

    plan: Annotated[Path | None, Argument(metavar="FILE", positional=True)] = None
    """The description of the benchmark, YAML."""
    algorithms: Annotated[tuple[str, ...] | None, Argument(metavar="NAME")] = None
    """Algorithms to train. With a file: a selection of its algorithms, by name."""
    environments: Annotated[tuple[str, ...] | None, Argument(metavar="NAME")] = None
    """Environments to train on. With a file: a selection of its environments, by name."""
    seeds: Annotated[tuple[int, ...] | None, Argument(metavar="SEED")] = None
    """Random seeds. With a file: used instead of the file's."""
    frames: Count | None = None
    """Environment steps of each run. With a file: used instead of the file's."""
    out: Folder | None = None
    """Results folder; by default a folder in "runs" with the name of the file."""
    workers: Count | None = None
    """Runs at the same time; by default as many as the cores allow with the threads of each run. Not with --ray."""
    ray: Annotated[str | None, Argument(metavar="ADDRESS")] = None
    """Run on a Ray cluster: "auto", "HOST:6379" or "ray://HOST:10001"; "local" starts one on this machine."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Write tables and plots of the results of a benchmark."""

    folder: Annotated[Folder, Argument(metavar="FOLDER", positional=True)]
    """The results folder."""
    out: File | None = None
    """The page to write, Markdown; by default report.md in the results folder."""


def run(arguments: Sequence[str]) -> int:
    """Run `ram benchmark` or `ram benchmark report`."""
    if arguments and arguments[0] == "report":
        return _report(parse(ReportOptions, "benchmark report", arguments[1:]))
    from agents.benchmark.algorithm import ALGORITHMS

    epilog = f"Algorithms: {', '.join(ALGORITHMS)}, or your own as MODULE:CLASS."
    options = parse(BenchmarkOptions, "benchmark", arguments, epilog)
    folders = [os.getcwd(), *([str(options.plan.resolve().parent)] if options.plan else [])]
    with _search_path(folders):
        return _benchmark(options, folders)


def _report(options: ReportOptions) -> int:
    from agents.benchmark.report import write_report
    from agents.benchmark.results import Results

    for file in write_report(Results(options.folder), options.out or options.folder / "report.md"):
        print(file)
    return 0


@contextmanager
def _search_path(folders: Sequence[str]) -> Iterator[None]:
    """Let modules be imported from these folders, where a user's own algorithms are."""
    before = sys.path[:]
    sys.path.extend(folder for folder in folders if folder not in sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


def _benchmark(options: BenchmarkOptions, folders: Sequence[str]) -> int:
    from agents.benchmark.processes import run_here, run_on_ray
    from agents.benchmark.results import Results
    from agents.experiments.machine import usable_cores

    if options.ray is not None and not options.ray.strip():
        raise UsageError(
            f"--ray={options.ray!r} is no address: expected auto, HOST:6379, ray://HOST:10001 or local; leave the "
            "option out to run without Ray"
        )
    if options.ray is not None and options.workers is not None:
        raise UsageError(
            f"--workers={options.workers} has no effect with --ray, which uses the processors of the cluster: leave "
            "out one of them"
        )
    plan = _plan(options)
    cores = usable_cores()
    workers = max(1, cores // plan.threads) if options.workers is None else options.workers
    if workers < 1:
        raise UsageError(f"--workers={workers} is out of range: expected at least 1")
    results = Results(options.out or Path("runs") / (f"benchmark-{options.plan.stem}" if options.plan else "benchmark"))
    jobs = plan.jobs()
    missing = results.missing(jobs)
    place = f"on Ray at {options.ray}" if options.ray else f"{workers} at a time on {cores} cores"
    print(f"{len(jobs)} runs, {len(jobs) - len(missing)} already complete; {place}: {results.folder}", flush=True)
    failed = 0
    if missing:
        modules = [*folders, *sys.path]
        if options.ray:
            outcomes = run_on_ray(missing, None if options.ray == "local" else options.ray, modules)
        else:
            outcomes = run_here(missing, workers, modules)
        failed = _collect(outcomes, results, len(jobs) - len(missing), len(jobs))
    if missing.left:
        print(f"{len(missing.left)} runs are left to another benchmark that is running in the same folder")
    print(f"report: ram benchmark report {results.folder}")
    if failed:
        print(
            f"{failed} runs failed, see {results.folder / 'failed'}; run the same command to try them again",
            file=sys.stderr,
        )
    return SOME_FAILED if failed else 0


def _collect(outcomes: Iterator[Outcome], results: Results, done: int, total: int) -> int:
    """Write and print the result of each run as it ends; return how many failed."""
    failed, started = 0, time.perf_counter()
    for number, outcome in enumerate(outcomes, done + 1):
        if outcome.result is None:
            failed += 1
            results.write_log(outcome.job, outcome.log)
            text = f"FAILED: {outcome.problem}"
        else:
            results.write(outcome.job, outcome.result)
            text = _summary(outcome.job, outcome.result)
        elapsed = time.perf_counter() - started
        print(f"[{number}/{total}, {elapsed:,.0f} s] {outcome.job.title}: {text}", flush=True)
    return failed


def _summary(job: Job, result: dict[str, Any]) -> str:
    from agents.benchmark.references import REFERENCES

    value, is_share = result["score"]["value"], result["score"]["is_share"]
    score = f"{100 * value:.1f} %" if is_share else f"return {value:.3g}"
    if job.implementation in REFERENCES:
        return score
    return f"{score} after {result['frames']:,} frames, {result['frames_per_second']:,.0f} frames/s"


def _plan(options: BenchmarkOptions) -> Plan:
    """Read the plan from the file or the options.

    Raises:
        PlanError: If there is a mistake in it.
    """
    from agents.benchmark.items import Item, PlanError, item_of, read_items
    from agents.benchmark.reading import read_plan

    if options.plan is None:
        given = {name: getattr(options, name) for name in ("algorithms", "environments", "seeds", "frames")}
        missing = [f"--{name}" for name, value in given.items() if value is None and name != "seeds"]
        if missing:
            raise PlanError(f"a benchmark needs a file, or {', '.join(missing)}")
        return read_plan(item_of({name: value for name, value in given.items() if value is not None}))
    root = read_items(options.plan)
    if isinstance(root.value, dict):
        changes = {name: getattr(options, name) for name in ("seeds", "frames")}
        changed: dict[str, Item] = {k: item_of(v, key=k) for k, v in changes.items() if v is not None}
        root = replace(root, value={**root.value, **changed})
    plan = read_plan(root)
    if options.algorithms is not None:
        plan = replace(plan, algorithms=_chosen("algorithms", plan.algorithms, options.algorithms))
    if options.environments is not None:
        plan = replace(plan, environments=_chosen("environments", plan.environments, options.environments))
    return plan


def _chosen(option: str, entries: Sequence[Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Return the entries of these names.

    Raises:
        UsageError: If there is none of one of them.
    """
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise UsageError(f"--{option}: the file has no {name!r}: expected some of {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))
