"""The RAM policy in RLlib: the same distributions as our own, on a real Ray with two players and a learner."""

import gymnasium
import numpy as np
import pytest
import ray
import torch
from ray.rllib.algorithms.algorithm import Algorithm
from ray.rllib.algorithms.ppo import PPOConfig
from ray.rllib.core.columns import Columns
from torch.distributions import Categorical, Normal

import ram_envs
from agents.integrations.ray_cluster import connect_ray
from agents.integrations.rllib import HybridDistribution, ram_module_spec
from agents.ram.checkpoint import load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from tests.integrations.programs import ROOT, run_program
from tests.limits import HANG_S

CATCH, EPISODE = "RAM-CatchGame-v0", 23
SMALL = {"core_size": 12, "glimpse_hidden": 8, "location_hidden": 6, "glimpse_features": 10}
ROWS, STEPS = 3, 5


def module_and_policy(core, env_id=CATCH):
    """A module, and a policy of ours with the same weights."""
    network = NetworkSettings(core=core, location_std=0.3, **SMALL)
    single = gymnasium.make(f"ram_envs:{env_id}", action_format="dict")
    spec = ram_module_spec(env_id, network)
    spec.observation_space, spec.action_space = single.observation_space, single.action_space
    torch.manual_seed(0)
    module = spec.build()
    policy = RAMPolicy(RAMSettings.for_environment(ram_envs.make_tensor(env_id, 1), network))
    with torch.no_grad():
        for parameter in module.policy.parameters():
            parameter.normal_(std=0.3)
    policy.load_state_dict(module.policy.state_dict())
    return module, policy


def observations(policy, *shape):
    size = policy.settings.glimpse_size
    return {"glimpse": torch.rand(*shape, size), "location": torch.rand(*shape, 2) * 2 - 1}


@pytest.mark.parametrize("core", ["relu", "lstm"])
def test_module_gives_the_distributions_and_values_of_our_policy(core):
    module, policy = module_and_policy(core)
    seen = observations(policy, ROWS, STEPS)
    state = tuple(torch.randn(ROWS, SMALL["core_size"]) for _ in policy.initial_state(1))
    out = module.forward_train(
        {Columns.OBS: seen, Columns.STATE_IN: {str(index): value for index, value in enumerate(state)}}
    )
    distribution = module.get_train_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS])
    action = {"fixation": torch.randn(ROWS, STEPS, 2), "move": torch.randint(3, (ROWS, STEPS))}

    time_first = {key: value.transpose(0, 1) for key, value in seen.items()}
    expected = policy.evaluate_sequence(time_first, state, action["fixation"].transpose(0, 1), action["move"].T)
    _, after = policy.encode(time_first, state)
    joint = (expected.location_log_prob + expected.action_log_prob).T
    torch.testing.assert_close(distribution.logp(action), joint)
    torch.testing.assert_close(distribution.entropy(), expected.action_entropy.T)
    torch.testing.assert_close(module.compute_values({}, embeddings=out[Columns.EMBEDDINGS]), expected.value.T)
    torch.testing.assert_close(tuple(out[Columns.STATE_OUT].values()), after)


def test_deterministic_actions_are_those_of_our_greedy_policy():
    module, policy = module_and_policy("lstm", "RAM-Digits-v0")
    seen = observations(policy, ROWS, 1)
    state = module.get_initial_state()
    assert set(state) == {"0", "1"} and state["0"].shape == (SMALL["core_size"],)
    batch = {key: value.expand(ROWS, -1) for key, value in state.items()}
    out = module.forward_inference({Columns.OBS: seen, Columns.STATE_IN: batch})
    distribution = module.get_inference_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS])
    action = distribution.to_deterministic().sample()
    decision, _ = policy.act({key: value[:, 0] for key, value in seen.items()}, policy.initial_state(ROWS), greedy=True)
    torch.testing.assert_close(action["fixation"][:, 0], decision.fixation)
    assert torch.equal(action["label"][:, 0], decision.task_action)


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 6)])
def test_log_probability_has_one_number_a_decision_and_is_the_sum_of_both_parts(shape):
    torch.manual_seed(0)
    kind = HybridDistribution.get_partial_dist_cls(action_key="move")
    mean, log_std, logits = torch.randn(*shape, 2), torch.full((*shape, 1), -1.0), torch.randn(*shape, 3)
    distribution = kind.from_logits(torch.cat([mean, log_std, logits], -1))
    action = distribution.sample()
    location = Normal(mean, np.exp(-1.0)).log_prob(action["fixation"]).sum(-1)
    torch.testing.assert_close(
        distribution.logp(action), location + Categorical(logits=logits).log_prob(action["move"])
    )
    assert distribution.entropy().shape == distribution.kl(distribution).shape == shape
    torch.testing.assert_close(distribution.kl(distribution), torch.zeros(shape))


