"""The paper's retina: concentric patches of fixed size (Mnih et al. 2014, section 3.1)."""

from __future__ import annotations

import numpy as np

from ram_envs.arrays import Array, Constants
from ram_envs.sensors.patches import Grid, Patches


class Retina(Patches):
    """Concentric patches of side ``patch_size * 2**i`` at scale ``i``; the finest has the resolution of the scene.

    A location is (x, y). The arguments are those of :class:`Patches`.
    """

    gaze_size = 2

    def __init__(self, height: int, width: int, channels: int, patch_size: int, num_scales: int) -> None:
        super().__init__(height, width, channels, patch_size, num_scales)
        grid = self.make_grid(self.scaled(np.array([self.patch_size])))
        self._grid = Constants(**grid._asdict())
        corner = (0.5 - grid.sides[0] / 2).astype(np.float32)  # (k,), from the center of a patch to its corner
        numbers = np.array([0, self.patch_size, self.num_scales, self.patch_size], np.int64)
        white = grid.white[0].reshape(self.num_scales, -1)[:, 0].copy()
        if type(self) is Retina:  # a subclass may read in another way
            self.for_kernels = (numbers, np.concatenate([self._half, corner]), white)

    def widest_side(self) -> int:
        """Return the side of the coarsest patch."""
        return self.patch_size * 2 ** (self.num_scales - 1)

    def grid(self, location: Array) -> Grid:
        """Return the cells, which are the same at every location."""
        return Grid(**self._grid.like(location))
