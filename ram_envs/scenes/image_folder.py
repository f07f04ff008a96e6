"""A user's own images in a folder: one subfolder of images a class, optionally below ``train/`` and ``test/``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
GREY_MODES = ("1", "L", "LA")
COLOUR_MODES = ("P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB")


def find_splits(folder: Path) -> dict[str, Path]:
    """The folder of every split: ``train`` and ``test`` where they hold class folders, else ``folder`` as "train"."""
    candidates = {name: folder / name for name in ("train", "test")}
    return {name: path for name, path in candidates.items() if path.is_dir() and _subfolders(path)} or {"train": folder}


def load_image_folder(splits: dict[str, Path], split: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Load the images of one split; a class' label is the place of its folder's name among the sorted names.

    Files whose names begin with a dot or do not end as images do are passed over. Transparent parts become black.

    Args:
        splits: What ``find_splits`` found.
        split: A key of ``splits``.

    Returns:
        Images uint8 (N, H, W, C), C = 1 if all are grey, else 3; labels int64 (N,); the class names.

    Raises:
        ValueError: If a file cannot be read, is not 8 bits deep or has another size than most; if a class of the split
            holds no image, or the test split a class that the training split lacks.
    """
    from PIL import Image

    folder = splits[split]
    class_names = _class_names(splits)
    paths: list[Path] = []
    labels: list[int] = []
    for class_folder in _subfolders(folder):
        found = [path for path in _visible(class_folder) if path.suffix.lower() in SUFFIXES]
        if not found:
            raise ValueError(f"{class_folder} holds no image: expected files that end in {', '.join(SUFFIXES)}")
        paths += found
        labels += [class_names.index(class_folder.name)] * len(found)

    # Headers first, so that the array is allocated once and no second copy of the images is ever held.
    modes, (width, height) = _read_headers(paths)
    mode = "L" if modes <= set(GREY_MODES) else "RGB"
    images = np.empty((len(paths), height, width, 1 if mode == "L" else 3), np.uint8)
    for i, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                images[i] = np.asarray(_on_black(image).convert(mode)).reshape(images.shape[1:])
        except (OSError, SyntaxError, ValueError) as error:
            raise _unreadable(path, error) from error
    return images, np.array(labels, np.int64), class_names


def _class_names(splits: dict[str, Path]) -> tuple[str, ...]:
    """The sorted names of the class folders, the same for every split."""
    names = {split: [path.name for path in _subfolders(folder)] for split, folder in splits.items()}
    for split, folder in splits.items():
        if not names[split]:
            raise ValueError(f"{folder} has no subfolders: expected one subfolder of images for each class")
    unknown = sorted(set(names.get("test", [])) - set(names.get("train", names.get("test", []))))
    if unknown:
        raise ValueError(
            f"{splits['test']} has the classes {', '.join(map(repr, unknown))}, which {splits['train']} lacks: "
            "expected the test classes among the training classes"
        )
    return tuple(names["train"] if "train" in names else names["test"])


def _read_headers(paths: list[Path]) -> tuple[set[str], tuple[int, int]]:
    """The modes of all images and their common size (width, height)."""
    from PIL import Image

    modes: set[str] = set()
    sizes: list[tuple[int, int]] = []
    for path in paths:
        try:
            with Image.open(path) as image:
                mode = image.mode
                sizes.append(image.size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise _unreadable(path, error) from error
        if mode not in GREY_MODES + COLOUR_MODES:
            raise ValueError(f"{path} has pixels of mode {mode!r}: expected grey or colour of 8 bits. Convert it.")
        modes.add(mode)

    (width, height), count = Counter(sizes).most_common(1)[0]
    for path, size in zip(paths, sizes, strict=True):
        if size != (width, height):
            raise ValueError(
                f"{path} is {size[0]}x{size[1]} pixels (width x height), but {count} of the {len(paths)} images are "
                f"{width}x{height}: expected one size. Resize or remove the others."
            )
    return modes, (width, height)


def _on_black(image: Image.Image) -> Image.Image:
    """The image with its transparent parts made black, as the surroundings of every scene are."""
    from PIL import Image

    if not image.has_transparency_data:
        return image
    opaque = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", opaque.size, "black"), opaque)


def _unreadable(path: Path, error: Exception) -> ValueError:
    return ValueError(f"{path} cannot be read as an image ({error}): truncated, damaged or none. Replace or remove it.")


def _subfolders(folder: Path) -> list[Path]:
    return [path for path in _visible(folder) if path.is_dir()]


def _visible(folder: Path) -> list[Path]:
    """What is in ``folder``, sorted, without the hidden files and folders that operating systems and editors leave."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
