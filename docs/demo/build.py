"""Build the demo: copy its modules, and write the packaged agents and a few test images beside them.

Run ``python docs/demo/build.py --out FOLDER``. Any static web server can serve the folder. The weights are those of
``agents/pretrained`` in half precision. The images are the first 500 of the MNIST test split, so that the page and
``gym.make(..., split="test[:500]")`` show the same episodes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import agents.pictures
from agents.pictures.html_page import page_style
from agents.pretrained import load_pretrained
from ram_envs import make_task
from ram_envs.scenes.datasets import load_dataset
from ram_envs.tasks import Catch, Classification, Task

SPLIT = "test[:500]"
TASKS = {
    "RAM-CatchGame-v0": "Catch",
    "RAM-MNIST-v0": "Plain",
    "RAM-TranslatedMNIST-v0": "Translated",
    "RAM-ClutteredMNIST-v0": "Cluttered",
    "RAM-ClutteredMNIST100-v0": "Cluttered 100",
}
"""The tasks of the demo and their short names. Each has a packaged agent."""
RULES: dict[type[Task[Any]], tuple[str, ...]] = {
    Catch: ("patch_size", "num_scales", "screen_size"),
    Classification: ("patch_size", "num_scales", "image_size", "num_clutter", "clutter_size", "num_glimpses"),
}
"""The arguments that the rules in JavaScript know."""
SOURCE = Path(__file__).resolve().parent
COPIED = ("index.html", "demo.css", "rules", "agent", "page")
SHARED = ("drawing.js", "episodes.js", "player.css")
"""The files that the demo shares with ``ram watch --html``."""
MANIFEST = "suite.json"


def build(out: Path, home: str | None = None) -> None:
    """Write the demo to a folder. An earlier demo in it is replaced once the new one is complete.

    Args:
        out: The folder.
        home: Address of the documentation, for a link at the top of the page; None for no link.

    Raises:
        SystemExit: If the folder holds other files.
        FileNotFoundError: If MNIST is not there and cannot be downloaded.
    """
    if out.exists() and any(out.iterdir()) and not (out / "data" / MANIFEST).exists():
        raise SystemExit(f"{out} is not empty and holds no demo: choose another folder")
    out = out.resolve()  # a link to a folder stays a link
    out.parent.mkdir(parents=True, exist_ok=True)
    # A sibling folder is on the same disk, so that the demo can be moved as a whole.
    with tempfile.TemporaryDirectory(prefix=f"{out.name}-", dir=out.parent) as folder:
        new = Path(folder, "new")
        _write_demo(new, home)
        if out.exists():
            out.rename(Path(folder, "old"))
        new.rename(out)


def task_arguments(env_id: str, env_settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``gym.make`` for a task of the demo, beside the formats.

    Args:
        env_id: The environment.
        env_settings: The arguments that its packaged agent was trained with.
    """
    return {**env_settings, **({} if env_id == "RAM-CatchGame-v0" else {"split": SPLIT})}


def pack(arrays: Mapping[str, NDArray[Any]]) -> tuple[dict[str, Any], bytes]:
    """Return the description and the bytes of arrays, as ``agent/tensors.js`` reads them."""
    description, parts, offset = {}, [], 0
    for name, array in arrays.items():
        part = np.ascontiguousarray(array).tobytes()
        padding = -len(part) % 4  # typed arrays begin at a multiple of their size
        description[name] = {"dtype": array.dtype.name, "shape": array.shape, "offset": offset}
        parts += [part, b"\0" * padding]
        offset += len(part) + padding
    return description, b"".join(parts)


def _write_demo(out: Path, home: str | None) -> None:
    """Write the demo to a new folder."""
    out.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (SOURCE / name).is_dir() else shutil.copyfile
        copy(SOURCE / name, out / name)
    (out / "shared").mkdir()
    for name in SHARED:
        shutil.copyfile(Path(agents.pictures.__file__).parent / "page" / name, out / "shared" / name)
    data = out / "data"
    data.mkdir()
    tasks = {env_id: _write_task(data, env_id, title) for env_id, title in TASKS.items()}
    manifest = {"home": home, "split": SPLIT, "style": page_style(), "tasks": tasks, "images": _write_images(data)}
    (data / MANIFEST).write_text(json.dumps(manifest))


def _write_task(data: Path, env_id: str, title: str) -> dict[str, Any]:
    """Write the agent of a task, and return what the page has to know about the task."""
    checkpoint = load_pretrained(env_id)
    arguments = task_arguments(env_id, checkpoint.env_settings)
    task = make_task(env_id, **arguments)
    fixed = {"first_location": "random", "sensor": "retina", "gaze": "absolute"}
    assert all(getattr(task, name) == value for name, value in fixed.items()), "rules that the page does not know"
    weights = {name: value.half().numpy() for name, value in checkpoint.policy.state_dict().items()}
    tensors, content = pack(weights)
    settings = checkpoint.policy.settings.to_dict()
    (data / f"{env_id}.json").write_text(json.dumps({"settings": settings, "tensors": tensors}))
    (data / f"{env_id}.bin").write_bytes(content)
    rules = {name: getattr(task, name) for name in RULES[type(task)]}
    return {"title": title, "arguments": arguments, "rules": {**rules, "names": task.answer.names}}


def _write_images(data: Path) -> dict[str, int]:
    """Write images and labels, compressed, and return the size of the images."""
    images, labels, _ = load_dataset("mnist", SPLIT)
    count, height, width, _ = images.shape
    (data / "images.bin").write_bytes(zlib.compress(images.tobytes() + labels.astype(np.uint8).tobytes(), level=9))
    return {"count": count, "height": height, "width": width}


def main() -> None:
    """Read the command line and build the demo."""
    parser = argparse.ArgumentParser(description="Build the demo that runs the packaged agents in the browser.")
    parser.add_argument("--out", type=Path, required=True, help="folder to write")
    parser.add_argument("--home", help="address of the documentation, for a link at the top of the page")
    arguments = parser.parse_args()
    build(arguments.out, arguments.home)
    size = sum(file.stat().st_size for file in arguments.out.rglob("*") if file.is_file())
    print(f"{arguments.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
