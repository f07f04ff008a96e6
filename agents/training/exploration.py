"""Exploration of the hybrid training: some episodes look at one bright spot of the scene after the other.

From the first glimpse on, such a scan goes to the closest bright spot that it has not visited: a saliency map with
inhibition of return (Itti, Koch and Niebur 1998), whose saliency is brightness. In a long episode it looks at each spot
more than once, first roughly and then exactly, as an agent does whose first view of a spot is a coarse one. Labels and
places of the objects are not used. (Not in the paper.)
"""

from __future__ import annotations

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
PHASE = 0.4
"""Share of the training in which episodes explore."""
FINE, ROUGH = 2, 4
"""How far the last glimpse of a spot and those before may miss it, in pixels and in each direction."""


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
        draws: float32 (B, :func:`num_draws`), uniform in [0, 1): whether to explore, the spots, and the offsets.
    """
    explores, drawn, offsets = draws.split([1, NUM_SPOTS, 2 * num_steps], 1)
    spots = bright_spots(scenes, drawn)
    height, width = scenes.shape[-2:]
    pixels = spots.new_tensor([width, height]) / 2  # of a location, in one unit
    offsets = (2 * offsets.unflatten(1, (num_steps, 2)) - 1) / pixels
    glimpses = glimpses_per_spot(num_steps)
    visits, spot, path = torch.zeros_like(spots[..., 0]), first_location, []
    for step in range(num_steps):
        if step % glimpses == 0:
            # Fewer visits come first, then the shorter way.
            distance = ((spots - spot[:, None]) * pixels).norm(dim=-1)
            chosen = (distance + visits * (height + width)).argmin(1)
            spot = spots.gather(1, chosen[:, None, None].expand(-1, 1, 2)).squeeze(1)
            visits = visits + (((spots - spot[:, None]) * pixels).norm(dim=-1) < SPOT_SIZE / 2)
        is_last = step % glimpses == glimpses - 1
        path.append((spot + offsets[:, step] * (FINE if is_last else ROUGH)).clamp(-1, 1))
    return Scan(explores[:, 0] < share, torch.stack(path))


def share_of_scans(start: float, iteration: int, iterations: int) -> float:
    """Return which share of the rows explores in an iteration: a straight line from ``start`` to 0 in ``PHASE``."""
    done = iteration / max(iterations - 1, 1)
    return start * max(1 - done / PHASE, 0.0)


def num_draws(num_steps: int) -> int:
    """Return how many random numbers a scan of T steps takes."""
    return 1 + NUM_SPOTS + 2 * num_steps


def glimpses_per_spot(num_steps: int) -> int:
    """Return how often a scan looks at a spot before it goes on: so often that there is time for three spots."""
    return max((num_steps - 1) // 3, 1)


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
    blocks = F.avg_pool2d(scenes.float(), STRIDE, ceil_mode=True).mean(1, keepdim=True) / 255
    brightness = F.avg_pool2d(blocks, cells, 1, padding=cells // 2)
    is_spot = brightness == F.max_pool2d(brightness, 3, 1, padding=1)
    chance = is_spot * brightness.clamp_max(BRIGHT).pow(SHARPNESS) + 1e-9
    total = chance.flatten(1).cumsum(1)
    chosen = torch.searchsorted(total, draws * total[:, -1:]).clamp_max(total.shape[1] - 1)
    columns = brightness.shape[-1]
    cell = torch.stack([chosen % columns, torch.div(chosen, columns, rounding_mode="floor")], -1)
    pixel = (cell + 0.5) * STRIDE
    return (2 * pixel / pixel.new_tensor([width, height]) - 1).clamp(-1, 1)
