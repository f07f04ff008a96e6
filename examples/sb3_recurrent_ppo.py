"""Train sb3-contrib's RecurrentPPO on Catch; its log shows the success rate.

pip install "ram-active-vision[sb3]"
python examples/sb3_recurrent_ppo.py       a few minutes; `ram train RAM-CatchGame-v0` learns many times faster
"""

import argparse

from sb3_contrib import RecurrentPPO
from stable_baselines3.common.env_util import make_vec_env

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=100_000)
arguments = parser.parse_args()

envs = make_vec_env("ram_envs:RAM-CatchGame-v0", n_envs=8, seed=0)
model = RecurrentPPO(
    "MultiInputLstmPolicy",
    envs,
    n_steps=4 * 23,  # four whole games
    batch_size=8 * 23,
    n_epochs=4,
    gamma=1.0,
    gae_lambda=0.9,
    learning_rate=1e-3,
    ent_coef=0.01,
    seed=0,
    verbose=1,
)
model.learn(arguments.steps)
