"""Train TorchRL's PPO on Catch with the paper's networks, TorchRL's LSTM and a hybrid action: location and move.

pip install "ram-active-vision[torchrl]"
python examples/torchrl_catch.py               a few minutes, on the tensor environment
python examples/torchrl_catch.py --gym         the same with TorchRL's wrapper of single environments: slower
"""

import argparse
import time

import gymnasium as gym
import torch
from tensordict.nn import (
    CompositeDistribution,
    ProbabilisticTensorDictModule,
    ProbabilisticTensorDictSequential,
    TensorDictModule,
    TensorDictSequential,
    set_composite_lp_aggregate,
)
from torch import nn
from torch.distributions import Categorical, Independent, Normal
from torchrl.collectors import Collector
from torchrl.envs import GymWrapper, InitTracker, SerialEnv, TransformedEnv
from torchrl.modules import LSTMModule, set_recurrent_mode
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE

from agents.integrations.torchrl import RAMEnv
from agents.ram.networks import ActionNetwork, Baseline, GlimpseNetwork, LocationNetwork

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="environment steps, summed over all rows")
parser.add_argument("--num-envs", type=int, default=256)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--device", default="cpu")
parser.add_argument("--gym", action="store_true", help="wrap single environments instead of the tensor environment")
arguments = parser.parse_args()

EPISODE, CORE, LOCATION_STD = 23, 128, 0.1
torch.manual_seed(arguments.seed)


def gym_env() -> GymWrapper:
    single = gym.make("ram_envs:RAM-CatchGame-v0", action_format="dict")
    return GymWrapper(single, categorical_action_encoding=True)


class Heads(nn.Module):
    """Location and action network."""

    def __init__(self) -> None:
        super().__init__()
        self.location_network, self.action_network = LocationNetwork(CORE), ActionNetwork(CORE, 3)

    def forward(self, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return mean and standard deviation of the location, and the logits of the moves."""
        mean = self.location_network(h)
        return mean, torch.full_like(mean, LOCATION_STD), self.action_network(h)


# The five networks: glimpse, core, location, action and baseline; actor and critic share the first two.
set_composite_lp_aggregate(False).set()  # keep the log-probabilities of location and move separate
scale_gain = 4.0  # so that one white pixel counts the same at every scale
glimpse_network = GlimpseNetwork((3, 1, 6, 6), 128, 128, 256, scale_gain=scale_gain)
core = LSTMModule(input_size=256, hidden_size=CORE, in_key="features", out_key="h", device=arguments.device)
trunk = [TensorDictModule(glimpse_network, in_keys=["glimpse", "location"], out_keys=["features"]), core]
parameters = [("params", "fixation", "loc"), ("params", "fixation", "scale"), ("params", "move", "logits")]
actor = ProbabilisticTensorDictSequential(
    *trunk,
    TensorDictModule(Heads(), in_keys=["h"], out_keys=parameters),
    ProbabilisticTensorDictModule(
        in_keys=["params"],
        out_keys=["fixation", "move"],
        distribution_class=CompositeDistribution,
        distribution_kwargs={
            "distribution_map": {
                "fixation": lambda loc, scale: Independent(Normal(loc, scale), 1),
                "move": Categorical,
            }
        },
        return_log_prob=True,
    ),
).to(arguments.device)
baseline = nn.Sequential(Baseline(CORE), nn.Unflatten(-1, (-1, 1)))
critic = TensorDictSequential(*trunk, TensorDictModule(baseline, in_keys=["h"], out_keys=["state_value"]))
critic.to(arguments.device)

if arguments.gym:
    env = SerialEnv(arguments.num_envs, gym_env)
else:
    env = RAMEnv("RAM-CatchGame-v0", arguments.num_envs, arguments.device)
env = TransformedEnv(env, InitTracker())  # marks the start of an episode, where the LSTM state is reset
env.append_transform(core.make_tensordict_primer())
env.set_seed(arguments.seed)

batch = arguments.num_envs * EPISODE  # one whole episode per row
batches = max(1, arguments.steps // batch)
collector = Collector(env, actor, frames_per_batch=batch, total_frames=batches * batch)
advantage = GAE(gamma=1.0, lmbda=0.9, value_network=critic, average_gae=True, deactivate_vmap=True)
entropy_coeff = {"fixation_entropy": 0.0, "move_entropy": 0.01}
loss_module = ClipPPOLoss(actor, critic, clip_epsilon=0.2, entropy_coeff=entropy_coeff)
loss_module.set_keys(action=["fixation", "move"], sample_log_prob=["fixation_log_prob", "move_log_prob"])
optimizer = torch.optim.Adam(loss_module.parameters(), lr=1e-3)

start, frames = time.perf_counter(), 0
for iteration, episodes in enumerate(collector):  # TensorDict (rows, steps)
    with set_recurrent_mode(True):
        with torch.no_grad():
            advantage(episodes)
        for _ in range(4):
            for rows in torch.randperm(arguments.num_envs).chunk(4):
                losses = loss_module(episodes[rows])
                loss = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(loss_module.parameters(), 1.0)
                optimizer.step()
    frames += episodes.numel()
    if iteration % 10 == 0 or iteration + 1 == batches:
        caught = episodes["next", "reward"].sum() / episodes["next", "done"].sum()
        rate = frames / (time.perf_counter() - start)
        print(f"{frames:9,} steps: caught {100 * caught:4.1f} %, {rate:,.0f} steps a second", flush=True)
collector.shutdown()
