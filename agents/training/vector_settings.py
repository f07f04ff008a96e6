"""The settings of the two methods that train in any vector environment."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from agents.errors import SettingsError, invalid_settings
from agents.ram.settings import NetworkSettings
from agents.training.settings import TrainingSettings
from ram_envs.arguments import check_choice, check_integer, check_number

if TYPE_CHECKING:
    import torch

    from agents.environments.world import World
    from agents.training.run import Run
    from agents.training.training_env import Source, TrainingEnv

VECTORIZATIONS = ("auto", "sync", "async")


@dataclass(frozen=True, kw_only=True)
class VectorSettings(TrainingSettings):
    """Settings that both methods share."""

    frames: int = 1_000_000
    """Environment steps of the whole training, with the steps in which a row only starts a new episode."""
    vectorization: Literal["auto", "sync", "async"] = "auto"
    """How rows are stepped: "sync" one after the other, "async" in processes of their own, "auto" with the
    environment's own vector environment if it has one, otherwise "sync"."""
    normalise_advantage: bool = True
    """Whether advantages are normalised to mean 0 and standard deviation 1 in every iteration."""

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_integer("frames", self.frames, 1, 10**15)
            check_choice("vectorization", self.vectorization, VECTORIZATIONS)

    @abstractmethod
    def steps_per_iteration(self, is_supervised: bool, episode_steps: int | None) -> int:
        """Return the steps of each row in an iteration, and check that this method can train in an environment.

        Args:
            is_supervised: Whether the environment hands out the right answers.
            episode_steps: Largest number of steps in an episode; None if it is not known.

        Raises:
            SettingsError: If it cannot; the message says what to do.
        """

    def open(self, source: Source, device: torch.device) -> TrainingEnv:
        """Make a vector environment; see :meth:`TrainingSettings.open`."""
        from agents.training.training_env import open_world

        return open_world(source, self)


@dataclass(frozen=True, kw_only=True)
class SegmentSettings(VectorSettings):
    """Recurrent PPO on segments of episodes, from rewards only, in any environment with a bounded action space."""

    network: NetworkSettings = field(
        default_factory=lambda: NetworkSettings(core="lstm", location_std=0.1, normalise_inputs=True)
    )
    """Sizes and types of the networks."""
    num_envs: int = 32
    """Rows of the environment."""
    learning_rate: float = 7e-4
    """Initial learning rate of AdamW."""
    max_grad_norm: float = 0.5
    """Norm to which the gradient is clipped."""
    location_weight: float = 0.03
    """Weight of the locations' loss."""
    segment_length: int = 64
    """Steps of each row in an iteration. Episodes may end and start inside; the core's state is carried over."""
    discount: float = 0.99
    """Discount factor, gamma."""
    gae_lambda: float = 0.95
    """lambda of generalised advantage estimation; 1 gives the return minus the baseline."""
    update_epochs: int = 3
    """Passes over each batch of segments."""
    minibatches: int = 4
    """Minibatches of a batch, each of whole rows."""
    clip_range: float = 0.2
    """Range around 1 to which the ratios of task action and location are clipped."""
    entropy_weight: float = 0.01
    """Weight of the task action's entropy."""
    reward_gain: float = 1.0
    """Factor of the rewards that the agent learns from."""
    normalise_rewards: bool = False
    """Whether these rewards are divided by the running standard deviation of the discounted return."""

    method: ClassVar[str] = "segments"

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_integer("segment_length", self.segment_length, 2, 10**6)
            check_number("discount", self.discount, 0, 1)
            check_number("gae_lambda", self.gae_lambda, 0, 1)
            check_integer("update_epochs", self.update_epochs, 1, 10_000)
            check_integer("minibatches", self.minibatches, 1, self.num_envs)
            check_number("clip_range", self.clip_range, 1e-6, 1e3)
            check_number("entropy_weight", self.entropy_weight, 0, 10)
            check_number("reward_gain", self.reward_gain, 1e-6, 1e6)
        if self.num_envs % self.minibatches:
            raise SettingsError(
                f"num_envs={self.num_envs} is not a multiple of minibatches={self.minibatches}: "
                "expected parts of the same size"
            )

    def steps_per_iteration(self, is_supervised: bool, episode_steps: int | None) -> int:
        """Return the length of a segment; every environment has rewards."""
        return self.segment_length

    def train(self, run: Run, env: World) -> None:
        """Run the loop over segments."""
        from agents.training.segments import train_segments

        train_segments(run, env, self)


@dataclass(frozen=True, kw_only=True)
class AnswerSettings(VectorSettings):
    """The hybrid loss on whole episodes, in an environment that hands out the right answer after every step."""

    network: NetworkSettings = field(
        default_factory=lambda: NetworkSettings(
            core="lstm", location_network_hidden=128, squash_location=True, location_std=0.5
        )
    )
    """Sizes and types of the networks."""
    num_envs: int = 64
    """Episodes in a batch: rows of the environment."""
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    """Learning-rate schedule: constant, or down to 0 on a straight line or half a cosine."""
    location_weight: float = 0.1
    """Weight of the locations' loss."""
    class_loss: Literal["last", "every"] = "every"
    """Cross-entropy of the answer at the last step of an episode, or at "every" step."""
    confidence_discount: float = 0.9
    """The reward of a location is by how much the next glimpses raise the probability of the right answer: discount
    factor of later glimpses."""
    location_gradient: float = 1.0
    """Fraction of the locations' gradient that flows into core and glimpse network; 0 for none (the paper)."""
    baseline_gradient: bool = False
    """Whether the baseline's error also trains the core."""
    episode_steps: int | None = None
    """Largest number of steps in an episode; None if the environment says it (max_episode_steps)."""

    method: ClassVar[str] = "answers"

    def __post_init__(self) -> None:
        """Check every setting; see :meth:`TrainingSettings.__post_init__`."""
        super().__post_init__()
        with invalid_settings():
            check_choice("class_loss", self.class_loss, ("last", "every"))
            check_number("confidence_discount", self.confidence_discount, 0, 1)
            check_number("location_gradient", self.location_gradient, 0, 1)
            if self.episode_steps is not None:
                check_integer("episode_steps", self.episode_steps, 1, 10**6)

    def steps_per_iteration(self, is_supervised: bool, episode_steps: int | None) -> int:
        """Return the largest number of steps in an episode."""
        if not is_supervised:
            raise SettingsError(
                "the environment hands out no right answers to learn from: train with SegmentSettings (`--method "
                "segments`), or register an adapter that says where they are (agents.environments.adapter)"
            )
        steps = self.episode_steps or episode_steps
        if steps is None:
            raise SettingsError(
                "the environment does not say how long an episode can be: set episode_steps to the largest number of "
                "steps, or train with SegmentSettings (`--method segments`)"
            )
        return steps

    def train(self, run: Run, env: World) -> None:
        """Run the loop over whole episodes."""
        from agents.training.answers import train_answers

        train_answers(run, env, self)
