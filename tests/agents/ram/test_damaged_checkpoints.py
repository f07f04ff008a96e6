"""Checkpoints that are damaged, made up or of another version: one line that names the file and the problem."""

import json
import sys
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from agents.errors import RAMError
from agents.ram import tensor_file
from agents.ram.checkpoint import FILE_NAME, CheckpointError, load_checkpoint, restore_optimizer, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training.settings import settings_from_dict
from agents.training.trainer import resume, train
from tests.agents.ram.test_checkpoint import ENV_ID, make_optimizer, make_policy, take_step
from tests.agents.training.test_trainer import CATCH, GAME

WEIGHT = "policy.action_network.logits.weight"
AVERAGE = "optimizer.action_network.logits.weight:exp_avg"
SQUARES = "optimizer.action_network.logits.weight:exp_avg_sq"
SHAPE = (2, 1, 2, 2)
STEP = "optimizer.action_network.logits.weight:step"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A checkpoint that can be resumed, with its tensors and metadata: {name: tensor}, {key: value}."""
    folder = tmp_path_factory.mktemp("whole")
    train(CATCH, GAME, folder, progress_bar=False)
    with safe_open(folder / FILE_NAME, framework="pt") as file:
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        return tensors, {key: json.loads(value) for key, value in file.metadata().items()}


def write(folder, tensors, metadata):
    raw = {
        key: value if isinstance(value, str) and value[:1] == "[" else json.dumps(value)
        for key, value in metadata.items()
    }
    save_file(tensors, folder / FILE_NAME, raw)


def refused(folder, action=load_checkpoint):
    """Check that a checkpoint is refused by one line that starts with its path, and return the rest of the line."""
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(CheckpointError) as error:
        action(folder)
    message = str(error.value)
    assert isinstance(error.value, RAMError) and isinstance(error.value, ValueError)
    assert message.startswith(str(folder)) and "\n" not in message and len(message) < 1000
    assert (folder / FILE_NAME).read_bytes() == before
    return message.removeprefix(str(folder))


def test_the_example_is_whole(whole, tmp_path):
    write(tmp_path, *whole)
    assert load_checkpoint(tmp_path, CATCH).optimizer


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        (AVERAGE, lambda value: value[:-1], "is torch.float32 of shape (2, 8), expected torch.float32 of shape (3, 8)"),
        (AVERAGE, lambda value: value.T, "of shape (8, 3), expected torch.float32 of shape (3, 8)"),
        (AVERAGE, lambda value: value.double(), "is torch.float64 of shape (3, 8), expected torch.float32"),
        (AVERAGE, lambda value: value * float("nan"), "contains NaN"),
        (AVERAGE, lambda value: value + float("inf"), "contains infinity"),
        (AVERAGE, lambda value: value.long(), "has the type torch.int64, expected floating-point"),
        (AVERAGE, lambda value: None, "is missing"),
        (SQUARES, lambda value: value - 1, "contains a negative number"),
        (STEP, lambda value: None, "is missing"),
        (STEP, lambda value: value.reshape(1), "of shape (1,), expected torch.float32 of shape ()"),
        (STEP, lambda value: value + 0.5, "is 24.5, expected a whole number of updates"),
        (STEP, lambda value: value - 100, "is -76, expected a whole number of updates"),
        (STEP, lambda value: value + 1, "expected a whole number of updates, the same for every parameter"),
        (WEIGHT, lambda value: value * float("nan"), "contains NaN"),
        (WEIGHT, lambda value: value / 0, "contains infinity"),
        (WEIGHT, lambda value: value.int(), "has the type torch.int32, expected floating-point numbers"),
        (WEIGHT, lambda value: value.double() * 1e300, "contains infinity"),
        (WEIGHT, lambda value: value[:2], "has the shape (2, 8), expected (3, 8)"),
        (WEIGHT, lambda value: None, "is missing"),
        ("policy.location_std", lambda value: -value, "is -0.05"),
        ("policy.extra", lambda _: torch.zeros(1), "policy.extra is unexpected"),
        ("optimizer.extra:exp_avg", lambda _: torch.zeros(1), "does not belong to any parameter"),
        (
            "optimizer.action_network.logits.weight:momentum",
            lambda _: torch.zeros(1),
            "does not belong to any parameter",
        ),
        ("extra", lambda _: torch.zeros(1), "the tensor 'extra' is unexpected"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(name, change, expected, whole, tmp_path):
    tensors, metadata = dict(whole[0]), whole[1]
    value = change(tensors.get(name))
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value.contiguous()
    write(tmp_path, tensors, metadata)
    for action in (load_checkpoint, lambda folder: resume(folder, progress_bar=False)):
        message = refused(tmp_path, action)
        assert expected in message and name.removeprefix("optimizer.") in message


def test_half_precision_and_double_weights_are_fine(whole, tmp_path):
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        tensors = {name: value.to(dtype) for name, value in whole[0].items() if name.startswith("policy.")}
        write(tmp_path, tensors, whole[1])
        assert load_checkpoint(tmp_path).policy.baseline.value.weight.dtype == torch.float32


def test_a_parameter_that_is_never_learned_has_no_optimizer_state(tmp_path):
    policy = RAMPolicy(RAMSettings(num_actions=3, glimpse_shape=SHAPE, random_locations=True))
    optimizer = make_optimizer(policy)
    take_step(policy, optimizer)
    for parameter in policy.location_network.parameters():
        del optimizer.state[parameter]
    save_checkpoint(tmp_path, policy, ENV_ID, {}, optimizer=optimizer)
    assert load_checkpoint(tmp_path).optimizer


def test_the_fused_optimizer_never_gets_a_state_of_a_wrong_shape():
    policy = make_policy()
    optimizer = make_optimizer(policy)
    state = {"baseline.value.weight:step": torch.tensor(1.0), "baseline.value.weight:exp_avg_sq": torch.zeros(1, 4)}
    with pytest.raises(CheckpointError, match="'baseline.value.weight:exp_avg' is missing"):
        restore_optimizer(policy, optimizer, state)
    with pytest.raises(CheckpointError, match=r"of shape \(2,\), expected torch.float32 of shape \(1, 4\)"):
        restore_optimizer(policy, optimizer, state | {"baseline.value.weight:exp_avg": torch.zeros(2)})
    assert not optimizer.state


NETWORK = {"core": "lstm", "num_actions": 3, "patch_size": 2, "num_scales": 2}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": None}, "format=None, expected a whole number"),
        ({"format": 1.0}, "format=1.0, expected a whole number"),
        ({"format": "1"}, "format='1', expected a whole number"),
        ({"format": True}, "format=True, expected a whole number"),
        ({"format": 10**9}, "has format 1000000000, and this version reads up to 2: update the package"),
        ({"kind": 3}, "not a checkpoint of a RAM policy"),
        ({"kind": None}, "not a checkpoint of a RAM policy"),
        ({"env_id": 3}, "env_id=3, expected the id of an environment"),
        ({"env_id": None}, "env_id=None, expected the id of an environment"),
        ({"env_id": ["RAM-CatchGame-v0"]}, "expected the id of an environment"),
        ({"env_id": ""}, "env_id='', expected the id of an environment"),
        ({"env_id": "a\nb"}, r"env_id='a\nb', expected the id of an environment"),
        ({"env_id": "RAM-CatchGame-v9"}, "was trained on 'RAM-CatchGame-v9', which is not registered here: update"),
        ({"env_id": "no_such_package:Game-v0"}, "no_such_package is not installed: install it first"),
        ({"env_settings": None}, "env_settings=None, expected a dictionary"),
        ({"env_settings": [1]}, "env_settings=[1], expected a dictionary"),
        ({"answer_names": 3}, "answer_names=3, expected a list of texts"),
        ({"answer_names": [3]}, "answer_names=[3], expected a list of texts"),
        ({"answer_names": ["left", "right"]}, "it has 2 answer_names, and its policy chooses from 3"),
        ({"policy": 3}, "policy=3, expected a dictionary"),
        ({"training": "x"}, "training='x', expected a dictionary"),
        ({"progress": []}, "progress=[], expected a dictionary"),
        ({"policy": {}}, "does not fit this version's policy"),
        ({"policy": {"core_size": 10**6, **NETWORK}}, "core_size=1000000, and its largest tensor has 32 rows"),
        ({"policy": {"core_size": 10**30, **NETWORK}}, "core_size=1000000000000000000000000000000 is out of range"),
        ({"policy": {"core_size": 8.5, **NETWORK}}, "core_size=8.5 is not valid"),
        ({"policy": {"core_size": True, **NETWORK}}, "core_size=True is not valid"),
        ({"policy": {**NETWORK, "patch_size": 30, "num_scales": 30}}, "its largest tensor has 32 rows"),
        ({"policy": {"squash_location": 3, **NETWORK}}, "squash_location=3 is not valid: expected True or False"),
        ({"policy": {"newer": 3, **NETWORK}}, "does not fit this version's policy"),
        ({"policy": {**NETWORK, "core": ["lstm"]}}, "core=['lstm'] is not valid"),
        ({"policy": {"location_std": "0.1", **NETWORK}}, "location_std='0.1' is not valid"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_metadata_of_another_type_is_named(changes, expected, whole, tmp_path):
    write(tmp_path, whole[0], whole[1] | changes)
    start = time.process_time()
    assert expected in refused(tmp_path)
    assert time.process_time() - start < 30  # it takes milliseconds, or for ever


@pytest.mark.parametrize("key", ["kind", "format", "env_id", "env_settings", "policy", "training", "progress"])
def test_metadata_that_is_missing_is_named(key, whole, tmp_path):
    write(tmp_path, whole[0], {name: value for name, value in whole[1].items() if name != key})
    assert key in refused(tmp_path) or key == "kind"


@pytest.mark.parametrize(
    ("progress", "expected"),
    [
        ({"seed": -1}, "seed=-1 is not valid"),
        ({"seed": 2**29}, "seed=536870912 is not valid"),
        ({"seed": 0.0}, "seed=0.0 is not valid"),
        ({"iteration": "3"}, "iteration='3' is not valid"),
        ({"iteration": True}, "iteration=True is not valid"),
        ({"frames": None}, "frames=None is not valid"),
        ({"frames": 10**40}, "frames="),
        ({"time_s": "long"}, "time_s='long' is not valid"),
        ({"time_s": -1}, "time_s=-1 is not valid"),
        ({"time_s": float("nan")}, "time_s=nan is not valid"),
        ({"pending": 3}, "pending=3 is not valid"),
        ({"pending": {"iterations": 99, "sums": {}}}, "is not valid: expected sums of statistics"),
        ({"pending": {"iterations": 1, "sums": {"a": "b"}}}, "is not valid: expected sums of statistics"),
        ({"newer": 3}, "'newer' is unexpected in its progress"),
    ],
    ids=str,
)
def test_progress_that_makes_no_sense_is_not_resumed(progress, expected, whole, tmp_path):
    write(tmp_path, whole[0], whole[1] | {"progress": whole[1]["progress"] | progress})
    assert load_checkpoint(tmp_path).policy  # it can be evaluated
    assert expected in refused(tmp_path, lambda folder: resume(folder, progress_bar=False))


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        ({"num_envs": 10**12}, "num_envs=1000000000000 is out of range"),
        ({"num_envs": "8"}, "num_envs='8' is not valid"),
        ({"method": "magic"}, "method='magic'"),
        ({"method": ["game"]}, "method=['game']"),
        ({"environment": 3}, "environment=3 is not valid: expected a dictionary of arguments"),
        ({"environment": {"no_such": 3}}, "no_such"),
        ({"environment": {"screen_size": "large"}}, "screen_size='large'"),
        ({"environment": {"screen_size": 6, "patch_size": 3}}, "does not fit its environment"),
        ({"network": None}, "not of this version"),
        ({"minibatches": 3}, "num_envs=8 is not a multiple of minibatches=3"),
        ({"newer": 1}, "newer"),
    ],
    ids=str,
)
def test_training_settings_that_make_no_sense_are_not_resumed(training, expected, whole, tmp_path):
    write(tmp_path, whole[0], whole[1] | {"training": whole[1]["training"] | training})
    assert expected in refused(tmp_path, lambda folder: resume(folder, progress_bar=False))


def test_an_agent_without_its_optimizer_is_not_resumed(whole, tmp_path):
    tensors = {name: value for name, value in whole[0].items() if name.startswith("policy.")}
    write(tmp_path, tensors, whole[1])
    message = refused(tmp_path, lambda folder: resume(folder, progress_bar=False))
    assert "saved without the state of the optimizer" in message


@pytest.mark.parametrize("value", ["[" * 100_000, "[" * 40 + "]" * 40, "[" + '"\\' * 100_000, "[1, 2", '["\\ud800'])
def test_metadata_that_is_nested_or_broken_is_refused(value, whole, tmp_path):
    write(tmp_path, whole[0], whole[1] | {"training": value})
    start = time.process_time()
    assert "'training' in its metadata is not valid" in refused(tmp_path)
    assert time.process_time() - start < 30  # it takes milliseconds, or for ever


def test_a_header_of_absurd_size_is_refused_before_it_is_read(whole, tmp_path, monkeypatch):
    write(tmp_path, whole[0], whole[1])
    monkeypatch.setattr(tensor_file, "MAX_HEADER_BYTES", 1000)
    assert "expected at most 1,000" in refused(tmp_path)


def test_what_cannot_be_loaded_is_not_saved(tmp_path):
    save_checkpoint(tmp_path, make_policy(), ENV_ID, {})
    before = (tmp_path / FILE_NAME).read_bytes()
    policy = make_policy()
    with torch.no_grad():
        policy.baseline.value.weight[0, 0] = float("nan")
    with pytest.raises(CheckpointError, match=r"policy.baseline.value.weight contains NaN .* checkpoint before it is"):
        save_checkpoint(tmp_path, policy, ENV_ID, {})
    with pytest.raises(CheckpointError, match="not a plain value"):
        save_checkpoint(tmp_path, make_policy(), ENV_ID, {"glimpse_cost": float("nan")})
    assert (tmp_path / FILE_NAME).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("agent.safetensors", "agent.safetensors"),
        ("runs/catch", f"runs/catch/{FILE_NAME}"),
        ("rate-0.01", f"rate-0.01/{FILE_NAME}"),
    ],
)
def test_a_path_with_a_suffix_is_a_file_and_any_other_a_folder(name, file, tmp_path):
    assert save_checkpoint(tmp_path / name, make_policy(), ENV_ID, {}) == tmp_path / file
    assert (tmp_path / file).is_file()
    assert load_checkpoint(tmp_path / name).env_id == ENV_ID


def test_loading_leaves_the_random_state_of_the_user_alone(whole, tmp_path):
    write(tmp_path, *whole)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    load_checkpoint(tmp_path)
    assert torch.rand(1) == expected


def test_large_networks_load(tmp_path):
    settings = RAMSettings(num_actions=3, glimpse_shape=SHAPE, glimpse_hidden=5000, location_hidden=1)
    save_checkpoint(tmp_path, RAMPolicy(settings), ENV_ID, {})
    assert load_checkpoint(tmp_path).policy.settings == settings


def test_settings_that_would_take_terabytes_are_compared_without_allocating_them(tmp_path):
    tensors = {"policy.action_network.logits.weight": torch.zeros(3, 10**6)}
    policy = RAMSettings(num_actions=3, glimpse_shape=SHAPE, core_size=10**6, glimpse_hidden=10**6).to_dict()
    metadata = {"kind": "ram-policy", "format": 1, "env_id": ENV_ID, "env_settings": {}, "policy": policy}
    write(tmp_path, tensors, metadata | {"training": {}, "progress": {}})
    assert "is missing" in refused(tmp_path)


def test_old_settings_are_read(whole):
    assert settings_from_dict(whole[1]["training"]).num_envs == GAME.num_envs


def test_loading_imports_no_module_that_a_checkpoint_names(whole, tmp_path, monkeypatch):
    package = tmp_path / "somebody_else"
    package.mkdir()
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "deeper.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    for env_id in ("somebody_else:RAM-Mine-v0", "somebody_else.deeper:RAM-Mine-v0"):
        settings = {"sensor": "somebody_else:Eye", "dataset": "somebody_else:letters"}
        write(tmp_path, whole[0], whole[1] | {"env_id": env_id, "env_settings": settings})
        assert load_checkpoint(tmp_path).env_id == env_id
    assert not any(name.partition(".")[0] == "somebody_else" for name in sys.modules)
