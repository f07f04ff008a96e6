"""Presets: tuned training settings by environment and name, in one table.

"default" is the preset of `ram train`, "quick" one for a first look, "paper" has the paper's sizes where the default is
smaller, "stop" learns when to answer. ``NOTES`` has the cost and the result of each. A package adds presets for its own
environments with :func:`register_preset`; without one, :func:`settings_for` chooses sensible settings for the kind of
task.
"""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import replace
from typing import Literal

from agents.environments.make import is_task
from agents.errors import SettingsError
from agents.ram.settings import NetworkSettings
from agents.training.settings import GameSettings, HybridSettings, TrainingSettings
from agents.training.vector_settings import AnswerSettings, SegmentSettings
from ram_envs import make_task, parse_id

# location_std 0.2 instead of 0.1 and three times the entropy weight, in validation at the paper's sizes: 91 % caught
# after 2 M frames instead of 76 %, 99.6 % after 10 M instead of 98.9 %.
_CATCH = GameSettings(
    network=NetworkSettings(core="lstm", core_size=128, location_std=0.2, scale_gain=4.0),
    frames=8_000_000,
    update_epochs=2,
    gae_lambda=0.8,
    location_weight=0.03,
    baseline_weight=4.0,
    entropy_weight=0.01,
)
# Half of the networks and three times the learning rate: 85 % of the balls caught after 0.4 of the processor time, at
# three random seeds (benchmarks/presets.py). With one pass over each batch it is no faster.
_CATCH_QUICK = replace(
    _CATCH,
    network=replace(_CATCH.network, glimpse_hidden=64, location_hidden=64, glimpse_features=128, core_size=64),
    learning_rate=3e-3,
    frames=3_000_000,
)
_CATCH_OF_THE_PAPER = replace(_CATCH, network=replace(_CATCH.network, core_size=256), frames=10_000_000)
# The digit is always in the same place, so the agent soon overfits: weight decay holds that back.
_MNIST = HybridSettings(
    network=NetworkSettings(location_network_hidden=128, location_std=0.1, squash_location=True),
    class_loss="every",
    location_reward="confidence",
    learning_rate=3e-3,
    warmup=0.05,
    schedule="cosine",
    weight_decay=0.15,
    num_envs=1024,
    epochs=200,
)
_MNIST_QUICK = replace(_MNIST, learning_rate=6e-3, weight_decay=0.1, epochs=75)
# Only "look on" is new to the packaged agent. PPO's noise costs accuracy, so the learning rate is small: with three
# times that, ten times the entropy weight and half the length, 1.9 % instead of 1.3 % (seed 0) at as many glimpses.
_MNIST_STOP = GameSettings(
    environment={"stop": "learned", "glimpse_cost": 0.005},
    network=replace(_MNIST.network, location_std=0.05),
    init_from="pretrained:RAM-MNIST-v0",
    frames=2_400_000,
    learning_rate=1e-4,
    update_epochs=2,
    entropy_weight=0.001,
    threads=1,
)
_DIGITS = HybridSettings(
    network=NetworkSettings(location_std=0.1),
    schedule="cosine",
    weight_decay=0.01,
    num_envs=64,
    epochs=150,
)
# A photograph differs in every patch, so a few passes separate classes; most datasets of photographs are small, and
# fit_to_images then decides batch and length.
_IMAGES = HybridSettings(
    network=NetworkSettings(core_start="identity", location_network_hidden=128, location_std=0.2, squash_location=True),
    class_loss="every",
    location_reward="confidence",
    confidence_discount=0.5,
    warmup=0.05,
    schedule="cosine",
    weight_decay=0.01,
    num_envs=256,
    epochs=100,
)
# In small scenes the agent is soon certain of the class, and then only tanh keeps the gaze on the digit: runs without
# it diverged. At 100x100 it gained half a point in validation.
_SCENES = HybridSettings(
    network=NetworkSettings(
        core_start="identity", location_network_hidden=128, location_std=0.25, input_gain=3.0, squash_location=True
    ),
    location_std_final=0.05,
    class_loss="every",
    location_reward="confidence",
    confidence_discount=0.5,
    location_gradient=1.0,
    learning_rate=2.5e-3,
    warmup=0.05,
    schedule="cosine",
    weight_decay=0.05,
    num_envs=1024,
    epochs=300,
)
# Without clutter the agent overfits to the digits: 0.84 % error in validation, 1.0 % with the settings above.
_TRANSLATED = replace(_SCENES, learning_rate=1.5e-3, weight_decay=0.2)
# From random weights the gaze learns to stay on one digit: to see the other one it would have to leave what it knows.
# So the agent starts as one that knows single digits, and explores by scans over bright spots. Where the other digit is
# can be seen relative to the gaze, so the actions are moves. Test error on pairs with eight glimpses, 3.8 M frames,
# seed 0: 39 % with all three and a ReLU core; 45 % with absolute locations; 53 % with a quarter of them drawn uniformly
# instead of the scans. An LSTM remembers better what it has seen: its error in training was 35 and not 40 %, though its
# core starts from random weights.
_OBJECTS = replace(
    _SCENES,
    environment={"gaze": "relative", "max_step": 1.0},
    network=replace(_SCENES.network, core="lstm", answer_heads="objects", location_std=0.2),
    init_from="pretrained:RAM-ClutteredMNIST100-v0",
    location_reward="overlap",
    location_weight=10.0,
    location_exploration=1.0,
    learning_rate=1.5e-3,
    num_envs=256,
    epochs=150,
    threads=2,
)
# The sum says less than the pair, so the agent starts as one that knows pairs, and need not explore. After 3.8 M frames
# (seed 0, on training images) 7.3 % error; started as the agent for one digit, with scans, 17 % after 3.4 M. Before the
# second digit is seen no answer can be right, so only the last one counts: with all of them 5.8 % after 29 M frames,
# and no better with longer training and larger networks; 5.0 % after 19 M more for the last answer only.
_SUM = replace(
    _OBJECTS,
    network=replace(_OBJECTS.network, location_std=0.05),
    init_from="pretrained:RAM-MNISTPairs-v0",
    location_std_final=0.03,
    location_reward="confidence",
    location_exploration=0.0,
    class_loss="last",
    learning_rate=8e-4,
    weight_decay=0.1,
    num_envs=512,
    epochs=160,
    threads=1,
)
# Episodes end with the first wrong answer, so an agent that recognises nothing sees little but the first digit. The one
# for pairs knows digits and moves from one to the next: 70 % of the sequences are wrong after 0.6 M frames (seed 0, in
# training). An episode has up to 18 glimpses: fewer epochs, and narrower search.
_SEQUENCE = replace(
    _SCENES,
    environment={"gaze": "relative", "max_step": 1.0},
    network=replace(_SCENES.network, core="lstm", location_std=0.1),
    init_from="pretrained:RAM-MNISTPairs-v0",
    learning_rate=1e-3,
    weight_decay=0.1,
    num_envs=256,
    epochs=20,
)
# The background is not black: its mean is subtracted. Scenes are new in every epoch.
_COLOUR = replace(_SCENES, network=replace(_SCENES.network, input_shift=0.25), epochs=60)


