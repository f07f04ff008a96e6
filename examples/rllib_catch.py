"""Train the policy of the paper on Catch with RLlib's PPO, on this machine or on a cluster.

pip install "ram-active-vision[rllib]"
python examples/rllib_catch.py                                          a few minutes, starts Ray on this machine
python examples/rllib_catch.py --address auto --num-env-runners 32      on the Ray cluster of this machine
ram evaluate runs/rllib-catch                                           evaluates the checkpoint

`ray start --head` starts a cluster on the first machine and prints the command for the others. Install this package on
all of them.
"""

import argparse
from pathlib import Path

from ray.rllib.algorithms.ppo import PPOConfig

from agents.integrations.ray_cluster import connect_ray
from agents.integrations.rllib import ram_module_spec
from agents.ram.checkpoint import save_checkpoint
from agents.ram.settings import NetworkSettings

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--steps", type=int, default=1_000_000, help="environment steps, summed over all rows")
parser.add_argument("--num-env-runners", type=int, default=2, help="processes that play; 0 plays in this one")
parser.add_argument("--num-envs", type=int, default=128, help="rows of each")
parser.add_argument("--num-learners", type=int, default=0, help="processes that learn; 0 learns in this one")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--address", help="of a Ray cluster; without it a Ray is started here")
parser.add_argument("--out", default="runs/rllib-catch")
arguments = parser.parse_args()

ENV_ID, EPISODE = "RAM-CatchGame-v0", 23
rows = arguments.num_envs * max(1, arguments.num_env_runners)
learners = max(1, arguments.num_learners)

# A Ray of one's own takes as many processes as it is asked for, whatever the number of cores.
connect_ray(arguments.address, num_cpus=1 + arguments.num_env_runners + arguments.num_learners)
network = NetworkSettings(core="lstm", core_size=128, location_std=0.1, scale_gain=4.0)
config = (
    PPOConfig()
    .environment(f"ram_envs:{ENV_ID}", env_config={"action_format": "dict"})
    .env_runners(
        num_env_runners=arguments.num_env_runners,
        num_envs_per_env_runner=arguments.num_envs,
        gym_env_vectorize_mode="vector_entry_point",  # the native vector environment, with RLlib's next-step resets
        rollout_fragment_length=EPISODE,
        sample_timeout_s=600,  # the first games wait until all processes have started; what comes later is thrown away
    )
    .learners(num_learners=arguments.num_learners)
    .rl_module(rl_module_spec=ram_module_spec(ENV_ID, network))
    .training(
        train_batch_size_per_learner=rows * EPISODE // learners,
        minibatch_size=max(1, rows // 4 // learners) * (EPISODE + 1),  # with the step that RLlib adds to each episode
        num_epochs=4,
        lr=[[0, 1e-3], [max(arguments.steps, 1), 0.0]],
        gamma=1.0,
        lambda_=0.9,
        entropy_coeff=0.01,
        clip_param=0.2,
        use_kl_loss=False,
        vf_loss_coeff=0.5,
        grad_clip=1.0,
    )
    .debugging(seed=arguments.seed, log_level="ERROR")
)
algorithm = config.build_algo()
frames = iteration = 0
while frames < arguments.steps:
    players = algorithm.train()["env_runners"]
    frames, iteration = int(players["num_env_steps_sampled_lifetime"]), iteration + 1
    if iteration % 10 == 0 or frames >= arguments.steps:
        print(f"{frames:9,} steps: caught {100 * players['episode_return_mean']:4.1f} % of the last balls", flush=True)

out = Path(arguments.out).absolute()
algorithm.save_to_path(str(out / "rllib"))  # to go on from with algorithm.restore_from_path
policy = algorithm.get_module().policy
print("saved", save_checkpoint(out, policy, ENV_ID, {}))
algorithm.stop()
