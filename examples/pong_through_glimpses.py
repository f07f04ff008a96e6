"""What is a gaze worth? Atari's Pong, of which the agent only sees glimpses.

pip install "ram-active-vision[agents,atari]"
python examples/pong_through_glimpses.py --out runs/pong                    6 M steps: an hour on one core
python examples/pong_through_glimpses.py --out runs/pong-center --gaze center
python examples/pong_through_glimpses.py --out runs/pong --resume           continue a stopped run
python examples/pong_through_glimpses.py --init-from runs/pong --out runs/pong-further

The frames have 84x84 pixels. The agent receives three patches of 12x12 numbers, which cover 12, 24 and 48 pixels, and
with every move of the paddle it chooses where to look next. It trains with recurrent PPO, from the rewards of the game.
Four other agents are trained with the same networks and settings:

    --gaze center    the gaze stays in the center
    --gaze random    every glimpse is somewhere else
    --gaze frame     one patch of 84x84: the agent sees the whole frame
    --patch-size 6   patches of 6, 12 and 24 pixels

The figure is the mean score of 30 deterministic episodes, from -21 to 21.
"""

import argparse
import json
from pathlib import Path

import gymnasium as gym
import numpy as np

from agents.evaluation.worlds import evaluate_world
from agents.pictures.animation import animate
from agents.ram.checkpoint import load_checkpoint
from agents.ram.settings import NetworkSettings
from agents.training.trainer import resume, train
from agents.training.vector_settings import SegmentSettings


class GivenGaze(gym.vector.VectorWrapper):
    """Leaves only the moves of the game to the agent, and looks at the center or at random locations."""

    task = glimpse_sensor = None  # for the agent this is an environment that has nothing to aim

    def __init__(self, envs: gym.vector.VectorEnv, at_random: bool) -> None:
        super().__init__(envs)
        self.single_action_space = envs.single_action_space["action"]
        self.action_space = envs.action_space["action"]
        self._at_random, self._generator = at_random, np.random.default_rng()

    def reset(self, *, seed=None, options=None):
        """Start new games; a seed also decides the random locations."""
        if seed is not None:
            self._generator = np.random.default_rng(seed)
        return self.env.reset(seed=seed, options=options)

    def step(self, actions):
        """Move the paddles, and look at locations that the agent does not choose."""
        fixation = np.zeros((self.num_envs, 2), np.float32)
        if self._at_random:
            fixation = self._generator.uniform(-1, 1, fixation.shape).astype(np.float32)
        return self.env.step({"fixation": fixation, "action": actions})


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--env-id", default="ALE/Pong-v5", help="any game of ale-py")
parser.add_argument("--gaze", choices=("learned", "center", "random", "frame"), default="learned")
parser.add_argument("--patch-size", type=int, default=12)
parser.add_argument("--location-std", type=float, default=0.01)
parser.add_argument("--location-weight", type=float, default=0.001)
parser.add_argument("--location-learning-rate", type=float, default=2e-5)
parser.add_argument("--steps", type=int, default=6_000_000)
parser.add_argument("--num-envs", type=int, default=32, help="games at a time in training")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--episodes", type=int, default=30, help="episodes of the evaluation")
parser.add_argument("--out", default="runs/pong")
parser.add_argument("--init-from", help="run folder of an agent to train further")
parser.add_argument("--resume", action="store_true", help="continue the run in this folder")
parser.add_argument("--evaluate", action="store_true", help="only evaluate the run in this folder")
parser.add_argument("--video", type=Path, help="file for an animation of a learned gaze, .gif or .mp4")
parser.add_argument("--json", type=Path, help="file for the evaluation")
arguments = parser.parse_args()
if arguments.video and arguments.gaze != "learned":
    parser.error(f"--video shows a learned gaze, and --gaze={arguments.gaze} has none to show: leave one of them out")

sensor = {"patch_size": arguments.patch_size, "num_scales": 3, "first_location": "center"}
if arguments.gaze == "frame":
    sensor = {"patch_size": 84, "num_scales": 1, "first_location": "center"}
environment = {"env_id": arguments.env_id, "action_format": "dict", **sensor}


def make_envs(rows: int) -> gym.vector.VectorEnv:
    """Make Atari's native vector environment, seen through glimpses."""
    envs = gym.make_vec("ram_envs:RAM-Glimpse-v0", rows, **environment)
    return envs if arguments.gaze == "learned" else GivenGaze(envs, at_random=arguments.gaze == "random")


settings = SegmentSettings(
    network=NetworkSettings(
        core="lstm", squash_location=True, location_std=arguments.location_std, normalise_inputs=True
    ),
    location_weight=arguments.location_weight,
    location_learning_rate=arguments.location_learning_rate,
    frames=arguments.steps,
    num_envs=arguments.num_envs,
)
result = None
if arguments.resume:
    result = resume(arguments.out, env=make_envs(arguments.num_envs))
elif not arguments.evaluate:
    envs = make_envs(arguments.num_envs)
    result = train(envs, settings, arguments.out, seed=arguments.seed, init_from=arguments.init_from)
if result is not None and result.stopped_by:
    raise SystemExit(f"stopped by {result.stopped_by}: --resume continues")
checkpoint = load_checkpoint(arguments.out)
evaluation = evaluate_world(checkpoint.policy, make_envs(arguments.episodes), episodes=arguments.episodes, seed=2**29)
print(f"{arguments.env_id}, gaze {arguments.gaze}, seed {arguments.seed}: {evaluation}")
if arguments.json:
    values = {"steps": checkpoint.progress["frames"], "seed": arguments.seed, "evaluation": evaluation.to_dict()}
    arguments.json.write_text(json.dumps(values, indent=1) + "\n")
if arguments.video:
    short = {**environment, "env_kwargs": {"max_num_frames_per_episode": 4 * 160}}  # 160 decisions
    animate(checkpoint.policy, "ram_envs:RAM-Glimpse-v0", short, arguments.video, episodes=1)