PRESETS: dict[str, dict[str, HybridSettings | GameSettings]] = {
    "RAM-CatchGame-v0": {"default": _CATCH, "quick": _CATCH_QUICK, "paper": _CATCH_OF_THE_PAPER},
    "RAM-MNIST-v0": {"default": _MNIST, "quick": _MNIST_QUICK, "stop": _MNIST_STOP},
    "RAM-TranslatedMNIST-v0": {"default": _TRANSLATED},
    "RAM-ClutteredMNIST-v0": {"default": _SCENES},
    "RAM-ClutteredMNIST100-v0": {"default": _SCENES},
    "RAM-MNISTPairs-v0": {"default": _OBJECTS},
    "RAM-MNISTAddition-v0": {"default": _SUM},
    "RAM-MNISTSequence-v0": {"default": _SEQUENCE},
    "RAM-ColourMNIST-v0": {"default": _COLOUR},
    "RAM-Digits-v0": {"default": _DIGITS},
    "RAM-Images-v0": {"default": _IMAGES},
}
"""Presets by environment and name."""

NOTES: dict[str, dict[str, tuple[str, str]]] = {
    "RAM-CatchGame-v0": {
        "default": ("8 M frames, 5 min", "99.3 % caught"),
        "quick": ("3 M frames, 1 min", "95.8 % caught"),
        "paper": ("10 M frames, 12 min", "99.65 % caught"),
    },
    "RAM-MNIST-v0": {
        "default": ("12 M images, 18 min", "0.79 % error"),
        "quick": ("4.5 M images, 6 min", "1.1 % error"),
        "stop": ("2.4 M frames, 8 min", "1.4 % error"),
    },
    "RAM-TranslatedMNIST-v0": {"default": ("18 M images, 34 min", "1.1 % error")},
    "RAM-ClutteredMNIST-v0": {"default": ("18 M images, 46 min", "2.7 % error")},
    "RAM-ClutteredMNIST100-v0": {"default": ("18 M images, 60 min", "2.8 % error")},
    "RAM-MNISTPairs-v0": {"default": ("9 M images, 60 min", "13.9 %, 8 glimpses")},
    "RAM-MNISTAddition-v0": {"default": ("9.6 M images, 35 min", "4.0 %, 8 glimpses")},
    "RAM-MNISTSequence-v0": {"default": ("1.2 M scenes, 33 min", "4.2 % error")},
    "RAM-ColourMNIST-v0": {"default": ("3.6 M images, 39 min", "3.9 % error")},
    "RAM-Digits-v0": {"default": ("0.2 M images, 2 min", "4.9 % error")},
    "RAM-Images-v0": {"default": ("40 photographs, 17 s", "docs/own-images.md")},
}
"""What each preset costs on one core of an AMD EPYC (for pairs on two; for sequences, colour and "stop" without
bfloat16; for sums on one of an Intel Xeon with AMX), and its result in deterministic evaluation (docs/results.md).

Results of headline rows are means of three seeds, as are those of Digits, of MNIST "stop" and of Catch "quick" (96.05,
95.70 and 95.75 % of 2,000 episodes).
"""

