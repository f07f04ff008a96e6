"""The report of a benchmark: a page in Markdown and its plots, made from the results and nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from agents.benchmark.plots import plot_curves, plot_scores, plot_speed
from agents.benchmark.references import ORACLE, RANDOM, REFERENCES
from agents.benchmark.results import Results
from agents.benchmark.statistics import Estimate
from agents.benchmark.summary import Summary
from agents.pictures.markdown import markdown_table
from agents.ram.checkpoint import write_atomically

NOTES = "notes.md"
"""A text that the report takes over, where the folder of the results has one."""
_PLOTS = {"scores": plot_scores, "curves": plot_curves, "speed": plot_speed}

_PAGE = """# Benchmark

Made by `ram benchmark report {folder}` from the results of {runs} runs; do not edit it.
{notes}
## Final scores

{scores}

{scores_plot}

Percent of {episodes:,} fresh episodes that were won after {frames:,} frames: the share of balls caught, or of images of
the split "{split}" named rightly, with the likeliest actions. Each algorithm learned with {seeds} on each environment;
the figure is the interquartile mean of the runs, with its 95 % interval from a bootstrap that draws runs with
replacement, environment by environment ([Agarwal et al. 2021](https://arxiv.org/abs/2108.13264)). Of up to three runs
on one environment that is the mean, and the interval is a coarse one. In the plot, ticks are single runs, the dotted
line is the random player and the dashed one the oracle.

"Normalised" puts the player that acts at random at 0 and the oracle at 100 on every environment, and takes all
environments together. The oracle sees the whole scene: in Catch it predicts the landing from what it has seen of the
ball, in classification it is taken to be always right.

## Sample efficiency

{curves_plot}

The same figures while learning, at {points} points of {curve_episodes:,} episodes each.

## Speed

{speed}

{speed_plot}

Frames a second of learning, the median over the runs; evaluations are not counted. Each run had a process with
{threads}.

## What ran

{settings}

{machines}
{missing}"""


def write_report(results: Results, page: Path) -> list[Path]:
    """Write the page, and its plots in the folder "figures" beside it.

    Args:
        results: The folder of the results.
        page: The file to write; its plots are called after it.

    Returns:
        The files.

    Raises:
        ResultError: If there are no results, or some that cannot be compared.
        OSError: If something cannot be written.
    """
    summary = Summary(results.read())
    files = []
    links = {}
    for name, plot in _PLOTS.items():
        file = page.parent / "figures" / f"{page.stem}-{name}.png"
        plot(summary, file)
        files.append(file)
        links[f"{name}_plot"] = f"![{name}](figures/{file.name})"
    notes = results.folder / NOTES
    text = notes.read_text(encoding="utf-8").strip() + "\n" if notes.exists() else ""
    seeds = sorted({run["job"]["seed"] for run in summary.results if run["job"]["algorithm"] not in REFERENCES})
    content = _PAGE.format(
        folder=_shown(results.folder),
        runs=len(summary.results),
        notes=f"\n{text}" if text else "",
        scores=_scores(summary),
        episodes=summary.evaluation["episodes"],
        split=summary.evaluation["split"],
        frames=summary.frames,
        seeds=f"{len(seeds)} seeds" if len(seeds) > 1 else "one seed",
        points=summary.evaluation["curve_points"] + 1,
        curve_episodes=summary.evaluation["curve_episodes"],
        speed=_speed(summary),
        threads=_threads(summary),
        settings=_settings(summary),
        machines=_machines(summary),
        missing=_missing(summary, results),
        **links,
    )
    write_atomically(page, content.encode(errors="backslashreplace"))
    return [page, *files]


def _scores(summary: Summary) -> str:
    header = ["algorithm", *summary.environments, "normalised"]
    lines = []
    for name in summary.algorithms:
        finals = [summary.final(name, where) for where in summary.environments]
        lines.append([name, *map(_estimate, finals), _estimate(summary.overall(name))])
    for name, normalised in ((RANDOM, "0"), (ORACLE, "100")):
        found = [summary.reference(name, where) for where in summary.environments]
        lines.append([f"*{name}*", *("-" if value is None else f"{value:.1f}" for value in found), normalised])
    return markdown_table(header, lines)


def _speed(summary: Summary) -> str:
    lines = []
    for name in summary.algorithms:
        speeds = [summary.frames_per_second(name, where) for where in summary.environments]
        lines.append([name, *(f"{np.median(values):,.0f}" if len(values) else "-" for values in speeds)])
    return markdown_table(["algorithm", *summary.environments], lines)


def _settings(summary: Summary) -> str:
    """Say for each algorithm what it is, in which formats it played, and which settings were chosen."""
    lines = []
    for name in summary.algorithms:
        runs = [run for where in summary.environments for run in summary.runs(name, where)]
        jobs = [run["job"] for run in runs]
        formats = _distinct(f"{job['action_format']} actions, {job['observation_format']} observations" for job in jobs)
        chosen = _distinct(_plain_settings(job["settings"]) for job in jobs)
        frames = sorted({run["frames"] for run in runs})
        used = f"{frames[0]:,}" if len(frames) == 1 else f"{frames[0]:,} to {frames[-1]:,}"
        lines.append(
            [name, "; ".join(_distinct(f"`{job['implementation']}`" for job in jobs)), "; ".join(formats), used]
        )
        lines[-1].append("; ".join(chosen) or "defaults")
    environments = [
        [where, f"`{job['env_id']}`", _plain_settings(job["env_settings"]) or "defaults"]
        for where in summary.environments
        for job in [next(run["job"] for run in summary.results if run["job"]["environment"] == where)]
    ]
    return (
        markdown_table(["algorithm", "is", "formats", "frames", "settings"], lines)
        + "\n\n"
        + markdown_table(["environment", "is", "settings"], environments)
        + "\n\nAll settings, defaults included, are in the results' JSON files."
    )


def _machines(summary: Summary) -> str:
    lines = []
    for kind in ("hardware", "versions"):
        for text in _distinct(
            ", ".join(f"{name} {value}" for name, value in run[kind].items()) for run in summary.results
        ):
            lines.append(f"- {kind}: {text}")
    hours = sum(run["seconds"] + run["seconds_evaluating"] for run in summary.results) / 3600
    return "\n".join([*lines, f"- time of all runs together: {hours:.1f} hours"])


def _missing(summary: Summary, results: Results) -> str:
    lines = [f"- missing: {run}" for run in summary.missing()] + [f"- failed: {run}" for run in results.failed()]
    return "\n## Not complete\n\n" + "\n".join(lines) + "\n" if lines else ""


def _threads(summary: Summary) -> str:
    threads = sorted({run["job"]["threads"] for run in summary.results})
    return " or ".join(f"{count} thread{'s' if count > 1 else ''}" for count in threads)


def _estimate(found: Estimate | None) -> str:
    return "-" if found is None else f"{found.value:.1f} ({found.low:.1f} to {found.high:.1f})"


def _plain_settings(settings: dict[str, Any]) -> str:
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in settings.items())


def _distinct(texts: Iterable[str]) -> list[str]:
    return [text for text in dict.fromkeys(texts) if text]


def _shown(folder: Path) -> str:
    """Return a folder as it is called from here, without where here is."""
    relative = os.path.relpath(folder)
    return folder.name if relative.startswith("..") else Path(relative).as_posix()
