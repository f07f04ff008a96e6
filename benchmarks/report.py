"""Write docs/performance.md from the results of the benchmarks: `python benchmarks/report.py`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measure import Figure
from time_to import TASKS

from agents.pictures.markdown import markdown_table

TEMPLATE = Path(__file__).with_name("performance.template.md")
TIMES = {f"time_to_{name}": task.title for name, task in TASKS.items()}
NAMES = (
    *("environments", "before", "peers", "sb3_vec_env", "training", "jax_training", "phases", "presets"),
    *(*TIMES, "overhead", "size", "wrapper", "gpu"),
)
NO_PEERS = ("ours", "ratios")
"""Keys of a comparison that name no peer."""
Results = Mapping[str, Mapping[str, Any]]


def read(folder: Path) -> Results:
    """Read the results of every benchmark by its name; empty if it was not run."""
    files = {name: folder / f"{name}.json" for name in NAMES}
    return {name: json.loads(file.read_text(encoding="utf-8")) if file.exists() else {} for name, file in files.items()}


def find(results: Results, *path: str) -> Any:
    """Return the value at a path of keys in the results; None if there is none."""
    value: Any = results
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def show(value: Any, name: str = "") -> str:
    """Format a figure; a missing one becomes "not measured", with the benchmark to run."""
    if value is None:
        return f"not measured (`python benchmarks/{name}.py`)" if name else "–"
    if isinstance(value, Mapping) and "median" in value:
        return str(Figure(**value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(value: Any) -> Any:
    """Convert a figure from a share to percent."""
    return {**value, **{key: 100 * value[key] for key in ("median", "least", "greatest")}} if value else None


def inverse(value: Any, factor: float) -> Any:
    """Convert a rate to the time per unit, multiplied by a factor."""
    if value is None:
        return None
    least, greatest = factor / value["greatest"], factor / value["least"]
    return {**value, "median": factor / value["median"], "least": least, "greatest": greatest}


def per_thread(threads: str) -> str:
    """Return the label of a number of threads."""
    return "1 thread" if threads.startswith("1 ") else threads


def threads_of(results: Results) -> list[str]:
    """Return the keys of the results of training: the numbers of threads and processes."""
    return [name for name in results["training"] if name.endswith(("threads", "processes"))]


def table(header: list[str], rows: list[list[Any]], name: str) -> str:
    """Format a table, or say which benchmark to run if there are no rows."""
    return markdown_table(header, rows) if rows else f"Not measured: run `python benchmarks/{name}.py`."


def machines(results: Results) -> str:
    """Describe the machine, once or for each group of benchmarks with the same machine."""
    names_by_machine: dict[str, list[str]] = {}
    for name, result in results.items():
        if "machine" in result:
            text = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
            names_by_machine.setdefault(text, []).append(name)
    if len(names_by_machine) == 1:
        return f"Machine: {next(iter(names_by_machine))}."
    return "\n".join(f"- Machine of {', '.join(names)}: {text}." for text, names in names_by_machine.items())


def glance(results: Results) -> str:
    """Format the summary table: one row per measurement, with its upper bound or the library it is compared with."""
    rate = ("environments", "steps_per_second")
    vector = "Catch, vector, 1,024 rows", "Cluttered 60x60, vector, 1,024 rows"
    ap_gym = ("peers", "steps_per_second", "glimpses of 5x5 in 28x28, 1,024 rows")
    rows = [
        [f"{name}: steps/s on one core", show(find(results, *rate, name), "environments"), share_of_copy(results, name)]
        for name in vector
    ]
    peer = show(find(results, *ap_gym, "ap_gym CircleSquare"))
    ratio = show(find(results, *ap_gym, "ratios", "ap_gym CircleSquare"), "peers")
    rows.append(["glimpse environment, 1,024 rows: throughput relative to ap_gym", ratio, f"ap_gym {peer}"])
    for num_envs in ("64", "1,024", "16,384"):
        catch = ("peers", "steps_per_second", f"Catch, {num_envs} rows")
        ratio, peer = find(results, *catch, "ratios", "gymnax Catch"), show(find(results, *catch, "gymnax Catch"))
        rows.append([f"Catch, {num_envs} rows: throughput relative to gymnax", compared(ratio), f"gymnax {peer}"])
    single = inverse(find(results, *rate, "Catch, single"), 1e6)
    rows.append(["Catch, single environment: microseconds per step", show(single, "environments"), ""])
    for threads in threads_of(results) or ["2 threads"]:
        found, on = ("training", threads), per_thread(threads)
        peer = show(find(results, *found, "Catch, RecurrentPPO, frames/s"))
        ours = show(find(results, *found, "Catch, ours, frames/s"), "training")
        images = show(find(results, *found, "MNIST, ours, images/s"), "training")
        ratio = show(find(results, *found, "Catch, ratio"), "training")
        rows += [
            [f"Catch training, {on}: frames/s", ours, ""],
            [
                f"Catch training, {on}: throughput relative to sb3-contrib's RecurrentPPO",
                ratio,
                f"RecurrentPPO {peer} frames/s",
            ],
            [f"MNIST training, 6 glimpses, {on}: images/s", images, ""],
        ]
    rows += [[f"wall-clock time to {what}: seconds", time, ""] for what, time in times(results)]
    precision = find(results, "phases", "precision") or "bfloat16"
    product = show(find(results, "training", "1 threads", f"{precision} product, FLOP/s"))
    for name in ("Catch", "MNIST"):
        share = percent(find(results, "phases", name, f"share of the {precision} product, update"))
        what = f"update of {name}, one thread: % of the measured {precision} product"
        rows.append([what, show(share, "phases"), f"{precision} product: {product} FLOP/s"])
    best = fastest(results)
    peak = show(find(results, "gpu", "ceilings", "bfloat16 product, FLOP/s"))
    for what in ("Catch training, frames/s", "20 M frames of Catch, seconds", "an epoch of MNIST, seconds"):
        where = f" ({best}, {results['gpu']['device']})" if best else ""
        beside = f"bfloat16 product: {peak} FLOP/s" if best else ""
        rows.append([f"GPU{where}: {what}", show(find(results, "gpu", best, what), "gpu"), beside])
    return markdown_table(["measurement", "result", "upper bound or comparison"], rows)


def compared(ratio: Any) -> str:
    """Format the ratio of ours to another's; ours is marked if it is slower by more than 1 %."""
    return show(ratio, "peers") + (", behind" if ratio and ratio["median"] < 0.99 else "")


