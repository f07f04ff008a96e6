"""Drawing: what a frame shows (view), where (layout), its pixels (frame), the window, and text for terminals.

pygame is imported on first use, so that `import ram_envs` stays quick.
"""

from ram_envs.rendering.frame import draw_frame, frame_surface
from ram_envs.rendering.layout import Layout, layout
from ram_envs.rendering.style import import_pygame
from ram_envs.rendering.text import draw_text
from ram_envs.rendering.view import Banner, Readout, View, hide_unseen
from ram_envs.rendering.window import NoDisplay, Renderer, frame_position, open_window, present

__all__ = [
    "Banner",
    "Layout",
    "NoDisplay",
    "Readout",
    "Renderer",
    "View",
    "draw_frame",
    "draw_text",
    "frame_position",
    "frame_surface",
    "hide_unseen",
    "import_pygame",
    "layout",
    "open_window",
    "present",
]
