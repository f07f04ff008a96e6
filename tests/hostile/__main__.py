"""Makes hostile calls to the three interfaces in every format, and counts their outcomes.

python -m tests.hostile --calls 1000000 [--seed N] [--out docs/results/hostile.json]

A call is an action, a seed or options with wrong shapes, dtypes, values, types or memory. Each has to raise one of the
documented errors, in one line and with the state unchanged, or to return a result in the space. Whoever finds another
outcome gets the seed of its environment: `--first SEED --calls 1` repeats it.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium.error import InvalidAction, ResetNeeded

import ram_envs
from ram_envs.envs.actions import ACTION_FORMATS
from ram_envs.envs.observations import OBSERVATION_FORMATS
from ram_envs.errors import InvalidArgument
from tests.hostile.values import DTYPES, NUMBERS

CALLS_PER_ENVIRONMENT = 100
ROWS = 3
OBJECTS: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 1.5, np.nan, 2**70, -(2**70), 10**5000, "", "x", "\n", b"\0", 1j, ..., object()),
    *([], [[]], [1, [2]], (), {}, {"fixation": 0}, {1: 2}, set(), {1}, range(3), int, len, np.float32, NotImplemented),
    *(np.bool_(True), np.int8(1), np.float64(1), np.str_("x"), np.datetime64("now"), iter([1]), memoryview(b"abc")),
]
IMAGES = np.random.default_rng(0).integers(1, 256, (4, 5, 6)).astype(np.uint8)
TASKS: list[tuple[str, dict[str, Any]]] = [
    ("RAM-CatchGame-v0", {"screen_size": 6, "patch_size": 2, "num_scales": 2}),
    ("RAM-CatchGame-v0", {"screen_size": 5, "patch_size": 2, "num_scales": 1, "sensor": "zoom", "hearing": True}),
    ("RAM-CatchGame-v0", {"screen_size": 5, "patch_size": 2, "num_scales": 1, "gaze": "relative", "max_step": 0.5}),
    ("RAM-MNIST-v0", {"dataset": (IMAGES, np.arange(4)), "patch_size": 3, "num_glimpses": 3}),
    (
        "RAM-MNIST-v0",
        {"dataset": (IMAGES, np.arange(4) % 2), "patch_size": 3, "num_glimpses": 3, "stop": "learned", "image_size": 9},
    ),
]


class Wrong(Exception):
    """An outcome that nobody documented."""


def main() -> int:
    """Make the calls, print the report and return 1 if an outcome was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--minutes", type=float, default=float("inf"), help="time limit")
    parser.add_argument("--first", type=int, help="random seed of the first environment; by default a new one")
    parser.add_argument("--out", type=Path, help="write the report to this JSON file")
    arguments = parser.parse_args()
    warnings.simplefilter("error")  # a warning that a call brings up is an outcome too
    first = random.SystemRandom().randrange(2**40) if arguments.first is None else arguments.first
    outcomes: Counter[str] = Counter()
    cells: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    start, seed = time.monotonic(), first
    while outcomes.total() < arguments.calls and len(wrong) < 20 and time.monotonic() - start < 60 * arguments.minutes:
        chance = random.Random(seed)
        interface, action_format = chance.choice([*MAKE]), chance.choice(ACTION_FORMATS)
        env = MAKE[interface](chance, action_format)
        if chance.random() < 0.9:
            env.reset(seed=seed)
        for _ in range(CALLS_PER_ENVIRONMENT):
            try:
                outcome = attempt(env, interface, chance)
            except Exception as error:
                outcome = "wrong"
                wrong.append(f"seed {seed}, {interface}, {action_format}: {error!r}")
                print(wrong[-1], *traceback.format_tb(error.__cause__.__traceback__ if error.__cause__ else None)[-2:])
            outcomes[outcome] += 1
            cells[interface, action_format] += 1
        seed += 1
    minutes = (time.monotonic() - start) / 60
    report = {
        "calls": outcomes.total(),
        "outcomes": dict(outcomes.most_common()),
        "calls_by_interface_and_format": {f"{one}, {other}": count for (one, other), count in sorted(cells.items())},
        "wrong": wrong,
        "first_seed": first,
        "minutes": round(minutes, 1),
        "date": time.strftime("%Y-%m-%d"),
    }
    print(json.dumps(report, indent=2))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    return bool(wrong)