def share_of_copy(results: Results, name: str) -> str:
    """Compare the bytes of the observations of an environment with the measured copy."""
    size = find(results, "environments", "observation_bytes", name.split(", ")[0])
    rate = find(results, "environments", "steps_per_second", name)
    copy = find(results, "training", "1 threads", "copy, bytes/s")
    if None in (size, rate, copy):
        return ""
    return f"{size} bytes per step: {100 * size * rate['median'] / copy['median']:.2g} % of the copy"


def times(results: Results) -> list[tuple[str, str]]:
    """Return the scores and the training times to reach them."""
    rows = []
    for name, title in TIMES.items():
        found = results[name]
        if title not in found:
            rows.append((title, show(None, "time_to")))
            continue
        processes, threads = found["processes"], found["threads_of_training"]
        on = f"{processes} processes" if processes > 1 else per_thread(f"{threads} threads")
        seeds = len(found[title]["runs"])
        rows.append((f"{title}, {on}, {seeds} {'seed' if seeds == 1 else 'seeds'}", show(found[title]["seconds"])))
    return rows


def fastest(results: Results) -> str:
    """Return the key of the number of rows with the highest training throughput of Catch on a GPU; "" if none."""
    rates = {
        rows: found["Catch training, frames/s"]["median"]
        for rows, found in results["gpu"].items()
        if rows.endswith(" rows") and "Catch training, frames/s" in found
    }
    return max(rates, key=lambda rows: rates[rows], default="")


