"""A retina with zoom: the third value of its location sets the width of the patches."""

from __future__ import annotations

import numpy as np

from ram_envs.arrays import Array, namespace
from ram_envs.sensors.patches import Grid, Patches


class Zoom(Patches):
    """Patches of variable width. A location is (x, y, z).

    At z = -1 the finest patch is ``patch_size`` pixels wide and has the resolution of the scene. At z = 1 it is as wide
    as the longer side of the scene (at least ``patch_size``). In between its side grows linearly with z, rounded to
    whole pixels: ``floor(g + (z + 1) / 2 * (longest - g) + 1/2)``, computed in float32. Scale ``i`` is ``2**i`` times
    as wide. A cell averages a block of whole pixels; the blocks of one patch may differ by one pixel in width.

    The arguments are those of :class:`Patches`.
    """

    gaze_size = 3

    def __init__(self, height: int, width: int, channels: int, patch_size: int, num_scales: int) -> None:
        super().__init__(height, width, channels, patch_size, num_scales)
        numbers = np.array([1, self.patch_size, self.num_scales, self.longest_side], np.int64)
        if type(self) is Zoom:  # a subclass may read in another way
            self.for_kernels = (numbers, self._half, np.empty(0, np.float32))

    @property
    def longest_side(self) -> int:
        """Side of the finest patch at z = 1, in scene pixels."""
        return max(self.height, self.width, self.patch_size)

    def widest_side(self) -> int:
        """Return the side of the coarsest patch at z = 1."""
        return self.longest_side * 2 ** (self.num_scales - 1)

    def grid(self, location: Array) -> Grid:
        """Return the cells at these locations, float32 (B, 3)."""
        return self.make_grid(self.sides(location))

    def sides(self, location: Array) -> Array:
        """Return the sides of the patches in scene pixels, int64 (B, k), at locations, float32 (B, 3)."""
        xp = namespace(location)
        widening = (location[:, 2] + 1) / 2 * (self.longest_side - self.patch_size)
        return self.scaled(xp.astype(xp.floor(widening + (self.patch_size + 0.5)), xp.int64))
