"""Train on MiniGrid's memory task from rendered pixels, of which the agent only sees glimpses.

pip install "ram-active-vision[agents,minigrid]"
python examples/minigrid_memory.py --out runs/memory          1.5 M steps
python examples/minigrid_memory.py --out runs/memory --resume

A room at one end of a corridor holds a key or a ball. At the other end there are both, and the episode succeeds if the
agent goes to the one that is in the room. The environment draws the 7x7 cells before the agent, 56x56 pixels. Of this
picture the agent receives three patches of 14x14 numbers, which cover 14, 28 and 56 pixels, wherever it looks.
To see the room it has to turn around, and when it sees the two objects again it no longer sees the room: without memory
the ceiling is a success rate of 0.5. The reward is 1 for a success, so the mean return is the success rate.
"""

import argparse
import json
from pathlib import Path

import gymnasium as gym
import minigrid  # noqa: F401  registers the environments

from agents.evaluation.worlds import evaluate_world
from agents.ram.checkpoint import load_checkpoint
from agents.ram.settings import NetworkSettings
from agents.training.trainer import resume, train
from agents.training.vector_settings import SegmentSettings
from ram_envs.wrappers import Glimpse

MOVES = 3  # left, right, forward: the other four actions do nothing in this task


class Success(gym.Wrapper):
    """Rewards a success with 1, however many steps it took, and leaves only the three moves to the agent."""

    def __init__(self, env: gym.Env) -> None:
        super().__init__(env)
        self.action_space = gym.spaces.Discrete(MOVES)

    def step(self, action):
        """Take a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(reward > 0), terminated, truncated, info


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--env-id", default="MiniGrid-MemoryS7-v0")
parser.add_argument("--steps", type=int, default=1_500_000)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--episodes", type=int, default=1_000, help="episodes of the evaluation")
parser.add_argument("--out", default="runs/memory")
parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
parser.add_argument("--evaluate", action="store_true", help="only evaluate the run in this folder")
parser.add_argument("--json", type=Path, help="file for the evaluation")
arguments = parser.parse_args()


def make_env() -> gym.Env:
    """Make the environment with the picture of what the agent has before it, seen through glimpses."""
    env = Success(gym.make(arguments.env_id, render_mode="rgb_array", agent_pov=True, tile_size=8))
    return Glimpse(
        env,
        pixels="render",
        patch_size=14,
        num_scales=3,
        senses=["direction"],
        first_location="center",
        action_format="dict",
    )


settings = SegmentSettings(
    network=NetworkSettings(core="lstm", squash_location=True, location_std=0.1, normalise_inputs=True),
    frames=arguments.steps,
    num_envs=32,
    entropy_weight=0.02,  # with 0.01 the agent soon goes straight to one of the objects
    location_weight=0.001,
    location_learning_rate=7e-5,
)
result = None
if arguments.resume:
    result = resume(arguments.out, env=make_env)
elif not arguments.evaluate:
    result = train(make_env, settings, arguments.out, seed=arguments.seed)
if result is not None and result.stopped_by:
    raise SystemExit(f"stopped by {result.stopped_by}: --resume continues")
checkpoint = load_checkpoint(arguments.out)
evaluation = evaluate_world(checkpoint.policy, make_env, episodes=arguments.episodes, seed=2**29)
print(f"{arguments.env_id}, seed {arguments.seed}: {evaluation}")
if arguments.json:
    values = {"steps": checkpoint.progress["frames"], "seed": arguments.seed, "evaluation": evaluation.to_dict()}
    arguments.json.write_text(json.dumps(values, indent=1) + "\n")
