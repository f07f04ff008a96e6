"""A self-contained web page of episodes that a policy plays: data here, drawing in the scripts of ``page/``."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from agents.environments.make import is_task
from agents.errors import SettingsError
from agents.evaluation.fit import check_fit
from agents.evaluation.stopping import early_settings
from agents.files import write_atomically
from agents.pictures.controls import HOLD_SECONDS
from agents.pictures.watch import Look, frame_seconds, looks, make_one
from agents.play.score import Score
from ram_envs.arguments import check_integer
from ram_envs.rendering import style
from ram_envs.rendering.layout import SCENE_LIMIT
from ram_envs.rendering.view import to_uint8

if TYPE_CHECKING:
    from agents.ram.policy import RAMPolicy
    from ram_envs.envs.vector import GlimpseVectorEnv

FORMAT = 1
"""Version of the data format that the scripts read."""
SUFFIXES = (".html", ".htm")
SCRIPTS = ("episodes.js", "drawing.js", "player.js")
"""The modules of the script, each of which imports only earlier ones."""
DIGITS = 4
"""Decimal places of probabilities and values."""


def check_page(file: str | os.PathLike[str]) -> None:
    """Raise a :class:`SettingsError` if a file has not the name of a web page."""
    if Path(file).suffix.lower() not in SUFFIXES:
        raise SettingsError(f"{file} is not a web page: expected a name that ends in .html")


def write_html(
    policy: RAMPolicy,
    env_id: str,
    env_settings: Mapping[str, Any],
    file: str | os.PathLike[str],
    episodes: int = 6,
    seed: int = 0,
    stop_threshold: float | None = None,
) -> None:
    """Play episodes with a policy, deterministically, and write them as a web page that loads nothing else.

    Args:
        policy: The policy; it computes on its own device.
        env_id: The environment.
        env_settings: Its arguments; the action and the observation format are ignored.
        file: The file to write: .html or .htm.
        episodes: Number of episodes, at least 1.
        seed: Random seed of the first episode.
        stop_threshold: See :func:`agents.evaluation.evaluate.evaluate`.

    Raises:
        SettingsError: If the file has another suffix.
        ValueError: If another argument is not valid.
        OSError: If the file cannot be written.
    """
    path = Path(file)
    check_page(path)
    check_integer("episodes", episodes, 1)
    if not is_task(env_id):
        raise SettingsError(f"a web page shows tasks of the suite, not {env_id}: use --video FILE (.gif or .mp4)")
    if stop_threshold is not None:
        env_settings = early_settings(env_id, env_settings)
    env = make_one(env_id, env_settings)
    check_fit(policy, env.task, env_id)
    data = episodes_data(env, env_id, looks(policy, env, episodes, seed, stop_threshold))
    write_atomically(path, build_page(data).encode())


def episodes_data(env: GlimpseVectorEnv, env_id: str, moments: Iterable[Look]) -> dict[str, Any]:
    """Collect episodes as plain values for JSON.

    Args:
        env: The environment.
        env_id: Its id.
        moments: Every moment of the episodes, from :func:`agents.pictures.watch.looks`.

    Returns:
        - "format", "title", "style" (colors and gamma), "seconds" (per frame) and "hold_seconds" (for the last frame).
        - "answer" (its key), "names" (of the answers), "num_glimpses" (in an episode).
        - "pixels": first ``num_scenes`` scenes, uint8 (height, width, channels), then glimpses, uint8 (levels, rows,
          columns, channels), compressed with zlib and encoded in Base64. "scene" and "glimpse" hold the shapes. Only
          every "stride"-th pixel of a large scene is stored.
        - "episodes": "frames", "probabilities" (one row per glimpse), "values" (one per glimpse; empty in supervised
          tasks) and "score". A frame has the numbers of its "scene" and "glimpse" in "pixels", the "fixation"
          (column, row) and "outlines" (top, left, height, width) in scene pixels, the "caption", and in "read" the
          number of glimpses so far.
    """
    scenes, glimpses, shown = _Pixels(), _Pixels(), []
    score = Score(env.task.figure)
    frames: list[dict[str, Any]] = []
    stride = 1
    for look in moments:
        view, readout = look.view, look.readout
        stride = -(-max(view.scene.shape[:2]) // SCENE_LIMIT)
        score = score.plus(look.result) if look.over else score
        scene = view.scene.reshape(*view.scene.shape[:2], -1)
        frames.append(
            {
                "scene": scenes.add(np.ascontiguousarray(scene[::stride, ::stride])),
                "glimpse": glimpses.add(to_uint8(view.glimpse).transpose(0, 2, 3, 1)),
                "fixation": np.round(view.fixations[-1].astype(float), 2).tolist(),
                "outlines": view.outlines.tolist(),
                "caption": view.caption,
                "read": len(readout.probabilities),
            }
        )
        if look.over:
            shown.append(
                {
                    "frames": frames,
                    "probabilities": np.round(readout.probabilities.astype(float), DIGITS).tolist(),
                    "values": np.round(readout.values.astype(float), DIGITS).tolist(),
                    "score": str(score),
                }
            )
            frames = []
    return {
        "format": FORMAT,
        "title": env_id,
        "answer": readout.title,
        "names": list(readout.names),
        "num_glimpses": readout.num_glimpses,
        "seconds": frame_seconds(env.task),
        "hold_seconds": HOLD_SECONDS,
        "scene": {"height": scene.shape[0], "width": scene.shape[1], "stored": list(scenes.shape), "stride": stride},
        "glimpse": list(glimpses.shape),
        "style": page_style(),
        "pixels": _compressed(scenes, glimpses),
        "num_scenes": len(scenes.arrays),
        "episodes": shown,
    }


def build_page(data: Mapping[str, Any]) -> str:
    """Return the page, HTML with its style, script and data inside.

    Args:
        data: From :func:`episodes_data`.
    """
    folder = files("agents.pictures") / "page"
    read = {name: (folder / name).read_text(encoding="utf-8") for name in ("page.html", "player.html", "player.css")}
    scripts = [(folder / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return Template(read["page.html"]).substitute(
        title=html.escape(data["title"]),
        style=read["player.css"].strip(),
        player=read["player.html"].strip(),
        data=json.dumps(data, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c"),
        script="\n".join(_inlined(script) for script in scripts).strip(),
    )


def page_style() -> dict[str, Any]:
    """Return the colors in which frames are drawn, as CSS, and the gamma of gray scenes.

    Returns:
        "path", "halo", "caption", "fog" and "hatch"; "levels", one color per level of a glimpse, finest first; "gamma".
    """
    names = ("PATH_COLOUR", "HALO_COLOUR", "CAPTION_COLOUR", "FOG_COLOUR", "HATCH_COLOUR")
    colours = {name.removesuffix("_COLOUR").lower(): _css(getattr(style, name)) for name in names}
    return {**colours, "levels": [_css(colour) for colour in style.LEVEL_COLOURS], "gamma": style.GAMMA}


class _Pixels:
    """Different arrays of one shape, numbered in the order in which they came.

    Attributes:
        arrays: The bytes of each, with its number.
        shape: The shape of all of them.
    """

    def __init__(self) -> None:
        self.arrays: dict[bytes, int] = {}
        self.shape: tuple[int, ...] = ()

    def add(self, array: NDArray[np.uint8]) -> int:
        """Return the number of an array, a new one if it was not there before."""
        self.shape = array.shape
        return self.arrays.setdefault(array.tobytes(), len(self.arrays))


def _compressed(*pixels: _Pixels) -> str:
    data = b"".join(array for one in pixels for array in one.arrays)
    return base64.b64encode(zlib.compress(data, level=9)).decode()


def _css(colour: style.Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _inlined(script: str) -> str:
    """Return a module without its imports and exports: all modules are parts of one script in the page."""
    without_imports = re.sub(r"^import [^;]*;\n", "", script, flags=re.MULTILINE)
    return re.sub(r"^export ", "", without_imports, flags=re.MULTILINE)