def sections(results: Results) -> dict[str, str]:
    """Return the text of every placeholder in the template."""
    rates = results["environments"].get("steps_per_second", {})
    peers = [
        [name, show(found.get("ours")), peer, show(rate), compared(find(found, "ratios", peer))]
        for name, found in results["peers"].get("steps_per_second", {}).items()
        for peer, rate in found.items()
        if peer not in NO_PEERS
    ]
    lacking = {peer: why for found in results.values() for peer, why in found.get("missing", {}).items()}
    missing = "".join(f"\n\nNot installed, so not compared: {peer} ({error})." for peer, error in lacking.items())
    vec_env = results["sb3_vec_env"]
    ratios = {f"RAMVecEnv / {name}": value for name, value in vec_env.get("ratios", {}).items()}
    size = [
        [
            entry["side"],
            f"{entry['rows']:,}",
            *(show(entry["microseconds"][key]) for key in ("glimpse", "scene")),
            memory,
        ]
        if "microseconds" in entry
        else [entry["side"], f"{entry['rows']:,}", entry["left_out"], "", memory]
        for entry in results["size"].get("environment", [])
        for memory in [f"{entry['scene_bytes'] / 2**20:,.1f}"]
    ]
    images = results["size"].get("training_image_microseconds", {})
    threads = [[per_thread(n), name, show(value)] for n, name, value in of_threads(results)]
    ceilings = [row for row in threads if not row[1].startswith(("Catch", "MNIST"))]
    training = [row for row in threads if row[1].startswith(("Catch", "MNIST"))]
    return {
        "machines": machines(results),
        "glance": glance(results),
        "ceilings": table(["threads", "measurement", "result"], ceilings, "training"),
        "environments": table(
            ["environment", "steps/s", "observations"],
            [[name, show(value), share_of_copy(results, name)] for name, value in rates.items()],
            "environments",
        ),
        "import_seconds": show(results["environments"].get("import_seconds")),
        "peers": table(["environment", "ours, steps/s", "compared with", "its steps/s", "ratio"], peers, "peers")
        + missing,
        "before": before(results),
        "jax_training": table(
            ["measurement", "result"],
            [
                [name, compared(value) if "ratio" in name else show(value)]
                for name, value in results["jax_training"].get("found", {}).items()
            ],
            "jax_training",
        ),
        "presets": table(
            ["preset and score", "result"],
            [[name, show(value)] for name, value in results["presets"].get("found", {}).items()],
            "presets",
        ),
        "vec_env": table(
            ["VecEnv", "steps/s or ratio"],
            [[name, show(value)] for name, value in {**vec_env.get("steps_per_second", {}), **ratios}.items()],
            "sb3_vec_env",
        ),
        "training": table(["threads", "measurement", "result"], training, "training"),
        "phases": table(
            ["training", "measurement", "result"],
            [
                [name, what, show(value)]
                for name in ("Catch", "MNIST")
                for what, value in results["phases"].get(name, {}).items()
            ],
            "phases",
        ),
        "time_to": markdown_table(["score", "seconds"], [list(row) for row in times(results)]),
        "overhead": table(
            ["eight short runs of `ram benchmark`, one thread each", "result"],
            [[name, show(value)] for name, value in results["overhead"].get("seconds", {}).items()],
            "overhead",
        ),
        "wrapper": table(
            ["measurement", "result"],
            [[name, show(value)] for name, value in results["wrapper"].get("added", {}).items()],
            "wrapper",
        ),
        "gpu": gpu(results),
        "size": table(["side", "rows", "µs per glimpse", "µs per scene", "scenes, MiB"], size, "size"),
        "training_image": table(
            ["side", "µs per training image"], [[side, show(value)] for side, value in images.items()], "size"
        ),
    }


def before(results: Results) -> str:
    """Format the speed relative to an earlier commit."""
    rows = [
        [name, show(found["now"]), show(found["before"]), compared(found["times before"])]
        for name, found in results["before"].get("found", {}).items()
    ]
    commit = results["before"].get("commit", "an earlier commit")
    return table(["measurement", "now", f"at {commit}", "times as fast"], rows, "before")


def of_threads(results: Results) -> list[tuple[str, str, Any]]:
    """Return threads, name and value of every measurement of training."""
    return [(n, name, value) for n in threads_of(results) for name, value in results["training"][n].items()]


def gpu(results: Results) -> str:
    """Format all measurements on a GPU."""
    found = results["gpu"]
    groups = {"ceilings": found.get("ceilings", {})} | {
        key: value for key, value in found.items() if key.endswith(" rows")
    }
    rows = [[group, name, show(value)] for group, values in groups.items() for name, value in values.items()]
    return (f"{found['device']}.\n\n" if found else "") + table(["rows", "measurement", "result"], rows, "gpu")


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--out", type=Path, default=Path("docs/performance.md"))
    options = parser.parse_args()
    page = TEMPLATE.read_text(encoding="utf-8")
    for name, text in sections(read(options.results)).items():
        page = page.replace("{" + name + "}", text)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    print(f"wrote {options.out}")


if __name__ == "__main__":
    main()
