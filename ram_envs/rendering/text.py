"""A scene as text, for terminals and logs."""

from __future__ import annotations

import numpy as np

from ram_envs.rendering.view import View

_RAMP = np.array(list(" .:-=+*#%@"))


def draw_text(view: View) -> str:
    """Draw the scene with one character a pixel, in a frame whose marks point at the fixation, above the caption.

    Args:
        view: What to draw; only its scene, last fixation and caption are used.
    """
    scene = np.asarray(view.scene)
    grey = scene if scene.ndim == 2 else scene.mean(axis=2)
    height, width = grey.shape
    column, row = (int(v) for v in np.clip(np.floor(view.fixations[-1]), 0, (width - 1, height - 1)))
    characters = _RAMP[(grey.astype(np.int64) * (len(_RAMP) - 1) + 127) // 255]
    rule = "".join("v" if c == column else "-" for c in range(width))
    lines = [f"{'>' if r == row else '|'}{''.join(characters[r])}|" for r in range(height)]
    return "\n".join([f"+{rule}+", *lines, f"+{'-' * width}+", view.caption])
