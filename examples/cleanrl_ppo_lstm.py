"""Recurrent PPO in one file, after CleanRL's ppo_atari_lstm.py, with a hybrid action: location and answer.

pip install "ram-active-vision[agents]" tyro
python examples/cleanrl_ppo_lstm.py                              minutes
python examples/cleanrl_ppo_lstm.py --env-id RAM-Digits-v0       any environment of the suite
tensorboard --logdir runs
"""

import random
import time
from dataclasses import dataclass

import gymnasium as gym
import numpy as np
import torch
import torch.nn as nn
import torch.optim as optim
import tyro
from torch.distributions.categorical import Categorical
from torch.distributions.normal import Normal
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Args:
    """Settings, and options of the command line."""

    exp_name: str = "cleanrl_ppo_lstm"
    """the name of this experiment"""
    seed: int = 1
    """seed of the experiment"""
    torch_deterministic: bool = True
    """if toggled, `torch.backends.cudnn.deterministic=True`"""
    cuda: bool = True
    """if toggled, cuda will be enabled where there is one"""

    # Algorithm specific arguments
    env_id: str = "RAM-CatchGame-v0"
    """the id of the environment"""
    steps: int = 1_000_000
    """total timesteps of the experiment"""
    learning_rate: float = 1e-3
    """the learning rate of the optimizer"""
    num_envs: int = 256
    """the number of parallel game environments"""
    num_steps: int = 23
    """the number of steps to run in each environment per policy rollout"""
    anneal_lr: bool = True
    """toggle learning rate annealing"""
    gamma: float = 1.0
    """the discount factor gamma"""
    gae_lambda: float = 0.9
    """the lambda for the general advantage estimation"""
    num_minibatches: int = 4
    """the number of mini-batches"""
    update_epochs: int = 4
    """the K epochs to update the policy"""
    norm_adv: bool = True
    """toggles advantages normalization"""
    clip_coef: float = 0.2
    """the surrogate clipping coefficient, applied to fixation and answer separately"""
    ent_coef: float = 0.01
    """coefficient of the entropy of the answer"""
    vf_coef: float = 0.5
    """coefficient of the value function"""
    max_grad_norm: float = 1.0
    """the maximum norm for the gradient clipping"""
    fixation_std: float = 0.1
    """the standard deviation of the fixation; the scene is 2 wide"""


def layer_init(layer, std=2**0.5, bias_const=0.0):
    torch.nn.init.orthogonal_(layer.weight, std)
    torch.nn.init.constant_(layer.bias, bias_const)
    return layer


