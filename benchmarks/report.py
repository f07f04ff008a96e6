"""Write docs/performance.md from what the benchmarks measured: `python benchmarks/report.py`."""

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
NAMES = ("environments", "peers", "sb3_vec_env", "training", "phases", *TIMES, "overhead", "size", "gpu")
Results = Mapping[str, Mapping[str, Any]]


def read(folder: Path) -> Results:
    """Read the results of every benchmark, by its name; empty where it was not run."""
    files = {name: folder / f"{name}.json" for name in NAMES}
    return {name: json.loads(file.read_text(encoding="utf-8")) if file.exists() else {} for name, file in files.items()}


def find(results: Results, *path: str) -> Any:
    """Return what lies at a path into the results; None if nothing does."""
    found: Any = results
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def show(value: Any, name: str = "") -> str:
    """Write a figure as the benchmarks print it; what was not measured, with the benchmark that does."""
    if value is None:
        return f"not measured (`python benchmarks/{name}.py`)" if name else "–"
    if isinstance(value, Mapping) and "median" in value:
        return str(Figure(**value))
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(value: Any) -> Any:
    """Turn a figure that is a share into one in percent."""
    return {**value, **{key: 100 * value[key] for key in ("median", "least", "greatest")}} if value else None


def inverse(value: Any, factor: float) -> Any:
    """Turn a rate into what one takes."""
    if value is None:
        return None
    least, greatest = factor / value["greatest"], factor / value["least"]
    return {**value, "median": factor / value["median"], "least": least, "greatest": greatest}


def per_thread(threads: str) -> str:
    """Say a number of threads as the results do."""
    return "1 thread" if threads.startswith("1 ") else threads


def threads_of(results: Results) -> list[str]:
    """Return the numbers of threads and processes that training was measured with, as the results name them."""
    return [name for name in results["training"] if name.endswith(("threads", "processes"))]


def table(header: list[str], rows: list[list[Any]], name: str) -> str:
    """Write a table, or by which benchmark there would be one."""
    return markdown_table(header, rows) if rows else f"Not measured: run `python benchmarks/{name}.py`."


def machines(results: Results) -> str:
    """Say what everything was measured on: once, or by benchmark where it differs."""
    said: dict[str, list[str]] = {}
    for name, found in results.items():
        if "machine" in found:
            text = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
            said.setdefault(text, []).append(name)
    if len(said) == 1:
        return f"Machine: {next(iter(said))}."
    return "\n".join(f"- Machine of {', '.join(names)}: {text}." for text, names in said.items())


def glance(results: Results) -> str:
    """Write what was to be measured, a row each, with the ceiling or the peer that it was measured beside."""
    rate = ("environments", "steps_per_second")
    vector = "Catch, vector, 1,024 rows", "Cluttered 60x60, vector, 1,024 rows"
    ap_gym = ("peers", "steps_per_second", "glimpses of 5x5 in 28x28, 1,024 rows")
    rows = [
        [f"{name}: steps/s on one core", show(find(results, *rate, name), "environments"), share_of_copy(results, name)]
        for name in vector
    ]
    peer = show(find(results, *ap_gym, "ap_gym CircleSquare"))
    ratio = show(find(results, *ap_gym, "ratio"), "peers")
    rows.append(["glimpse environment, 1,024 rows: times the steps/s of ap_gym's", ratio, f"ap_gym {peer}"])
    single = inverse(find(results, *rate, "Catch, single"), 1e6)
    rows.append(["Catch, single environment: microseconds a step", show(single, "environments"), ""])
    for threads in threads_of(results) or ["2 threads"]:
        found, on = ("training", threads), per_thread(threads)
        peer = show(find(results, *found, "Catch, RecurrentPPO, frames/s"))
        ours = show(find(results, *found, "Catch, ours, frames/s"), "training")
        images = show(find(results, *found, "MNIST, ours, images/s"), "training")
        ratio = show(find(results, *found, "Catch, ratio"), "training")
        rows += [
            [f"Catch training, {on}: frames/s", ours, ""],
            [f"Catch training, {on}: times sb3-contrib's RecurrentPPO", ratio, f"RecurrentPPO {peer} frames/s"],
            [f"MNIST training, 6 glimpses, {on}: images/s", images, ""],
        ]
    rows += [[f"wall time to {what}: seconds", time, ""] for what, time in times(results)]
    precision = find(results, "phases", "precision") or "bfloat16"
    product = show(find(results, "training", "1 threads", f"{precision} product, FLOP/s"))
    for name in ("Catch", "MNIST"):
        share = percent(find(results, "phases", name, f"share of the {precision} product, update"))
        what = f"share of the measured {precision} product in the update, {name}, one thread: %"
        rows.append([what, show(share, "phases"), f"the product: {product} FLOP/s"])
    best = fastest(results)
    peak = show(find(results, "gpu", "ceilings", "bfloat16 product, FLOP/s"))
    for what in ("Catch training, frames/s", "20 M frames of Catch, seconds", "an epoch of MNIST, seconds"):
        where = f" ({best}, {results['gpu']['device']})" if best else ""
        beside = f"bfloat16 product: {peak} FLOP/s" if best else ""
        rows.append([f"GPU{where}: {what}", show(find(results, "gpu", best, what), "gpu"), beside])
    return markdown_table(["what", "measured", "ceiling, or peer"], rows)


