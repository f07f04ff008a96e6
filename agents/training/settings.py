"""The settings of training: what a user may choose; the presets fill them in for every environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from agents.ram.settings import NetworkSettings
from ram_envs.arguments import check_choice, check_integer, check_number

SCHEDULES = ("constant", "linear", "cosine")
PRECISIONS = ("auto", "float32", "bfloat16")
MAX_NUM_ENVS = 2**24
"""More episodes side by side than any machine has memory for."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """Arguments of the environment; None leaves one at the environment's default."""

    patch_size: int | None = None
    """Side of a patch in pixels."""
    num_scales: int | None = None
    """Patches in a glimpse, each twice as wide as the one before."""
    first_location: Literal["random", "inside", "center"] | None = None
    """Where the first glimpse is taken."""
    screen_size: int | None = None
    """Catch: side of the screen in pixels."""
    num_glimpses: int | None = None
    """Classification: glimpses of an episode."""
    image_size: int | None = None
    """Classification: side of the canvas in pixels."""
    num_clutter: int | None = None
    """Classification: pieces of clutter."""
    dataset: str | None = None
    """Classification: "mnist", "digits", or a folder of images."""
    split: str | None = None
    """Classification: which images to train on, as in "train[:-5000]"."""
    stop: Literal["fixed", "learned"] | None = None
    """Classification: whether the agent says itself when it has seen enough."""
    glimpse_cost: float | None = None
    """Classification: what each further glimpse costs, with stop "learned"."""

    def to_dict(self) -> dict[str, Any]:
        """Return the arguments that are set, for the environment's constructor, which checks them."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class TrainingSettings:
    """What both ways to train share."""

    environment: EnvironmentSettings = field(default_factory=EnvironmentSettings)
    """Arguments of the environment; None leaves one as the environment has it."""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    """Sizes and kinds of the networks."""
    num_envs: int = 256
    """Episodes that are played side by side, and learned from together."""
    learning_rate: float = 1e-3
    """Learning rate of Adam at the start."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """How the learning rate gets from there to 0."""
    warmup: float = 0.0
    """Share of the training in which the learning rate first rises from 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    max_grad_norm: float = 1.0
    """What the gradient's norm is clipped to."""
    location_std_final: float | None = None
    """Where the location's standard deviation ends, on a straight line from the network's; None leaves it as it is."""
    location_weight: float = 1.0
    """Weight of the locations' loss."""
    baseline_weight: float = 0.5
    """Weight of the baseline's squared error in the loss."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of glimpse and core network; "auto" is bfloat16 where that is faster."""
    threads: int = 1
    """Threads of the CPU that compute; one is as fast as two for small networks. Results differ in the last bits."""
    log_every: int = 10
    """Iterations between two lines of the logs."""
    checkpoint_every: int = 500
    """Iterations between two checkpoints."""

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            ValueError: If one is not valid; the message names it.
        """
        check_integer("num_envs", self.num_envs, 1, MAX_NUM_ENVS)
        check_number("learning_rate", self.learning_rate, 0, 10)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_number("warmup", self.warmup, 0, 1)
        check_number("weight_decay", self.weight_decay, 0, 10)
        check_number("max_grad_norm", self.max_grad_norm, 1e-6, 1e9)
        if self.location_std_final is not None:
            check_number("location_std_final", self.location_std_final, 1e-3, 10)
        check_number("location_weight", self.location_weight, 0, 1e3)
        check_number("baseline_weight", self.baseline_weight, 0, 1e3)
        check_choice("precision", self.precision, PRECISIONS)
        check_integer("threads", self.threads, 1, 1024)
        check_integer("log_every", self.log_every, 1)
        check_integer("checkpoint_every", self.checkpoint_every, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON; "method" says which way to train they are of."""
        return {"method": METHODS[type(self)], **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class HybridSettings(TrainingSettings):
    """Classification: cross-entropy for the class, REINFORCE for where to look (the paper's hybrid)."""

    epochs: int = 60
    """How often each image is shown."""
    class_loss: Literal["last", "every"] = "last"
    """Cross-entropy of the class at the last step, as in the paper, or at every step."""
    location_reward: Literal["return", "likelihood", "confidence"] = "return"
    """What a location is judged by: the episode's "return", as in the paper; the "likelihood" of the right class in the
    end, its logarithm in nats, which says more than right or wrong; or the "confidence" that it brought, by how much
    the probability of the right class rose with the glimpses after it (for class_loss "every")."""
    confidence_discount: float = 1.0
    """With location_reward "confidence": what the gain of each later glimpse counts less than that of the one before;
    0 judges a location by the next glimpse alone."""
    location_gradient: float = 0.0
    """Share of the locations' gradient that goes on into core and glimpse network; 0, as in the paper, for none."""
    baseline_gradient: bool = False
    """Whether the baseline's error also trains the core."""
    rollouts_per_image: int = 1
    """Episodes an image in one batch; from 2 on the others' mean return is the baseline of each."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        check_integer("epochs", self.epochs, 1, 10**9)
        check_choice("class_loss", self.class_loss, ("last", "every"))
        check_choice("location_reward", self.location_reward, ("return", "likelihood", "confidence"))
        check_number("confidence_discount", self.confidence_discount, 0, 1)
        check_number("location_gradient", self.location_gradient, 0, 1)
        check_integer("rollouts_per_image", self.rollouts_per_image, 1)
        if self.num_envs % self.rollouts_per_image:
            raise ValueError(
                f"num_envs={self.num_envs} is not a multiple of rollouts_per_image={self.rollouts_per_image}: "
                "expected the same number of episodes for each image"
            )


@dataclass(frozen=True, kw_only=True)
class GameSettings(TrainingSettings):
    """Games, and classification that learns when to stop: recurrent PPO, or plain REINFORCE, on whole episodes."""

    algorithm: Literal["ppo", "reinforce"] = "ppo"
    """PPO, or REINFORCE: one update an iteration, without clipping."""
    frames: int = 4_000_000
    """Environment steps of the whole training."""
    discount: float = 1.0
    """gamma."""
    gae_lambda: float = 0.9
    """lambda of the generalised advantage estimate; 1 for the return less the baseline."""
    update_epochs: int = 4
    """PPO: passes over each batch of episodes."""
    minibatches: int = 4
    """PPO: parts of a batch, each of whole episodes."""
    clip_range: float = 0.2
    """PPO: how far the ratio of a move, and that of a location, may leave 1 before it stops to count."""
    entropy_weight: float = 0.01
    """Weight of the task action's entropy."""
    normalise_advantage: bool = True
    """Whether advantages are shifted and scaled to mean 0 and standard deviation 1 in every batch."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        check_choice("algorithm", self.algorithm, ("ppo", "reinforce"))
        check_integer("frames", self.frames, 1, 10**15)
        check_number("discount", self.discount, 0, 1)
        check_number("gae_lambda", self.gae_lambda, 0, 1)
        check_integer("update_epochs", self.update_epochs, 1, 10_000)
        check_integer("minibatches", self.minibatches, 1, self.num_envs)
        check_number("clip_range", self.clip_range, 1e-6, 1e3)
        check_number("entropy_weight", self.entropy_weight, 0, 10)
        if self.num_envs % self.minibatches:
            raise ValueError(
                f"num_envs={self.num_envs} is not a multiple of minibatches={self.minibatches}: "
                "expected parts of the same size"
            )


METHODS: dict[type[TrainingSettings], str] = {HybridSettings: "hybrid", GameSettings: "game"}
"""What each way to train is called in a file of settings."""


def settings_from_dict(values: dict[str, Any]) -> HybridSettings | GameSettings:
    """Return the settings that :meth:`TrainingSettings.to_dict` wrote.

    Raises:
        ValueError: If they are of no way to train that this version knows, or have a setting that it does not know.
    """
    values = dict(values)
    method = values.pop("method", None)
    for kind in (HybridSettings, GameSettings):
        if METHODS[kind] == method:
            try:
                values["environment"] = EnvironmentSettings(**values["environment"])
                values["network"] = NetworkSettings(**values["network"])
                return kind(**values)
            except (KeyError, TypeError) as error:
                raise ValueError(f"these settings are not of this version: {error}") from error
    raise ValueError(f"method={method!r} is no way to train: expected one of {', '.join(map(repr, METHODS.values()))}")
