"""The baselines of RAM: classifiers that see the whole scene at once (Mnih et al. 2014, section 4.1).

The paper has two kinds, both with two hidden ReLU layers: fully connected with 64 or 256 units per layer; and
convolutional, with 8 filters of 10x10 pixels and stride 5 in the first layer and 256 units in the second. The paper
describes the filters for its 60x60 and 100x100 scenes only; here the MNIST classifier has the same ones.

A third kind is a convolutional network as they are built today, for comparison: layers of 3x3 filters, each with batch
normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) and ReLU, then the mean over the scene.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from agents.training.settings import PRECISIONS
from ram_envs.arguments import check_choice, check_integer, check_number

KINDS = ("connected", "convolutional", "normalised")
METHOD = "classifier"
"""Name of the training method in a settings file, next to "hybrid" and "game"."""


@dataclass(frozen=True, kw_only=True)
class ClassifierSettings:
    """A classifier of whole scenes and its training; the defaults are the paper's convolutional network."""

    environment: dict[str, Any] = field(default_factory=dict)
    """Arguments of the environment; of these, only those that shape the scene matter."""
    kind: Literal["connected", "convolutional", "normalised"] = "convolutional"
    """Fully connected, with a convolutional layer first, or convolutional with batch normalisation."""
    hidden: tuple[int, ...] = (256,)
    """Units of each fully connected hidden layer."""
    filters: int = 8
    """Convolutional: filters."""
    filter_size: int = 10
    """Convolutional: side of a filter in pixels."""
    stride: int = 5
    """Convolutional: stride in pixels."""
    channels: tuple[int, ...] = (16, 32, 32, 64, 64, 128)
    """Batch-normalised: channels of each layer; every second layer, from the first on, has stride 2."""
    dropout: float = 0.0
    """Dropout rate of the hidden units."""
    num_envs: int = 256
    """Scenes in a batch."""
    epochs: int = 60
    """Epochs; each shows every image in a new scene."""
    learning_rate: float = 1e-3
    """Initial learning rate of Adam, with a cosine schedule to 0."""
    warmup: float = 0.0
    """Share of the training with linear warm-up: a large initial learning rate kills ReLUs."""
    weight_decay: float = 0.01
    """Decoupled weight decay (AdamW)."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the hidden layers; "auto" is bfloat16 where it is faster."""
    log_every: int = 50
    """Iterations between log lines."""
    checkpoint_every: int = 500
    """Iterations between checkpoints."""

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            ValueError: If one is not valid; the message names it.
        """
        check_choice("kind", self.kind, KINDS)
        for name in ("hidden", "channels"):
            for units in getattr(self, name):
                check_integer(name, units, 1)
        for name in ("filters", "filter_size", "stride", "num_envs", "epochs", "log_every", "checkpoint_every"):
            check_integer(name, getattr(self, name), 1)
        check_number("dropout", self.dropout, 0, 0.99)
        check_number("learning_rate", self.learning_rate, 0, 10)
        check_number("warmup", self.warmup, 0, 1)
        check_number("weight_decay", self.weight_decay, 0, 10)
        check_choice("precision", self.precision, PRECISIONS)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON."""
        return {"method": METHOD, **asdict(self), "hidden": list(self.hidden), "channels": list(self.channels)}


class Classifier(nn.Module):
    """Convolutional layers if there are any, fully connected layers, all with ReLU, then the logits.

    Batch normalisation uses the statistics of the batch in training mode, and running means in evaluation mode.

    Args:
        settings: Type and sizes.
        scene_shape: Height, width and channels of the scenes.
        num_classes: Number of classes.

    Raises:
        ValueError: If the filters are larger than the scenes.
    """

    def __init__(self, settings: ClassifierSettings, scene_shape: tuple[int, int, int], num_classes: int) -> None:
        super().__init__()
        height, width, channels = scene_shape
        self.settings, self.scene_shape, self.num_classes = settings, scene_shape, num_classes
        self.convolution: nn.Conv2d | None = None
        self.normalised: nn.Sequential | None = None
        size = channels * height * width
        if settings.kind == "normalised":
            self.normalised = _normalised(channels, settings.channels)
            size = settings.channels[-1]
        if settings.kind == "convolutional":
            if settings.filter_size > min(height, width):
                raise ValueError(
                    f"filter_size={settings.filter_size} is larger than the scenes, {height}x{width}: expected at most "
                    f"{min(height, width)}"
                )
            self.convolution = nn.Conv2d(channels, settings.filters, settings.filter_size, settings.stride)
            self.places = ((height - settings.filter_size) // settings.stride + 1) * (
                (width - settings.filter_size) // settings.stride + 1
            )
            size = settings.filters * self.places
        sizes = (size, *settings.hidden)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True))
        self.logits = nn.Linear(sizes[-1], num_classes)

    def forward(self, scenes: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Return the logits, float32 (B, num_classes), of scenes, uint8 (B, C, H, W).

        Args:
            scenes: The scenes.
            generator: Random generator of the dropout; None for no dropout.
        """
        x = scenes.float() / 255
        if self.convolution is not None:
            x = torch.relu(self.convolution(x))
        if self.normalised is not None:
            # Faster with the channels last. The weights keep the usual order: the fused AdamW trusts that its state,
            # which comes from a file, has the order of its parameter in memory.
            x = self.normalised(x.contiguous(memory_format=torch.channels_last)).mean((2, 3))
        x = x.flatten(1)  # (B, C, H, W) -> (B, C * H * W)
        for layer in self.hidden:
            x = torch.relu(layer(x))
            if generator is not None and self.settings.dropout > 0:
                kept = torch.empty_like(x).bernoulli_(1 - self.settings.dropout, generator=generator)
                x = x * kept / (1 - self.settings.dropout)
        with torch.autocast(x.device.type, enabled=False):
            return self.logits(x.float())

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one scene."""
        total = sum(cast(nn.Linear, layer).weight.numel() for layer in (*self.hidden, self.logits))
        if self.convolution is not None:
            total += self.convolution.weight.numel() * self.places
        height, width, _ = self.scene_shape
        for layer in self.normalised or ():
            if isinstance(layer, nn.Conv2d):
                height, width = (math.ceil(side / layer.stride[0]) for side in (height, width))
                total += layer.weight.numel() * height * width
        return total


def _normalised(channels: int, sizes: Sequence[int]) -> nn.Sequential:
    """Return layers of 3x3 filters with batch normalisation and ReLU; layers 0, 2, 4, ... halve the sides."""
    layers: list[nn.Module] = []
    for index, size in enumerate(sizes):
        stride = 2 if index % 2 == 0 else 1
        layers += [nn.Conv2d(channels, size, 3, stride, padding=1, bias=False), nn.BatchNorm2d(size), nn.ReLU()]
        channels = size
    return nn.Sequential(*layers)


def classifier_settings_from_dict(values: Mapping[str, Any]) -> ClassifierSettings:
    """Return the settings that :meth:`ClassifierSettings.to_dict` wrote.

    Raises:
        ValueError: If they belong to something else, or have a setting that this version does not know.
    """
    values = dict(values)
    if values.pop("method", None) != METHOD:
        raise ValueError("these are not the settings of a classifier of whole scenes")
    try:
        values["environment"] = {name: value for name, value in values["environment"].items() if value is not None}
        for name in ("hidden", "channels"):
            if name in values:
                values[name] = tuple(values[name])
        return ClassifierSettings(**values)
    except (KeyError, TypeError) as error:
        raise ValueError(f"these settings are not of this version: {error}") from error
