"""The settings of training, and what follows from them: how long it takes, which tasks it fits and which loop runs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from agents.errors import SettingsError, invalid_settings
from agents.ram.settings import NetworkSettings, make_plain
from ram_envs.arguments import check_choice, check_integer, check_number

if TYPE_CHECKING:
    import torch

    from agents.training.run import Run
    from agents.training.training_env import Source, TrainingEnv
    from ram_envs.envs.tensor import TensorEnv
    from ram_envs.tasks.task import Task

SCHEDULES = ("constant", "linear", "cosine")
CLASS_LOSSES = ("last", "every", "annealed")
PRECISIONS = ("auto", "float32", "bfloat16")
LOCATION_REWARDS = ("return", "likelihood", "confidence", "overlap")
MAX_NUM_ENVS = 2**24
"""More episodes side by side than any machine has memory for."""


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(ABC):
    """Settings that all training methods share."""

    environment: dict[str, Any] = field(default_factory=dict)
    """Arguments of the environment that differ from its defaults; those that are None are dropped."""
    network: NetworkSettings = field(default_factory=NetworkSettings)
    """Sizes and types of the networks."""
    num_envs: int = 256
    """Episodes in a batch: rows of the environment."""
    learning_rate: float = 1e-3
    """Initial learning rate of AdamW."""
    schedule: Literal["constant", "linear", "cosine"] = "linear"
    """Learning-rate schedule: constant, or down to 0 on a straight line or half a cosine."""
    warmup: float = 0.0
    """Fraction of the training in which the learning rate first rises from 0."""
    weight_decay: float = 0.0
    """Decoupled weight decay (AdamW)."""
    max_grad_norm: float = 1.0
    """Norm to which the gradient is clipped."""
    location_std_final: float | None = None
    """Standard deviation of the location in the last iteration, annealed on a straight line; None keeps it constant."""
    location_weight: float = 1.0
    """Weight of the locations' loss."""
    location_learning_rate: float | None = None
    """Initial learning rate of the location network; None for that of the other networks. AdamW's steps do not depend
    on location_weight: this is what keeps the gaze from changing faster than its reward can tell."""
    baseline_weight: float = 0.5
    """Weight of the baseline's squared error in the loss."""
    init_from: str | None = None
    """Checkpoint whose weights the training starts from, a file or "pretrained:ENV_ID"; None for random weights. See
    :func:`agents.training.trainer.train`, whose argument of this name goes before."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of glimpse and core network; "auto" is bfloat16 on hardware known to be faster in it."""
    threads: int = 1
    """CPU threads; one is as fast as two for small networks. Results differ in the last bits."""
    log_every: int = 10
    """Iterations between two lines of the logs."""
    checkpoint_every: int = 500
    """Iterations between two checkpoints."""

    method: ClassVar[str]
    """Name of the training method in a file of settings."""
    after_resume: ClassVar[str] = ""
    """How a resumed run differs from one that never stopped; empty if it does not."""

    def __post_init__(self) -> None:
        """Check every setting.

        Raises:
            SettingsError: If one is not valid; the message names it.
        """
        if not isinstance(self.environment, Mapping):
            raise SettingsError(f"environment={self.environment!r} is not valid: expected a dictionary of arguments")
        environment = {name: value for name, value in self.environment.items() if value is not None}
        object.__setattr__(self, "environment", environment)
        with invalid_settings():
            make_plain(self)
            check_integer("num_envs", self.num_envs, 1, MAX_NUM_ENVS)
            check_number("learning_rate", self.learning_rate, 0, 10)
            check_choice("schedule", self.schedule, SCHEDULES)
            check_number("warmup", self.warmup, 0, 1)
            check_number("weight_decay", self.weight_decay, 0, 10)
            check_number("max_grad_norm", self.max_grad_norm, 1e-6, 1e9)
            if self.location_std_final is not None:
                check_number("location_std_final", self.location_std_final, 1e-3, 10)
            check_number("location_weight", self.location_weight, 0, 1e3)
            if self.location_learning_rate is not None:
                check_number("location_learning_rate", self.location_learning_rate, 0, 10)
            check_number("baseline_weight", self.baseline_weight, 0, 1e3)
            check_choice("precision", self.precision, PRECISIONS)
            check_integer("threads", self.threads, 1, 1024)
            check_integer("log_every", self.log_every, 1)
            check_integer("checkpoint_every", self.checkpoint_every, 1)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as plain values, for JSON, with the training method under "method"."""
        return {"method": self.method, **asdict(self)}

    @property
    def group_size(self) -> int:
        """Rows that must stay together in one process."""
        return 1

    @abstractmethod
    def open(self, source: Source, device: torch.device) -> TrainingEnv:
        """Make this process's rows of the environment, and check that this method can train on it.

        Args:
            source: See :func:`agents.training.trainer.train`.
            device: Device of the training.

        Raises:
            SettingsError: If it cannot; the message says what to do.
        """

    @abstractmethod
    def train(self, run: Run, env: Any) -> None:
        """Run this method's training loop until the run is over, in the environment that :meth:`open` made."""