def settings(chance: random.Random, action_format: str) -> tuple[str, dict[str, Any]]:
    """Return an id and arguments."""
    env_id, arguments = chance.choice(TASKS)
    formats = {"action_format": action_format, "observation_format": chance.choice(OBSERVATION_FORMATS)}
    return env_id, {**arguments, **formats, "grid_size": chance.randint(1, 4)}


def make_single(chance: random.Random, action_format: str) -> Any:
    """Make a single environment."""
    env_id, arguments = settings(chance, action_format)
    return gym.make(env_id, **arguments).unwrapped


def make_vector(chance: random.Random, action_format: str) -> Any:
    """Make a vector environment."""
    env_id, arguments = settings(chance, action_format)
    mode = chance.choice(["NextStep", "SameStep", "Disabled"])
    return gym.make_vec(env_id, ROWS, autoreset_mode=mode, **arguments)


def make_tensor(chance: random.Random, action_format: str) -> Any:
    """Make a tensor environment."""
    env_id, arguments = settings(chance, action_format)
    mode = chance.choice(["NextStep", "SameStep", "Disabled"])
    return ram_envs.make_tensor(env_id, ROWS, autoreset_mode=mode, **arguments)


MAKE: dict[str, Callable[[random.Random, str], Any]] = {
    "single": make_single,
    "vector": make_vector,
    "tensor": make_tensor,
}


def attempt(env: Any, interface: str, chance: random.Random) -> str:
    """Make one call and return its outcome.

    Raises:
        Wrong: If it is none that is documented.
    """
    before = snapshot(env)
    documented: tuple[type[Exception], ...] = (InvalidAction, InvalidArgument, ResetNeeded)
    name, call = hostile_call(env, interface, chance)
    if interface == "vector" and name == "options":
        documented += (TypeError,)  # of a mask, as Gymnasium's own vector environments raise it
    try:
        result = call()
    except documented as error:
        message = str(error)
        if snapshot(env) != before:
            raise Wrong(f"{name}: changed by a call that was refused: {message}") from error
        if not message or len(message.splitlines()) > 1 or len(message) > 2000:
            raise Wrong(f"{name}: not one line: {message}") from error
        return f"{name} refused: {type(error).__name__}"
    except Exception as error:
        raise Wrong(f"{name}: {type(error).__name__}: {error}") from error
    check(env, interface, result)
    return f"{name} accepted: in the space"


def check(env: Any, interface: str, result: Any) -> None:
    """Check that what a call returned lies in the space.

    Raises:
        Wrong: If it does not.
    """
    observation = numpy_of(result[0])
    if observation not in env.observation_space:
        raise Wrong(f"an observation outside the space: {observation}")
    if len(result) == 5:
        low, high = env.task.reward_range
        reward = np.asarray(result[1])
        if not (np.isfinite(reward).all() and (reward >= low).all() and (reward <= high).all()):
            raise Wrong(f"a reward outside its range: {reward}")


def hostile_call(env: Any, interface: str, chance: random.Random) -> tuple[str, Callable[[], Any]]:
    """Return the kind of a call, and the call."""
    choice = chance.random()
    if choice < 0.1:  # an ordinary call, so that the environment gets on
        if chance.random() < 0.5:
            number = chance.randrange(1000)
            return "seed", lambda: env.reset(seed=number)
        good = env.action_space.sample()
        good = to_tensors(good) if interface == "tensor" else good
        return "action", lambda: env.step(good)
    if choice < 0.7:
        action = hostile_action(env, interface, chance)
        return "action", lambda: env.step(action)
    seed = None
    if choice < 0.85:
        seed = chance.choice([hostile_object(chance), hostile_array(chance, (ROWS,)), [chance.choice(OBJECTS)] * ROWS])
        return "seed", lambda: env.reset(seed=seed)
    keys = ["reset_mask", "image_index", "image_index", "other", 3]
    options = {key: hostile_array(chance, (ROWS,)) for key in chance.sample(keys, chance.randint(1, 2))}
    given = chance.choice([options, options, options, hostile_object(chance)])
    return "options", lambda: env.reset(options=given)


