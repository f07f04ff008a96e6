"""Train skrl's recurrent PPO on Catch, through the vector environment, with the policy of the paper.

pip install "ram-active-vision[skrl]"
python examples/skrl_catch.py       minutes; tensorboard --logdir runs shows more
"""

import argparse

import gymnasium as gym
from skrl.agents.torch.ppo import PPO_CFG, PPO_RNN
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.trainers.torch import SequentialTrainer
from skrl.utils import set_seed

from agents.integrations.skrl import RAMModel
from agents.ram.settings import NetworkSettings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="environment steps, summed over all rows")
parser.add_argument("--num-envs", type=int, default=256)
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

set_seed(arguments.seed)
envs = wrap_env(
    gym.make_vec("ram_envs:RAM-CatchGame-v0", num_envs=arguments.num_envs, autoreset_mode="SameStep"),
    wrapper="gymnasium",
)
model = RAMModel(envs, NetworkSettings(core="lstm", core_size=128, location_std=0.1, scale_gain=4.0))
episode = envs.unwrapped.task.max_episode_steps
config = PPO_CFG(
    rollouts=episode,
    learning_epochs=4,
    mini_batches=4,
    discount_factor=1.0,
    gae_lambda=0.9,
    learning_rate=1e-3,
    grad_norm_clip=1.0,
    value_clip=0.0,
    value_loss_scale=0.5,
    entropy_loss_scale=0.01,
)
config.experiment.directory = "runs"


class Player(PPO_RNN):
    """Prints the success rate after every tenth batch of games."""

    def record_transition(self, *, rewards, terminated, timestep, **transition) -> None:
        """Store a step and print the success rate of the last games."""
        super().record_transition(rewards=rewards, terminated=terminated, timestep=timestep, **transition)
        if (timestep + 1) % (10 * episode) == 0 or timestep + 1 == transition["timesteps"]:
            caught = rewards[terminated].mean()
            print(f"{(timestep + 1) * envs.num_envs:9,} steps: caught {100 * caught:4.1f} %", flush=True)


agent = Player(
    models={"policy": model, "value": model},
    memory=RandomMemory(memory_size=episode, num_envs=envs.num_envs, device=envs.device),
    observation_space=envs.observation_space,
    action_space=envs.action_space,
    device=envs.device,
    cfg=config,
)
batches = max(1, arguments.steps // (episode * envs.num_envs))
trainer = SequentialTrainer(
    env=envs, agents=agent, cfg={"timesteps": batches * episode, "headless": True, "disable_progressbar": True}
)
trainer.train()
