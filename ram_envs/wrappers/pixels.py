"""The frames of an environment: where they are in its observations, and their conversion to scenes."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from ram_envs.errors import InvalidArgument, InvalidObservation, did_you_mean
from ram_envs.wrappers.settings import OBSERVATION, RENDER

COLOR_CHANNELS = 3
_LAYOUTS = {2: ("HW",), 3: ("HWC", "CHW", "SHW", "HWS"), 4: ("SHWC", "SCHW")}


class Pixels:
    """Reads scenes from a batch of images of one space.

    uint8 images are taken as they are. Floating-point images are multiplied by 255 if their bounds are within [0, 1],
    then rounded to the nearest integer. Of stacked frames the last one is taken, of four color channels the first
    three.

    Args:
        name: What the images are called in error messages.
        space: The space of one image: a Box with bounds within [0, 255].
        layout: The axes; None to derive them from the shape.

    Attributes:
        height: Rows of a frame.
        width: Columns of a frame.
        channels: 1 for grayscale, 3 for color.

    Raises:
        InvalidArgument: If the space is not one of images.
    """

    def __init__(self, name: str, space: spaces.Space[Any], layout: str | None = None) -> None:
        self.name, self.shape = name, tuple(space.shape or ())
        problem = _problem(space, layout)
        if problem is not None:
            raise InvalidArgument(f"{name} has the space {_short(space)}, which cannot be read as an image: {problem}")
        assert isinstance(space, spaces.Box)
        layout = layout or _derive_layout(space.shape)
        assert layout is not None
        size = dict(zip(layout, space.shape, strict=True))
        self.height, self.width = size["H"], size["W"]
        self.channels = COLOR_CHANNELS if size.get("C", 1) > 1 else 1
        self._factor = 255.0 if float(space.high.max()) <= 1 else 1.0
        self._as_is = space.dtype == np.uint8 and self._factor == 1.0
        # The batch is the first axis.
        self._last_frame = (slice(None), *[-1 if axis == "S" else slice(None) for axis in layout])
        axes = layout.replace("S", "")
        self._order = (0, *(1 + axes.index(axis) for axis in "CHW")) if "C" in axes else None
        self._drop_alpha = size.get("C", 1) > COLOR_CHANNELS

    def read(self, images: Any, steps: NDArray[np.int64], first_row: int = 0) -> NDArray[np.uint8]:
        """Convert a batch of images to scenes.

        Args:
            images: A batch of images, (B, *shape).
            steps: int64 (B,), the step of each row's episode, for error messages.
            first_row: The number of the first row, for error messages.

        Returns:
            uint8 (B, C, H, W); it may share memory with ``images``.

        Raises:
            InvalidObservation: If the shape is wrong, or a pixel is NaN or infinite.
        """
        images = np.asarray(images)
        if images.shape != (len(steps), *self.shape):
            raise InvalidObservation(
                f"{self.name} has shape {images.shape[1:]} in a batch of {len(images)}: expected {self.shape} in a "
                f"batch of {len(steps)}, as the observation space says"
            )
        frames = images[self._last_frame]
        if not self._as_is or frames.dtype != np.uint8:
            frames = self._converted(frames, steps, first_row)
        if self._order is None:
            return frames[:, None]  # (B, H, W) -> (B, 1, H, W)
        frames = frames.transpose(self._order)
        return frames[:, :COLOR_CHANNELS] if self._drop_alpha else frames

    def _converted(self, frames: NDArray[Any], steps: NDArray[np.int64], first_row: int) -> NDArray[np.uint8]:
        """Scale and round to uint8."""
        if frames.dtype.kind == "f":
            finite = np.isfinite(frames).reshape(len(frames), -1).all(axis=1)
            if not finite.all():
                row = int(np.argmin(finite))
                raise InvalidObservation(
                    f"{self.name} has pixels that are NaN or infinite in row {first_row + row} at step "
                    f"{int(steps[row])}: the wrapped environment returned them; expected numbers"
                )
        scaled = frames * self._factor if self._factor != 1.0 else frames
        return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def find_pixels(space: spaces.Space[Any], pixels: str, layout: str | None) -> tuple[Pixels, str | None]:
    """Find the images in an observation space.

    Args:
        space: The observation space of one environment.
        pixels: "observation", or the key of an image.
        layout: The axes of the image; None to derive them from its shape.

    Returns:
        The reader of the images, and their key in a Dict observation (None if the observation is the image).

    Raises:
        InvalidArgument: If there is no image, or more than one to choose from.
    """
    if not isinstance(space, spaces.Dict):
        if pixels != OBSERVATION:
            raise InvalidArgument(
                f"pixels={pixels!r} is a key, but the observation is {_short(space)} and has no keys: use "
                "pixels='observation' or pixels='render'"
            )
        if not isinstance(space, spaces.Box) or len(space.shape) < 2:
            raise InvalidArgument(
                f"the observation {_short(space)} has no pixels: use pixels='render' with an environment that was made "
                "with render_mode='rgb_array'"
            )
        return Pixels("the observation", space, layout), None
    if pixels != OBSERVATION:
        if pixels not in space.spaces:
            hint = did_you_mean(pixels, space.spaces) or f": expected one of {', '.join(map(repr, space.spaces))}"
            raise InvalidArgument(f"pixels={pixels!r} is not a key of the observation{hint}")
        return Pixels(f"observation[{pixels!r}]", space[pixels], layout), pixels
    images = [key for key, part in space.spaces.items() if _problem(part, layout) is None]
    if len(images) == 1:
        return Pixels(f"observation[{images[0]!r}]", space[images[0]], layout), images[0]
    if images:
        raise InvalidArgument(
            f"the observation has several images: choose one, as in pixels={images[0]!r}; they are "
            f"{', '.join(map(repr, images))}"
        )
    raise InvalidArgument(
        f"the observation with the keys {', '.join(map(repr, space.spaces))} has no pixels: use pixels='render' with "
        "an environment that was made with render_mode='rgb_array', or name the key of an image"
    )


def rendered_pixels(frame: Any) -> Pixels:
    """Return the reader of rendered frames like this one, uint8 (H, W, 3) or (H, W).

    Raises:
        InvalidArgument: If it is not an image.
    """
    if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
        raise InvalidArgument(
            f"render() returned {type(frame).__name__}, which pixels={RENDER!r} cannot use: expected a uint8 image; "
            "make the environment with render_mode='rgb_array'"
        )
    layout = "HW" if frame.ndim == 2 else "HWC"
    return Pixels("the rendered frame", spaces.Box(0, 255, frame.shape, np.uint8), layout)


def _problem(space: spaces.Space[Any], layout: str | None) -> str | None:
    """Return why images cannot be read from a space; None if they can."""
    if not isinstance(space, spaces.Box) or space.dtype is None or np.dtype(space.dtype).kind not in "buif":
        return "expected a Box of numbers"
    if len(space.shape) not in _LAYOUTS or 0 in space.shape:
        return "expected two to four axes, such as (height, width) or (height, width, 3)"
    if not (float(space.low.min()) >= 0 and float(space.high.max()) <= 255):
        return "expected bounds within [0, 1] or [0, 255]"
    if layout is None:
        if _derive_layout(space.shape) is None:
            return (
                f"the shape {space.shape} has no unique reading; pass layout= with the letters H, W, C (color) and S "
                "(stacked frames), such as 'SHW' or 'CHW'"
            )
        return None
    if not isinstance(layout, str) or layout not in _LAYOUTS[len(space.shape)]:
        names = " or ".join(map(repr, _LAYOUTS[len(space.shape)]))
        return f"layout={layout!r} does not fit the shape {space.shape}; expected {names}"
    channels = dict(zip(layout, space.shape, strict=True)).get("C", 1)
    if channels not in (1, COLOR_CHANNELS, COLOR_CHANNELS + 1):
        return f"layout={layout!r} reads {channels} color channels; expected 1, 3 or 4"
    return None


def _derive_layout(shape: tuple[int, ...]) -> str | None:
    """Return the axes of an image of this shape; None if there is more than one reading."""
    if len(shape) == 2:
        return "HW"
    colors = (1, COLOR_CHANNELS)
    if len(shape) == 4:
        readings = [layout for layout, axis in (("SHWC", 3), ("SCHW", 1)) if shape[axis] in colors]
        return readings[0] if len(readings) == 1 else None
    first, middle, last = shape
    if last in colors:
        return "HWC"
    if first == 1:
        return "CHW"
    if first != COLOR_CHANNELS and first < min(middle, last):
        return "SHW"
    return None


def _short(space: spaces.Space[Any]) -> str:
    """Describe a space in a few words."""
    if isinstance(space, spaces.Box):
        low, high = float(np.min(space.low)), float(np.max(space.high))
        return f"Box({low:g}, {high:g}, {space.shape}, {space.dtype})"
    return str(space) if len(str(space)) < 80 else f"{type(space).__name__}(...)"