@dataclass(frozen=True, kw_only=True)
class TaskSettings(TrainingSettings):
    """Settings of the two methods that play whole episodes of the suite's tasks in the tensor environment."""

    @abstractmethod
    def check_task(self, env_id: str, task: Task) -> None:
        """Raise a :class:`SettingsError` if this method cannot train on a task; the message says what to do."""

    def frames_per_iteration(self, task: Task) -> int:
        """Return the environment steps of an iteration: one episode in every row."""
        return self.num_envs * task.max_episode_steps

    @abstractmethod
    def iterations(self, task: Task) -> int:
        """Return the iterations of the whole training."""

    def open(self, source: Source, device: torch.device) -> TrainingEnv:
        """Make a tensor environment; see :meth:`TrainingSettings.open`."""
        from agents.training.training_env import open_task

        return open_task(source, self, device)


@dataclass(frozen=True, kw_only=True)
class HybridSettings(TaskSettings):
    """Supervised tasks: cross-entropy for the answer, REINFORCE for the locations (the paper's hybrid)."""

    epochs: int = 60
    """Passes over the images; for tasks with a fixed set of images."""
    frames: int | None = None
    """Environment steps of the whole training, for tasks that draw scenes without end, where epochs has no meaning."""
    class_loss: Literal["last", "every", "annealed"] = "last"
    """Cross-entropy of the answer where it counts ("last": in classification the last step, as in the paper), or at
    "every" step. "annealed": a weighted mean over the steps, in which those whose answer does not count have the weight
    1 in the first iteration and 0 in the last, on a straight line."""
    location_reward: Literal["return", "likelihood", "confidence", "overlap"] = "return"
    """Reward for the location policy. "return": the episode return (the paper). "likelihood": the log-probability of
    the right answer where it counts, in nats. "confidence": the increase of the probability of the right answer caused
    by later glimpses (use it with class_loss "every" or "annealed"). "overlap": the same for the expected share of
    several objects that the answer names correctly, for tasks whose answer says which ones there are."""
    confidence_discount: float = 1.0
    """Discount factor of later glimpses with location_reward "confidence" or "overlap"; 0 rewards a location for the
    next glimpse only."""
    location_gradient: float = 0.0
    """Fraction of the locations' gradient that flows into core and glimpse network; 0 for none (the paper)."""
    location_exploration: float = 0.0
    """Share of the episodes, at the start of the training, whose locations scan the bright spots of the scene instead
    of following the policy (:mod:`agents.training.exploration`); it falls to 0 in a straight line. The policy imitates
    a location that turned out better than expected (self-imitation). For retinas, and objects of about 20 pixels on a
    dark background."""
    baseline_gradient: bool = False
    """Whether the baseline's error also trains the core."""
    rollouts_per_image: int = 1
    """Episodes per image in a batch; from 2 on, the mean return of the other episodes is the baseline of each."""

    method: ClassVar[str] = "hybrid"

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_integer("epochs", self.epochs, 1, 10**9)
            if self.frames is not None:
                check_integer("frames", self.frames, 1, 10**15)
            check_choice("class_loss", self.class_loss, CLASS_LOSSES)
            check_choice("location_reward", self.location_reward, LOCATION_REWARDS)
            check_number("confidence_discount", self.confidence_discount, 0, 1)
            check_number("location_gradient", self.location_gradient, 0, 1)
            check_number("location_exploration", self.location_exploration, 0, 1)
            check_integer("rollouts_per_image", self.rollouts_per_image, 1)
        if self.num_envs % self.rollouts_per_image:
            raise SettingsError(
                f"num_envs={self.num_envs} is not a multiple of rollouts_per_image={self.rollouts_per_image}: "
                "expected the same number of episodes for each image"
            )

    @property
    def group_size(self) -> int:
        """Rows that must stay together in one process: the episodes of an image."""
        return self.rollouts_per_image

    def check_task(self, env_id: str, task: Task) -> None:
        """Check that the task says the right answers; see :meth:`TrainingSettings.check_task`."""
        if not task.supervised:
            raise SettingsError(
                f"{env_id} has no right answers to learn from with these arguments (a game, or stop='learned'): train "
                "it with GameSettings (`--method game`), not with HybridSettings"
            )
        labels = task.combined_labels
        if self.location_reward == "overlap" and (labels is None or labels.overlap() is None):
            raise SettingsError(
                f"location_reward='overlap' is for answers that say which objects there are, not for {env_id}: "
                "expected 'confidence'"
            )
        if self.location_exploration and task.glimpse_sensor.gaze_size != 2:
            raise SettingsError(
                f"location_exploration={self.location_exploration} is for locations (x, y), not for the "
                f"{task.glimpse_sensor.gaze_size} numbers of this sensor: expected 0"
            )
        if task.num_images is not None:
            return
        if self.frames is None:
            raise SettingsError(f"{env_id} has no fixed set of images to count epochs of: set frames, not epochs")
        if self.rollouts_per_image > 1:
            raise SettingsError(
                f"rollouts_per_image={self.rollouts_per_image}, but {env_id} has no images to show several times: "
                "expected 1"
            )

    def iterations(self, task: Task) -> int:
        """Return the iterations of the whole training."""
        if task.num_images is not None:
            return math.ceil(self.epochs * task.num_images * self.rollouts_per_image / self.num_envs)
        assert self.frames is not None, "checked by check_task"
        return math.ceil(self.frames / self.frames_per_iteration(task))

    def train(self, run: Run, env: TensorEnv) -> None:
        """Run the hybrid loop."""
        from agents.training.hybrid import train_hybrid

        train_hybrid(run, env, self)


