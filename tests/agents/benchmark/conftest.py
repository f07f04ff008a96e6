"""A benchmark that takes no time: an algorithm in a module of a user's, and a file that names it."""

from __future__ import annotations

import sys

import pytest

TOY = '''
import os, signal, subprocess, sys, time
import numpy as np
from agents.benchmark import Algorithm

class Toy(Algorithm):
    """Names the label that it is told to, once it has learned for half of its budget; before that, label 0."""

    action_formats = ("dict",)
    defaults = {"label": 0, "rest": 0.0, "end": "well"}

    def learn(self, frames, progress):
        print("learning begins")
        if self.settings["end"] == "error":
            raise ValueError("toys break")
        if self.settings["end"] == "exit":
            sys.exit()
        if self.settings["end"] == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        self.label = 0
        for done in range(0, frames + 1, 10):
            time.sleep(self.settings["rest"])
            self.label = self.settings["label"] if done >= frames / 2 else 0
            progress(done)

    def act(self, observation):
        rows = len(observation["location"])
        return {"fixation": np.zeros((rows, 2), np.float32), "label": np.full(rows, getattr(self, "label", 0))}


class NoAct(Algorithm):
    def learn(self, frames, progress):
        pass


class Silent(Toy):
    def learn(self, frames, progress):
        pass


class Changes(Toy):
    defaults = {"label": [0]}

    def learn(self, frames, progress):
        self.settings["label"].append(int)
        progress(frames)

    def act(self, observation):
        rows = len(observation["location"])
        return {"fixation": np.zeros((rows, 2), np.float32), "label": np.full(rows, self.settings["label"][0])}


class Parent(Toy):
    """Starts a process of its own, and leaves it running."""

    def learn(self, frames, progress):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        with open(os.environ["CHILDREN"], "w") as file:
            file.write(str(child.pid))
        super().learn(frames, progress)


class Counts(Toy):
    """Tells its progress in numbers of another type."""

    defaults = {"type": "int64"}

    def learn(self, frames, progress):
        types = {"int64": np.int64, "float": float, "float32": np.float32, "text": str, "half": lambda n: n + 0.5}
        progress(types[self.settings["type"]](frames))


class Classes(Toy):
    defaults = {**Toy.defaults, "net": int}


class NoFormats(Toy):
    action_formats = ("boxes",)


something = 3
'''

PLAN = """
environments: [RAM-Digits-v0]
algorithms:
  - toy:Toy
  - {algorithm: toy:Toy, name: seven, settings: {label: 7}}
seeds: [0, 1]
frames: 100
evaluation: {episodes: 60, curve_points: 4, curve_episodes: 30}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with toy.py and plan.yaml, from which everything is run."""
    (tmp_path / "toy.py").write_text(TOY)
    (tmp_path / "plan.yaml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("toy", None)
