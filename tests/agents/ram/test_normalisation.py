"""Running statistics of observations."""

import torch

from agents.ram.checkpoint import load_checkpoint, save_checkpoint
from agents.ram.export import export_agent
from agents.ram.normalisation import RunningNorm
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.optimisation import observe

SETTINGS = RAMSettings(
    num_actions=2,
    glimpse_shape=(1, 1, 1, 3),
    senses={"sound": 2},
    normalise_inputs=True,
    core_size=4,
    glimpse_hidden=4,
    location_hidden=4,
    glimpse_features=4,
)


def test_parts_give_the_mean_and_variance_of_everything():
    values = torch.randn(100, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 10, 100, 0]) + 5
    norm = RunningNorm(4)
    for part in values.split((10, 1, 60, 29)):
        norm.update(part.mean(0), part.var(0, correction=0), torch.tensor(float(len(part))))
    torch.testing.assert_close(norm.mean, values.mean(0))
    torch.testing.assert_close(norm.variance, values.var(0, correction=0), atol=1e-5, rtol=1e-5)
    normalised = norm(values)
    torch.testing.assert_close(normalised[:, :3].std(0, correction=0), torch.ones(3))
    assert (normalised[:, 3] == 0).all()
    assert norm(torch.full((4,), 1e9)).max() == 10
    assert norm(torch.full((4,), -1e9)).min() == -10


def test_statistics_change_in_training_only_and_are_saved(tmp_path):
    policy = RAMPolicy(SETTINGS)
    generator = torch.Generator().manual_seed(0)
    observation = {
        "glimpse": 200 + 30 * torch.randn(5, 8, 3, generator=generator),
        "location": torch.randn(5, 8, 2, generator=generator) / 50,
        "sound": torch.randn(5, 8, 2, generator=generator) / 1000,
    }
    observe(policy, observation)
    h, _ = policy.encode(observation, policy.initial_state(8))
    network = policy.glimpse_network
    assert network.glimpse_norm.count == network.location_norm.count == network.sense_norm.count == 40
    torch.testing.assert_close(network.location_norm.mean, observation["location"].mean((0, 1)))
    torch.testing.assert_close(network.sense_norm.mean, observation["sound"].mean((0, 1)))
    save_checkpoint(tmp_path, policy, "RAM-CatchGame-v0", {})
    loaded = load_checkpoint(tmp_path).policy
    torch.testing.assert_close(loaded.encode(observation, loaded.initial_state(8))[0], h)
    # Half precision holds neither a count of 100,000 nor a variance of 1e-6.
    policy.glimpse_network.glimpse_norm.count.fill_(1e5)
    save_checkpoint(tmp_path, policy, "RAM-CatchGame-v0", {})
    small = load_checkpoint(export_agent(tmp_path, tmp_path / "small.safetensors")).policy
    torch.testing.assert_close(small.encode(observation, small.initial_state(8))[0], h, atol=1e-2, rtol=1e-2)


def test_shift_and_gain_are_the_fixed_form():
    settings = RAMSettings(num_actions=2, glimpse_shape=(1, 1, 1, 3), input_shift=0.8, input_gain=6.0)
    torch.manual_seed(0)
    shifted = RAMPolicy(settings)
    torch.manual_seed(0)
    plain = RAMPolicy(RAMSettings(num_actions=2, glimpse_shape=(1, 1, 1, 3)))
    glimpse, location = torch.rand(4, 3), torch.zeros(4, 2)
    torch.testing.assert_close(
        shifted.glimpse_network(glimpse, location), plain.glimpse_network(6 * (glimpse - 0.8), location)
    )
