"""A Ray to run on: one on this machine, or a cluster that has to answer."""

# ruff: noqa: E402 (Ray is imported once it is known that it is there)
from __future__ import annotations

import subprocess
import sys

from agents.integrations import require

require("rllib", "ray")

import ray

_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR'); ray.nodes()"


def connect_ray(address: str | None = None, *, num_cpus: int | None = None, timeout_s: float = 20.0) -> None:
    """Start a Ray on this machine, or connect to a cluster; a Ray that this process already uses is kept.

    ``ray.init`` waits for minutes for a cluster that is not there and then ends the process, so another process tries
    the address first and is ended if it takes too long.

    Args:
        address: Of the cluster, as ``ray.init`` takes it: "host:6379" from a node of the cluster, "ray://host:10001"
            from outside, "auto" for the one that runs here. None starts a Ray of this process's own.
        num_cpus: For a Ray of one's own: how many tasks of one CPU it runs side by side; None for as many as there are
            cores.
        timeout_s: Seconds in which the cluster has to answer.

    Raises:
        ConnectionError: If it does not; the message says what was tried.
    """
    if ray.is_initialized():
        return
    if address is None:
        ray.init(address="local", num_cpus=num_cpus, include_dashboard=False, logging_level="ERROR")
        return
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE, address], capture_output=True, text=True, timeout=timeout_s, check=False
        )
        problem = None if probe.returncode == 0 else (probe.stderr.strip().splitlines() or ["no reason given"])[-1]
    except subprocess.TimeoutExpired:
        problem = f"no answer in {timeout_s:g} seconds"
    if problem is not None:
        raise ConnectionError(
            f"tried to connect to a Ray cluster at address={address!r}: {problem}. Is it running (`ray start --head` "
            "on its first node prints the address), can this machine reach the port, and does it run the same "
            f"version, {ray.__version__}? Leave the address out for a Ray on this machine."
        )
    ray.init(address=address, logging_level="ERROR")