class Agent(nn.Module):
    """Glimpse network, LSTM, and three heads: fixation, answer, value."""

    def __init__(self, envs, fixation_std):
        super().__init__()
        sensor = envs.unwrapped.task.glimpse_sensor
        # A pixel of scale i is the mean of 4**i scene pixels; this gain gives a white pixel equal weight in all.
        gain = 4.0 ** torch.arange(sensor.num_scales).repeat_interleave(sensor.glimpse_size // sensor.num_scales)
        self.register_buffer("gain", gain)
        self.what = nn.Sequential(
            layer_init(nn.Linear(sensor.glimpse_size, 128)), nn.ReLU(), layer_init(nn.Linear(128, 256))
        )
        self.where = nn.Sequential(layer_init(nn.Linear(2, 128)), nn.ReLU(), layer_init(nn.Linear(128, 256)))
        self.lstm = nn.LSTM(256, 128)
        for name, param in self.lstm.named_parameters():
            if "bias" in name:
                nn.init.constant_(param, 0)
            else:
                nn.init.orthogonal_(param, 1.0)
        with torch.no_grad():
            self.lstm.bias_ih_l0[128:256] = 1.0  # the forget gate: start by remembering
        self.fixation_mean = layer_init(nn.Linear(128, 2), std=0.01)
        self.fixation_std = fixation_std
        self.actor = layer_init(nn.Linear(128, envs.unwrapped.task.answer.size), std=0.01)
        self.critic = layer_init(nn.Linear(128, 1), std=1)

    def get_states(self, glimpse, location, lstm_state, done):
        """Run the LSTM on a sequence, (T * B, ...), and reset its state where an episode starts."""
        hidden = torch.relu(self.what(glimpse * self.gain) + self.where(location))

        # LSTM logic
        batch_size = lstm_state[0].shape[1]
        hidden = hidden.reshape((-1, batch_size, self.lstm.input_size))
        done = done.reshape((-1, batch_size))
        new_hidden = []
        for h, d in zip(hidden, done, strict=True):
            h, lstm_state = self.lstm(
                h.unsqueeze(0),
                (
                    (1.0 - d).view(1, -1, 1) * lstm_state[0],
                    (1.0 - d).view(1, -1, 1) * lstm_state[1],
                ),
            )
            new_hidden += [h]
        new_hidden = torch.flatten(torch.cat(new_hidden), 0, 1)
        return new_hidden, lstm_state

    def get_value(self, glimpse, location, lstm_state, done):
        """Return the expected return."""
        hidden, _ = self.get_states(glimpse, location, lstm_state, done)
        return self.critic(hidden)

    def get_action_and_value(self, glimpse, location, lstm_state, done, fixation=None, action=None):
        """Sample an action, or evaluate a given one."""
        hidden, lstm_state = self.get_states(glimpse, location, lstm_state, done)
        looks = Normal(self.fixation_mean(hidden), self.fixation_std)
        acts = Categorical(logits=self.actor(hidden))
        if fixation is None:
            fixation, action = looks.sample(), acts.sample()
        # (B, 2): log-probabilities of fixation and answer; their sum is the log-probability of the action
        logprob = torch.stack([looks.log_prob(fixation).sum(-1), acts.log_prob(action)], dim=-1)
        return fixation, action, logprob, acts.entropy(), self.critic(hidden), lstm_state


if __name__ == "__main__":
    args = tyro.cli(Args, description=__doc__)
    batch_size = int(args.num_envs * args.num_steps)
    num_iterations = max(1, args.steps // batch_size)
    run_name = f"{args.env_id}__{args.exp_name}__{args.seed}__{int(time.time())}"
    writer = SummaryWriter(f"runs/{run_name}")
    writer.add_text(
        "hyperparameters",
        "|param|value|\n|-|-|\n" + "\n".join([f"|{key}|{value}|" for key, value in vars(args).items()]),
    )

    # TRY NOT TO MODIFY: seeding
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)
    torch.backends.cudnn.deterministic = args.torch_deterministic

    device = torch.device("cuda" if torch.cuda.is_available() and args.cuda else "cpu")

    # env setup
    envs = gym.make_vec(
        f"ram_envs:{args.env_id}", num_envs=args.num_envs, autoreset_mode="SameStep", action_format="dict"
    )
    action_key = envs.unwrapped.task.answer.key
    glimpse_size = envs.single_observation_space["glimpse"].shape[0]

    agent = Agent(envs, args.fixation_std).to(device)
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate, eps=1e-5)

    # ALGO Logic: Storage setup
    glimpses = torch.zeros((args.num_steps, args.num_envs, glimpse_size)).to(device)
    locations = torch.zeros((args.num_steps, args.num_envs, 2)).to(device)
    fixations = torch.zeros((args.num_steps, args.num_envs, 2)).to(device)
    actions = torch.zeros((args.num_steps, args.num_envs), dtype=torch.int64).to(device)
    logprobs = torch.zeros((args.num_steps, args.num_envs, 2)).to(device)
    rewards = torch.zeros((args.num_steps, args.num_envs)).to(device)
    dones = torch.zeros((args.num_steps, args.num_envs)).to(device)
    values = torch.zeros((args.num_steps, args.num_envs)).to(device)

    # TRY NOT TO MODIFY: start the game
    global_step = 0
    start_time = time.time()
    next_obs, _ = envs.reset(seed=args.seed)
    next_glimpse = torch.Tensor(next_obs["glimpse"]).to(device)
    next_location = torch.Tensor(next_obs["location"]).to(device)
    next_done = torch.zeros(args.num_envs).to(device)
    next_lstm_state = (
        torch.zeros(1, args.num_envs, agent.lstm.hidden_size).to(device),
        torch.zeros(1, args.num_envs, agent.lstm.hidden_size).to(device),
    )  # hidden and cell states (see https://youtu.be/8HyCNIVRbSU)
    return_so_far = np.zeros(args.num_envs)

    for iteration in range(1, num_iterations + 1):
        initial_lstm_state = (next_lstm_state[0].clone(), next_lstm_state[1].clone())
        # Annealing the rate if instructed to do so.
        if args.anneal_lr:
            frac = 1.0 - (iteration - 1.0) / num_iterations
            lrnow = frac * args.learning_rate
            optimizer.param_groups[0]["lr"] = lrnow

        returns_of_episodes = []
        for step in range(0, args.num_steps):
            global_step += args.num_envs
            glimpses[step] = next_glimpse
            locations[step] = next_location
            dones[step] = next_done

            # ALGO LOGIC: action logic
            with torch.no_grad():
                fixation, action, logprob, _, value, next_lstm_state = agent.get_action_and_value(
                    next_glimpse, next_location, next_lstm_state, next_done
                )
                values[step] = value.flatten()
            fixations[step] = fixation
            actions[step] = action
            logprobs[step] = logprob

            # TRY NOT TO MODIFY: execute the game and log data.
            next_obs, reward, terminations, truncations, infos = envs.step(
                {"fixation": fixation.cpu().numpy(), action_key: action.cpu().numpy()}
            )
            next_done = np.logical_or(terminations, truncations)
            return_so_far += reward
            returns_of_episodes += return_so_far[next_done].tolist()
            return_so_far[next_done] = 0
            rewards[step] = torch.tensor(reward).to(device).view(-1)
            next_glimpse = torch.Tensor(next_obs["glimpse"]).to(device)
            next_location = torch.Tensor(next_obs["location"]).to(device)
            next_done = torch.Tensor(next_done).to(device)

        # bootstrap value if not done
        with torch.no_grad():
            next_value = agent.get_value(next_glimpse, next_location, next_lstm_state, next_done).reshape(1, -1)
            advantages = torch.zeros_like(rewards).to(device)
            lastgaelam = 0
            for t in reversed(range(args.num_steps)):
                if t == args.num_steps - 1:
                    nextnonterminal = 1.0 - next_done
                    nextvalues = next_value
                else:
                    nextnonterminal = 1.0 - dones[t + 1]
                    nextvalues = values[t + 1]
                delta = rewards[t] + args.gamma * nextvalues * nextnonterminal - values[t]
                advantages[t] = lastgaelam = delta + args.gamma * args.gae_lambda * nextnonterminal * lastgaelam
            returns = advantages + values
        if args.norm_adv:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)

        # Optimizing the policy and value network
        assert args.num_envs % args.num_minibatches == 0
        envsperbatch = args.num_envs // args.num_minibatches
        envinds = np.arange(args.num_envs)
        clipfracs = []
        for _ in range(args.update_epochs):
            np.random.shuffle(envinds)
            for start in range(0, args.num_envs, envsperbatch):
                mb_envs = envinds[start : start + envsperbatch]
                _, _, newlogprob, entropy, newvalue, _ = agent.get_action_and_value(
                    glimpses[:, mb_envs].flatten(0, 1),  # be really careful about the index
                    locations[:, mb_envs].flatten(0, 1),
                    (initial_lstm_state[0][:, mb_envs], initial_lstm_state[1][:, mb_envs]),
                    dones[:, mb_envs].flatten(),
                    fixations[:, mb_envs].flatten(0, 1),
                    actions[:, mb_envs].flatten(),
                )
                logratio = newlogprob - logprobs[:, mb_envs].flatten(0, 1)
                ratio = logratio.exp()  # (B, 2): of the fixation and of the task action

                with torch.no_grad():
                    # calculate approx_kl http://joschu.net/blog/kl-approx.html
                    approx_kl = ((ratio - 1) - logratio).sum(-1).mean()
                    clipfracs += [((ratio - 1.0).abs() > args.clip_coef).float().mean(0)]

                # Policy loss: clipped apart, as a fixation's density moves much faster than the probability of a move
                mb_advantages = advantages[:, mb_envs].flatten().unsqueeze(-1)
                pg_loss1 = -mb_advantages * ratio
                pg_loss2 = -mb_advantages * torch.clamp(ratio, 1 - args.clip_coef, 1 + args.clip_coef)
                pg_loss = torch.max(pg_loss1, pg_loss2).sum(-1).mean()

                # Value loss
                v_loss = 0.5 * ((newvalue.view(-1) - returns[:, mb_envs].flatten()) ** 2).mean()

                entropy_loss = entropy.mean()
                loss = pg_loss - args.ent_coef * entropy_loss + v_loss * args.vf_coef

                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(agent.parameters(), args.max_grad_norm)
                optimizer.step()

        # TRY NOT TO MODIFY: record rewards for plotting purposes
        clipfrac = torch.stack(clipfracs).mean(0)
        sps = int(global_step / (time.time() - start_time))
        if returns_of_episodes:
            episodic_return = float(np.mean(returns_of_episodes))
            writer.add_scalar("charts/episodic_return", episodic_return, global_step)
            if iteration % 10 == 0 or iteration == num_iterations:
                print(f"global_step={global_step}, episodic_return={episodic_return:.3f}, SPS={sps}", flush=True)
        writer.add_scalar("charts/learning_rate", optimizer.param_groups[0]["lr"], global_step)
        writer.add_scalar("losses/value_loss", v_loss.item(), global_step)
        writer.add_scalar("losses/policy_loss", pg_loss.item(), global_step)
        writer.add_scalar("losses/entropy", entropy_loss.item(), global_step)
        writer.add_scalar("losses/approx_kl", approx_kl.item(), global_step)
        writer.add_scalar("losses/clipfrac_fixation", clipfrac[0].item(), global_step)
        writer.add_scalar("losses/clipfrac_action", clipfrac[1].item(), global_step)
        writer.add_scalar("charts/SPS", sps, global_step)

    envs.close()
    writer.close()
