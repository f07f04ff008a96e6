"""The sensor interface, and the registry of sensors.

A sensor ("rho" in Mnih et al. 2014, section 3.1) reads a glimpse of fixed shape from a scene at a location. To add your
own, derive from :class:`Sensor`, call :func:`register_sensor`, and pass the name as ``sensor=`` to any environment.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from numpy.typing import NDArray

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, namespace
from ram_envs.errors import InvalidArgument
from ram_envs.lookup import find_class

NOWHERE = -(2**20)
"""A row or column outside every glimpse: :meth:`Sensor.read_points` ignores points in it."""


class Outline(NamedTuple):
    """The part of the scene that one level of a glimpse covers, in scene pixels. It may extend beyond the scene."""

    top: int
    left: int
    height: int
    width: int


class Sensor(ABC):
    """Reads glimpses from batches of scenes.

    The environments construct a sensor from the shape of the scene and the task's arguments. A sensor keeps no state
    between calls. All methods take NumPy arrays or torch tensors on any device; write them with
    ``xp = ram_envs.arrays.namespace(array)`` and the functions of the Python array API.

    Args:
        height: Rows of the scene, in pixels.
        width: Columns of the scene, in pixels.
        channels: 1 for grayscale scenes, 3 for color.
        patch_size: Side of a level as the agent receives it, in pixels.
        num_scales: Number of levels.
        **settings: The settings that the sensor was registered with.

    Attributes:
        gaze_size: Number of values in a location: 2 for (x, y), more for a sensor that also zooms or rotates. The first
            two values are always x and y.
        glimpse_shape: Shape of a glimpse: (levels, channels, rows, columns), finest level first.
        for_kernels: The sensor as three arrays, in the format of ``kernels.py``; () for a sensor without kernels.
    """

    gaze_size: ClassVar[int] = 2
    glimpse_shape: tuple[int, int, int, int]
    for_kernels: tuple[NDArray[Any], ...] = ()

    def __init__(self, height: int, width: int, channels: int, patch_size: int, num_scales: int) -> None:
        self.height, self.width, self.channels = height, width, channels
        self.patch_size = check_integer("patch_size", patch_size, 1, 2**15)
        self.num_scales = check_integer("num_scales", num_scales, 1, 2**15)

    @property
    def glimpse_size(self) -> int:
        """Number of values in a glimpse: the product of ``glimpse_shape``."""
        return math.prod(self.glimpse_shape)

    def prepare(self, scenes: Array) -> Array:
        """Preprocess scenes so that :meth:`read` is fast. Called once for a scene that is read several times.

        Args:
            scenes: uint8 (B, C, H, W).

        Returns:
            An array whose first axis is B; by default the scenes themselves.
        """
        return scenes

    @abstractmethod
    def read(self, prepared: Array, location: Array) -> Array:
        """Read one glimpse from each scene.

        Args:
            prepared: The result of :meth:`prepare`, or the scenes themselves, uint8 (B, C, H, W).
            location: float32 (B, gaze_size) in [-1, 1]; x and y first.

        Returns:
            float32 (B, glimpse_size) in [0, 1], in the order (level, channel, row, column).
        """

    def read_points(self, columns: Array, rows: Array, location: Array) -> Array:
        """Read one glimpse from each of a batch of grayscale scenes that are black except for a few white pixels.

        The result equals that of :meth:`read` on the drawn scenes. This default draws them; subclasses may be faster.

        Args:
            columns: int64 (P, B), the columns of the P white pixels of each scene, no pixel twice.
            rows: int64 (P, B), their rows; :data:`NOWHERE` for a pixel that a scene does not have.
            location: float32 (B, gaze_size) in [-1, 1].

        Returns:
            float32 (B, glimpse_size) in [0, 1], in the order (level, channel, row, column).
        """
        xp = namespace(columns)
        num_points, batch = columns.shape
        scenes = xp.zeros((batch, 1, self.height, self.width), dtype=xp.uint8, device=columns.device)
        index = xp.arange(batch, device=columns.device)
        for point in range(num_points):
            drawn = index[rows[point] != NOWHERE]
            scenes[drawn, 0, rows[point][drawn], columns[point][drawn]] = 255
        return self.read(self.prepare(scenes), location)

    @abstractmethod
    def outlines(self, location: Array) -> list[Outline]:
        """Return the part of the scene that each level covers, finest first, for one location, float32 (gaze_size,).

        Renderings draw these rectangles and place the levels of the glimpse in them.
        """

    def to_pixels(self, location: Array) -> Array:
        """Convert locations to scene pixels, edge to edge.

        ``column = (x + 1) / 2 * width`` and ``row = (y + 1) / 2 * height``: (-1, -1) is the top-left corner of the
        top-left pixel.

        Args:
            location: float32 (..., gaze_size).

        Returns:
            float32 (..., 2), (column, row).
        """
        xp = namespace(location)
        half = xp.asarray([self.width / 2, self.height / 2], dtype=xp.float32, device=location.device)
        return (location[..., :2] + 1) * half


SENSORS: dict[str, tuple[str | type[Sensor], dict[str, Any]]] = {
    "retina": ("ram_envs.sensors.retina:Retina", {}),
    "zoom": ("ram_envs.sensors.zoom:Zoom", {}),
}
"""The registered sensors: name -> (class, or "module:Class" to import on first use; its settings)."""


def register_sensor(name: str, sensor: type[Sensor] | str, **settings: Any) -> None:
    """Register a sensor under a name, which every task accepts as ``sensor=``.

    Args:
        name: The name. It must not contain ":", which separates a module from a class.
        sensor: The class, or "module:Class".
        **settings: Further keyword arguments of its constructor.

    Raises:
        InvalidArgument: If the name is not valid or is taken by another sensor.
    """
    if not isinstance(name, str) or not name or ":" in name:
        raise InvalidArgument(f"name={name!r} is not valid: expected a non-empty string without ':'")
    if SENSORS.get(name, (sensor, settings)) != (sensor, settings):
        raise InvalidArgument(f"name={name!r} is taken by another sensor: choose another name")
    SENSORS[name] = (sensor, settings)


def make_sensor(name: str, height: int, width: int, channels: int, patch_size: int, num_scales: int) -> Sensor:
    """Construct the sensor of a registered name, or of "module:Class"; the arguments are those of :class:`Sensor`.

    Raises:
        UnknownName: If there is no such sensor.
        InvalidArgument: If the sensor cannot take an argument.
    """
    if not isinstance(name, str):
        raise InvalidArgument(f"sensor={name!r} is not valid: expected a string such as 'retina' or 'module:Class'")
    settings = SENSORS[name][1] if name in SENSORS else {}
    cls = find_class("sensor", name, Sensor, {known: entry[0] for known, entry in SENSORS.items()})
    sensor: Sensor = cls(height, width, channels, patch_size, num_scales, **settings)
    return sensor
