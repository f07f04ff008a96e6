"""Checkpoints hold everything, run nothing, and survive what goes wrong."""

import errno
import os
import pickletools

import pytest
import torch
from safetensors.torch import save_file

from agents import files
from agents.ram import checkpoint as checkpoint_module
from agents.ram.checkpoint import (
    FILE_NAME,
    CheckpointError,
    load_checkpoint,
    restore_optimizer,
    save_checkpoint,
)
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings

ENV_ID = "RAM-CatchGame-v0"


def make_policy(seed=0):
    torch.manual_seed(seed)
    sizes = {"core_size": 4, "glimpse_hidden": 4, "location_hidden": 4, "glimpse_features": 4}
    return RAMPolicy(RAMSettings(num_actions=3, glimpse_shape=(2, 1, 2, 2), core="lstm", **sizes))


def make_optimizer(policy):
    return torch.optim.AdamW(policy.parameters(), lr=0.1, fused=True)


def take_step(policy, optimizer):
    optimizer.zero_grad()
    observation = {"glimpse": torch.ones(2, 3, 8), "location": torch.zeros(2, 3, 2)}
    heads = policy.heads(policy.encode(observation, policy.initial_state(3))[0])
    (heads.value.sum() + heads.action_logits.square().sum() + heads.location_mean.sum()).backward()
    optimizer.step()


def equal_weights(a, b):
    b = b.state_dict()
    return all(torch.equal(value, b[name]) for name, value in a.state_dict().items())


def test_everything_comes_back(tmp_path):
    policy = make_policy()
    policy.location_std.fill_(0.05)
    save_checkpoint(
        tmp_path, policy, ENV_ID, {"screen_size": 12}, training={"epochs": 3}, progress={"iteration": 7, "seed": 2}
    )
    loaded = load_checkpoint(tmp_path)
    assert equal_weights(policy, loaded.policy)
    assert loaded.policy.location_std == 0.05
    assert loaded.policy.settings == policy.settings
    assert (loaded.env_id, loaded.env_settings) == (ENV_ID, {"screen_size": 12})
    assert loaded.training == {"epochs": 3}
    assert loaded.progress == {"iteration": 7, "seed": 2}
    assert loaded.optimizer == {}


def test_the_optimiser_goes_on_as_if_never_stopped(tmp_path):
    policy = make_policy()
    optimizer = make_optimizer(policy)
    take_step(policy, optimizer)
    save_checkpoint(tmp_path, policy, ENV_ID, {}, optimizer=optimizer)
    loaded = load_checkpoint(tmp_path)
    fresh = make_optimizer(loaded.policy)
    restore_optimizer(loaded.policy, fresh, loaded.optimizer)
    for _ in range(3):
        take_step(policy, optimizer)
        take_step(loaded.policy, fresh)
    assert equal_weights(policy, loaded.policy)


def test_a_file_is_as_good_as_its_folder_and_is_not_a_pickle(tmp_path):
    file = save_checkpoint(tmp_path / "agent.safetensors", make_policy(), ENV_ID, {})
    assert equal_weights(load_checkpoint(file).policy, make_policy())
    with pytest.raises(ValueError):
        list(pickletools.genops(file.read_bytes()))


def test_missing_checkpoints_are_named(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        load_checkpoint(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "nowhere")


@pytest.mark.parametrize("keep", [0, 4, 100, 0.5, -1])
def test_a_truncated_checkpoint_is_refused(tmp_path, keep):
    file = save_checkpoint(tmp_path, make_policy(), ENV_ID, {})
    data = file.read_bytes()
    file.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match="truncated or not a checkpoint"):
        load_checkpoint(tmp_path)


def test_a_foreign_file_is_refused(tmp_path):
    save_file({"weight": torch.zeros(2)}, tmp_path / FILE_NAME)
    with pytest.raises(CheckpointError, match="not a checkpoint of a RAM policy"):
        load_checkpoint(tmp_path)
    (tmp_path / FILE_NAME).write_text("hello")
    with pytest.raises(CheckpointError, match="truncated or not a checkpoint"):
        load_checkpoint(tmp_path)


def test_a_checkpoint_of_another_environment_is_refused(tmp_path):
    save_checkpoint(tmp_path, make_policy(), ENV_ID, {})
    with pytest.raises(CheckpointError, match=r"RAM-CatchGame-v0, not on RAM-MNIST-v0"):
        load_checkpoint(tmp_path, "RAM-MNIST-v0")


def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "FORMAT", 99)
    save_checkpoint(tmp_path, make_policy(), ENV_ID, {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 99, and this version reads up to 2"):
        load_checkpoint(tmp_path)


def test_weights_of_another_shape_are_refused(tmp_path, monkeypatch):
    policy = make_policy()
    policy.action_network.logits = torch.nn.Linear(4, 9)
    save_checkpoint(tmp_path, policy, ENV_ID, {})
    with pytest.raises(CheckpointError, match="does not fit"):
        load_checkpoint(tmp_path)


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, make_policy(), ENV_ID, {})

    def disk_full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(CheckpointError, match="No space left on device; the checkpoint before it is kept"):
        save_checkpoint(tmp_path, make_policy(seed=1), ENV_ID, {})
    monkeypatch.undo()
    assert equal_weights(load_checkpoint(tmp_path).policy, make_policy())
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_a_read_only_folder_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, make_policy(), ENV_ID, {})

    def read_only(*_):  # a folder's own permissions would not keep root from writing
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(files, "open", read_only, raising=False)
    with pytest.raises(CheckpointError, match="Read-only file system; the checkpoint before it is kept"):
        save_checkpoint(tmp_path, make_policy(seed=1), ENV_ID, {})
    monkeypatch.undo()
    assert os.listdir(tmp_path) == [FILE_NAME]
    assert equal_weights(load_checkpoint(tmp_path).policy, make_policy())


def test_a_setting_that_is_no_plain_value_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(CheckpointError, match="not a plain value"):
        save_checkpoint(tmp_path, make_policy(), ENV_ID, {"dataset": (torch.zeros(1), torch.zeros(1))})
    assert os.listdir(tmp_path) == []


def test_a_run_of_version_0_1_with_the_module_before_its_id_loads_under_the_plain_id(tmp_path):
    file = save_checkpoint(tmp_path / "old.safetensors", make_policy(), "ram_envs:RAM-CatchGame-v0", {})
    assert load_checkpoint(file).env_id == "RAM-CatchGame-v0"
    for env_id in ("RAM-CatchGame-v0", "ram_envs:RAM-CatchGame-v0"):
        assert load_checkpoint(file, env_id).env_id == "RAM-CatchGame-v0"
