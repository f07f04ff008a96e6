"""Fine-tuning starts from the weights of a checkpoint, and names what does not fit."""

import json
import warnings
from dataclasses import replace

import pytest
import torch

import agents
from agents.cli import main
from agents.errors import SettingsError
from agents.ram.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training.fine_tuning import RECORD, FineTuningWarning, initialise_from
from agents.training.presets import settings_for
from agents.training.settings import HybridSettings
from agents.training.trainer import resume, train
from ram_envs import make_tensor

DIGITS, CATCH = "RAM-Digits-v0", "RAM-CatchGame-v0"
SMALL = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
SETTINGS = HybridSettings(
    environment={"split": "train[:32]", "num_glimpses": 2}, network=SMALL, num_envs=16, epochs=1, learning_rate=1e-9
)
HEAD = ("action_network.logits.weight", "action_network.logits.bias")


def make_policy(seed=0, network=SMALL, num_actions=10, glimpse_shape=(1, 1, 4, 4)):
    torch.manual_seed(seed)
    chosen = {name: getattr(network, name) for name in NetworkSettings.__dataclass_fields__}
    return RAMPolicy(RAMSettings(num_actions=num_actions, glimpse_shape=glimpse_shape, **chosen))


@pytest.fixture
def checkpoint(tmp_path):
    """A checkpoint with random weights for the digits, with a location_std of its own."""
    return save_checkpoint(tmp_path / "before.safetensors", make_policy(7), DIGITS, {})


def same(a, b, names=None):
    a, b = a.state_dict(), b.state_dict()
    return all(torch.equal(a[name], b[name]) for name in (names or a))


def test_a_run_starts_from_the_weights_of_the_checkpoint(checkpoint, tmp_path):
    seen = []

    def look(progress, metrics, policy):
        seen.append({name: value.clone() for name, value in policy.state_dict().items()})

    with warnings.catch_warnings():
        warnings.simplefilter("error", FineTuningWarning)
        train(DIGITS, SETTINGS, tmp_path / "run", init_from=checkpoint, callback=look, progress_bar=False, device="cpu")
    before, fresh = load_checkpoint(checkpoint).policy.state_dict(), make_policy(0).state_dict()
    for name, value in seen[-1].items():  # which the tiny learning rate has hardly moved
        assert torch.allclose(value, before[name], atol=1e-6), name
    assert not torch.allclose(before["core_network.from_core.weight"], fresh["core_network.from_core.weight"], atol=0.1)


def test_settings_name_the_initial_weights_and_the_argument_goes_before(checkpoint, tmp_path):
    settings = replace(SETTINGS, init_from=str(checkpoint))
    other = save_checkpoint(tmp_path / "other.safetensors", make_policy(8), DIGITS, {})
    for init_from, expected in ((None, make_policy(7)), (other, make_policy(8)), ("none", make_policy(0))):
        folder = tmp_path / f"from {init_from and init_from!s:.4}"
        train(DIGITS, settings, folder, init_from=init_from, progress_bar=False, device="cpu")
        kept, name = load_checkpoint(folder), "core_network.from_core.weight"
        torch.testing.assert_close(kept.policy.state_dict()[name], expected.state_dict()[name], atol=1e-6, rtol=0)
        assert kept.training["init_from"] == (
            str(init_from) if init_from == other else None if init_from else str(checkpoint)
        )


def test_what_a_preset_leaves_random_is_no_warning(checkpoint, tmp_path):
    settings = replace(SETTINGS, network=replace(SMALL, core_size=4))
    with warnings.catch_warnings():
        warnings.simplefilter("error", FineTuningWarning)
        train(DIGITS, replace(settings, init_from=str(checkpoint)), tmp_path / "quiet", progress_bar=False)
    with pytest.warns(FineTuningWarning, match="core_network"):
        train(DIGITS, settings, tmp_path / "loud", init_from=checkpoint, progress_bar=False)


def test_a_fine_tuned_run_is_stopped_and_resumed_exactly(checkpoint, tmp_path):
    settings = replace(SETTINGS, epochs=4, learning_rate=1e-2, log_every=1)
    options = {"init_from": checkpoint, "progress_bar": False, "device": "cpu"}
    train(DIGITS, settings, tmp_path / "whole", **options)
    stop = lambda progress, metrics, policy: progress.iteration < 3  # noqa: E731
    train(DIGITS, settings, tmp_path / "stopped", callback=stop, **options)
    resume(tmp_path / "stopped", progress_bar=False, device="cpu")
    assert same(load_checkpoint(tmp_path / "whole").policy, load_checkpoint(tmp_path / "stopped").policy)


