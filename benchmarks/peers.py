"""Throughput compared with other environments, on one core, in processor time: `python benchmarks/peers.py`.

ap_gym's CircleSquare is the most similar environment: an agent classifies an image with a small movable glimpse. It is
measured with the same number of rows, image size, patch size and number of steps. The Catch of gymnax (compiled by
JAX), envpool (C++) and bsuite (Python) shows the whole 10x5 board, and Gymnasium's CartPole four numbers; a step of our
Catch computes three 6x6 patches of a 24x24 screen. `make bench` installs gymnax, envpool and bsuite in a virtual
environment of their own (`--python`). What is missing is reported as missing.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import gymnasium as gym
import numpy as np
from contestants import Contestant, gymnasium_cartpole, single, stepped, vector
from elsewhere import Elsewhere, NotThere, use_one_core
from measure import figure, measure, ratio, write_json

import ram_envs  # noqa: F401
from agents.pictures.markdown import markdown_table

AP_GYM_ID, SIDE, PATCH, STEPS = "CircleSquare-s28-v0", 28, 5, 16
CATCH, ROWS = "RAM-CatchGame-v0", (1, 64, 1024, 16384)
GYMNAX, ENVPOOL, BSUITE, CARTPOLE = "gymnax Catch", "envpool Catch", "bsuite Catch", "Gymnasium CartPole"


def our_glimpses(num_envs: int) -> Contestant:
    """Step our classification task with the sizes of ap_gym's environment."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (10_000, SIDE, SIDE)).astype(np.uint8)
    dataset = (images, generator.integers(0, 2, 10_000))
    envs = gym.make_vec("RAM-MNIST-v0", num_envs, dataset=dataset, patch_size=PATCH, num_glimpses=STEPS)
    return stepped(envs, 4 * STEPS)


def ap_gym_glimpses(num_envs: int) -> Contestant:
    """Step ap_gym's environment with its defaults.

    Raises:
        NotThere: If ap_gym is not installed.
    """
    try:
        import ap_gym
    except ImportError as error:
        raise NotThere(str(error)) from error
    return stepped(ap_gym.make_vec(AP_GYM_ID, num_envs=num_envs), 2)


def compare(
    name: str, ours: Contestant, peers: dict[str, Any], seconds: float, missing: dict[str, str]
) -> dict[str, Any]:
    """Measure our contestant beside peers, and print a line for each.

    Args:
        name: What is compared.
        ours: Our contestant.
        peers: By name, a function that returns the contestant.
        seconds: Duration of a turn.
        missing: Gets the peers that are not there, and why.

    Returns:
        The rate of "ours" and of each peer, and "ratios", ours by theirs.
    """
    contestants: dict[str, Any] = {"ours": ours}
    for peer, make in peers.items():
        try:
            contestants[peer] = make()
        except NotThere as error:
            missing[peer] = str(error)
    rates = measure(contestants, seconds=seconds, clock="processor")
    for contestant in contestants.values():
        if isinstance(contestant, Elsewhere):
            contestant.close()
    ratios = {peer: ratio(rates["ours"], values) for peer, values in rates.items() if peer != "ours"}
    found = {contestant: figure(values) for contestant, values in rates.items()}
    rows = [
        [name, found["ours"], peer, found[peer], f"{value}{' BEHIND' if value.median < 1 else ''}"]
        for peer, value in ratios.items()
    ]
    print(markdown_table(["what", "ours, steps/s", "peer", "peer, steps/s", "ratio"], rows), flush=True)
    return {**found, "ratios": ratios}


def main() -> None:
    """Measure, print tables, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter turns, for a first look")
    parser.add_argument("--python", default=".venv-jax/bin/python", help="where gymnax, envpool and bsuite are")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/peers.json"))
    options = parser.parse_args()
    seconds = 0.1 if options.quick else 1.0
    use_one_core()

    def there(function: str, *arguments: Any) -> Any:
        return lambda: Elsewhere(f"contestants:{function}", *arguments, python=options.python)

    missing: dict[str, str] = {}
    results: dict[str, Any] = {}
    for num_envs in (64, 1024):
        name = f"glimpses of 5x5 in 28x28, {num_envs:,} rows"
        peers: dict[str, Any] = {"ap_gym CircleSquare": lambda num_envs=num_envs: ap_gym_glimpses(num_envs)}
        results[name] = compare(name, our_glimpses(num_envs), peers, seconds, missing)
    name = "Catch, single environment"
    peers = {f"{CARTPOLE}, single environment": lambda: single("CartPole-v1"), BSUITE: there("bsuite_catch")}
    results[name] = compare(name, single(CATCH), peers, seconds, missing)
    for num_envs in ROWS:
        name = f"Catch, {num_envs:,} row{'s' if num_envs > 1 else ''}"
        peers = {GYMNAX: there("gymnax_catch", num_envs), ENVPOOL: there("envpool_catch", num_envs)}
        peers[CARTPOLE] = lambda num_envs=num_envs: gymnasium_cartpole(num_envs)
        results[name] = compare(name, vector(CATCH, num_envs), peers, seconds, missing)
    for peer, error in missing.items():
        print(f"missing: {peer} ({error})")
    write_json(options.out, {"steps_per_second": results, "missing": missing})


if __name__ == "__main__":
    main()
