"""Play 1,024 games in parallel with the vector environment and measure the throughput.

python examples/vector.py
"""

import argparse
import time

import gymnasium as gym

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="environment steps, summed over all rows")
parser.add_argument("--num-envs", type=int, default=1024)
arguments = parser.parse_args()

envs = gym.make_vec("ram_envs:RAM-CatchGame-v0", num_envs=arguments.num_envs, autoreset_mode="SameStep")
envs.action_space.seed(0)
actions = envs.action_space.sample()  # (1024, 5); sampling new actions at every step would take longer than the steps
observations, infos = envs.reset(seed=0)  # row i equals the single environment with seed 0 + i

caught = episodes = steps = 0
start = time.perf_counter()
while steps < arguments.steps:
    observations, rewards, terminated, truncated, infos = envs.step(actions)
    caught, episodes, steps = caught + rewards.sum(), episodes + terminated.sum(), steps + envs.num_envs
seconds = time.perf_counter() - start
envs.close()
print(f"{steps:,} steps in {seconds:.2f} s: {steps / seconds:,.0f} a second; caught {caught:.0f} of {episodes} balls")
