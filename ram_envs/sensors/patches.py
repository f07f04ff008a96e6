"""Concentric square patches: coordinates, rounding, padding, scales and averaging are defined here.

This is the glimpse sensor of Mnih et al. 2014, section 3.1. A location (x, y) in [-1, 1] maps edge to edge onto the
scene: column ``c = (x + 1) / 2 * width``, row ``(y + 1) / 2 * height``. Each scale's patch is twice as wide as that of
the scale before. A patch of side ``s`` covers ``s`` columns from ``floor(c - s/2 + 1/2)`` on, computed in float32.
Its cell ``n`` (of ``g`` in a row) is the mean of the block of pixels from ``floor(n * s / g)`` up to
``floor((n + 1) * s / g)``; pixels outside the scene are 0. Sums are integers, and one division scales them to [0, 1],
so every backend gives the same bits. ``kernels.py`` has the same rules as compiled loops; a test compares the two.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import numpy as np

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, Constants, clip, compiled_kernels, kernels_to_come, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.sensors.sensor import Outline, Sensor

MAX_SIDE = 2**15
MAX_SCALES = 12
MAX_BLOCK = 2**11  # a white block of this side is the largest whose sum fits into int32


class Grid(NamedTuple):
    """The cells of the patches, relative to the corner of each patch. B is 1 if all rows share them.

    Attributes:
        sides: int64 (B, k), the side of each patch in scene pixels.
        edges: int64 (B, k, g + 1), where the cells of each patch begin; the last edge is the end of the last cell.
        white: float32 (B, k*C*g*g), the sum over a completely white cell.
    """

    sides: Array
    edges: Array
    white: Array


class Patches(Sensor):
    """Square patches around one location, each averaged to ``patch_size x patch_size`` cells; finest first.

    Subclasses define the width of the patches.

    Args:
        height: Rows of the scene, in pixels.
        width: Columns of the scene, in pixels.
        channels: 1 for grayscale scenes, 3 for color.
        patch_size: Side ``g`` of a patch in cells.
        num_scales: Number ``k`` of patches; each is twice as wide as the one before.

    Raises:
        InvalidArgument: If ``patch_size`` or ``num_scales`` is not a positive integer, there are more than 12 scales,
            or the widest patch is wider than 32,768 pixels.
    """

    def __init__(self, height: int, width: int, channels: int, patch_size: int, num_scales: int) -> None:
        check_integer("patch_size", patch_size, 1, MAX_SIDE)
        check_integer("num_scales", num_scales, 1, MAX_SCALES)
        super().__init__(height, width, channels, patch_size, num_scales)
        self.glimpse_shape = (self.num_scales, self.channels, self.patch_size, self.patch_size)
        self._check_widest(self.widest_side())
        half = np.array([width / 2, height / 2], np.float32)  # pixels per unit of location
        # Where a channel begins in a summed-area table, (C, 1, 1).
        channel = (np.arange(channels) * (height + 1) * (width + 1))[:, None, None]
        cell = np.arange(self.num_scales) * self.patch_size**2  # where a scale begins in a grayscale glimpse, (k,)
        self._constants = Constants(half=half, channel=channel, cell=cell, scale=2 ** np.arange(self.num_scales))
        self._half = half

    @abstractmethod
    def widest_side(self) -> int:
        """Return the largest possible side of a patch, in scene pixels."""

    @abstractmethod
    def grid(self, location: Array) -> Grid:
        """Return the cells of the patches at these locations, float32 (B, gaze_size)."""

    def scaled(self, finest: Array) -> Array:
        """Return the sides of all scales, int64 (B, k), from the side of the finest, int64 (B,)."""
        return finest[:, None] * self._constants.like(finest)["scale"]

    def make_grid(self, sides: Array) -> Grid:
        """Divide patches of these sides, int64 (B, k), into cells of whole pixels."""
        xp = namespace(sides)
        size = self.patch_size
        edges = xp.arange(size + 1, device=sides.device) * sides[:, :, None] // size  # (B, k, g + 1)
        lengths = edges[:, :, 1:] - edges[:, :, :-1]
        areas = lengths[:, :, :, None] * lengths[:, :, None, :]  # (B, k, g, g)
        white = xp.broadcast_to(255 * areas[:, :, None], (len(sides), *self.glimpse_shape))
        return Grid(sides, edges, xp.astype(xp.reshape(white, (len(sides), self.glimpse_size)), xp.float32))

    def corners(self, location: Array, sides: Array) -> Array:
        """Return the first column and row that each patch covers, int64 (B, 2, k).

        Args:
            location: float32 (B, gaze_size).
            sides: int64 (B or 1, k).
        """
        xp = namespace(location)
        center = self.to_pixels(location)[:, :, None]  # (B, 2, 1)
        corner = 0.5 - xp.astype(sides, xp.float32)[:, None, :] / 2  # from the center to the corner, exact in float32
        return xp.astype(xp.floor(center + corner), xp.int64)

    def to_pixels(self, location: Array) -> Array:
        """Convert locations to scene pixels; see :meth:`Sensor.to_pixels`."""
        return (location[..., :2] + 1) * self._constants.like(location)["half"]

    def summed_area_table(self, scenes: Array) -> Array:
        """Return the summed-area table that :meth:`read` uses (Crow 1984).

        Args:
            scenes: uint8 (B, C, H, W).

        Returns:
            int32 (B, C, H + 1, W + 1); entry (r, c) is the sum of all pixels above row r and left of column c. If a
            sum overflows int32, differences of entries are still exact, because they wrap back.
        """
        xp = namespace(scenes)
        batch, channels, height, width = scenes.shape
        table = xp.zeros((batch, channels, height + 1, width + 1), dtype=xp.int32, device=scenes.device)
        rows = xp.cumulative_sum(scenes, axis=3, dtype=xp.int32)
        table[:, :, 1:, 1:] = xp.cumulative_sum(rows, axis=2, dtype=xp.int32)
        return table

    def prepare(self, scenes: Array) -> Array:
        """Return the scenes if there are compiled kernels for them, otherwise their summed-area table.

        It does not matter whether the kernels are loaded yet: scenes of one batch are prepared at different times.
        """
        if self.for_kernels and kernels_to_come(scenes):
            return scenes
        return self.summed_area_table(scenes)

    def read(self, prepared: Array, location: Array) -> Array:
        """Read one glimpse from each scene; see :meth:`Sensor.read`."""
        xp = namespace(prepared)
        if self.for_kernels and prepared.dtype == xp.uint8 and (kernels := compiled_kernels(location)) is not None:
            return self._call(kernels.see, prepared, location)
        table = self.summed_area_table(prepared) if prepared.dtype == xp.uint8 else prepared
        batch = table.shape[0]
        grid = self.grid(location)
        edges = self.corners(location, grid.sides)[:, :, :, None] + grid.edges[:, None]  # (B, 2, k, g+1)
        # The table does not grow beyond the scene, so clipping the edges pads with zeros.
        columns = clip(edges[:, 0], 0, self.width)
        rows = clip(edges[:, 1], 0, self.height) * (self.width + 1)
        stride = self.channels * (self.height + 1) * (self.width + 1)
        rows = rows + (xp.arange(batch, device=table.device) * stride)[:, None, None]
        cell = (rows[:, :, :, None] + columns[:, :, None, :])[:, :, None]  # (B, k, 1, g+1, g+1)
        sums = xp.reshape(table, (-1,))[cell + self._constants.like(table)["channel"]]  # (B, k, C, g+1, g+1)
        sums = sums[:, :, :, 1:] - sums[:, :, :, :-1]
        sums = sums[..., 1:] - sums[..., :-1]  # (B, k, C, g, g)
        return xp.astype(xp.reshape(sums, (batch, self.glimpse_size)), xp.float32) / grid.white

    def read_points(self, columns: Array, rows: Array, location: Array) -> Array:
        """Read one glimpse from scenes of a few white pixels, at a cost that does not depend on the scene's size."""
        if self.for_kernels and (kernels := compiled_kernels(location)) is not None:
            return self._call(kernels.see_points, columns, rows, location)
        xp, size = namespace(columns), self.patch_size
        num_points, batch = columns.shape
        grid = self.grid(location)
        corners = self.corners(location, grid.sides)  # (B, 2, k)
        offset_column, offset_row = columns[:, :, None] - corners[:, 0], rows[:, :, None] - corners[:, 1]  # (P, B, k)
        inside = (offset_column >= 0) & (offset_column < grid.sides) & (offset_row >= 0) & (offset_row < grid.sides)
        # Cell n begins at floor(n * side / g), so a pixel at this offset lies in cell ((offset + 1) * g - 1) // side.
        column, row = (((offset + 1) * size - 1) // grid.sides for offset in (offset_column, offset_row))
        cell = row * size + column + self._constants.like(columns)["cell"]
        cell = xp.where(inside, cell, self.glimpse_size)  # a pixel that is not seen goes to a spare cell
        stride = self.glimpse_size + 1
        if batch > 1:
            cell = cell + xp.arange(0, batch * stride, stride, device=cell.device)[:, None]
        sums = xp.zeros((batch * stride,), dtype=xp.float32, device=cell.device)
        for point in range(num_points):  # one after the other, because two pixels may share a cell
            sums[cell[point]] += 255.0
        return xp.reshape(sums, (batch, stride))[:, : self.glimpse_size] / grid.white

    def outlines(self, location: Array) -> list[Outline]:
        """Return the squares that the patches cover; see :meth:`Sensor.outlines`."""
        sides = self.grid(location[None, :]).sides
        columns, rows = self.corners(location[None, :], sides)[0].tolist()
        return [
            Outline(row, column, side, side) for row, column, side in zip(rows, columns, sides[0].tolist(), strict=True)
        ]

    def _call(self, kernel: Any, *arrays: Array) -> Array:
        """Call a kernel on NumPy arrays, or on CPU tensors through their shared memory."""
        location = arrays[-1]
        glimpse = np.empty((len(location), self.glimpse_size), np.float32)
        kernel(*map(np.ascontiguousarray, arrays), *self.for_kernels, glimpse)
        return glimpse if isinstance(location, np.ndarray) else namespace(location).asarray(glimpse)

    def _check_widest(self, side: int) -> None:
        if side > MAX_SIDE:
            raise InvalidArgument(
                f"patch_size={self.patch_size} with num_scales={self.num_scales} makes the widest patch {side} pixels "
                f"wide: expected at most {MAX_SIDE}; lower one of them"
            )
        if -(-side // self.patch_size) > MAX_BLOCK:
            raise InvalidArgument(
                f"patch_size={self.patch_size} is too small for patches up to {side} pixels wide: a cell would average "
                f"more than {MAX_BLOCK} pixels in a row; expected at least {-(-side // MAX_BLOCK)}"
            )
