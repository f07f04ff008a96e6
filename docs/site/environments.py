"""The page of an environment, from its task's docstring, its spaces and the registry."""

from __future__ import annotations

import inspect
import re
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ram_envs import ENVIRONMENTS
from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.registration import GLIMPSE_ID, VARIANTS, task_class

INNER = {"env_id": "CartPole-v1", "pixels": "render"}
"""Which environment the page of the wrapper wraps."""
ANIMATED_BY = {
    "RAM-Images-v0": "The images are yours, so there is no trained agent. In the animation, two photographs of "
    "scikit-learn are seen with a random gaze; [train one](../own-images.md) with one command.",
    GLIMPSE_ID: "The animation shows `CartPole-v1` with random actions and a random gaze.",
}
"""What to say of environments without a trained agent."""
TRAIN = {
    "RAM-Images-v0": "ram train RAM-Images-v0 --dataset photos --resize 64",
    GLIMPSE_ID: "ram train ram_envs:RAM-Glimpse-v0 --env-id CartPole-v1 --pixels render",
}
"""Commands with more than the id."""


def environment_ids() -> list[str]:
    """Return the ids of the suite that have a page."""
    from docs.site.pictures import ROOT

    source = (ROOT / "ram_envs" / "__init__.py").read_text(encoding="utf-8")
    return [*re.findall(r'^register\(\s*"(RAM-[\w-]+)"', source, flags=re.MULTILINE), GLIMPSE_ID]


def stand_in(id: str) -> dict[str, Any]:
    """Return arguments with which an environment can be made without a download: images in place of its own."""
    if id == GLIMPSE_ID:
        return dict(INNER)
    dataset = ENVIRONMENTS[id].get("dataset", "")
    if dataset not in ("mnist", None):
        return {}
    shape = (40, 64, 64, 3) if dataset is None else (40, 28, 28)
    images: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    return {"dataset": (images, np.arange(40) % 10)}


def example(id: str) -> str:
    """Return a program that plays one episode with random actions."""
    arguments = {
        "RAM-Images-v0": ', dataset="photos", resize=64',
        GLIMPSE_ID: ', env_id="CartPole-v1", pixels="render"',
    }
    return f"""\
import gymnasium as gym

env = gym.make("ram_envs:{id}"{arguments.get(id, "")})
env.action_space.seed(0)
observation, info = env.reset(seed=0)
over = False
while not over:
    action = env.action_space.sample()  # the next location, and what to do
    observation, reward, terminated, truncated, info = env.step(action)
    over = terminated or truncated
print(reward, info)
env.close()
"""


def documentation(id: str) -> str:
    """Return the docstring of an environment's class as Markdown, without its first line."""
    from ram_envs.wrappers import Glimpse

    words = inspect.getdoc(Glimpse if id == GLIMPSE_ID else task_class(id)) or ""
    words = words.partition("\n")[2].strip()
    words = _arguments_of_wrapper(words) if id == GLIMPSE_ID else words
    words = re.sub(r":(class|func|meth|mod|attr):`([^`]+)`", r"{py:\1}`\2`", words)
    return words.replace("``", "`")


def environment_page(id: str, recording: tuple[str, str] | None) -> str:
    """Return the page of an environment.

    Args:
        id: Its id.
        recording: The file name of its animation and a caption; None if there is none.
    """
    from agents.pretrained import pretrained_ids

    summary = "any environment with pixels" if id == GLIMPSE_ID else task_class(id).summary(ENVIRONMENTS[id])
    summary = summary.replace("mnist", "MNIST")
    trained = id in pretrained_ids()
    parts = [f"# {id}", f"{_first_line(id)} {summary[0].upper()}{summary[1:]}."]
    if recording:
        file, caption = recording
        parts.append(f"![{id}: {caption}](../media/{file})\n\n*{caption}*")
        if trained:
            page = file.replace(".gif", ".html")
            parts.append(f'<a href="../media/{page}">Step through six episodes</a>: play, pause, class probabilities.')
    else:
        parts.append("*This build of the site has no animation: the images were not available.*")
    if not trained:
        parts.append(ANIMATED_BY[id])
    parts += ["## Example", f"```python\n{example(id)}```", _commands(id, trained), _formats(id), documentation(id)]
    if id != GLIMPSE_ID:
        parts.append(_registered(id))
    return "\n\n".join(parts) + "\n"


def _first_line(id: str) -> str:
    from ram_envs.wrappers import Glimpse

    return (inspect.getdoc(Glimpse if id == GLIMPSE_ID else task_class(id)) or "").partition("\n")[0]


def _commands(id: str, trained: bool) -> str:
    lines = [TRAIN.get(id, f"ram train {id}")]
    if trained:
        lines += [f"ram evaluate pretrained:{id}", f"ram watch pretrained:{id}"]
    play = f"ram play {id}" + {GLIMPSE_ID: " --env-id CartPole-v1 --pixels render"}.get(
        id, " --dataset photos --resize 64" if id == "RAM-Images-v0" else ""
    )
    words = "On the command line"
    if trained:
        words += " ([the trained agent](../results.md) comes with the package)"
    return f"{words}:\n\n```bash\n" + "\n".join([*lines, play]) + "\n```"


def _formats(id: str) -> str:
    """Return the section about ids and spaces, from environments that are made here."""
    lines = ["## Ids and action spaces", "| id or argument | action space |", "|---|---|"]
    for format in ACTION_FORMATS:
        env = gymnasium.make(f"ram_envs:{id}", action_format=format, **stand_in(id))
        default = ", the default" if format == "box" else ""
        lines.append(f'| `action_format="{format}"`{default} | `{env.action_space}` |')
        env.close()
    for variant in filter(None, VARIANTS):
        name = id.replace("-v0", f"-{variant}-v0")
        env = gymnasium.make(f"ram_envs:{name}", **stand_in(id))
        purpose = " (for DQN and other algorithms with one discrete action)" if variant == "Discrete" else ""
        lines.append(f"| `{name}`{purpose} | `{env.action_space}`; flat observation {env.observation_space.shape} |")
        env.close()
    return "\n".join([*lines[:1], "", *lines[1:]])


def _registered(id: str) -> str:
    settings = {name: value for name, value in ENVIRONMENTS[id].items() if name != "task"}
    if not settings:
        return "## Registered settings\n\nAll arguments have their defaults."
    rows = [f"| `{name}` | `{value!r}` |" for name, value in settings.items()]
    words = "This id sets these arguments; all others have the defaults above. `gym.make` overrides any of them."
    return "\n".join(["## Registered settings", "", words, "", "| argument | value |", "|---|---|", *rows])


def _arguments_of_wrapper(words: str) -> str:
    """Return the Google-style docstring of the wrapper with lists in place of its indented sections."""
    text, _, sections = words.partition("\nArgs:\n")
    arguments, _, rest = sections.partition("\nAttributes:\n")
    joined = re.sub(r"\n {8,}", " ", arguments)
    items = re.findall(r"^ {4}(\w+): (.*)$", joined, flags=re.MULTILINE)
    settings = "The arguments are those of {py:class}`ram_envs.wrappers.GlimpseSettings`."
    listed = "\n".join(f"- ``{name}``: {meaning}" for name, meaning in items if name not in ("env",))
    assert rest and items
    inner = "- ``env_id`` and ``env_kwargs``: the wrapped environment, and its arguments."
    return f"{text}\n\n## Arguments\n{settings}\n\n{inner}\n{listed.replace(':class:`GlimpseSettings`', 'there')}"
