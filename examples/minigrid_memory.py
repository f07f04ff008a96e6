"""Train on MiniGrid's memory task from rendered pixels, of which the agent only sees glimpses.

pip install "ram-active-vision[agents,minigrid]"
python examples/minigrid_memory.py --out runs/memory          0.8 M steps: 15 minutes on one core
python examples/minigrid_memory.py --out runs/memory --resume
python examples/minigrid_memory.py --as-it-is --init-from runs/memory --steps 1000000 --out runs/memory-as-it-is

A room at one end of a corridor holds a key or a ball. At the other end there are both, and the episode succeeds if the
agent goes to the one that is in the room. The environment draws the 5x5 cells before the agent, 40x40 pixels. Of this
picture the agent receives two patches of 20x20 numbers, which cover 20 and 40 pixels, wherever it looks. When it sees
the two objects it no longer sees the room: without memory the ceiling is a success rate of 0.5. The reward is 1 for a
success, so the mean return is the success rate.

Two things make it learnable. The agent starts beside the object of the room. And in training three quarters of the
rooms hold a key, and three quarters of the ends have the key on the left: with even chances, neither object by itself
says anything about the right way, and an agent that knows neither object has nothing to learn from. In evaluation the
chances are even. With --as-it-is both are as in MiniGrid: the agent starts anywhere in the room or the corridor and has
to look for the object first.
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


class Memory(gym.Wrapper):
    """Rewards a success with 1, however many steps it took, and leaves only the three moves to the agent.

    Args:
        env: The environment.
        beside: Whether the agent starts beside the object of the room; otherwise anywhere.
        even: Whether key and ball are equally likely in the room, and on the left at the end of the corridor;
            otherwise the key is three times as likely.
    """

    def __init__(self, env: gym.Env, beside: bool, even: bool) -> None:
        super().__init__(env)
        self.action_space = gym.spaces.Discrete(MOVES)
        self._beside, self._even = beside, even

    def reset(self, *, seed=None, options=None):
        """Start a new episode."""
        observation, info = self.env.reset(seed=seed, options=options)
        while not self._wanted():
            observation, info = self.env.reset(options=options)
        return observation, info

    def _wanted(self) -> bool:
        """Return whether to play this episode, rather than to draw another one."""
        world = self.unwrapped
        middle = world.height // 2
        objects = world.grid.get(1, middle - 1), world.grid.get(int(world.success_pos[0]), middle - 2)
        chance = 1.0 if self._even else (1 / 3) ** sum(item.type == "ball" for item in objects)
        return world.np_random.random() < chance and (world.agent_pos[0] == 1 or not self._beside)

    def step(self, action):
        """Take a step."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        return observation, float(reward > 0), terminated, truncated, info


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--env-id", default="MiniGrid-MemoryS7-v0")
parser.add_argument("--steps", type=int, default=800_000)
parser.add_argument("--num-envs", type=int, default=32, help="environments at a time in training")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--episodes", type=int, default=1_000, help="episodes of the evaluation")
parser.add_argument("--out", default="runs/memory")
parser.add_argument("--as-it-is", action="store_true", help="start anywhere, with even chances")
parser.add_argument("--init-from", help="run folder of an agent to train further")
parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
parser.add_argument("--evaluate", action="store_true", help="only evaluate the run in this folder")
parser.add_argument("--json", type=Path, help="file for the evaluation")
arguments = parser.parse_args()


def make_env(even: bool = True) -> gym.Env:
    """Make the environment with the picture of what the agent has before it, seen through glimpses."""
    env = gym.make(arguments.env_id, render_mode="rgb_array", agent_pov=True, tile_size=8, agent_view_size=5)
    return Glimpse(
        Memory(env, beside=not arguments.as_it_is, even=even),
        pixels="render",
        patch_size=20,
        num_scales=2,
        senses=["direction"],
        first_location="center",
        action_format="dict",
    )


def make_training_env() -> gym.Env:
    """Make the environment to train in."""
    return make_env(even=arguments.as_it_is)


settings = SegmentSettings(
    network=NetworkSettings(core="lstm", squash_location=True, location_std=0.02, normalise_inputs=True),
    frames=arguments.steps,
    num_envs=arguments.num_envs,
    learning_rate=3e-4,  # with 7e-4 the features of 2,400 numbers soon saturate the core
    entropy_weight=0.02,  # with 0.01 the agent soon goes straight to one of the objects
    location_weight=0.001,
    location_learning_rate=7e-5,
)
result = None
if arguments.resume:
    result = resume(arguments.out, env=make_training_env)
elif not arguments.evaluate:
    result = train(make_training_env, settings, arguments.out, seed=arguments.seed, init_from=arguments.init_from)
if result is not None and result.stopped_by:
    raise SystemExit(f"stopped by {result.stopped_by}: --resume continues")
checkpoint = load_checkpoint(arguments.out)
evaluation = evaluate_world(checkpoint.policy, make_env, episodes=arguments.episodes, seed=2**29)
print(f"{arguments.env_id}, seed {arguments.seed}: {evaluation}")
if arguments.json:
    values = {"steps": checkpoint.progress["frames"], "seed": arguments.seed, "evaluation": evaluation.to_dict()}
    arguments.json.write_text(json.dumps(values, indent=1) + "\n")