def hostile_action(env: Any, interface: str, chance: random.Random) -> Any:
    """Return something that is rarely an action."""
    space = env.action_space
    if isinstance(space, gym.spaces.Dict):
        if chance.random() < 0.7:
            good = env.action_space.sample()
            good = to_tensors(good) if interface == "tensor" else dict(good)
            for key in chance.sample([*good, "other", 3], chance.randint(1, 2)):
                shape = np.shape(good.get(key, 0))
                good[key] = hostile_array(chance, shape) if chance.random() < 0.8 else hostile_object(chance)
            if chance.random() < 0.1:
                del good[chance.choice([*good])]
            return good
        return hostile_object(chance)
    return hostile_array(chance, space.shape) if chance.random() < 0.85 else hostile_object(chance)


def hostile_object(chance: random.Random) -> Any:
    """Return some object."""
    return chance.choice(OBJECTS)


def hostile_array(chance: random.Random, shape: tuple[int, ...]) -> Any:
    """Return an array or tensor that is wrong in shape, dtype, values, class or memory, or in none of these."""
    if chance.random() < 0.3:
        shape = tuple(chance.randint(0, 4) for _ in range(chance.randint(0, 3)))
    array = np.zeros(shape, chance.choice(DTYPES) if chance.random() < 0.6 else chance.choice(["f4", "i8"]))
    if array.dtype.kind in "fiubc":
        for index in np.ndindex(shape):
            value = chance.choice(NUMBERS)
            if array.dtype.kind in "iub":
                value = int(value) % 4 if math.isfinite(value) and chance.random() < 0.8 else 1
            with np.errstate(all="ignore"):
                array[index] = value if abs(value) < 1e38 or array.dtype.kind == "f" else 0
    match chance.randrange(12):
        case 0:
            mask = np.array([chance.random() < 0.5 for _ in range(array.size)], bool).reshape(array.shape)
            return array if array.dtype.names else np.ma.masked_array(array, mask)
        case 1 if array.ndim <= 2 and array.dtype.kind in "fiub":
            with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
                return np.asmatrix(array)
        case 2 if array.ndim:
            return array[::-1]
        case 3:
            array.flags.writeable = False
            return array
        case 4 if array.size:
            return np.broadcast_to(array.reshape(-1)[0], array.shape)
        case 5:
            return array.tolist()
        case 6 | 7 | 8 | 9 if array.dtype in ("f2", "f4", "f8", "i1", "i4", "i8", "u1", "?", "c8"):
            return hostile_tensor(chance, torch.from_numpy(array.astype(array.dtype.newbyteorder("="))))
    return array


def hostile_tensor(chance: random.Random, tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of this content; it may have a gradient, another layout, a lazy sign, no values or a subclass."""
    floats = tensor.is_floating_point()
    match chance.randrange(9):
        case 0 if floats:
            return tensor.requires_grad_()
        case 1 if tensor.ndim:
            return tensor.to_sparse()
        case 2 if floats:
            return torch._neg_view(tensor)
        case 3:
            return tensor.to("meta")
        case 4 if floats:
            return torch.nn.Parameter(tensor)
        case 5 if tensor.numel():
            return tensor.reshape(-1)[:1].expand(tensor.numel()).reshape(tensor.shape)
        case 6 if floats:
            return tensor.bfloat16()
        case 7 if tensor.is_complex():
            return tensor.conj()
    return tensor


def to_tensors(action: Any) -> Any:
    """Return NumPy actions as tensors."""
    if isinstance(action, dict):
        return {key: torch.as_tensor(value) for key, value in action.items()}
    return torch.as_tensor(action)


def numpy_of(value: Any) -> Any:
    """Return nested tensors as arrays."""
    if isinstance(value, dict):
        return {key: numpy_of(item) for key, item in value.items()}
    return value.numpy() if isinstance(value, torch.Tensor) else value


def snapshot(env: Any) -> Any:
    """Return the whole state of an environment, to compare."""
    episodes = env._episodes
    state = () if episodes.state is None else tuple(np.asarray(leaf).tobytes() for leaf in episodes.state)
    ended = getattr(env, "_over", None), np.asarray(getattr(env, "_ended", 0)).tobytes()
    generator = getattr(env, "np_random_seed", None)  # drawn when it is first asked for
    return state, np.asarray(episodes._seed).tobytes(), np.asarray(episodes._episode).tobytes(), ended, generator


if __name__ == "__main__":
    sys.exit(main())