IMAGES_PER_ROW = 8
"""A batch has at most one row for this many images; fewer images get a smaller batch."""
SMALLEST_BATCH = 64
"""Rows that are left in any case: every row shows its image through other glimpses."""
FEWEST_UPDATES = 1_000
"""Updates that any dataset gets; 40 to 180 photographs are learned in 200 to 500."""

# For tasks without a preset.
_ANY_GAME = GameSettings(network=NetworkSettings(core="lstm", location_std=0.2))
_ANY_SUPERVISED = replace(_IMAGES, epochs=60, frames=10_000_000)
# For any environment.
_ANYWHERE: dict[str, SegmentSettings | AnswerSettings] = {"segments": SegmentSettings(), "answers": AnswerSettings()}

Method = Literal["hybrid", "game", "segments", "answers"]
"""Training methods."""


def register_preset(env_id: str, settings: HybridSettings | GameSettings, name: str = "default") -> None:
    """Register a preset for an environment, beside ``ram_envs.register``.

    Args:
        env_id: Id of a registered environment, as in ``gymnasium.make``.
        settings: Training settings.
        name: Name of the preset; "default" is the one of `ram train`.

    Raises:
        UnknownName: If there is no such environment.
        SettingsError: If it has another preset of this name.
    """
    base = parse_id(env_id).base
    if PRESETS.get(base, {}).get(name, settings) != settings:
        raise SettingsError(f"{base} has another preset {name!r} already: choose another name")
    PRESETS.setdefault(base, {})[name] = settings


