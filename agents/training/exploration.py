"""Exploration of the hybrid training: bright spots of the scenes, which may be objects.

Labels and places of the objects are not used. (Not in the paper.)
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

NUM_SPOTS = 16
"""Spots that are drawn in a scene; the same one may be drawn more than once."""
SPOT_SIZE = 20
"""Side of the window whose mean brightness counts, in pixels: that of a digit."""
STRIDE = 4
"""Distance between the windows that are compared, in pixels."""
BRIGHT = 0.2
"""Mean brightness beyond which a spot is not drawn more often: about that of a digit."""
SHARPNESS = 4
"""Power of the brightness in the chance of a spot: pieces of clutter, half as bright, are drawn rarely."""


def bright_spots(scenes: Tensor, draws: Tensor) -> Tensor:
    """Draw spots that are brighter than what is around them.

    Args:
        scenes: uint8 (B, C, H, W).
        draws: float32 (B, n, 3), uniform in [0, 1): one number for each spot, and two for its place within a stride.

    Returns:
        Locations, float32 (B, n, 2), (x, y) in [-1, 1]. In a scene without any such spot, anywhere.
    """
    height, width = scenes.shape[-2:]
    cells = SPOT_SIZE // STRIDE
    blocks = F.avg_pool2d(scenes.float(), STRIDE, ceil_mode=True).mean(1, keepdim=True) / 255
    brightness = F.avg_pool2d(blocks, cells, 1, padding=cells // 2)
    is_spot = brightness == F.max_pool2d(brightness, 3, 1, padding=1)
    chance = is_spot * brightness.clamp_max(BRIGHT).pow(SHARPNESS) + 1e-9
    total = chance.flatten(1).cumsum(1)
    chosen = torch.searchsorted(total, draws[..., 0] * total[:, -1:]).clamp_max(total.shape[1] - 1)
    columns = brightness.shape[-1]
    cell = torch.stack([chosen % columns, torch.div(chosen, columns, rounding_mode="floor")], -1)
    pixel = (cell + draws[..., 1:]) * STRIDE
    return (2 * pixel / pixel.new_tensor([width, height]) - 1).clamp(-1, 1)
