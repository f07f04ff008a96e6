"""Load a trained agent and let it act: in one environment, in many at a time, and for a figure of its gaze.

python examples/agent.py                                   the agent of the package for Catch
python examples/agent.py runs/catch                        an agent of your own
"""

import argparse

import gymnasium as gym
import numpy as np

import agents
from agents.pictures.paths import draw_glimpse_paths

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("checkpoint", nargs="?", default="pretrained:RAM-CatchGame-v0")
parser.add_argument("--steps", type=int, default=2_000)
parser.add_argument("--rows", type=int, default=20, help="environments at a time")
parser.add_argument("--picture", default="gaze.png")
arguments = parser.parse_args()

agent = agents.load(arguments.checkpoint)
print(f"{agent.env_id}, trained for {agent.progress.get('frames', 0):,} frames")

env = agent.make_env()
observation, info = env.reset(seed=0)
state, over, episode_return = None, False, 0.0
while not over:
    action, state = agent.act(observation, state)  # action["fixation"]: where to look; action[agent.answer_key]
    observation, reward, terminated, truncated, info = env.step(action)
    over = terminated or truncated
    episode_return += reward
print(f"one episode: return {episode_return:g}, last {agent.answer_key} {action[agent.answer_key]}")

# In a batch that resets finished rows in the same step, episode_start erases the memory of those rows. Here the agent
# samples its actions, as in training; every run with the same seed is the same.
envs = agent.make_vec(arguments.rows, autoreset_mode=gym.vector.AutoresetMode.SAME_STEP)
observation, info = envs.reset(seed=0)
state, start, returns, so_far = None, np.zeros(arguments.rows, bool), [], np.zeros(arguments.rows)
for _ in range(max(arguments.steps // arguments.rows, envs.task.max_episode_steps)):
    action, state = agent.act(observation, state, episode_start=start, deterministic=False, seed=0)
    observation, reward, terminated, truncated, info = envs.step(action)
    start, so_far = terminated | truncated, so_far + reward
    returns += so_far[start].tolist()
    so_far[start] = 0
print(f"{len(returns)} episodes with sampled actions: mean return {np.mean(returns):.2f}")

draw_glimpse_paths(agent.follow_gaze(episodes=4), agent.env_id, arguments.picture)
print(f"figure of its gaze: {arguments.picture}")