def test_the_run_folder_says_where_the_weights_came_from(checkpoint, tmp_path):
    train(DIGITS, SETTINGS, tmp_path / "run", init_from=str(checkpoint), progress_bar=False, device="cpu")
    record = json.loads((tmp_path / "run" / RECORD).read_text())
    assert record["checkpoint"] == str(checkpoint) and record["started_anew"] == []
    assert set(record["copied"]) == {name for name, _ in make_policy().named_parameters()}
    train(DIGITS, SETTINGS, tmp_path / "plain", progress_bar=False, device="cpu")
    assert not (tmp_path / "plain" / RECORD).exists()


def test_other_classes_start_the_head_anew_and_are_named_in_one_line(checkpoint):
    policy, fresh = make_policy(num_actions=4), make_policy(num_actions=4)
    with pytest.warns(FineTuningWarning) as caught:
        initial = initialise_from(policy, checkpoint)
    (line,) = [str(warning.message) for warning in caught]
    assert line == (
        f"init_from='{checkpoint}': initialized at random: "
        "action_network.logits.weight ((10, 8) in the checkpoint, (4, 8) here), "
        "action_network.logits.bias ((10,) in the checkpoint, (4,) here)"
    )
    assert initial.started_anew == HEAD and same(policy, fresh, HEAD)
    assert same(policy, load_checkpoint(checkpoint).policy, initial.copied)


def test_answers_keep_their_weights_by_name(tmp_path):
    """With ``stop="learned"`` there is one answer more; a dataset may list the same classes in another order."""
    source = make_policy(7, num_actions=3)
    source.answer_names = ("cat", "dog", "bird")
    checkpoint = save_checkpoint(tmp_path / "named.safetensors", source, DIGITS, {})
    policy, fresh = make_policy(num_actions=4), make_policy(num_actions=4)
    policy.answer_names = ("dog", "cat", "bird", "look on")
    with pytest.warns(FineTuningWarning, match="initialized at random: the action network's answers 'look on'$"):
        initial = initialise_from(policy, checkpoint)
    assert initial.started_anew == () and initial.new_answers == ("look on",) and set(HEAD) <= set(initial.copied)
    before, after, new = (p.action_network.logits for p in (source, policy, fresh))
    assert torch.equal(after.weight[:3], before.weight[[1, 0, 2]]) and torch.equal(
        after.bias[:3], before.bias[[1, 0, 2]]
    )
    assert torch.equal(after.weight[3], new.weight[3]) and torch.equal(after.bias[3], new.bias[3])


def test_answers_without_names_are_called_by_their_numbers(checkpoint):
    """A checkpoint of version 0.1 has no names."""
    policy = make_policy(num_actions=11)
    policy.answer_names = (*map(str, range(10)), "look on")
    with pytest.warns(FineTuningWarning, match="the action network's answers 'look on'$"):
        initialise_from(policy, checkpoint)
    before = load_checkpoint(checkpoint).policy.action_network.logits
    assert torch.equal(policy.action_network.logits.weight[:10], before.weight)


def test_answers_of_other_names_keep_their_place(tmp_path):
    source = make_policy(7)
    source.answer_names = tuple(map(str, range(10)))
    checkpoint = save_checkpoint(tmp_path / "named.safetensors", source, DIGITS, {})
    policy = make_policy()
    policy.answer_names = tuple("abcdefghij")
    assert initialise_from(policy, checkpoint).new_answers == () and same(policy, source, HEAD)


def test_a_training_that_learns_when_to_stop_starts_with_the_classes_of_one_that_did_not(tmp_path):
    settings = settings_for(DIGITS, method="game")
    settings = replace(settings, environment={"stop": "learned"}, frames=1, num_envs=8, learning_rate=1e-9)
    with pytest.warns(FineTuningWarning, match="the action network's answers 'look on'$"):
        train(DIGITS, settings, tmp_path / "run", init_from="pretrained:RAM-Digits-v0", progress_bar=False)
    agent, packaged = agents.load(tmp_path / "run"), agents.load("pretrained:RAM-Digits-v0")
    weights = [policy.action_network.logits.weight[:10] for policy in (agent.policy, packaged.policy)]
    assert agent.answer_names == (*packaged.answer_names, "look on") and torch.allclose(*weights, atol=1e-3)


