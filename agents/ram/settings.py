"""The settings of the model: what a user may choose, and what the environment fixes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from ram_envs.arguments import check_choice, check_integer, check_number

if TYPE_CHECKING:
    from ram_envs.envs.tensor import TensorEnv

CORES = ("relu", "lstm")


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """The sizes and kinds of the five networks; the defaults are the paper's for classification."""

    core: Literal["relu", "lstm"] = "relu"
    """Core network: "relu" (the paper's for classification) or "lstm" (for games)."""
    core_start: Literal["orthogonal", "identity"] = "orthogonal"
    """What the recurrent matrix of a "relu" core starts as; "identity" keeps at first all that was seen."""
    core_size: int = 256
    """Units of the core, h."""
    glimpse_hidden: int = 128
    """Units of the glimpse network's branch that sees, h_g."""
    location_hidden: int = 128
    """Units of the glimpse network's branch that knows where, h_l."""
    glimpse_features: int = 256
    """Units of the glimpse network's output, g."""
    location_network_hidden: int = 0
    """Units of a hidden layer in the location network; 0 for none, as in the paper."""
    squash_location: bool = False
    """Whether tanh keeps the mean of the next location inside the scene."""
    location_std: float = 0.1
    """Standard deviation of the Gaussian that the next location is drawn from; the scene is 2 wide."""
    random_locations: bool = False
    """Whether locations are drawn uniformly over the scene, and not by the location network: "random glimpses"."""
    input_gain: float = 1.0
    """What the pixels are multiplied with before the glimpse network."""
    scale_gain: float = 1.0
    """What scale i is multiplied with besides, to the power of i; with 4 a lit pixel weighs the same at every scale."""

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            ValueError: If one is not valid; the message names it.
        """
        check_choice("core", self.core, CORES)
        check_choice("core_start", self.core_start, ("orthogonal", "identity"))
        for name in ("core_size", "glimpse_hidden", "location_hidden", "glimpse_features"):
            check_integer(name, getattr(self, name), 1)
        check_integer("location_network_hidden", self.location_network_hidden, 0)
        check_number("location_std", self.location_std, 1e-3, 10)
        check_number("input_gain", self.input_gain, 1e-3, 1e3)
        check_number("scale_gain", self.scale_gain, 1e-3, 1e3)


@dataclass(frozen=True, kw_only=True)
class RAMSettings(NetworkSettings):
    """Everything that the shape of a policy depends on: the network's settings and what its environment fixes."""

    num_actions: int
    """Task actions: classes (and "look on", where stopping is learned) or moves."""
    patch_size: int
    """Side of a glimpse's patches, in pixels."""
    num_scales: int
    """Patches in a glimpse."""
    channels: int = 1
    """Colours of a pixel."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`NetworkSettings.__post_init__`."""
        super().__post_init__()
        for name in ("num_actions", "patch_size", "num_scales", "channels"):
            check_integer(name, getattr(self, name), 1)

    @property
    def glimpse_size(self) -> int:
        """Numbers in a glimpse."""
        return self.num_scales * self.channels * self.patch_size**2

    @classmethod
    def for_environment(cls, env: TensorEnv, network: NetworkSettings) -> RAMSettings:
        """Join the settings of the networks with what an environment fixes."""
        chosen = {field.name: getattr(network, field.name) for field in fields(NetworkSettings)}
        sensor = env.task.glimpse_sensor
        return cls(
            num_actions=env.task.answer.size,
            patch_size=sensor.patch_size,
            num_scales=sensor.num_scales,
            channels=sensor.channels,
            **chosen,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON."""
        return asdict(self)
