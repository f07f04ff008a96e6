"""ONNX export: ONNX Runtime gives the numbers of torch over whole episodes."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from agents.cli import main
from agents.ram.checkpoint import CheckpointError, save_checkpoint
from agents.ram.onnx_export import OPSET, export_onnx, input_shapes, output_shapes
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs import make_tensor

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
TOLERANCE = 1e-5
ROWS = 7


def save(path, env_id, settings, network):
    """Write a policy with random weights, larger than at the start, so that its decisions differ from row to row."""
    env = make_tensor(env_id, 1, **settings)
    torch.manual_seed(0)
    policy = RAMPolicy(RAMSettings.for_task(env.task, NetworkSettings(core_size=32, **network)))
    with torch.no_grad():
        for head in (policy.location_network.mean, policy.action_network.logits):
            head.weight.mul_(100)
    return policy, save_checkpoint(path, policy, env_id, settings)


@pytest.mark.parametrize("sensor", ["retina", "zoom"])
@pytest.mark.parametrize("core", ["relu", "lstm"])
@pytest.mark.parametrize(
    ("env_id", "settings"), [(CATCH, {}), (CATCH, {"hearing": True}), (DIGITS, {"split": "test"})], ids=str
)
def test_a_whole_episode_is_that_of_torch(env_id, settings, core, sensor, tmp_path):
    settings = {**settings, "sensor": sensor}
    network = {"core": core, "location_network_hidden": 16, "squash_location": core == "relu", "input_gain": 2.0}
    policy, checkpoint = save(tmp_path / "agent.safetensors", env_id, settings, network)
    session = onnxruntime.InferenceSession(str(export_onnx(checkpoint, tmp_path / "agent.onnx")))
    names = [output.name for output in session.get_outputs()]
    assert names == list(output_shapes(policy.settings))
    env = make_tensor(env_id, ROWS, action_format="dict", autoreset_mode="Disabled", **settings)
    observation, _ = env.reset(seed=3)
    state = policy.initial_state(ROWS)
    carried = {name: np.zeros((ROWS, 32), np.float32) for name in ("h", "c")[: len(state)]}
    decisions = set()
    for _ in range(env.task.max_episode_steps):
        seen = {key: value.numpy() for key, value in observation.items()}
        result = dict(zip(names, session.run(None, {**seen, **carried}), strict=True))
        with torch.no_grad():
            h, state = policy.encode_step(observation, state)
            heads = policy.heads(h)
        np.testing.assert_allclose(result["location_mean"], heads.location_mean, atol=TOLERANCE)
        np.testing.assert_allclose(result["logits"], heads.action_logits, atol=TOLERANCE)
        np.testing.assert_allclose(result["value"], heads.value, atol=TOLERANCE)
        carried = {name: result[f"next_{name}"] for name in carried}
        for name, part in zip(carried, state, strict=True):
            np.testing.assert_allclose(carried[name], part, atol=TOLERANCE)
        answer = torch.from_numpy(result["logits"].argmax(1))
        decisions |= set(answer.tolist())
        fixation = torch.from_numpy(result["location_mean"]).clamp(-1, 1)
        observation, *_ = env.step({"fixation": fixation, env.task.answer.key: answer})
    assert len(decisions) > 1


def test_the_command_lists_inputs_and_outputs(tmp_path, capsys):
    file = tmp_path / "catch.onnx"
    assert main(["export", f"pretrained:{CATCH}", "--onnx", str(file)]) == 0
    first, inputs, outputs = capsys.readouterr().out.splitlines()
    assert first.startswith(str(file)) and first.endswith(f"opset {OPSET}")
    assert inputs == "  inputs, float32: glimpse (B, 108), location (B, 2), h (B, 256), c (B, 256)"
    assert outputs.startswith("  outputs, float32: location_mean (B, 2), logits (B, 3), value (B), next_h (B, 256)")
    model = onnx.load(file)
    onnx.checker.check_model(model)
    assert [entry.version for entry in model.opset_import if not entry.domain] == [OPSET]
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert metadata["env_id"] == CATCH
    assert [entry.name for entry in model.graph.input] == ["glimpse", "location", "h", "c"]


def test_random_locations_cannot_be_exported(tmp_path):
    _, checkpoint = save(tmp_path / "agent.safetensors", DIGITS, {}, {"random_locations": True})
    with pytest.raises(CheckpointError, match="looks at random locations"):
        export_onnx(checkpoint, tmp_path / "agent.onnx")
    assert not (tmp_path / "agent.onnx").exists()


def test_one_row_and_many_are_alike(tmp_path):
    policy, checkpoint = save(tmp_path / "agent.safetensors", CATCH, {}, {"core": "lstm"})
    session = onnxruntime.InferenceSession(str(export_onnx(checkpoint, tmp_path / "agent.onnx")))
    generator = np.random.default_rng(0)
    inputs = {
        name: generator.random((9, *shape), dtype=np.float32) for name, shape in input_shapes(policy.settings).items()
    }
    together = session.run(None, inputs)
    alone = [session.run(None, {name: value[row : row + 1] for name, value in inputs.items()}) for row in range(9)]
    for number, output in enumerate(together):
        rows = np.concatenate([one[number] for one in alone])
        np.testing.assert_allclose(rows, output, atol=TOLERANCE)


@pytest.mark.parametrize("core", ["relu", "lstm"])
def test_policies_for_other_environments_are_exported_too(core, tmp_path):
    """Without a gaze, with several choices and numbers, and with normalised inputs."""
    settings = RAMSettings(
        num_actions=5,
        glimpse_shape=(1, 1, 1, 6),
        gaze_size=0,
        choices=(2, 3),
        numbers=2,
        core=core,
        core_size=32,
        normalise_inputs=True,
    )
    torch.manual_seed(0)
    policy = RAMPolicy(settings)
    policy.glimpse_network.glimpse_norm.update(torch.full((6,), 3.0), torch.full((6,), 4.0), torch.tensor(9.0))
    checkpoint = save_checkpoint(tmp_path / "agent.safetensors", policy, "gymnasium:CartPole-v1", {})
    session = onnxruntime.InferenceSession(str(export_onnx(checkpoint, tmp_path / "agent.onnx")))
    assert [one.name for one in session.get_inputs()] == ["glimpse", *(("h", "c") if core == "lstm" else ("h",))]
    generator = np.random.default_rng(0)
    inputs = {name: generator.random((4, *shape), dtype=np.float32) for name, shape in input_shapes(settings).items()}
    result = dict(zip(output_shapes(settings), session.run(None, inputs), strict=True))
    with torch.no_grad():
        tensors = {name: torch.from_numpy(value) for name, value in inputs.items()}
        h, state = policy.encode_step({"glimpse": tensors["glimpse"]}, tuple(list(tensors.values())[1:]))
        heads = policy.heads(h)
    np.testing.assert_allclose(result["logits"], heads.action_logits, atol=TOLERANCE)
    assert result["logits"].shape == (4, 7)
    np.testing.assert_allclose(result["value"], heads.value, atol=TOLERANCE)
    np.testing.assert_allclose(result["next_h"], state[0], atol=TOLERANCE)
