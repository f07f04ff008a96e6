"""`ram benchmark --ray`: runs as tasks of a real Ray."""

import json
import os

import pytest
import ray

from agents.benchmark.items import item_of
from agents.benchmark.processes import run_on_ray
from agents.benchmark.reading import read_plan
from agents.experiments.queue import Queue
from agents.integrations.ray_cluster import connect_ray
from tests.integrations.programs import run_program

TOY = """
import os, signal
import numpy as np
from agents.benchmark import Algorithm

class Toy(Algorithm):
    action_formats = ("dict",)
    defaults = {"dies": False}

    def learn(self, frames, progress):
        if self.settings["dies"]:
            starter = os.getppid()
            assert "ray::" in open(f"/proc/{starter}/cmdline").read()  # and nobody else
            os.kill(starter, signal.SIGKILL)
        progress(frames)

    def act(self, observation):
        assert os.environ["OMP_NUM_THREADS"] == "1"
        rows = len(observation["location"])
        return {"fixation": np.zeros((rows, 2), np.float32), "label": np.zeros(rows, np.int64)}
"""


@pytest.fixture(scope="module")
def cluster():
    """A Ray that runs on this machine and has an address, as a cluster has."""
    connect_ray(num_cpus=2, object_store_mib=100)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


def test_runs_on_ray_and_a_lost_worker_costs_only_its_run(cluster, tmp_path, monkeypatch):
    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.syspath_prepend(str(tmp_path))
    content = {
        "environments": ["RAM-Digits-v0"],
        "algorithms": ["toy:Toy", {"algorithm": "toy:Toy", "name": "dies", "settings": {"dies": True}}],
        "seeds": [0, 1],
        "frames": 10,
        "evaluation": {"episodes": 20, "curve_points": 1, "curve_episodes": 10},
    }
    jobs = read_plan(item_of(content)).jobs()
    queue = Queue(jobs, lambda job: False, [tmp_path / "results"])
    outcomes = {outcome.job.title: outcome for outcome in run_on_ray(queue, cluster, [str(tmp_path)])}
    assert len(outcomes) == len(jobs) == 6
    for title, outcome in outcomes.items():
        if title.startswith("dies"):
            assert outcome.result is None and "Ray task was lost" in outcome.problem
        else:
            assert outcome.result["job"] == json.loads(json.dumps(outcome.job.to_dict()))


def test_workers_have_the_priority_of_the_process_that_started_ray(cluster):
    priority = ray.remote(lambda: os.nice(0))
    assert ray.get(priority.remote()) == os.nice(0)


def test_an_address_that_does_not_answer_is_told(tmp_path):
    options = ["--algorithms", "ram", "--environments", "RAM-Digits-v0", "--frames", "100", "--ray", "127.0.0.1:1"]
    result = run_program("-m", "agents.cli", "benchmark", *options, folder=tmp_path)
    assert result.status == 2
    assert "tried to connect to a Ray cluster at address='127.0.0.1:1'" in result.stderr
    assert "no answer in 20 seconds" in result.stderr
