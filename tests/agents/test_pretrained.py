"""The agents that come with the package are called by name."""

import pytest

from agents import pretrained
from agents.cli import main
from agents.evaluation.evaluate import evaluate
from agents.pretrained import load_pretrained, pretrained_file, pretrained_ids, resolve_checkpoint
from agents.ram.checkpoint import CheckpointError, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs import make_tensor

ID = "RAM-Digits-v0"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package without agents."""
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    return tmp_path / "package"


def add_agent(package):
    env = make_tensor(ID, 1, num_glimpses=2)
    sizes = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
    policy = RAMPolicy(RAMSettings.for_environment(env, sizes))
    return save_checkpoint(package / f"{ID}.safetensors", policy, ID, {"num_glimpses": 2})


def test_an_agent_is_evaluated_and_watched_by_name(package, tmp_path, capsys):
    add_agent(package)
    assert main(["evaluate", f"pretrained:{ID}", "--device", "cpu"]) == 0
    assert str(evaluate(load_pretrained(ID).policy, ID, {"num_glimpses": 2})) in capsys.readouterr().out
    assert main(["watch", f"pretrained:{ID}", "--video", str(tmp_path / "out.gif"), "--episodes", "1"]) == 0


def test_an_agent_that_is_not_there_is_answered_with_those_that_are(package, capsys):
    with pytest.raises(CheckpointError, match="none comes with this package: train one"):
        pretrained_file(ID)
    add_agent(package)
    assert main(["evaluate", "pretrained:RAM-MNIST-v0"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(
        f"no trained agent pretrained:RAM-MNIST-v0: those that come with the package are pretrained:{ID}"
    )


def test_every_other_path_means_itself(tmp_path):
    assert resolve_checkpoint(tmp_path) == tmp_path


def test_the_agents_of_the_package_load():
    assert pretrained_ids()
    for id in pretrained_ids():
        assert load_pretrained(id).env_id == id
