"""Encoding of animations: a shared palette and small files for .gif, H.264 for .mp4."""

from __future__ import annotations

import io
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from numpy.typing import NDArray

from agents.errors import SettingsError

PALETTE_SIZE = 255
TRANSPARENT = bytes((255, 0, 255))  # the palette's further entry; a colour that nothing is drawn in
EXACT_COLOURS = 96  # of the palette, kept for the commonest colours as they are
VIDEO_FPS = 24


class Shot(NamedTuple):
    """A frame of an animation.

    Attributes:
        compressed: Its bytes, compressed: a whole animation has to be kept until its palette is known.
        shape: Its shape, (height, width, 3), of uint8.
        seconds: For how long it stays.
    """

    compressed: bytes
    shape: tuple[int, ...]
    seconds: float

    @classmethod
    def of(cls, frame: NDArray[np.uint8], seconds: float) -> Shot:
        """Return a shot of a frame, uint8 (height, width, 3)."""
        return cls(zlib.compress(frame.tobytes(), level=1), frame.shape, seconds)

    @property
    def frame(self) -> NDArray[np.uint8]:
        """The frame, uint8 (height, width, 3)."""
        return np.frombuffer(zlib.decompress(self.compressed), dtype=np.uint8).reshape(self.shape)


def encoder(suffix: str) -> Callable[[Sequence[Shot]], bytes]:
    """Return what turns shots into the contents of a file with such a name.

    Args:
        suffix: ".gif" or ".mp4", in any case.

    Raises:
        SettingsError: If it is neither.
        DependencyNotInstalled: If imageio-ffmpeg is missing for ".mp4".
    """
    if suffix.lower() == ".gif":
        return _encode_gif
    if suffix.lower() == ".mp4":
        _import_ffmpeg()
        return _encode_mp4
    raise SettingsError(f"an animation cannot be written as {suffix!r}: expected a file that ends in .gif or .mp4")


def _encode_gif(shots: Sequence[Shot]) -> bytes:
    """Return a GIF whose frames share one palette and store only what changes."""
    from PIL import Image

    samples = [shot.frame for shot in shots[:: max(1, len(shots) // 12)]] + [shots[-1].frame]
    colours = _palette(np.concatenate([_packed(frame).ravel() for frame in samples]))
    palette = _unpacked(colours).tobytes() + TRANSPARENT
    images = []
    for indices in _indexed((shot.frame for shot in shots), colours):
        image = Image.fromarray(indices)
        image.putpalette(palette)
        images.append(image)
    file = io.BytesIO()
    images[0].save(
        file,
        format="GIF",
        save_all=True,
        append_images=images[1:],
        duration=[round(shot.seconds * 1000) for shot in shots],
        loop=0,
        disposal=1,
        palette=palette,  # one for all frames, where Pillow would write one for each
        transparency=len(colours),
        optimize=True,  # writes what does not change as transparent
    )
    return file.getvalue()


def _packed(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return colours, uint8 (..., 3), as one number each, uint32 (...)."""
    red, green, blue = np.moveaxis(pixels.astype(np.uint32), -1, 0)
    return red << 16 | green << 8 | blue


def _unpacked(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return what `_packed` was given."""
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=-1).astype(np.uint8)


def _palette(pixels: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return at most 255 colours, packed, that serve all these pixels: the commonest as they are, the others nearly."""
    from PIL import Image

    colours, counts = np.unique(pixels, return_counts=True)
    if len(colours) <= PALETTE_SIZE:
        return colours
    colours = colours[np.argsort(-counts, kind="stable")]  # commonest first
    others = Image.fromarray(_unpacked(colours[None, EXACT_COLOURS:])).quantize(PALETTE_SIZE - EXACT_COLOURS)
    mixed = np.array(others.getpalette(), dtype=np.uint8).reshape(-1, 3)[: PALETTE_SIZE - EXACT_COLOURS]
    return np.unique(np.concatenate([colours[:EXACT_COLOURS], _packed(mixed)]))


def _indexed(frames: Iterable[NDArray[np.uint8]], palette: NDArray[np.uint32]) -> Iterator[NDArray[np.uint8]]:
    """Yield each frame as indices of the nearest colours, uint8 (height, width).

    Pillow's own mapping takes colours that differ by less than 4 for equal, which tints the background.
    """
    nearest = np.full(2**24, -1, dtype=np.int16)  # by packed colour; -1 is not yet known
    nearest[palette] = np.arange(len(palette))
    entries = _unpacked(palette).astype(np.int32)
    for frame in frames:
        pixels = _packed(frame)
        unknown = np.unique(pixels[nearest[pixels] < 0])
        for some in np.array_split(unknown, len(unknown) // 4096 + 1):
            distance = np.square(_unpacked(some).astype(np.int32)[:, None] - entries).sum(axis=-1)  # (n, colours)
            nearest[some] = distance.argmin(axis=1)
        yield nearest[pixels].astype(np.uint8)


def _encode_mp4(shots: Sequence[Shot]) -> bytes:
    """Return an H.264 video."""
    ffmpeg = _import_ffmpeg()
    height, width, _ = shots[0].shape
    odd = height % 2, width % 2  # H.264 has even sizes: the last row and column are repeated
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "animation.mp4"
        writer = ffmpeg.write_frames(
            str(file),
            (width + odd[1], height + odd[0]),
            fps=VIDEO_FPS,
            codec="libx264",
            quality=8,
            macro_block_size=2,
            ffmpeg_log_level="error",
        )
        writer.send(None)  # starts the encoder
        for shot in shots:
            frame = np.pad(shot.frame, ((0, odd[0]), (0, odd[1]), (0, 0)), "edge").tobytes()
            for _ in range(max(1, round(shot.seconds * VIDEO_FPS))):
                writer.send(frame)
        writer.close()
        return file.read_bytes()


def _import_ffmpeg() -> ModuleType:
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise DependencyNotInstalled(
            'Writing .mp4 needs imageio-ffmpeg: run `pip install "ram-active-vision[video]"`, or write a .gif.'
        ) from error
    return imageio_ffmpeg
