"""Start Ray on this machine, or connect to a cluster with a time limit."""

# ruff: noqa: E402 (Ray is imported after the check that it is installed)
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
    """Start Ray on this machine, or connect to a cluster. If this process is connected already, nothing changes.

    If the cluster is not reachable, ``ray.init`` waits for minutes and then ends the process. So a child process tries
    the address first, and is ended after ``timeout_s``.

    Args:
        address: Address of the cluster, as for ``ray.init``: "host:6379" from a node of the cluster,
            "ray://host:10001" from outside, "auto" for a cluster on this machine. None starts Ray in this process.
        num_cpus: CPUs of a Ray that is started here: the number of parallel tasks. None for the number of cores.
        object_store_mib: Shared memory of a Ray that is started here, in MiB. None for Ray's default.
        timeout_s: Time limit for the connection in seconds.

    Raises:
        ConnectionError: If the cluster does not answer in time; the message names the address.
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
    """Try to connect in a child process, and return why it failed; None if it succeeded.

    The output of the child goes to a file, and its whole process group is ended. Reading a pipe to its end would wait
    until every grandchild has closed it, even after the time limit.
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
