"""MNIST with small rotations, changes of size and shifts of its training digits, as the dataset "mnist-augmented".

For rows that are marked "augmented" and never mixed with the others. The test images are those of MNIST.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from ram_envs.scenes.datasets import load_dataset, register_dataset

NAME = "mnist-augmented"
DATASET = f"{__name__}:{NAME}"
"""What an environment takes as its dataset."""
COPIES = 20
"""Training images made of each one; copies of image i have the indices from COPIES * i on."""
ROTATION, SCALE, SHIFT = 12.0, 0.12, 1.0
"""Largest rotation in degrees, largest change of the width and of the height, each by itself, and of the place in
pixels, also in each direction. All are uniform."""
_CHUNK = 10_000


def augment(images: NDArray[np.uint8], generator: torch.Generator) -> NDArray[np.uint8]:
    """Return a changed copy of each image, uint8 (N, H, W), by bilinear interpolation; outside an image is black."""
    height, width = images.shape[1:]
    draws = 2 * torch.rand((5, len(images)), generator=generator) - 1
    angle, wider, higher = math.radians(ROTATION) * draws[0], 1 + SCALE * draws[1], 1 + SCALE * draws[2]
    x, y = 2 * SHIFT / width * draws[3], 2 * SHIFT / height * draws[4]
    # Where in the old image each pixel of the new one comes from, in [-1, 1].
    cos, sin = torch.cos(angle), torch.sin(angle)
    old_x, old_y = torch.stack([cos / wider, sin / wider, x], -1), torch.stack([-sin / higher, cos / higher, y], -1)
    parts = zip(torch.tensor(images).split(_CHUNK), torch.stack([old_x, old_y], 1).split(_CHUNK), strict=True)
    return torch.cat([_sample(part, place) for part, place in parts]).numpy()


def _sample(images: Tensor, place: Tensor) -> Tensor:
    grey = images[:, None].float()
    grid = F.affine_grid(place, list(grey.shape), align_corners=False)
    return F.grid_sample(grey, grid, align_corners=False)[:, 0].round().to(torch.uint8)


def _load(split: str) -> tuple[np.ndarray, np.ndarray]:
    images, labels, _ = load_dataset("mnist", split)
    if split == "test":
        return images, labels
    generator = torch.Generator().manual_seed(0)
    copies = [augment(images[..., 0], generator) for _ in range(COPIES)]
    return np.stack(copies, 1).reshape(-1, *images.shape[1:]), labels.repeat(COPIES)


register_dataset(NAME, _load, shape=(28, 28, 1), num_classes=10)
