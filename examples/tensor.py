"""Step the tensor environment, whose tensors stay on one device: the fastest interface for training.

python examples/tensor.py                  uses the GPU if there is one
python examples/tensor.py --device cpu
"""

import argparse
import time

import torch

import ram_envs

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=500_000, help="environment steps, summed over all rows")
parser.add_argument("--num-envs", type=int, default=1024)
parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
arguments = parser.parse_args()

env = ram_envs.make_tensor(
    "RAM-CatchGame-v0", arguments.num_envs, arguments.device, action_format="dict", check_actions=False
)
steps, caught, episodes = 0, 0, 0
start = time.perf_counter()
while steps < arguments.steps:
    observation, info = env.reset(seed=0 if steps == 0 else None)  # without a seed: the next episode of every row
    for _ in range(env.task.max_episode_steps):  # every episode of Catch takes 23 steps
        action = {
            "fixation": 2 * torch.rand(env.num_envs, 2, device=env.device) - 1,
            "move": torch.randint(3, (env.num_envs,), device=env.device),
        }
        observation, reward, terminated, truncated, info = env.step(action)
        steps += env.num_envs
    caught, episodes = caught + int(info["is_success"].sum()), episodes + env.num_envs
seconds = time.perf_counter() - start
print(f"{steps:,} steps in {seconds:.2f} s: {steps / seconds:,.0f} a second; caught {caught} of {episodes} balls")
