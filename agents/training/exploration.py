"""Exploration of the hybrid training: some episodes look at one bright spot of the scene after the other.

From the first glimpse on, such a scan goes to the closest bright spot that it has not visited: a saliency map with
inhibition of return (Itti, Koch and Niebur 1998), whose saliency is brightness. Labels and places of the objects are
not used. (Not in the paper.)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

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


class Scan(NamedTuple):
    """Episodes whose locations are given.

    Attributes:
        explores: bool (B,), which rows.
        path: float32 (T, B, 2), the next location at each step.
    """

    explores: Tensor
    path: Tensor


def draw_scan(scenes: Tensor, first_location: Tensor, num_steps: int, share: Tensor, draws: Tensor) -> Scan:
    """Draw the rows that explore, and their paths.

    Args:
        scenes: uint8 (B, C, H, W).
        first_location: float32 (B, 2), (x, y) of the first glimpse.
        num_steps: T.
        share: float32 (), share of the rows that explore.
        draws: float32 (B, 1 + n), uniform in [0, 1): whether to explore, and one number for each spot.
    """
    spots = bright_spots(scenes, draws[:, 1:])
    height, width = scenes.shape[-2:]
    pixels = spots.new_tensor([width, height]) / 2  # of a location, in one unit
    visits, here, path = torch.zeros_like(spots[..., 0]), first_location, []
    for _ in range(num_steps):
        distance = ((spots - here[:, None]) * pixels).norm(dim=-1)
        # Fewer visits come first, then the shorter way.
        chosen = (distance + visits * (height + width)).argmin(1)
        here = spots.gather(1, chosen[:, None, None].expand(-1, 1, 2)).squeeze(1)
        visits = visits + (((spots - here[:, None]) * pixels).norm(dim=-1) < SPOT_SIZE / 2)
        path.append(here)
    return Scan(draws[:, 0] < share, torch.stack(path))


def bright_spots(scenes: Tensor, draws: Tensor) -> Tensor:
    """Draw spots that are brighter than what is around them.

    Args:
        scenes: uint8 (B, C, H, W).
        draws: float32 (B, n), uniform in [0, 1).

    Returns:
        Locations, float32 (B, n, 2), (x, y) in [-1, 1]. In a scene without any such spot, anywhere.
    """
    height, width = scenes.shape[-2:]
    cells = SPOT_SIZE // STRIDE
    rest = (0, -width % STRIDE, 0, -height % STRIDE)
    light, pixels = (
        _windows(torch.add, F.pad(x, rest).float(), STRIDE, STRIDE)
        for x in (scenes, scenes.new_ones(1, 1, height, width))
    )
    blocks = (light / pixels).mean(1, keepdim=True) / 255
    brightness = _windows(torch.add, F.pad(blocks, [cells // 2] * 4), cells) / cells**2
    is_spot = brightness == _windows(torch.maximum, F.pad(brightness, [1] * 4), 3)
    chance = is_spot * brightness.clamp_max(BRIGHT).pow(SHARPNESS) + 1e-9
    total = chance.flatten(1).cumsum(1)
    chosen = torch.searchsorted(total, draws * total[:, -1:]).clamp_max(total.shape[1] - 1)
    columns = brightness.shape[-1]
    cell = torch.stack([chosen % columns, torch.div(chosen, columns, rounding_mode="floor")], -1)
    pixel = (cell + 0.5) * STRIDE
    return (2 * pixel / pixel.new_tensor([width, height]) - 1).clamp(-1, 1)


def _windows(combine: Callable[[Tensor, Tensor], Tensor], x: Tensor, size: int, stride: int = 1) -> Tensor:
    """Combine the pixels of every window, (..., H, W): several times as fast as the pooling of one channel in torch."""
    for dim in (-2, -1):
        extent = (x.shape[dim] - size) // stride * stride + 1
        shifted = (x.narrow(dim, i, extent).unfold(dim, 1, stride).squeeze(-1) for i in range(size))
        x = reduce(combine, shifted)
    return x