def settings_for(
    env_id: str,
    preset: str | None = None,
    method: Literal["hybrid", "game"] | None = None,
    num_images: int | None = None,
) -> HybridSettings | GameSettings:
    """Return a preset, or for a task that has none the settings for its kind.

    A task that says the right answers is trained with the hybrid loss, any other one with PPO.

    Args:
        env_id: Id of a task, as in ``gymnasium.make``; formats, as in "-Flat", do not matter.
        preset: Name of the preset; None for "default".
        method: Training method. If the preset is for the other method, only its networks and its arguments of the
            environment are kept. None for the method of the preset.
        num_images: Number of training images, for a dataset of your own; see :func:`fit_to_images`. None returns the
            preset as it is.

    Raises:
        UnknownName: If there is no such task.
        SettingsError: If it has no such preset; the message names the ones it has.
    """
    settings = _preset(env_id, preset)
    if method not in (None, settings.method):
        others: HybridSettings | GameSettings = _ANY_GAME if method == GameSettings.method else _ANY_SUPERVISED
        settings = replace(others, network=settings.network, environment=settings.environment)
    fitting = fit_to_images(settings, num_images)
    assert isinstance(fitting, (HybridSettings, GameSettings))
    return fitting


def settings_for_any(env_id: str, preset: str | None = None, method: Method | None = None) -> TrainingSettings:
    """Return the settings for any registered environment: a task of the suite, or of another package.

    Environments of other packages are trained with PPO on segments, unless asked otherwise.

    Args:
        env_id: Id of a registered environment, as in ``gymnasium.make``.
        preset: Name of the preset of a task; None for "default".
        method: Training method; see :func:`settings_for`.

    Raises:
        SettingsError: If there is no such preset, or the method does not train there.
    """
    if is_task(env_id):
        if method in (None, HybridSettings.method, GameSettings.method):
            return settings_for(env_id, preset, method)  # type: ignore[arg-type]
        task = _preset(env_id, preset)
        return replace(_ANYWHERE[method], environment=task.environment)
    if preset not in (None, "default"):
        raise SettingsError(f"preset={preset!r} is not one of {env_id}: expected 'default'")
    chosen: str = method or SegmentSettings.method
    if chosen not in _ANYWHERE:
        expected = " or ".join(map(repr, _ANYWHERE))
        raise SettingsError(f"method={method!r} trains on tasks of the suite, not on {env_id}: expected {expected}")
    return _ANYWHERE[chosen]


def _preset(env_id: str, preset: str | None) -> HybridSettings | GameSettings:
    base, name = parse_id(env_id).base, "default" if preset is None else preset
    presets = PRESETS.get(base, {})
    if name in presets:
        return presets[name]
    if name == "default":
        return _ANY_SUPERVISED if make_task(env_id).supervised else _ANY_GAME
    known = ", ".join(map(repr, presets)) or "'default'"
    raise SettingsError(f"preset={name!r} is not one of {base}: expected one of {known}")


def fit_to_images(settings: TrainingSettings, num_images: int | None, keep: Container[str] = ()) -> TrainingSettings:
    """Return settings with a batch and a length that suit a small dataset.

    Presets count their length in epochs. A batch as large as a small dataset would make an epoch of one update, and a
    training of too few. So the batch has at most one row for ``IMAGES_PER_ROW`` images, but at least ``SMALLEST_BATCH``
    rows, and the training takes at least ``FEWEST_UPDATES`` updates.

    Args:
        settings: Training settings. Those of games, and those that suit the dataset, are returned as they are.
        num_images: Number of training images; None if the task has none.
        keep: Which of "num_envs" and "epochs" to leave as they are.
    """
    if not isinstance(settings, HybridSettings) or num_images is None:
        return settings
    if settings.num_envs * IMAGES_PER_ROW <= num_images:
        return settings
    rows, copies = settings.num_envs, settings.rollouts_per_image
    if "num_envs" not in keep:
        rows = min(rows, max(SMALLEST_BATCH, 2 ** int(math.log2(max(num_images / IMAGES_PER_ROW, 1)))))
        rows = max(rows - rows % copies, copies)
    epochs = settings.epochs
    if "epochs" not in keep:
        epochs = max(epochs, math.ceil(FEWEST_UPDATES * rows / (num_images * copies)))
    return replace(settings, num_envs=rows, epochs=epochs)
