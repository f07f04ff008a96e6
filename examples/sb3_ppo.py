"""Train and evaluate Stable-Baselines3's PPO on Catch, without a wrapper.

pip install "ram-active-vision[sb3]"
python examples/sb3_ppo.py       half a minute; it learns little, because PPO has no memory and Catch needs one
"""

import argparse

from stable_baselines3 import PPO
from stable_baselines3.common.evaluation import evaluate_policy

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=10_000)
arguments = parser.parse_args()

model = PPO("MultiInputPolicy", "ram_envs:RAM-CatchGame-v0", seed=0, verbose=1)
model.learn(arguments.steps)
mean_return, _ = evaluate_policy(model, model.get_env(), n_eval_episodes=50)
print(f"caught {100 * mean_return:.0f} % of the balls")