def test_another_sensor_starts_its_layer_anew(checkpoint):
    policy = make_policy(glimpse_shape=(2, 3, 6, 6))
    with pytest.warns(FineTuningWarning, match=r"from_glimpse.weight \(\(8, 16\) in the checkpoint, \(8, 216\) here\)"):
        initial = initialise_from(policy, checkpoint)
    assert initial.started_anew == ("glimpse_network.from_glimpse.weight",)


def test_another_core_starts_anew_as_it_is_not_in_the_checkpoint(checkpoint):
    policy = make_policy(network=replace(SMALL, core="lstm"))
    with pytest.warns(FineTuningWarning, match=r"lstm.weight_ih_l0 \(not in the checkpoint, \(32, 8\) here\)"):
        initial = initialise_from(policy, checkpoint)
    assert all(name.startswith("core_network.lstm") for name in initial.started_anew)


WIDER = {"core_size": 13, "glimpse_hidden": 16, "location_hidden": 17, "glimpse_features": 18}


@torch.no_grad()
def outputs(policy, glimpse, location):
    """Return h, the mean of the location and the logits after a sequence of glimpses."""
    features = policy.glimpse_network(glimpse, location)
    h, _ = policy.core_network(features, policy.core_network.initial_state(glimpse.shape[1]))
    return h, policy.location_network(h), policy.action_network(h)


@pytest.mark.parametrize("network", [SMALL, replace(SMALL, core="lstm", location_network_hidden=6)])
@pytest.mark.parametrize("named", [False, True])
def test_a_larger_policy_starts_as_the_same_function_and_learns_with_all_of_its_units(network, named, tmp_path):
    source, hidden = make_policy(7, network), network.location_network_hidden and 12
    policy = make_policy(0, replace(network, **WIDER, location_network_hidden=hidden))
    if named:
        source.answer_names = policy.answer_names = tuple("abcdefghij")
    for parameter in source.parameters():  # biases start as zeros
        parameter.data += 0.1 * torch.randn_like(parameter)
    checkpoint = save_checkpoint(tmp_path / "small.safetensors", source, DIGITS, {})
    initial = initialise_from(policy, checkpoint)  # no warning: nothing is left out
    assert initial.started_anew == () and {"glimpse_network.what.weight", HEAD[0]} <= set(initial.widened)
    assert HEAD[1] not in initial.widened and set(initial.widened) < set(initial.copied)
    glimpse, location = torch.rand(4, 5, 16), torch.rand(4, 5, 2) * 2 - 1
    before, after = outputs(source, glimpse, location), outputs(policy, glimpse, location)
    torch.testing.assert_close(after[0][..., :8], before[0])
    torch.testing.assert_close(after[1:], before[1:])

    optimizer = torch.optim.SGD(policy.parameters(), 0.1)
    old = {name: value.clone() for name, value in policy.named_parameters()}
    for _ in range(2):
        features = policy.glimpse_network(glimpse, location)
        h, _ = policy.core_network(features, policy.core_network.initial_state(5))
        optimizer.zero_grad()
        (policy.action_network(h).log_softmax(-1)[..., 0].mean() + policy.location_network(h).mean()).backward()
        optimizer.step()
    for name in ("glimpse_network.from_glimpse.weight", "glimpse_network.from_location.weight"):
        moved = (policy.get_parameter(name) - old[name]).abs().amax(1)[8:]  # the new units
        assert (moved > 0).any(), name


