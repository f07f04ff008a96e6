"""Image files decoded with Pillow: formats, EXIF orientation, transparency, resizing, and a limit on pixels."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ram_envs.errors import InvalidArgument

if TYPE_CHECKING:
    from PIL import Image

GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")
_UNSAFE_OR_UNREADABLE = {"EPS", "WMF", "MPEG", "BUFR", "GRIB", "HDF5"}
"""Formats that Pillow opens but cannot decode by itself. EPS would start Ghostscript on the file."""
_ORIENTATION, _TIFF_WIDTH, _TIFF_HEIGHT = 0x0112, 256, 257
_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap height and width."""


class Header(NamedTuple):
    """What is known about an image file before it is decoded.

    Attributes:
        is_grey: Whether all pixels are grey by their mode.
        size: (width, height) in pixels, upright: the EXIF orientation is applied.
    """

    is_grey: bool
    size: tuple[int, int]


def image_suffixes() -> frozenset[str]:
    """Return the file-name endings of the image formats that the installed Pillow decodes, in lower case."""
    from PIL import Image

    formats = _formats()
    return frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in formats)


@contextmanager
def pixel_limit(max_pixels: int) -> Iterator[None]:
    """Make Pillow refuse images of more than ``max_pixels`` pixels, instead of its own limit, within the block."""
    from PIL import Image

    previous, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, max_pixels
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = previous


def read_header(path: Path) -> Header:
    """Read mode and size of an image file. Call it within :func:`pixel_limit`.

    Raises:
        InvalidArgument: If the file is not an image, is too large, or has pixels that are not grey or colour of 8 bits.
    """
    with _readable(path) as image:
        mode, size = image.mode, _upright_size(image)
    if mode not in GREY_MODES + COLOUR_MODES:
        raise InvalidArgument(
            f"{path} has pixels of mode {mode!r}: expected grey or colour of 8 bits. Convert it, 16 bits with >> 8"
        )
    return Header(mode in GREY_MODES, size)


def decode(path: Path, mode: str, resize: tuple[int, int] | None) -> np.ndarray:
    """Decode an image file: upright, with black behind transparent parts. Call it within :func:`pixel_limit`.

    Args:
        path: The file.
        mode: "L" for grey or "RGB" for colour.
        resize: (height, width) of the result, or None for the image's own size; see :func:`letterbox`.

    Returns:
        uint8 (H, W, C), C = 1 for grey and 3 for colour.

    Raises:
        InvalidArgument: If the file cannot be decoded or is too large.
    """
    from PIL import ImageOps

    with _readable(path) as image:
        if resize is not None:  # JPEG files can be decoded at a fraction of their size, still twice the side needed
            image.draft(None, (2 * max(resize), 2 * max(resize)))
        picture = _on_black(ImageOps.exif_transpose(image)).convert(mode)
        if resize is not None:
            picture = _fit(picture, resize)
        return np.asarray(picture).reshape(picture.height, picture.width, -1)


def letterbox(images: np.ndarray, resize: tuple[int, int]) -> np.ndarray:
    """Scale images to a new size and keep their aspect ratio.

    Each image is scaled until it just fits (bicubic, with antialiasing) and centred. The rest is black, as is
    everything outside a scene.

    Args:
        images: uint8 (N, h, w, C), C = 1 or 3.
        resize: The new (height, width).

    Returns:
        uint8 (N, height, width, C).
    """
    from PIL import Image

    result = np.empty((len(images), *resize, images.shape[-1]), np.uint8)
    for new, old in zip(result, images, strict=True):
        picture = Image.fromarray(np.ascontiguousarray(old.squeeze(-1) if old.shape[-1] == 1 else old))
        new[...] = np.asarray(_fit(picture, resize)).reshape(new.shape)
    return result


def _formats() -> list[str]:
    from PIL import Image

    Image.init()  # loads the plug-ins; until then only the commonest formats are known
    return [name for name in Image.OPEN if name not in _UNSAFE_OR_UNREADABLE]


@contextmanager
def _readable(path: Path) -> Iterator[Image.Image]:
    """Open an image file; any failure becomes a ValueError that names the file."""
    from PIL import Image

    try:
        with Image.open(path, formats=_formats()) as image:
            yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        count = re.search(r"\d+", str(error))
        raise InvalidArgument(
            f"{path} has {int(count[0]) if count else 0:,} pixels: expected at most "
            f"max_pixels={Image.MAX_IMAGE_PIXELS:,}. Remove the file or, if you trust it, pass a larger max_pixels (on "
            "the command line --max-pixels)"
        ) from None
    except Exception as error:  # decoders raise whatever the bytes of a damaged file lead them to
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InvalidArgument(
            f"{path} cannot be read as an image ({reason}): expected a complete image file. Replace or remove it"
        ) from None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return (width, height) with the EXIF orientation applied, without decoding the image."""
    from PIL import TiffImagePlugin

    if image.format == "PNG" and "exif" not in image.info:
        return image.size  # getexif() would decode the whole image to look for EXIF data behind the pixels
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):  # some versions of Pillow swap the sides here, some later
        width, height = image.tag_v2[_TIFF_WIDTH], image.tag_v2[_TIFF_HEIGHT]
    return (height, width) if image.getexif().get(_ORIENTATION) in _SIDEWAYS else (width, height)


def _on_black(image: Image.Image) -> Image.Image:
    """Return the image with its transparent parts made black, as is everything outside a scene."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    opaque = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opaque.size, "black"), opaque)


def _fit(picture: Image.Image, resize: tuple[int, int]) -> Image.Image:
    """Scale a grey or colour picture to fit (height, width), centred on black."""
    from PIL import Image

    height, width = resize
    scale = min(height / picture.height, width / picture.width)
    size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    if size == (width, height):
        return picture
    canvas = Image.new(picture.mode, (width, height))
    canvas.paste(picture, ((width - size[0]) // 2, (height - size[1]) // 2))
    return canvas
