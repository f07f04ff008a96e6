"""The paper's retina: concentric patches of fixed size (Mnih et al. 2014, section 3.1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ram_envs.arrays import Array, Constants
from ram_envs.sensors.patches import Grid, Patches, call_kernel


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
        self._for_kernels = (self._half, corner, grid.white[0], self.patch_size)

    def widest_side(self) -> int:
        """Return the side of the coarsest patch."""
        return self.patch_size * 2 ** (self.num_scales - 1)

    def grid(self, location: Array) -> Grid:
        """Return the cells, which are the same at every location."""
        return Grid(**self._grid.like(location))

    def _read_compiled(self, kernels: Any, scenes: Array, location: Array) -> Array:
        return call_kernel(kernels.read, (scenes, location), self._for_kernels)

    def _read_points_compiled(self, kernels: Any, columns: Array, rows: Array, location: Array) -> Array:
        return call_kernel(kernels.read_points, (columns, rows, location), self._for_kernels)
