"""The glimpse sensor: the only home of coordinates, rounding, padding and scales.

It is "rho" of Mnih et al. 2014, section 3.1. A location (x, y) in [-1, 1] maps edge to edge onto the scene: column
``c = (x + 1) / 2 * width``, row likewise, so (-1, -1) is the top-left corner of the top-left pixel and (0, 0) the
centre of the scene. The patch of scale ``i`` has side ``s = patch_size * 2**i``, covers the columns ``floor(c - s/2 +
1/2)`` to that ``+ s - 1`` (computed in float32), and is averaged over blocks of ``2**i x 2**i`` pixels; what lies
outside the scene is 0. Sums stay integers and are scaled to [0, 1] by one division at the end, so that every backend
gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, Constants, clip, compiled_kernels, namespace

_MAX_SIDE = 2**15
_MAX_SCALES = 12  # white blocks of 2**11 pixels a side are the largest whose sum fits into int32

NOWHERE = -(2**20)
"""A row or column so far away that no patch reaches it: where :meth:`GlimpseSensor.read_points` is to see no point."""


class GlimpseSensor:
    """Reads glimpses from batches of scenes, which may be pictures or a few lit pixels.

    Args:
        height: Rows of the scene, in pixels.
        width: Columns of the scene, in pixels.
        patch_size: Side ``g`` of a patch as the agent receives it, in pixels of that patch, and of its finest scale in
            the scene.
        num_scales: Number ``k`` of concentric patches; each is twice as wide as the one before.
        channels: 1 for grey scenes, 3 for colour.

    Raises:
        ValueError: If ``patch_size`` or ``num_scales`` is no positive integer, there are more than 12 scales, or the
            coarsest patch is wider than 32,768 pixels.
    """

    def __init__(self, height: int, width: int, patch_size: int, num_scales: int, channels: int = 1) -> None:
        self.height, self.width, self.channels = height, width, channels
        self.patch_size = check_integer("patch_size", patch_size, 1, _MAX_SIDE)
        self.num_scales = check_integer("num_scales", num_scales, 1, _MAX_SCALES)
        self.sides = tuple(self.patch_size * 2**scale for scale in range(self.num_scales))
        if self.sides[-1] > _MAX_SIDE:
            raise ValueError(
                f"patch_size={patch_size} with num_scales={num_scales} makes the coarsest patch "
                f"{self.sides[-1]} pixels wide: expected at most {_MAX_SIDE}; lower one of them"
            )
        self.glimpse_shape = (self.num_scales, self.channels, self.patch_size, self.patch_size)
        self.glimpse_size = int(np.prod(self.glimpse_shape))
        """Numbers in a glimpse: ``num_scales * channels * patch_size**2``."""

        scale = np.arange(self.num_scales)
        half = np.array([width / 2, height / 2], np.float32)  # pixels to one unit of location
        corner = (0.5 - np.array(self.sides) / 2).astype(np.float32)  # (k,) from the centre of a patch to its corner
        full = (255.0 * 4.0**scale).astype(np.float32).repeat(self.glimpse_size // self.num_scales)  # (k*C*g*g,)
        self._kernel_constants = (half, corner, full, self.patch_size)
        # Block edges from the corner of a patch, (k, g + 1); where a channel starts in a summed-area table, (C, 1, 1);
        # where a scale starts in a glimpse of one channel, (k,).
        edges = np.arange(self.patch_size + 1) << scale[:, None]
        channel = (np.arange(channels) * (height + 1) * (width + 1))[:, None, None]
        cell = scale * self.patch_size**2
        self._constants = Constants(
            half=half, corner=corner, full=full, scale=scale, edges=edges, channel=channel, cell=cell
        )

    def to_pixels(self, location: Array) -> Array:
        """Turn locations (x, y) into pixels of the scene (column, row), edge to edge; both float32 (..., 2)."""
        return (location + 1) * self._constants.like(location)["half"]

    def corners(self, location: Array) -> Array:
        """Return the first column and row that each patch covers, int64 (B, 2, k), for locations, float32 (B, 2)."""
        xp = namespace(location)
        corner = self._constants.like(location)["corner"]  # (k,)
        return xp.astype(xp.floor(self.to_pixels(location)[:, :, None] + corner), xp.int64)

    def summed_area_table(self, scenes: Array) -> Array:
        """Return the table from which :meth:`read` takes its sums (Crow 1984).

        Args:
            scenes: uint8 (B, C, H, W).

        Returns:
            int32 (B, C, H + 1, W + 1); entry (r, c) is the sum of all pixels above row r and left of column c. Should
            a sum leave the range of int32, differences of entries are still exact: they wrap back.
        """
        xp = namespace(scenes)
        batch, channels, height, width = scenes.shape
        table = xp.zeros((batch, channels, height + 1, width + 1), dtype=xp.int32, device=scenes.device)
        rows = xp.cumulative_sum(scenes, axis=3, dtype=xp.int32)
        table[:, :, 1:, 1:] = xp.cumulative_sum(rows, axis=2, dtype=xp.int32)
        return table

    def prepare(self, scenes: Array) -> Array:
        """Return what :meth:`read` is quickest on: scenes for compiled kernels, otherwise their summed-area table."""
        return self.summed_area_table(scenes) if compiled_kernels(scenes) is None else scenes

    def read(self, scenes: Array, location: Array) -> Array:
        """Read one glimpse from each scene.

        Args:
            scenes: uint8 (B, C, H, W), or their table, int32 (B, C, H + 1, W + 1), from :meth:`summed_area_table`.
            location: float32 (B, 2), (x, y) in [-1, 1].

        Returns:
            float32 (B, k*C*g*g) in [0, 1], in the order (scale, channel, row, column), finest scale first.
        """
        xp = namespace(scenes)
        if scenes.dtype == xp.uint8 and (kernels := compiled_kernels(scenes)) is not None:
            return self._compiled(kernels.read, scenes, location)
        table = self.summed_area_table(scenes) if scenes.dtype == xp.uint8 else scenes
        constants, batch = self._constants.like(table), table.shape[0]
        edges = self.corners(location)[:, :, :, None] + constants["edges"]  # (B, 2, k, g+1)
        # Beyond the scene the table does not grow: clipping is the zero padding.
        columns = clip(edges[:, 0], 0, self.width)
        rows = clip(edges[:, 1], 0, self.height) * (self.width + 1)
        stride = self.channels * (self.height + 1) * (self.width + 1)
        rows = rows + (xp.arange(batch, device=table.device) * stride)[:, None, None]
        cell = (rows[:, :, :, None] + columns[:, :, None, :])[:, :, None]  # (B, k, 1, g+1, g+1)
        sums = xp.reshape(table, (-1,))[cell + constants["channel"]]  # (B, k, C, g+1, g+1)
        sums = sums[:, :, :, 1:] - sums[:, :, :, :-1]
        sums = sums[..., 1:] - sums[..., :-1]  # (B, k, C, g, g)
        return xp.astype(xp.reshape(sums, (batch, self.glimpse_size)), xp.float32) / constants["full"]

    def read_points(self, columns: Array, rows: Array, location: Array) -> Array:
        """Read one glimpse from each of a batch of grey scenes that are black but for a few white pixels.

        Equal to :meth:`read` on the pictures of these scenes, at a cost that does not depend on their size.

        Args:
            columns: int64 (P, B), the columns of the P white pixels of each scene, no pixel twice.
            rows: int64 (P, B), their rows; :data:`NOWHERE` for a pixel that a scene does not have.
            location: float32 (B, 2), (x, y) in [-1, 1].

        Returns:
            float32 (B, k*g*g) in [0, 1], in the order (scale, row, column), finest scale first.
        """
        if (kernels := compiled_kernels(columns)) is not None:
            return self._compiled(kernels.read_points, columns, rows, location)
        xp, constants = namespace(columns), self._constants.like(columns)
        num_points, batch = columns.shape
        size = self.patch_size
        corners = self.corners(location)  # (B, 2, k)
        # The block that each pixel falls into, (P, B, k).
        column = (columns[:, :, None] - corners[:, 0]) >> constants["scale"]
        row = (rows[:, :, None] - corners[:, 1]) >> constants["scale"]
        inside = (column >= 0) & (column < size) & (row >= 0) & (row < size)
        cell = xp.where(inside, row * size + column + constants["cell"], self.glimpse_size)  # unseen: to a spare cell
        stride = self.glimpse_size + 1
        if batch > 1:
            cell = cell + xp.arange(0, batch * stride, stride, device=cell.device)[:, None]
        sums = xp.zeros((batch * stride,), dtype=xp.float32, device=cell.device)
        for point in range(num_points):  # one pixel after the other: two of them may share a block
            sums[cell[point]] += 255.0
        return xp.reshape(sums, (batch, stride))[:, : self.glimpse_size] / constants["full"]

    def _compiled(self, kernel: Callable[..., np.ndarray], *arrays: Array) -> Array:
        """Call a kernel on NumPy arrays, or on CPU tensors through their shared memory."""
        glimpse = kernel(*map(np.ascontiguousarray, arrays), *self._kernel_constants)
        return glimpse if isinstance(arrays[0], np.ndarray) else namespace(arrays[0]).asarray(glimpse)

    def squares(self, location: Array) -> list[tuple[int, int, int]]:
        """Return (top, left, side) in scene pixels of the patch of every scale, finest first, for one location (2,)."""
        column, row = self.corners(location[None, :])[0].tolist()
        return list(zip(row, column, self.sides, strict=True))
