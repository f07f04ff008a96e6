"""Agents on the Hugging Face Hub: a folder holds everything, loads without pickle, and is checked like a checkpoint."""

import json
import pickle
import re
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError

import agents
from agents.cli import main
from agents.errors import SettingsError
from agents.integrations import hub
from agents.integrations.hub import HubAgent
from agents.ram.checkpoint import CheckpointError, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs import make_tensor

ID = "RAM-Digits-v0"
SETTINGS = {"num_glimpses": 2, "split": "train[:100]"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Refuse every download."""

    def refuse(**_):
        raise LocalEntryNotFoundError("there is\nno network")

    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    monkeypatch.setattr(huggingface_hub.hub_mixin, "hf_hub_download", refuse)


@pytest.fixture
def agent(tmp_path):
    env = make_tensor(ID, 1, **SETTINGS)
    sizes = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
    torch.manual_seed(0)
    policy = RAMPolicy(RAMSettings.for_environment(env, sizes))
    optimizer = torch.optim.AdamW(policy.parameters())
    training, progress = {"epochs": 1}, {"seed": 3, "frames": 7}
    run = save_checkpoint(
        tmp_path / "run", policy, ID, SETTINGS, training=training, progress=progress, optimizer=optimizer
    )
    return HubAgent.load(run)


@pytest.fixture
def folder(agent, tmp_path):
    agent.save_pretrained(tmp_path / "agent")
    return tmp_path / "agent"


def test_a_folder_gives_the_agent_back(agent, folder):
    loaded = HubAgent.from_pretrained(folder)
    assert isinstance(loaded, HubAgent)
    assert (loaded.env_id, loaded.training, loaded.progress) == (ID, agent.training, agent.progress)
    assert loaded.env_settings == {"num_glimpses": 2}  # a user evaluates on the test split
    weights = loaded.policy.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in agent.policy.state_dict().items())
    observation, _ = loaded.make_env().reset(seed=0)
    one, other = (which.act(observation)[0] for which in (agent, loaded))
    assert np.array_equal(one["fixation"], other["fixation"]) and one["label"] == other["label"]


def test_the_folder_holds_safetensors_and_text(folder):
    assert sorted(file.name for file in folder.iterdir()) == ["README.md", "config.json", "model.safetensors"]
    config = json.loads((folder / "config.json").read_text())
    assert (config["env_id"], config["env_settings"]) == (ID, {"num_glimpses": 2})
    assert config["policy"]["num_actions"] == 10
    card = (folder / "README.md").read_text()
    assert f"model for {ID}" in card and "library_name: ram-active-vision" in card and "arxiv.org/abs/1406.6247" in card


def test_a_loaded_agent_is_saved_again(folder, tmp_path):
    HubAgent.from_pretrained(folder).save_pretrained(tmp_path / "again")
    for name in ("config.json", "README.md"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / name).read_bytes()


def test_the_folder_is_a_checkpoint_for_everything_else(folder, capsys):
    assert agents.load(folder).env_id == agents.load(folder / "model.safetensors").env_id == ID
    assert main(["evaluate", str(folder), "--device", "cpu", "--episodes", "5"]) == 0
    assert "error_percent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "cannot be loaded"),
        ("{", "cannot be loaded"),
        ('{"checkpoint": 4}', "cannot be loaded"),
        ('{"env_id": "RAM-MNIST-v0", "policy": 3}', None),  # config.json is for readers: nothing is taken from it
    ],
)
def test_a_changed_config_is_refused_or_has_no_effect(folder, text, message):
    (folder / "config.json").write_text(text)
    if message is None:
        assert HubAgent.from_pretrained(folder).env_id == ID
        return
    with pytest.raises(CheckpointError, match=message) as caught:
        HubAgent.from_pretrained(folder)
    assert "\n" not in str(caught.value)


def test_the_checks_of_checkpoints_hold(folder):
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[:-10])
    with pytest.raises(CheckpointError, match="truncated or not a checkpoint"):
        HubAgent.from_pretrained(folder)
    (folder / "model.safetensors").write_bytes(data.replace(b"RAM-Digits-v0", b"RAM-Digots-v0"))
    with pytest.raises(CheckpointError, match="RAM-Digots-v0.*not registered"):
        HubAgent.from_pretrained(folder)


def test_a_pickle_is_never_read(folder):
    class Danger:
        def __reduce__(self):
            return pytest.fail, ("code in a pickle was run",)

    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Danger()))
    with pytest.raises(CheckpointError, match="does not exist"):
        HubAgent.from_pretrained(folder)


@pytest.mark.parametrize("name", ["username/ram-catch", "not/a/repository"])
def test_without_folder_and_network_the_error_is_one_line(name):
    with pytest.raises(CheckpointError, match=f"'{name}' cannot be loaded: expected a folder that save_pretrained"):
        HubAgent.from_pretrained(name)
    with pytest.raises(CheckpointError) as caught:
        HubAgent.from_pretrained(name)
    assert "\n" not in str(caught.value)


def test_an_unknown_device_is_refused(folder):
    with pytest.raises(SettingsError, match="device='tpu'"):
        HubAgent.from_pretrained(folder, device="tpu")


def test_an_agent_is_downloaded_by_its_repository(folder, monkeypatch):
    asked = []

    def download(**arguments):
        asked.append((arguments["repo_id"], arguments["filename"], arguments["revision"]))
        return str(folder / arguments["filename"])

    monkeypatch.setattr(hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.hub_mixin, "hf_hub_download", download)
    assert HubAgent.from_pretrained("username/ram-digits", revision="v1").env_id == ID
    assert asked == [("username/ram-digits", name, "v1") for name in ("config.json", "model.safetensors")]


def test_pushing_uploads_the_folder(agent, monkeypatch):
    uploaded = {}

    class Api:
        def __init__(self, token=None):
            self.token = token

        def create_repo(self, repo_id, **_):
            uploaded["repo_id"], uploaded["token"] = repo_id, self.token
            return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

        def upload_folder(self, *, folder_path, **_):
            uploaded["files"] = sorted(file.name for file in folder_path.iterdir())
            return "the commit"

    monkeypatch.setattr(huggingface_hub.hub_mixin, "HfApi", Api)
    assert agent.push_to_hub("username/ram-digits", token="secret") == "the commit"
    files = ["README.md", "config.json", "model.safetensors"]
    assert uploaded == {"repo_id": "username/ram-digits", "token": "secret", "files": files}


def test_the_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n([^`]*HubAgent[^`]*)^```", page, flags=re.MULTILINE)
    exec(compile(code, "python.md", "exec"), {})
    assert (tmp_path / "ram-digits" / "model.safetensors").exists()
