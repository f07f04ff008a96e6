"""Write docs/performance.md from what the benchmarks measured: `python benchmarks/report.py`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from measure import Figure, markdown_table

PAGE = """# Performance

Made from `benchmarks/results/*.json` by `python benchmarks/report.py`; `make bench` measures all of it again, and
`make bench QUICK=1` in a few minutes, with wider spreads. Contestants take turns in one run; a figure is the median
over the turns, with the least and the greatest in brackets, and a ratio is the median of the ratios turn by turn.

{machine}

## Environments
One core, random actions; glimpses, auto-resets and the composition of new scenes are part of a step.

{environments}

Importing `ram_envs` takes {import_seconds} seconds.

## Beside peers
ap_gym's CircleSquare gets the same rows, image side, patch and number of steps. gymnax's Catch shows the whole 10x5
board, and is compiled as a whole by JAX. The third table is our `VecEnv` for Stable-Baselines3 beside its own over
single environments.

{peers}

{vec_env}

## Training
Catch: our recurrent PPO beside sb3-contrib's RecurrentPPO with our policy, of equal networks, rows, epochs and
    minibatches.
MNIST: the hybrid training with 6 glimpses. The share is that of the measured matrix product (2048x256 by 256x256) in
    the
precision of the training; the operations are counted as two for each weight of each matrix, once for playing, three
times for each pass of the update.

{training}

## Cost against size
The translated task (12x12 patches, 3 scales, 8 glimpses), one thread. A glimpse costs the same at every size as long
as the scenes stay in the processor's caches; composing a scene, once an episode, costs its area; what the networks
cost does not depend on it.

{size}

{training_image}

## Where the time goes, and what was tried
- **Sensor.** Summed-area tables in NumPy or torch read any box in four look-ups, so a glimpse costs the same at every
  scale; a compiled kernel (numba, extra `fast`) that adds up strips of the scene is three to four times faster still
  on a CPU, because a table of int32 is four times the memory of a scene of uint8, and memory is what the table waits
  for. A compiled kernel over tables was tried and was no faster than the strips. Without numba, and on a GPU, tables
  are used.
- **Catch** reads its glimpses from its three white pixels; no screen is drawn unless someone asks for it.
- **Scenes** are composed in bulk with the resets, by flat indices; this is the smaller part of a step.
- **Randomness** is a hash of seed, episode and draw, so it needs no generator a row.
- **Training** plays whole episodes in the tensor environment and evaluates sequences at once: the encoders see all
  steps of all rows in one product, the LSTM is one fused call, and statistics are read once every `log_every`
  iterations.
"""


def read(folder: Path, name: str) -> dict[str, Any]:
    """Read one file of results; empty if it was not measured."""
    path = folder / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def show(value: Any) -> str:
    """Write a figure as the benchmarks print it."""
    if isinstance(value, dict) and "median" in value:
        return str(Figure(**value))
    return "" if value is None else str(value)


def table_of(results: dict[str, Any], header: list[str]) -> str:
    """Write name and figure, a row each."""
    return (
        markdown_table(header, [[name, show(value)] for name, value in results.items()]) if results else "Not measured."
    )


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--out", type=Path, default=Path("docs/performance.md"))
    options = parser.parse_args()
    environments, peers, vec_env, training, size = (
        read(options.results, name) for name in ("environments", "peers", "sb3_vec_env", "training", "size")
    )
    machine = environments.get("machine", {})
    peer_rows = [
        [name, show(found.get("ours")), peer, show(rate), show(found.get("ratio"))]
        for name, found in peers.get("steps_per_second", {}).items()
        for peer, rate in found.items()
        if peer not in ("ours", "ratio")
    ]
    missing = "".join(f"\n\nMissing: {peer} ({error})." for peer, error in peers.get("missing", {}).items())
    by_threads = {key: value for key, value in training.items() if key.endswith("threads")}
    size_rows = [
        [entry["side"], f"{entry['rows']:,}", *(show(entry["microseconds"][key]) for key in ("glimpse", "scene"))]
        if "microseconds" in entry
        else [entry["side"], f"{entry['rows']:,}", entry["left_out"], f"{entry['scene_bytes'] / 2**30:.1f} GiB"]
        for entry in size.get("environment", [])
    ]
    page = PAGE.format(
        machine="Machine: " + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".",
        environments=table_of(environments.get("steps_per_second", {}), ["environment", "steps/s"]),
        import_seconds=show(environments.get("import_seconds")),
        peers=markdown_table(["what", "ours, steps/s", "peer", "peer, steps/s", "ratio"], peer_rows) + missing,
        vec_env=table_of(vec_env_figures(vec_env), ["VecEnv", "steps/s, or ratio"]),
        training="\n\n".join(f"{name}:\n\n{table_of(found, ['what', 'figure'])}" for name, found in by_threads.items()),
        size=markdown_table(["side", "rows", "a glimpse, us", "a scene, us"], size_rows),
        training_image=table_of(size.get("training_image_microseconds", {}), ["side", "a training image, us"]),
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(page, encoding="utf-8")
    print(f"wrote {options.out}")


def vec_env_figures(results: dict[str, Any]) -> dict[str, Any]:
    """Join rates and ratios of the VecEnv benchmark."""
    ratios = {f"RAMVecEnv / {name}": value for name, value in results.get("ratios", {}).items()}
    return {**results.get("steps_per_second", {}), **ratios}


if __name__ == "__main__":
    main()
