"""A Ray to run on: one on this machine, or a cluster that has to answer."""

# ruff: noqa: E402 (Ray is imported once it is known that it is there)
from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

from agents.extras import require

require("rllib", "ray")

import ray

_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR'); ray.nodes()"


def connect_ray(
    address: str | None = None,
    *,
    num_cpus: int | None = None,
    object_store_mib: int | None = None,
    timeout_s: float = 20.0,
) -> None:
    """Start a Ray on this machine, or connect to a cluster; a Ray that this process already uses is kept.

    ``ray.init`` waits for minutes for a cluster that is not there and then ends the process, so another process tries
    the address first and is ended if it takes too long.

    Args:
        address: Of the cluster, as ``ray.init`` takes it: "host:6379" from a node of the cluster, "ray://host:10001"
            from outside, "auto" for the one that runs here. None starts a Ray of this process's own.
        num_cpus: For a Ray of one's own: how many tasks of one CPU it runs side by side; None for as many as there are
            cores.
        object_store_mib: For a Ray of one's own: MiB of memory that its processes exchange data through; None for
            Ray's default, a good part of the machine's.
        timeout_s: Seconds in which the cluster has to answer.

    Raises:
        ConnectionError: If it does not; the message says what was tried.
    """
    if ray.is_initialized():
        return
    if address is None:
        ray.init(
            address="local",
            num_cpus=num_cpus,
            object_store_memory=None if object_store_mib is None else object_store_mib * 2**20,
            include_dashboard=False,
            logging_level="ERROR",
            _system_config={"worker_niceness": 0},  # not 15: beside other programs, workers would get next to nothing
        )
        return
    problem = _problem(address, timeout_s)
    if problem is not None:
        raise ConnectionError(
            f"tried to connect to a Ray cluster at address={address!r}: {problem}. Is it running (`ray start --head` "
            "on its first node prints the address), can this machine reach the port, and does it run the same "
            f"version, {ray.__version__}? Leave the address out for a Ray on this machine."
        )
    ray.init(address=address, logging_level="ERROR")


def _problem(address: str, timeout_s: float) -> str | None:
    """Return why another process could not connect to an address; None if it could.

    What it says goes into a file, and it is ended with all that it started: whoever reads a pipe to its end waits for
    as long as any of them holds the pipe, whatever the time limit.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        probe = subprocess.Popen(
            [sys.executable, "-c", _PROBE, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
        )
        try:
            if probe.wait(timeout_s) == 0:
                return None
        except subprocess.TimeoutExpired:
            return f"no answer in {timeout_s:g} seconds"
        finally:
            if probe.poll() is None:
                os.killpg(probe.pid, signal.SIGKILL)
                probe.wait()
        said.seek(0)
        return (said.read().strip().splitlines() or ["no reason given"])[-1]