@pytest.mark.parametrize(
    ("formats", "words"), [({"action_format": "box"}, "action_format='dict'"), ({"num_scales": 2}, "observation space")]
)
def test_wrong_spaces_are_named(formats, words):
    single = gymnasium.make(f"ram_envs:{CATCH}", **{"action_format": "dict", **formats})
    spec = ram_module_spec(CATCH)
    spec.observation_space, spec.action_space = single.observation_space, single.action_space
    with pytest.raises(ValueError, match=words):
        spec.build()


@pytest.mark.parametrize(("address", "limit"), [("127.0.0.1:1", {}), ("ray://127.0.0.1:1", {"timeout_s": 5})])
def test_a_cluster_that_does_not_answer_is_an_error(address, limit):
    with pytest.raises(ConnectionError, match=rf"address='{address}'.*ray start --head"):
        connect_ray(address, **limit)


@pytest.fixture(scope="module")
def local_ray():
    connect_ray(num_cpus=4, object_store_mib=100)
    yield
    ray.shutdown()


@pytest.fixture
def started():
    """Algorithms to stop, however the test ends: one that keeps its processors lets the next one wait for them."""
    algorithms = []
    yield algorithms
    for algorithm in algorithms:
        algorithm.stop()


def weights(algorithm):
    return algorithm.learner_group.get_weights()["default_policy"]


def greedy_actions(algorithm):
    module = algorithm.get_module()
    torch.manual_seed(0)
    batch = {
        Columns.OBS: observations(module.policy, ROWS, 1),
        Columns.STATE_IN: {key: value.expand(ROWS, -1) for key, value in module.get_initial_state().items()},
    }
    out = module.forward_inference(batch)
    action = module.get_inference_action_dist_cls().from_logits(out[Columns.ACTION_DIST_INPUTS])
    return action.to_deterministic().sample()


def test_two_players_and_a_learner_train_and_a_checkpoint_brings_them_back(local_ray, started, tmp_path):
    network = NetworkSettings(core="lstm", **SMALL)
    config = (
        PPOConfig()
        .environment(f"ram_envs:{CATCH}", env_config={"action_format": "dict"})
        .env_runners(
            num_env_runners=2,
            num_envs_per_env_runner=4,
            gym_env_vectorize_mode="vector_entry_point",
            rollout_fragment_length=2 * EPISODE,
            sample_timeout_s=HANG_S,  # what comes later is thrown away, and played again
        )
        .fault_tolerance(restart_failed_env_runners=False)
        .learners(num_learners=1)
        .rl_module(rl_module_spec=ram_module_spec(CATCH, network))
        .training(train_batch_size_per_learner=16 * EPISODE, minibatch_size=8 * EPISODE, num_epochs=2, lr=1e-2)
        .debugging(seed=0, log_level="ERROR")
    )
    algorithm = config.build_algo()
    started.append(algorithm)
    before = weights(algorithm)
    for _ in range(2):
        players = algorithm.train()["env_runners"]
    after = weights(algorithm)
    assert players["num_env_steps_sampled_lifetime"] == 2 * 16 * EPISODE
    assert players["episode_len_min"] == players["episode_len_max"] == EPISODE
    moved = {name.split(".")[1] for name in after if np.abs(after[name] - before[name]).max() > 1e-4}
    assert moved == {"glimpse_network", "core_network", "location_network", "action_network", "baseline"}
    for name, value in algorithm.get_module().state_dict().items():
        np.testing.assert_array_equal(value.numpy(), after[name], err_msg=name)

    expected = greedy_actions(algorithm)
    algorithm.save_to_path(str(tmp_path / "checkpoint"))
    started.pop().stop()
    restored = Algorithm.from_checkpoint(str(tmp_path / "checkpoint"))
    started.append(restored)
    assert after.keys() == weights(restored).keys()
    for name, value in weights(restored).items():
        np.testing.assert_array_equal(value, after[name], err_msg=name)
    got = greedy_actions(restored)
    assert torch.equal(got["move"], expected["move"]) and torch.equal(got["fixation"], expected["fixation"])
    restored.train()


def test_example_trains_on_the_cluster_at_an_address(local_ray, tmp_path):
    address = ray.get_runtime_context().gcs_address
    command = [ROOT / "examples" / "rllib_catch.py", "--address", address, "--num-env-runners", "1"]
    result = run_program(*command, "--num-envs", "4", "--steps", "100", folder=tmp_path)
    assert result.status == 0, result.stderr
    assert "of the last balls" in result.stdout
    assert load_checkpoint(tmp_path / "runs/rllib-catch").env_id == CATCH


def test_a_ray_that_this_process_uses_already_is_kept(local_ray):
    connect_ray()
    node = ray.get_runtime_context().get_node_id()
    connect_ray("127.0.0.1:1")
    assert ray.get_runtime_context().get_node_id() == node