def share_of_copy(results: Results, name: str) -> str:
    """Say what the observations of an environment make of the measured copy."""
    size = find(results, "environments", "observation_bytes", name.split(", ")[0])
    rate = find(results, "environments", "steps_per_second", name)
    copy = find(results, "training", "1 threads", "copy, bytes/s")
    if None in (size, rate, copy):
        return ""
    return f"{size} bytes a step: {100 * size * rate['median'] / copy['median']:.2g} % of the copy"


def times(results: Results) -> list[tuple[str, str]]:
    """Return the bars of the wall times, and what they took."""
    rows = []
    for name, title in TIMES.items():
        found = results[name]
        if title not in found:
            rows.append((title, show(None, "time_to")))
            continue
        processes, threads = found["processes"], found["threads_of_training"]
        on = f"{processes} processes" if processes > 1 else per_thread(f"{threads} threads")
        rows.append((f"{title}, {on}", show(found[title]["seconds"])))
    return rows


def fastest(results: Results) -> str:
    """Return the number of rows at which the GPU trains Catch fastest, as the results name it; empty if none did."""
    rates = {
        rows: found["Catch training, frames/s"]["median"]
        for rows, found in results["gpu"].items()
        if rows.endswith(" rows") and "Catch training, frames/s" in found
    }
    return max(rates, key=lambda rows: rates[rows], default="")


def sections(results: Results) -> dict[str, str]:
    """Return what stands in the places of the page."""
    rates = results["environments"].get("steps_per_second", {})
    peers = [
        [name, show(found.get("ours")), peer, show(rate), show(found.get("ratio"))]
        for name, found in results["peers"].get("steps_per_second", {}).items()
        for peer, rate in found.items()
        if peer not in ("ours", "ratio")
    ]
    lacking = {peer: why for found in results.values() for peer, why in found.get("missing", {}).items()}
    missing = "".join(f"\n\nMissing, and so not compared with: {peer} ({error})." for peer, error in lacking.items())
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
        "ceilings": table(["threads", "what", "figure"], ceilings, "training"),
        "environments": table(
            ["environment", "steps/s", "observations"],
            [[name, show(value), share_of_copy(results, name)] for name, value in rates.items()],
            "environments",
        ),
        "import_seconds": show(results["environments"].get("import_seconds")),
        "peers": table(["what", "ours, steps/s", "peer", "peer, steps/s", "ratio"], peers, "peers") + missing,
        "vec_env": table(
            ["VecEnv", "steps/s, or ratio"],
            [[name, show(value)] for name, value in {**vec_env.get("steps_per_second", {}), **ratios}.items()],
            "sb3_vec_env",
        ),
        "training": table(["threads", "what", "figure"], training, "training"),
        "phases": table(
            ["training", "what", "figure"],
            [
                [name, what, show(value)]
                for name in ("Catch", "MNIST")
                for what, value in results["phases"].get(name, {}).items()
            ],
            "phases",
        ),
        "time_to": markdown_table(["to", "seconds"], [list(row) for row in times(results)]),
        "overhead": table(
            ["eight short runs of `ram benchmark`, one thread each", "figure"],
            [[name, show(value)] for name, value in results["overhead"].get("seconds", {}).items()],
            "overhead",
        ),
        "gpu": gpu(results),
        "size": table(["side", "rows", "a glimpse, us", "a scene, us", "scenes, MiB"], size, "size"),
        "training_image": table(
            ["side", "a training image, us"], [[side, show(value)] for side, value in images.items()], "size"
        ),
    }


def of_threads(results: Results) -> list[tuple[str, str, Any]]:
    """Return threads, name and value of everything that training measured."""
    return [(n, name, value) for n in threads_of(results) for name, value in results["training"][n].items()]


def gpu(results: Results) -> str:
    """Write everything that was measured on a GPU."""
    found = results["gpu"]
    groups = {"ceilings": found.get("ceilings", {})} | {
        key: value for key, value in found.items() if key.endswith(" rows")
    }
    rows = [[group, name, show(value)] for group, values in groups.items() for name, value in values.items()]
    return (f"{found['device']}.\n\n" if found else "") + table(["rows", "what", "figure"], rows, "gpu")


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
