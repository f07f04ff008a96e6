"""Drawing: what a frame shows (view), its layout, its pixels (frame), the window, and text for terminals.

`import ram_envs` imports no pygame: :func:`ram_envs.rendering.frame.import_pygame` does so on first use.
"""

from ram_envs.rendering.frame import draw_frame, import_pygame
from ram_envs.rendering.layout import Layout, layout
from ram_envs.rendering.text import draw_text
from ram_envs.rendering.view import View, hide_unseen
from ram_envs.rendering.window import Renderer

__all__ = ["Layout", "Renderer", "View", "draw_frame", "draw_text", "hide_unseen", "import_pygame", "layout"]
