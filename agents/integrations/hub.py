"""The Hugging Face Hub: ``save_pretrained``, ``from_pretrained`` and ``push_to_hub`` for a trained agent.

::

    agent = HubAgent.load("runs/catch")
    agent.save_pretrained("ram-catch")                   # a folder: model.safetensors, config.json, README.md
    agent.push_to_hub("username/ram-catch")
    agent = HubAgent.from_pretrained("username/ram-catch")
    action, state = agent.act(observation)

``model.safetensors`` is a checkpoint of this package, so `ram evaluate ram-catch` and ``agents.load("ram-catch")`` take
the folder too. Loading reads no pickle, and checks the file as it checks every checkpoint.

Importing this module raises ``gymnasium.error.DependencyNotInstalled`` if huggingface_hub is missing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Self

from agents.extras import require

require("hub", "huggingface_hub", "jinja2")

from huggingface_hub import ModelCard, PyTorchModelHubMixin, hf_hub_download  # noqa: E402 (once they are there)

from agents.agent import Agent  # noqa: E402
from agents.errors import RAMError  # noqa: E402
from agents.pretrained import MODEL_FILE  # noqa: E402
from agents.ram.checkpoint import Checkpoint, CheckpointError, load_checkpoint, save_checkpoint  # noqa: E402
from agents.ram.export import shared_settings  # noqa: E402
from agents.training.fast.device import resolve_device  # noqa: E402
from agents.untrusted import one_line  # noqa: E402

CONFIG_FILE = "config.json"
CARD = """\
---
{{ card_data }}
---

# A recurrent attention model for {{ env_id }}

An agent that learned where to look, trained with `ram-active-vision` (Mnih et al. 2014,
[Recurrent Models of Visual Attention]({{ paper_url }})).

```python
from agents.integrations.hub import HubAgent

agent = HubAgent.from_pretrained("{{ repo_id | default('this/repository', true) }}")
env = agent.make_env()
observation, info = env.reset(seed=0)
action, state = agent.act(observation)
```
"""
"""Template of the model card, which ``save_pretrained`` writes to README.md unless there is one."""


class HubAgent(  # type: ignore[call-arg, unused-ignore]  # without the library, its types are unknown
    PyTorchModelHubMixin,
    Agent,
    library_name="ram-active-vision",
    pipeline_tag="reinforcement-learning",
    tags=["reinforcement-learning", "gymnasium", "visual-attention"],
    paper_url="https://arxiv.org/abs/1406.6247",
    model_card_template=CARD,
):
    """An :class:`agents.agent.Agent` with ``huggingface_hub``'s ``PyTorchModelHubMixin``.

    ``save_pretrained`` and ``push_to_hub`` have the mixin's arguments. The file in the repository is the policy in full
    precision, its settings, and the arguments of its environment except ``split``; ``config.json`` repeats the settings
    for readers and is not used for loading.
    """

    def __new__(cls, checkpoint: Checkpoint) -> Self:
        """Make the object without the mixin's copy of the arguments: the checkpoint holds all settings."""
        return object.__new__(cls)

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | os.PathLike[str],
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        device: str = "cpu",
    ) -> Self:
        """Load an agent from the Hub, or from a folder that ``save_pretrained`` wrote.

        Args:
            pretrained_model_name_or_path: A repository such as "username/ram-catch", or a folder.
            force_download: Download again what is in the cache.
            token: Access token; None for that of `hf auth login`.
            cache_dir: Folder of the cache.
            local_files_only: Use the cache only.
            revision: Branch, tag or commit.
            device: "cpu", "cuda" or "auto".

        Raises:
            CheckpointError: If there is no such folder or repository, or its checkpoint cannot be used.
            SettingsError: If the device is not available.
        """
        resolve_device(device)
        name = os.fspath(pretrained_model_name_or_path)
        place = str(Path(name).expanduser()) if name.startswith("~") else name
        try:
            return super().from_pretrained(
                place,
                force_download=force_download,
                token=token,
                cache_dir=cache_dir,
                local_files_only=local_files_only,
                revision=revision,
                device=device,
            )
        except RAMError:
            raise
        except (OSError, ValueError, TypeError, AttributeError) as error:  # the last two: config.json is no dictionary
            raise CheckpointError(
                f"{name!r} cannot be loaded: expected a folder that save_pretrained wrote, or a repository of the "
                f"Hub ({one_line(error)})"
            ) from error

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """Return the model card; see ``ModelHubMixin.generate_model_card``."""
        return super().generate_model_card(*args, env_id=self.env_id, **kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        """Write the checkpoint and ``config.json``; called by ``save_pretrained``."""
        env_settings = shared_settings(self.env_settings)
        save_checkpoint(
            save_directory / MODEL_FILE,
            self.policy,
            self.env_id,
            env_settings,
            training=self.training,
            progress=self.progress,
        )
        config = {"env_id": self.env_id, "env_settings": env_settings, "policy": self.policy.settings.to_dict()}
        (save_directory / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def _from_pretrained(
        cls,
        *,
        model_id: str,
        revision: str | None,
        cache_dir: str | Path | None,
        force_download: bool,
        local_files_only: bool,
        token: str | bool | None,
        device: str,
    ) -> Self:
        """Load the checkpoint of a folder or a repository; called by ``from_pretrained``."""
        if os.path.isdir(model_id):
            file = Path(model_id, MODEL_FILE)
        else:
            downloaded = hf_hub_download(
                repo_id=model_id,
                filename=MODEL_FILE,
                revision=revision,
                cache_dir=cache_dir,
                force_download=force_download,
                local_files_only=local_files_only,
                token=token,
            )
            file = Path(downloaded)
        return cls(load_checkpoint(file, device=resolve_device(device)))
