"""What tasks that show labelled images share: the arguments that choose the images, and the images themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ram_envs.arrays import Constants
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.datasets import DatasetSource, ImageDataset, load_dataset, portable_dataset
from ram_envs.scenes.reading import MAX_PIXELS
from ram_envs.tasks.task import StateT, Task


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageTask(Task[StateT]):
    """Base class of tasks that show labelled images; :class:`ram_envs.tasks.Classification` describes the arguments."""

    dataset: DatasetSource | None = "mnist"
    split: str = "train"
    resize: int | tuple[int, int] | None = None
    max_pixels: int = MAX_PIXELS
    test_fraction: float = 0.0

    @cached_property
    def data(self) -> ImageDataset:
        """The images and labels of the split."""
        try:
            return load_dataset(
                self.dataset,
                self.split,
                resize=self.resize,
                max_pixels=self.max_pixels,
                test_fraction=self.test_fraction,
            )
        except ValueError as error:
            raise InvalidArgument(str(error)) from None

    @cached_property
    def _images(self) -> Constants:
        images, labels = self.data.images, self.data.labels  # (N, H, W, C) -> (N, C, H, W)
        return Constants(images=np.ascontiguousarray(images.transpose(0, 3, 1, 2)), labels=labels)

    @property
    def images_and_labels(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The images as the rules use them, uint8 (N, C, H, W), and their labels, int64 (N,)."""
        arrays = self._images.like(np.empty(0))
        return arrays["images"], arrays["labels"]  # type: ignore[return-value]

    @property
    def num_images(self) -> int:
        """Images in the split."""
        return len(self.data.labels)

    @classmethod
    def portable(cls, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Make the path of the dataset absolute, and leave arrays out; see :meth:`Task.portable`."""
        return {name: portable_dataset(value) if name == "dataset" else value for name, value in settings.items()}
