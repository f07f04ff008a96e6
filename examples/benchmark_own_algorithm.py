"""Benchmark your own algorithm next to the agent of this project; docs/benchmark-own-algorithm.md explains the class.

pip install "ram-active-vision[agents]"
python examples/benchmark_own_algorithm.py       one minute; writes runs/own-algorithm/report.md
"""

import argparse
import sys

import numpy as np

from agents.benchmark import Algorithm
from agents.cli import main


class LinearReinforce(Algorithm):
    """REINFORCE (Williams 1992) with a linear policy: a Gaussian for the location, a softmax for the answer."""

    name = "linear-reinforce"
    action_formats = ("dict",)
    observation_formats = ("flat",)
    defaults = {"num_envs": 64, "learning_rate": 0.3, "location_weight": 0.1, "location_std": 0.3}

    def __init__(self, problem, settings):
        super().__init__(problem, settings)
        self.env = problem.make_vec(self.settings["num_envs"])
        self.task = self.env.task
        inputs = self.env.single_observation_space.shape[0] + 1
        self.weights = np.zeros((inputs, 2 + self.task.answer.size))

    def learn(self, frames, progress):
        """Alternate between a batch of whole episodes and a policy-gradient step until the budget is used."""
        rows, std = self.settings["num_envs"], self.settings["location_std"]
        weight = self.settings["location_weight"]  # the exact gradient has 1 / std**2, which makes learning unstable
        generator = np.random.default_rng(self.problem.seed)
        observation, _ = self.env.reset(seed=self.problem.training_seed)
        done = 0
        while done < frames:
            gradient, total = 0, np.zeros(rows)  # of each row: (B, inputs, outputs), (B,)
            for _ in range(self.task.max_episode_steps):  # all episodes have this length and start together
                mean, probability = self.policy(observation)
                fixation = mean + std * generator.normal(size=mean.shape)
                choice = (probability.cumsum(1) > generator.random((rows, 1))).argmax(1)
                chosen = np.eye(self.task.answer.size)[choice]
                score = np.concatenate([weight * (fixation - mean), chosen - probability], axis=1)
                gradient = gradient + np.einsum("bi,bo->bio", with_bias(observation), score)
                observation, reward, *_ = self.env.step(self.action(fixation, choice))
                total += reward
            advantage = (total - total.mean()) / (total.std() + 1e-6)
            self.weights += self.settings["learning_rate"] * np.einsum("b,bio->io", advantage, gradient) / rows
            done += rows * self.task.max_episode_steps
            progress(done)

    def act(self, observation):
        """Return the mean location and the most likely answer. The policy has no memory, so start() is not needed."""
        mean, probability = self.policy(observation)
        return self.action(mean, probability.argmax(1))

    def policy(self, observation):
        """Return the mean location (B, 2) and the probabilities of the answers (B, n)."""
        output = with_bias(observation) @ self.weights
        exponential = np.exp(output[:, 2:] - output[:, 2:].max(axis=1, keepdims=True))
        return output[:, :2], exponential / exponential.sum(axis=1, keepdims=True)

    def action(self, fixation, choice):
        """Return the action in the "dict" format."""
        return {"fixation": fixation.astype(np.float32), self.task.answer.key: choice}


def with_bias(observation):
    return np.concatenate([observation, np.ones((len(observation), 1))], axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300_000)
    parser.add_argument("--out", default="runs/own-algorithm")
    arguments = parser.parse_args()

    names = ["benchmark_own_algorithm:LinearReinforce", "ram"]
    what = ["--environments", "RAM-Digits-v0", "--seeds", "0", "--frames", str(arguments.steps)]
    status = main(["benchmark", "--algorithms", *names, *what, "--out", arguments.out])
    sys.exit(status or main(["benchmark", "report", arguments.out]))
