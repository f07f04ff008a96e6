"""The agents of the package: small files with the weights of the runs that did best in validation."""

from pathlib import Path

import pytest
import torch

from agents import pretrained
from agents.pretrained import load_pretrained, pretrained_file, pretrained_ids
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import RAMSettings
from agents.training import trainer
from paper import export
from paper.export import SIZE_LIMIT, export_pretrained
from paper.records import read_record, record_file, same_settings
from paper.row import PACKAGED
from paper.rows import ROWS
from ram_envs import make_tensor
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


def test_an_agent_of_another_environment_or_too_large_is_refused(trained, package, monkeypatch):
    with pytest.raises(CheckpointError, match="was trained on RAM-Digits-v0, not on RAM-MNIST-v0"):
        export_pretrained(trained, "RAM-MNIST-v0")
    monkeypatch.setattr(export, "SIZE_LIMIT", 100)
    with pytest.raises(CheckpointError, match="bytes of weights: expected up to 100"):
        export_pretrained(trained, ID)
    assert pretrained_ids() == []


@pytest.mark.parametrize("name", PACKAGED)
def test_the_agents_of_the_rows_are_small_enough(name):
    row = ROWS[name]
    arguments = {key: value for key, value in row.settings.environment.items() if key != "num_glimpses"}
    if row.table != "catch":  # the sensor does not depend on the images
        images = torch.zeros(10, 28, 28, dtype=torch.uint8).numpy()
        images[0] = 255  # a dataset of one value is refused
        arguments["dataset"] = (images, torch.arange(10).numpy())
    env = make_tensor(row.env_id, 1, **arguments)
    policy = RAMPolicy(RAMSettings.for_environment(env, row.settings.network))
    assert 2 * sum(value.numel() for value in policy.state_dict().values()) <= SIZE_LIMIT


def test_the_agents_of_the_package_are_small():
    for id in pretrained_ids():
        assert pretrained_file(id).stat().st_size <= SIZE_LIMIT


@pytest.mark.parametrize("name", PACKAGED)
def test_the_agent_of_the_package_is_the_seed_that_did_best_in_validation(name):
    row, record = ROWS[name], read_record(record_file(RESULTS, name))
    agent, best = load_pretrained(row.env_id), record.best_seed
    assert same_settings(agent.training, record.settings)
    assert (agent.progress["seed"], agent.progress["frames"]) == (best, record.seeds[best].frames)
