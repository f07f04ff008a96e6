"""The RAM policy as a model of skrl's recurrent agents."""

import gymnasium
import pytest
import torch
from skrl.agents.torch.ppo import PPO_CFG, PPO_RNN
from skrl.envs.wrappers.torch import wrap_env
from skrl.memories.torch import RandomMemory
from skrl.trainers.torch import SequentialTrainer

from agents.integrations.skrl import RAMModel
from agents.ram.settings import NetworkSettings

CATCH, ROWS, EPISODE = "RAM-CatchGame-v0", 4, 23
SMALL = {"core_size": 12, "glimpse_hidden": 8, "location_hidden": 6, "glimpse_features": 10, "location_std": 0.3}


def make_envs(env_id=CATCH, **settings):
    envs = gymnasium.make_vec(f"ram_envs:{env_id}", num_envs=ROWS, autoreset_mode="SameStep", **settings)
    return wrap_env(envs, wrapper="gymnasium", verbose=False)


def make_model(envs, core="lstm", **settings):
    torch.manual_seed(0)
    model = RAMModel(envs, NetworkSettings(core=core, **SMALL), **settings)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
    return model


def split(model, observations):
    """What skrl joined: (..., glimpse_size + 2) -> glimpse and location."""
    size = model.policy.settings.glimpse_size
    return {"glimpse": observations[..., :size], "location": observations[..., size:]}


@pytest.mark.parametrize("core", ["relu", "lstm"])
def test_one_step_is_that_of_our_policy(core):
    envs = make_envs()
    model = make_model(envs, core)
    observations, _ = envs.reset()
    sizes = model.get_specification()["rnn"]["sizes"]
    states = [torch.randn(size) for size in sizes]
    model.enable_training_mode(False)
    actions, outputs = model.act({"observations": observations, "rnn": states}, role="policy")
    value, _ = model.act({"observations": observations, "rnn": states}, role="value")
    decision, after = model.policy.act(split(model, observations), tuple(s[0] for s in states), greedy=True)
    assert actions.shape == (ROWS, 5) and outputs["log_prob"].shape == value.shape == (ROWS, 1)
    torch.testing.assert_close(outputs["mean_actions"][:, :2], decision.fixation)
    assert torch.equal(outputs["mean_actions"][:, 2:].argmax(-1), decision.task_action)
    torch.testing.assert_close(value[:, 0], decision.value)
    torch.testing.assert_close([state[0] for state in outputs["rnn"]], list(after))


def test_sequences_begin_anew_where_episodes_end():
    envs = make_envs("RAM-Digits-v0", stop="learned")
    model = make_model(envs, sequence_length=6)
    model.enable_training_mode(True)
    policy, rows, length = model.policy, 3, 6
    observations = torch.rand(rows * length, policy.settings.glimpse_size + 2)
    states = [torch.randn(1, rows * length, SMALL["core_size"]) for _ in range(2)]
    taken = torch.cat([torch.randn(rows * length, 2), torch.eye(11)[torch.randint(11, (rows * length,))]], -1)
    terminated = torch.zeros(rows, length, dtype=torch.bool)
    terminated[0, 2] = terminated[1, 5] = terminated[2, 0] = terminated[2, 3] = True
    flags = {"terminated": terminated.reshape(-1, 1), "truncated": torch.zeros(rows * length, 1, dtype=torch.bool)}
    inputs = {"observations": observations, "rnn": states, "taken_actions": taken, **flags}
    _, outputs = model.act(inputs, role="policy")
    values, _ = model.act(inputs, role="value")

    for row in range(rows):
        state = tuple(value[:, row * length] for value in states)
        for step in range(length):
            at = row * length + step
            seen = {key: value[None, None] for key, value in split(model, observations[at]).items()}
            fixation, label = taken[at, :2], taken[at, 2:].argmax()
            expected = policy.evaluate_sequence(seen, state, fixation[None, None], label[None, None])
            joint = expected.location_log_prob + expected.action_log_prob
            torch.testing.assert_close(outputs["log_prob"][at], joint[0])
            torch.testing.assert_close(values[at], expected.value[0])
            _, state = policy.encode(seen, state)
            state = policy.initial_state(1) if terminated[row, step] else state


def test_value_is_worked_out_anew_for_other_observations_and_after_an_update():
    envs = make_envs()
    model = make_model(envs)
    model.enable_training_mode(False)
    observations, _ = envs.reset()
    inputs = {"observations": observations, "rnn": [torch.zeros(1, ROWS, SMALL["core_size"])] * 2}
    model.act(inputs, role="policy")
    first, _ = model.act(inputs, role="value")
    with torch.no_grad():
        model.policy.glimpse_network.what.weight.mul_(2)
    second, _ = model.act(inputs, role="value")
    assert not torch.equal(first, second)
    model.act(inputs, role="policy")
    third, _ = model.act({**inputs, "observations": torch.rand_like(observations)}, role="value")
    assert not torch.equal(second, third)


def test_other_action_formats_are_refused_by_name():
    with pytest.raises(ValueError, match="action_format='box'"):
        RAMModel(make_envs(action_format="multidiscrete"))


def test_recurrent_ppo_trains_every_network(tmp_path):
    envs = make_envs()
    model = make_model(envs)
    before = {name: value.clone() for name, value in model.policy.named_parameters()}
    config = PPO_CFG(rollouts=EPISODE, learning_epochs=2, mini_batches=2, learning_rate=1e-2, entropy_loss_scale=0.01)
    config.experiment.directory = str(tmp_path)
    agent = PPO_RNN(
        models={"policy": model, "value": model},
        memory=RandomMemory(memory_size=EPISODE, num_envs=ROWS, device=envs.device),
        observation_space=envs.observation_space,
        action_space=envs.action_space,
        device=envs.device,
        cfg=config,
    )
    settings = {
        "timesteps": 2 * EPISODE,
        "headless": True,
        "disable_progressbar": True,
        "close_environment_at_exit": False,
    }
    SequentialTrainer(env=envs, agents=agent, cfg=settings).train()
    moved = {name.split(".")[0] for name, value in model.policy.named_parameters() if not value.equal(before[name])}
    assert moved == {"glimpse_network", "core_network", "location_network", "action_network", "baseline"}


def test_further_senses_are_refused_by_name():
    with pytest.raises(ValueError, match="has the further senses sound: expected a task"):
        make_model(make_envs(hearing=True))
