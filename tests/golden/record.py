"""What the golden files hold: observations and rewards of every id, and the weights of two short trainings.

python -m tests.golden.record writes the files again. Do that only for a change that is meant to change them: a new id,
or a new version of one.
"""

from __future__ import annotations

import hashlib
import json
import random
import tempfile
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces

import ram_envs
from agents.ram.checkpoint import load_checkpoint
from agents.ram.settings import NetworkSettings
from agents.training.settings import GameSettings, HybridSettings
from agents.training.trainer import train

OBSERVATIONS = Path(__file__).parent / "observations.json"
WEIGHTS = Path(__file__).parent / "weights.npz"
STEPS = 40
SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
TRAININGS = {
    "game": (
        "RAM-CatchGame-v0",
        GameSettings(
            environment={"screen_size": 6, "patch_size": 2, "num_scales": 2},
            network=NetworkSettings(core="lstm", **SMALL),
            num_envs=8,
            frames=3 * 8 * 5,  # 3 iterations
            update_epochs=1,
            minibatches=2,
            precision="float32",
        ),
    ),
    "hybrid": (
        "RAM-Digits-v0",
        HybridSettings(
            environment={"split": "train[:48]", "num_glimpses": 2},
            network=NetworkSettings(**SMALL),
            num_envs=16,
            epochs=1,  # 3 iterations
            precision="float32",
        ),
    ),
}


def images(side: int = 28) -> tuple[np.ndarray, np.ndarray]:
    """Images from integers alone, uint8 (20, side, side), and labels 0 to 9: no library's generator decides them."""
    number, row, column = np.ogrid[:20, :side, :side]
    pixels = (number * 37 + row * row * 11 + column * (number + 3) * 5) % 256
    return (pixels * ((row + column + number) % 3 > 0)).astype(np.uint8), np.arange(20) % 10


def cases() -> dict[str, tuple[str, dict[str, Any]]]:
    """Ids and settings by the name of the case: every id of the package in its three variants, and settings of each."""
    found = {}
    for env_id in sorted(ram_envs.ENVIRONMENTS):
        if ram_envs.parse_id(env_id).module:  # a test has registered it
            continue
        task = ram_envs.ENVIRONMENTS[env_id]
        dataset = {} if task["task"] == "catch" or task.get("dataset") == "digits" else {"dataset": images()}
        for variant in ram_envs.VARIANTS:
            found[env_id.replace("-v0", f"-{variant}-v0") if variant else env_id] = dataset
    named = {name: (name, settings) for name, settings in found.items()}
    catch, mnist = "RAM-CatchGame-v0", "RAM-ClutteredMNIST-v0"
    more = {
        "zoom": (catch, {"sensor": "zoom"}),
        "relative": (catch, {"gaze": "relative", "max_step": 0.3}),
        "inside": (catch, {"first_location": "inside", "screen_size": 17, "patch_size": 5}),
        "hearing": (catch, {"hearing": True, "hidden_rows": (0, 9)}),
        "stop": (mnist, {"stop": "learned", "glimpse_cost": 0.1, "dataset": images()}),
        "clutter, zoom": (mnist, {"sensor": "zoom", "num_clutter": 7, "clutter_size": 9, "dataset": images()}),
        "dict": (catch, {"action_format": "dict"}),
        "multidiscrete": (catch, {"action_format": "multidiscrete", "grid_size": 3}),
    }
    return {**named, **{f"{env_id} {name}": (env_id, settings) for name, (env_id, settings) in more.items()}}


def action(space: Any, chance: random.Random) -> Any:
    """Return an action from Python's generator, whose stream no version changes."""
    if isinstance(space, spaces.Dict):
        return {key: action(part, chance) for key, part in space.items()}
    if isinstance(space, spaces.Box):
        return np.array([chance.random() * 2.4 - 1.2 for _ in range(space.shape[0])], np.float32)
    if isinstance(space, spaces.MultiDiscrete):
        return np.array([int(chance.random() * count) for count in space.nvec])
    return np.int64(int(chance.random() * int(space.n)))


def observations() -> dict[str, str]:
    """Return a hash of all observations, rewards and ends of some episodes, for each case."""
    found = {}
    for name, (env_id, settings) in cases().items():
        env, chance, digest = gym.make(env_id, **settings), random.Random(7), hashlib.sha256()
        for episode_seed in (3, 2**40 + 1):
            note(digest, env.reset(seed=episode_seed)[0])
            for _ in range(STEPS):
                observation, reward, terminated, *_ = env.step(action(env.action_space, chance))
                note(digest, observation)
                digest.update(np.float32(reward).tobytes() + bytes([terminated]))
                if terminated:
                    note(digest, env.reset()[0])
        found[name] = digest.hexdigest()
    return found


def note(digest: Any, observation: Any) -> None:
    """Add an observation to a hash."""
    for value in observation.values() if isinstance(observation, dict) else [observation]:
        digest.update(np.ascontiguousarray(value, "<f4").tobytes())


def weights() -> dict[str, np.ndarray]:
    """Return the weights of the trainings, float32, by "training: name"."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (env_id, settings) in TRAININGS.items():
            train(env_id, settings, Path(folder) / name, seed=1, device="cpu", progress_bar=False)
            state = load_checkpoint(Path(folder) / name).policy.state_dict()
            found |= {f"{name}: {key}": value.numpy() for key, value in state.items()}
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    OBSERVATIONS.write_text(json.dumps(observations(), indent=1) + "\n")
    np.savez_compressed(WEIGHTS, **weights())
