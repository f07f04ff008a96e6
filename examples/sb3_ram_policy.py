"""Train sb3-contrib's RecurrentPPO on Catch with the RAM policy and, for comparison, with its own policy.

pip install "ram-active-vision[sb3]"
python examples/sb3_ram_policy.py --out runs/sb3             a few minutes for both
ram evaluate runs/sb3                                        evaluates the RAM policy (extra agents)

Both use the same number of frames and the same hyperparameters: rollouts of whole games, minibatches of a quarter of
the rows, GAE lambda 0.8. The RAM policy samples a location from a Gaussian and a move from a softmax; RecurrentPPO's
own policy samples all five numbers from one Gaussian.

After 1 M frames with seed 0 (two minutes on one core), the RAM policy catches 69.9 % [67.9, 71.9] of 2,000 new balls,
and RecurrentPPO's own policy 6.5 % [5.5, 7.7]. The hyperparameters were chosen for the RAM policy.
"""

import argparse
from typing import Any

import torch
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import VecMonitor

from agents.integrations.sb3 import RAMRecurrentPolicy, RAMVecEnv, from_sb3, ram_settings
from agents.ram.checkpoint import save_checkpoint
from agents.ram.settings import NetworkSettings

ENV_ID, GAME = "RAM-CatchGame-v0", 23

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="environment steps per policy")
parser.add_argument("--rows", type=int, default=256, help="number of parallel games")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--policy", choices=["ram", "stock", "both"], default="both")
parser.add_argument("--out", help="folder for the RAM policy's checkpoint")
arguments = parser.parse_args()
torch.set_num_threads(1)  # more threads are no faster for networks of this size


def train(policy: Any, learning_rate: float, policy_kwargs: dict[str, Any]) -> RecurrentPPO:
    model = RecurrentPPO(
        policy,
        VecMonitor(RAMVecEnv(ENV_ID, arguments.rows)),
        policy_kwargs=policy_kwargs,
        n_steps=GAME,
        batch_size=GAME * max(1, arguments.rows // 4),
        n_epochs=4,
        learning_rate=lambda remaining: learning_rate * remaining,  # annealed to 0
        gamma=1.0,
        gae_lambda=0.8,
        clip_range=0.2,
        ent_coef=0.01,
        vf_coef=2.0,
        max_grad_norm=1.0,
        seed=arguments.seed,
        device="cpu",
        verbose=1,
    )
    return model.learn(arguments.steps, log_interval=10)


def report(name: str, model: RecurrentPPO) -> None:
    fresh = VecMonitor(RAMVecEnv(ENV_ID, 500))
    fresh.seed(2**32)
    caught, _ = evaluate_policy(model, fresh, n_eval_episodes=2_000, deterministic=True)
    print(f"{name}: caught {100 * caught:.1f} % of 2,000 balls after {model.num_timesteps:,} frames")


if arguments.policy != "stock":
    network = NetworkSettings(core="lstm", core_size=128, location_std=0.1, scale_gain=4.0)
    settings = ram_settings(RAMVecEnv(ENV_ID, 1), network)
    ram = train(RAMRecurrentPolicy, 2.5e-3, {"settings": settings})
    report("RAM policy", ram)
    if arguments.out:
        print(save_checkpoint(arguments.out, from_sb3(ram), ENV_ID, {}))
if arguments.policy != "ram":
    report("stock policy", train("MultiInputLstmPolicy", 2.5e-3, {"lstm_hidden_size": 128}))
