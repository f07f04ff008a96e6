"""``ram benchmark``: its options, and what it prints."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import tyro
from tyro.conf import Positional

from agents.benchmark.algorithm import ALGORITHMS
from agents.benchmark.items import Item, PlanError, item_of, read_items
from agents.benchmark.plan import Job, Plan
from agents.benchmark.processes import Outcome, run_here, run_on_ray
from agents.benchmark.reading import read_plan
from agents.benchmark.references import REFERENCES
from agents.benchmark.results import Results

SOME_FAILED = 1
"""Exit status if a run has failed."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """Compare algorithms: each learns on each environment with each seed, at one budget of frames, and is then judged.

    What is to run is in a file (benchmarks/published.yaml is one), or said by --algorithms, --environments, --seeds
    and --frames. Every finished run is a file in the folder of the results: call the same command again to do the runs
    that are missing. `ram benchmark report FOLDER` makes tables and plots of it.
    """

    plan: Positional[Annotated[Path | None, tyro.conf.arg(metavar="FILE")]] = None
    """The benchmark's file, YAML."""
    algorithms: tuple[str, ...] | None = None
    """Who learns; with a file, which of its algorithms, by name."""
    environments: tuple[str, ...] | None = None
    """What is learned; with a file, which of its environments, by name."""
    seeds: tuple[int, ...] | None = None
    """Seeds of the runs, in place of the file's."""
    frames: int | None = None
    """Budget of each run, in place of the file's."""
    out: Path | None = None
    """The folder of the results; if left out, one in "runs" that is called after the file."""
    workers: int | None = None
    """Runs at a time; if left out, as many as have a core for each of their threads."""
    ray: str | None = None
    """Run on the Ray cluster at this address: "auto", "HOST:6379" or "ray://HOST:10001"; "local" starts one here."""


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """Make tables and plots of the results of a benchmark."""

    folder: Positional[Annotated[Path, tyro.conf.arg(metavar="FOLDER")]]
    """The folder of the results."""
    out: Path | None = None
    """The page to write, Markdown; if left out, report.md in the folder."""


def benchmark(arguments: Sequence[str]) -> int:
    """`ram benchmark`, and `ram benchmark report`."""
    if arguments and arguments[0] == "report":
        return _report(tyro.cli(ReportOptions, args=arguments[1:], prog="ram benchmark report"))
    description = (
        f"{inspect.getdoc(BenchmarkOptions)} Algorithms: {', '.join(ALGORITHMS)}, or your own as 'module:Class'."
    )
    options = tyro.cli(BenchmarkOptions, args=arguments, prog="ram benchmark", description=description)
    return _run(options)


def _report(options: ReportOptions) -> int:
    from agents.benchmark.report import write_report

    for file in write_report(Results(options.folder), options.out or options.folder / "report.md"):
        print(file)
    return 0


def _run(options: BenchmarkOptions) -> int:
    search_path = [os.getcwd(), *([str(options.plan.resolve().parent)] if options.plan else [])]
    with _searched(search_path), _ended_by_sigterm():
        plan = _plan(options)
        cores = os.cpu_count() or 1
        workers = max(1, cores // plan.threads) if options.workers is None else options.workers
        if workers < 1:
            raise ValueError(f"--workers={workers} is out of range: expected at least 1")
        stem = f"benchmark-{options.plan.stem}" if options.plan else "benchmark"
        results = Results(options.out or Path("runs") / stem)
        failed = _run_missing(options, plan, workers, results, [*search_path, *sys.path])
    print(f"report: ram benchmark report {results.folder}")
    if failed:
        print(
            f"{failed} runs failed, see {results.folder / 'failed'}; call the same command to try them again",
            file=sys.stderr,
        )
    return SOME_FAILED if failed else 0


def _run_missing(options: BenchmarkOptions, plan: Plan, workers: int, results: Results, modules: Sequence[str]) -> int:
    """Do the runs that have no result yet, and return how many failed."""
    with results.lock():
        jobs = plan.jobs()
        missing = results.missing(jobs)
        place = f"on Ray at {options.ray}" if options.ray else f"{workers} at a time on {os.cpu_count() or 1} cores"
        print(
            f"{len(jobs)} runs, {len(jobs) - len(missing)} of them done before; {place}: {results.folder}", flush=True
        )
        if not missing:
            return 0
        if options.ray:
            outcomes = run_on_ray(missing, None if options.ray == "local" else options.ray, modules)
        else:
            outcomes = run_here(missing, workers, modules)
        return _collect(outcomes, results, len(jobs) - len(missing), len(jobs))


@contextmanager
def _searched(folders: Sequence[str]) -> Iterator[None]:
    """Add folders to the module search path, until the end of the block."""
    before = list(sys.path)
    sys.path.extend(folder for folder in folders if folder not in sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise SystemExit within the block, so that the runs in progress are ended too."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread can handle signals
        return
    before = signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)


def _collect(outcomes: Iterator[Outcome], results: Results, done: int, total: int) -> int:
    """Write each run's result as it comes, say so, and return how many failed."""
    failed, started = 0, time.perf_counter()
    for number, outcome in enumerate(outcomes, done + 1):
        if outcome.result is None:
            failed += 1
            results.write_log(outcome.job, outcome.log)
            said = f"FAILED: {outcome.problem}"
        else:
            results.write(outcome.job, outcome.result)
            said = _say(outcome.job, outcome.result)
        elapsed = time.perf_counter() - started
        print(f"[{number}/{total}, {elapsed:,.0f} s] {outcome.job.title}: {said}", flush=True)
    return failed


def _say(job: Job, result: dict[str, Any]) -> str:
    score = f"{100 * result['score']['value']:.1f} %"
    if job.implementation in REFERENCES:
        return score
    return f"{score} after {result['frames']:,} frames, {result['frames_per_second']:,.0f} frames/s"


def _plan(options: BenchmarkOptions) -> Plan:
    """Read the plan from the file or the options.

    Raises:
        PlanError: If there is a mistake in it.
    """
    if options.plan is None:
        said = {name: getattr(options, name) for name in ("algorithms", "environments", "seeds", "frames")}
        missing = [f"--{name}" for name, value in said.items() if value is None and name != "seeds"]
        if missing:
            raise PlanError(f"a benchmark needs a file, or {' and '.join(missing)} besides what was given")
        return read_plan(item_of({name: value for name, value in said.items() if value is not None}))
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


def _chosen(kind: str, entries: Sequence[Any], names: Sequence[str]) -> tuple[Any, ...]:
    """Return the entries of these names.

    Raises:
        PlanError: If there is none of one.
    """
    known = {entry.name: entry for entry in entries}
    for name in names:
        if name not in known:
            raise PlanError(f"--{kind}: the file has no {name!r}: expected some of {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))