@dataclass(frozen=True, kw_only=True)
class PPOSettings(TrainingSettings):
    """Settings of proximal policy optimisation (Schulman et al. 2017) that the methods with it share."""

    discount: float = 0.99
    """Discount factor, gamma."""
    gae_lambda: float = 0.95
    """lambda of generalised advantage estimation; 1 gives the return minus the baseline."""
    update_epochs: int = 3
    """PPO: passes over each batch."""
    minibatches: int = 4
    """PPO: minibatches of a batch, each of whole rows."""
    clip_range: float = 0.2
    """PPO: range around 1 to which the ratios of task action and location are clipped."""
    entropy_weight: float = 0.01
    """Weight of the task action's entropy."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_number("discount", self.discount, 0, 1)
            check_number("gae_lambda", self.gae_lambda, 0, 1)
            check_integer("update_epochs", self.update_epochs, 1, 10_000)
            check_integer("minibatches", self.minibatches, 1, self.num_envs)
            check_number("clip_range", self.clip_range, 1e-6, 1e3)
            check_number("entropy_weight", self.entropy_weight, 0, 10)
        if self.num_envs % self.minibatches:
            raise SettingsError(
                f"num_envs={self.num_envs} is not a multiple of minibatches={self.minibatches}: "
                "expected parts of the same size"
            )


@dataclass(frozen=True, kw_only=True)
class GameSettings(TaskSettings, PPOSettings):
    """Games, and classification that learns when to stop: recurrent PPO or REINFORCE, on whole episodes."""

    algorithm: Literal["ppo", "reinforce"] = "ppo"
    """PPO, or REINFORCE with one update per iteration."""
    frames: int = 4_000_000
    """Environment steps of the whole training."""
    discount: float = 1.0
    gae_lambda: float = 0.9
    update_epochs: int = 4
    normalise_advantage: bool = True
    """Whether advantages are normalised to mean 0 and standard deviation 1 in every batch."""

    method: ClassVar[str] = "game"

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_choice("algorithm", self.algorithm, ("ppo", "reinforce"))
            check_integer("frames", self.frames, 1, 10**15)

    def check_task(self, env_id: str, task: Task) -> None:
        """Accept every task: each has a reward; see :meth:`TrainingSettings.check_task`."""

    def iterations(self, task: Task) -> int:
        """Return the iterations of the whole training."""
        return math.ceil(self.frames / self.frames_per_iteration(task))

    def train(self, run: Run, env: TensorEnv) -> None:
        """Run the loop of games."""
        from agents.training.games import train_game

        train_game(run, env, self)


def settings_from_dict(values: Mapping[str, Any]) -> TrainingSettings:
    """Return the settings that :meth:`TrainingSettings.to_dict` wrote, in this version or in an older one.

    Raises:
        SettingsError: If the training method is unknown, or a setting is unknown or not valid.
    """
    values = dict(values)
    name = values.pop("method", None)
    from agents.training.vector_settings import AnswerSettings, SegmentSettings

    known: tuple[type[TrainingSettings], ...] = (HybridSettings, GameSettings, SegmentSettings, AnswerSettings)
    methods = {method.method: method for method in known}
    if not isinstance(name, str) or name not in methods:
        raise SettingsError(f"method={name!r} is unknown: expected one of {', '.join(map(repr, methods))}")
    try:
        return methods[name](**{**values, "network": NetworkSettings(**values["network"])})
    except (KeyError, TypeError) as error:
        raise SettingsError(f"these settings are not of this version: {error}") from error