@pytest.mark.parametrize("squash", [True, False])
def test_a_zoom_starts_as_the_retina_that_it_was(squash, tmp_path):
    """The third number of its location starts near its lower end, and nothing reads it yet."""
    network = replace(SMALL, squash_location=squash)
    source = make_policy(7, network)
    checkpoint = save_checkpoint(tmp_path / "retina.safetensors", source, DIGITS, {})
    policy = RAMPolicy(replace(make_policy(0, network).settings, gaze_size=3))
    assert initialise_from(policy, checkpoint).started_anew == ()
    generator = torch.Generator().manual_seed(0)
    glimpse = torch.rand(3, 5, policy.settings.glimpse_size, generator=generator)
    location = torch.rand(3, 5, 3, generator=generator)
    expected = outputs(source, glimpse, location[..., :2])
    h, mean, logits = outputs(policy, glimpse, location)
    for ours, theirs in zip((h, mean[..., :2], logits), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(mean[..., 2], torch.full((3, 5), -0.95))
    policy.location_network(h).sum().backward()
    assert policy.location_network.mean.weight.grad[2].any()


def test_a_hidden_layer_of_the_location_network_starts_with_what_reads_it(checkpoint):
    """The layer behind it reads hidden units now and h before, though both may be as many."""
    policy = make_policy(network=replace(SMALL, location_network_hidden=8))
    with pytest.warns(FineTuningWarning, match="location_network.hidden.weight"):
        initial = initialise_from(policy, checkpoint)
    assert "location_network.mean.weight" in initial.started_anew


def test_the_statistics_of_normalised_inputs_are_copied(tmp_path):
    network = replace(SMALL, normalise_inputs=True)
    source, policy = make_policy(7, network), make_policy(0, network)
    norm = source.glimpse_network.glimpse_norm
    norm.update(torch.rand(16), torch.rand(16), torch.tensor(100.0))
    checkpoint = save_checkpoint(tmp_path / "normalised.safetensors", source, DIGITS, {})
    initialise_from(policy, checkpoint)
    assert same(policy.glimpse_network.glimpse_norm, norm) and norm.count == 100


def test_the_standard_deviation_of_the_location_is_that_of_the_new_run(checkpoint):
    policy = make_policy(network=replace(SMALL, location_std=0.25))
    initialise_from(policy, checkpoint)
    assert policy.location_std == 0.25


def test_no_warning_where_it_is_not_wanted(checkpoint):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert initialise_from(make_policy(num_actions=4), checkpoint, warn=False).started_anew == HEAD


def test_weights_of_which_none_fits_are_refused_with_the_settings_that_differ(checkpoint, tmp_path):
    small = NetworkSettings(core_size=7, glimpse_hidden=7, location_hidden=7, glimpse_features=7)
    with pytest.raises(SettingsError, match="none of its weights fits .*core_size=8, here 7") as caught:
        train(DIGITS, replace(SETTINGS, network=small), tmp_path / "run", init_from=checkpoint, progress_bar=False)
    assert "\n" not in str(caught.value) and not (tmp_path / "run").exists()


def test_a_checkpoint_that_is_not_there_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CheckpointError, match="does not exist"):
        train(DIGITS, SETTINGS, tmp_path / "run", init_from=tmp_path / "nothing", progress_bar=False)
    with pytest.raises(CheckpointError, match="no trained agent pretrained:RAM-Nothing-v0"):
        train(DIGITS, SETTINGS, tmp_path / "run", init_from="pretrained:RAM-Nothing-v0", progress_bar=False)
    assert not (tmp_path / "run").exists()


def test_a_packaged_agent_is_fine_tuned(tmp_path):
    """Half precision in the file becomes full precision in training."""
    env = make_tensor(DIGITS, 1)
    settings = load_checkpoint(agent_file()).policy.settings
    policy = RAMPolicy(RAMSettings.for_environment(env, settings))
    assert initialise_from(policy, "pretrained:RAM-Digits-v0").started_anew == ()
    assert {value.dtype for value in policy.parameters()} == {torch.float32}


def agent_file():
    from agents.pretrained import pretrained_file

    return pretrained_file(DIGITS)


NETWORK = ["--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8"]
TRAIN = ["train", DIGITS, *NETWORK, "--split=train[:32]", "--epochs=1", "--num-envs=16", "--device=cpu"]


@pytest.mark.filterwarnings("default::agents.training.fine_tuning.FineTuningWarning")
def test_the_command_names_in_one_line_what_was_initialized_at_random(checkpoint, tmp_path, capsys):
    options = ["--patch-size=5", "--init-from", str(checkpoint), "--out", str(tmp_path / "run")]
    assert main([*TRAIN, *options]) == 0
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "at random" in line]
    assert line.startswith(
        f"ram train: warning: init_from='{checkpoint}': initialized at random: glimpse_network.from_glimpse"
    )
    assert (tmp_path / "run" / RECORD).exists()


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    assert main([*TRAIN, "--init-from=nothing", f"--out={tmp_path / 'run'}"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("ram train: nothing does not exist: expected the folder")
    assert main(["train", "--resume", str(tmp_path), "--init-from", "x"]) == 2
    assert "a resumed run keeps its own settings: leave out --init-from" in capsys.readouterr().err
