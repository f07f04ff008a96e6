"""The agents that come with the package: small files that do as the runs they come from, called by name."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from agents import pretrained
from agents.cli import main
from agents.evaluation.evaluate import evaluate
from agents.pretrained import (
    SIZE_LIMIT,
    export_pretrained,
    load_pretrained,
    pretrained_file,
    pretrained_ids,
    resolve_checkpoint,
)
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training import trainer
from agents.training.presets import settings_for
from paper.records import read_record, record_file, same_settings
from paper.rows import HEADLINES, ROWS
from ram_envs import make_task, make_tensor
from tests.paper.fabricated import DIGITS

ID = "RAM-Digits-v0"
RESULTS = Path(__file__).parents[2] / "docs" / "results"


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a tiny run."""
    folder = tmp_path_factory.mktemp("run") / "run"
    trainer.train(ID, DIGITS.settings, folder, device="cpu", progress_bar=False)
    return folder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package without agents."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    return tmp_path / "package"


def test_an_exported_agent_has_its_weights_and_settings_and_no_more(trained, package):
    file = export_pretrained(trained, ID)
    assert file == package / f"{ID}.safetensors" and pretrained_ids() == [ID]
    run, agent = load_checkpoint(trained), load_pretrained(ID)
    assert agent.optimizer == {} and run.optimizer
    assert (agent.env_id, agent.training, agent.progress) == (ID, run.training, run.progress)
    assert agent.env_settings == {"num_glimpses": 2}
    for name, value in run.policy.state_dict().items():
        found = agent.policy.state_dict()[name]
        assert found.dtype == value.dtype and torch.allclose(found, value, rtol=1e-3, atol=1e-6)
    assert file.stat().st_size < 0.4 * (trained / "checkpoint.safetensors").stat().st_size


def test_an_agent_is_evaluated_and_watched_by_name(trained, package, tmp_path, capsys):
    export_pretrained(trained, ID)
    assert main(["evaluate", f"pretrained:{ID}", "--device", "cpu"]) == 0
    assert str(evaluate(load_pretrained(ID).policy, ID, {"num_glimpses": 2})) in capsys.readouterr().out
    assert main(["watch", f"pretrained:{ID}", "--video", str(tmp_path / "out.gif"), "--episodes", "1"]) == 0


def test_an_agent_that_is_not_there_is_answered_with_those_that_are(trained, package, capsys):
    with pytest.raises(CheckpointError, match="no trained agent pretrained:RAM-Digits-v0: train one"):
        pretrained_file(ID)
    export_pretrained(trained, ID)
    assert main(["evaluate", "pretrained:RAM-MNIST-v0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"no trained agent pretrained:RAM-MNIST-v0: the package has pretrained:{ID}")


def test_every_other_path_means_itself(tmp_path):
    assert resolve_checkpoint(tmp_path) == tmp_path
    assert resolve_checkpoint("~/runs/catch") == Path.home() / "runs" / "catch"


def test_an_agent_of_another_environment_or_too_large_is_refused(trained, package, monkeypatch):
    with pytest.raises(CheckpointError, match="was trained on RAM-Digits-v0, not on RAM-MNIST-v0"):
        export_pretrained(trained, "RAM-MNIST-v0")
    monkeypatch.setattr(pretrained, "SIZE_LIMIT", 100)
    with pytest.raises(CheckpointError, match="bytes of weights: expected at most 100"):
        export_pretrained(trained, ID)
    assert pretrained_ids() == []


@pytest.mark.parametrize("name", HEADLINES)
def test_the_agents_of_the_headline_rows_are_small_enough(name):
    row = ROWS[name]
    arguments = {key: value for key, value in row.settings.environment.items() if key != "num_glimpses"}
    if row.table != "catch":  # the sensor does not depend on the images
        images = torch.zeros(10, 28, 28, dtype=torch.uint8).numpy()
        images[0] = 255  # a dataset of one value is refused
        arguments["dataset"] = (images, torch.arange(10).numpy())
    env = make_tensor(row.env_id, 1, **arguments)
    policy = RAMPolicy(RAMSettings.for_environment(env, row.settings.network))
    assert 2 * sum(value.numel() for value in policy.state_dict().values()) <= SIZE_LIMIT


def test_the_agents_of_the_package_load_and_are_small():
    for id in pretrained_ids():
        assert load_pretrained(id).env_id == id
        assert pretrained_file(id).stat().st_size <= SIZE_LIMIT


@pytest.mark.parametrize("name", HEADLINES)
def test_the_agent_of_a_headline_row_is_the_seed_that_did_best_in_validation(name):
    row, record = ROWS[name], read_record(record_file(RESULTS, name))
    agent, best = load_pretrained(row.env_id), record.best_seed
    assert same_settings(agent.training, record.settings)
    assert (agent.progress["seed"], agent.progress["frames"]) == (best, record.seeds[best].frames)


def test_the_agent_for_digits_reaches_the_figures_of_the_documentation():
    page = (RESULTS.parent / "results.md").read_text(encoding="utf-8")
    documented = re.search(r"\*\*2\*\* \(packaged\) \| .* \| ([\d.]+) % \[([\d.]+), ([\d.]+)\] \|", page)
    agent = load_pretrained(ID)
    result = evaluate(agent.policy, agent.env_id, agent.env_settings)
    assert (result.episodes, result.split) == (360, "test")
    measured = [result.value, result.interval_low, result.interval_high]
    # Processors round differently: one image of 360, 0.28 %, may be read as another class.
    assert measured == pytest.approx([float(value) for value in documented.groups()], abs=0.3)


def test_the_agent_for_digits_was_trained_with_the_preset_on_all_training_images():
    agent, preset = load_pretrained(ID), settings_for(ID)
    assert agent.env_settings == {} and same_settings(agent.training, json.loads(json.dumps(preset.to_dict())))
    task = make_task(ID)
    frames = preset.iterations(task) * preset.frames_per_iteration(task)
    assert (agent.progress["seed"], agent.progress["frames"]) == (2, frames)


@pytest.mark.parametrize("call", ["load_pretrained('RAM-Digits-v0')", "pretrained_file('Nothing-v0')"])
def test_without_torch_the_extra_is_named(call):
    code = f"import sys; sys.modules['torch'] = None\nfrom agents.pretrained import *\n{call}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=RESULTS.parents[1], capture_output=True, text=True)
    assert ended.stderr.splitlines()[-1].startswith("gymnasium.error.DependencyNotInstalled: torch cannot be imported")
    assert "pip install 'ram-active-vision[agents]'" in ended.stderr
