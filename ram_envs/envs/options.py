"""Checks of the arguments of constructors and ``reset``, shared by the three interfaces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from ram_envs.arguments import check_integer
from ram_envs.arrays import Array, namespace, numpy_array, plain_tensor
from ram_envs.errors import InvalidArgument, one_line, shown
from ram_envs.tasks import Task

MAX_ENVS = 2**24


def check_num_envs(num_envs: Any) -> int:
    """Return the number of rows of a batch.

    Raises:
        InvalidArgument: If it is not an integer from 1 to 16,777,216.
    """
    return check_integer("num_envs", num_envs, 1, MAX_ENVS)


def parse_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return the member of ``AutoresetMode`` of that value ("SameStep") or name ("SAME_STEP").

    Raises:
        InvalidArgument: If there is none.
    """
    if isinstance(mode, AutoresetMode):
        return mode
    for member in AutoresetMode:
        if mode in (member.value, member.name):
            return member
    raise InvalidArgument(f"autoreset_mode={shown(mode)} is not valid: expected 'NextStep', 'SameStep' or 'Disabled'")


def first_seed(env: Any) -> int:
    """Return the seed of the first episodes of an environment that was never given one.

    Args:
        env: With ``np_random`` and ``np_random_seed``, as Gymnasium's environments have them.
    """
    seed = env.np_random_seed
    # Gymnasium says -1 if somebody has set a generator.
    return int(env.np_random.integers(2**62)) if seed == -1 else (seed or 0) % 2**63


def read_options(options: Any, known: Sequence[str]) -> dict[str, Any]:
    """Return the options of a reset as a dictionary, with None for the ones that are not given.

    Raises:
        InvalidArgument: If it is not a dictionary, or has other keys.
    """
    if options is not None and not isinstance(options, Mapping):
        raise InvalidArgument(f"options={shown(options)} is not valid: expected a dictionary or None")
    given = dict(options or {})
    unknown = [key for key in given if key not in known]
    if unknown:
        raise InvalidArgument(
            f"options has {sorted(map(shown, unknown))}: expected nothing but {' and '.join(map(repr, known))}"
        )
    return {key: given.get(key) for key in known}


def fresh_seed() -> int:
    """Return a random seed from the operating system, in [0, 2**62)."""
    return int(np.random.SeedSequence().generate_state(1, np.uint64)[0] >> 2)


def check_seed(seed: Any) -> int:
    """Return a random seed.

    Raises:
        InvalidArgument: If it is not an integer of at least 0; a bool is not.
    """
    return check_integer("seed", seed, 0)


def read_row_seeds(seed: Any, num_rows: int, like: Array) -> tuple[Array, Array]:
    """Convert the argument ``seed`` to one random seed per row.

    Args:
        seed: An int s for the seeds s, s + 1, ...; or a list, a tuple or an array with a seed or None for each row.
        num_rows: Number of rows, B.
        like: An array of the library (NumPy or torch) and on the device of the rows.

    Returns:
        bool (B,), whether a row gets a seed, and int64 (B,), the seeds.

    Raises:
        InvalidArgument: If it is none of these, has another length, or a seed is negative.
    """
    xp, device = namespace(like), like.device
    if is_array := isinstance(seed, np.ndarray) or hasattr(seed, "layout"):
        seed = plain_array("seed", seed, "integers", like)
    if not isinstance(seed, (list, tuple)) and not (is_array and seed.ndim == 1):
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise InvalidArgument(
                f"seed={shown(seed)} is not valid: expected an integer, or a list or array with one for each row"
            )
        first = check_seed(seed)
        rows = xp.arange(num_rows, dtype=xp.int64, device=device)
        if first < 2**62:
            seeds = rows + first
        else:
            seeds = xp.asarray([(first + row) % 2**63 for row in range(num_rows)], dtype=xp.int64, device=device)
        return xp.ones((num_rows,), dtype=xp.bool, device=device), seeds
    if len(seed) != num_rows:
        raise InvalidArgument(f"seed has {len(seed)} entries: expected an integer, or one for each of {num_rows} rows")
    if is_array and _is_integral(seed):
        on_cpu = isinstance(seed, np.ndarray) or seed.device.type == "cpu"
        if on_cpu and seed.min() < 0:  # on a GPU, reading the smallest seed would wait for the device
            raise InvalidArgument(f"seed has the entry {seed.min()}: expected integers of at least 0")
        seeds = xp.astype(xp.asarray(seed, device=device), xp.int64) & (2**63 - 1)
        return xp.ones_like(seeds, dtype=xp.bool), seeds
    entries = seed.tolist() if is_array else list(seed)
    for entry in entries:
        if entry is not None and (isinstance(entry, bool) or not isinstance(entry, (int, np.integer)) or entry < 0):
            raise InvalidArgument(
                f"seed has the entry {shown(entry)}: expected integers of at least 0, or None for the next episode"
            )
    given = xp.asarray([entry is not None for entry in entries], dtype=xp.bool, device=device)
    values = [0 if entry is None else int(entry) % 2**63 for entry in entries]
    return given, xp.asarray(values, dtype=xp.int64, device=device)


def next_keys(seed: Any, row_seeds: Array, episodes: Array) -> tuple[Array, Array]:
    """Return the random seed and the episode number of each row's next episode.

    Args:
        seed: As in :func:`read_row_seeds`, or None. A row that gets a seed starts its episode 0, another row its next
            one.
        row_seeds: int64 (B,), the seed of each row so far.
        episodes: int64 (B,), the episode number of each row so far.

    Returns:
        Both int64 (B,), new arrays or ``row_seeds`` itself.

    Raises:
        InvalidArgument: If the seeds are not valid.
    """
    if seed is None:
        return row_seeds, episodes + 1
    xp = namespace(row_seeds)
    given, values = read_row_seeds(seed, row_seeds.shape[0], row_seeds)
    return xp.where(given, values, row_seeds), xp.where(given, xp.zeros_like(values), episodes + 1)


def check_image_index(image_index: Any, task: Task[Any], num_rows: int, like: Array) -> Array | None:
    """Return ``options["image_index"]`` as int64 (B,), or None if it is not given.

    Raises:
        InvalidArgument: If the task shows no images, or the shape is wrong. The task refuses images that do not exist.
    """
    if image_index is None:
        return None
    if task.num_images is None:
        raise InvalidArgument(
            f"options['image_index'] is for tasks that show images, and {type(task).__name__} shows none: leave it out"
        )
    xp = namespace(like)
    index = plain_array("options['image_index']", image_index, "integers", like)
    if tuple(index.shape) != (num_rows,) or not _is_integral(index):
        raise InvalidArgument(
            f"options['image_index'] is {index.dtype} of shape {tuple(index.shape)}: expected integers, one for each "
            f"of {num_rows} rows"
        )
    return xp.astype(xp.asarray(index, device=like.device), xp.int64)


def plain_array(name: str, value: Any, expected: str, like: Array | None = None) -> Array:
    """Convert an option that a user gave to a plain array.

    Args:
        name: Name of the option in error messages.
        value: An array, a tensor or a nested list.
        expected: What it should hold, for error messages.
        like: If it is a tensor, a tensor stays one, on its device. Otherwise the result is a NumPy array.

    Raises:
        InvalidArgument: If that is not possible.
    """
    try:
        if hasattr(value, "layout") and hasattr(like, "layout"):
            if value.device.type == "meta":
                raise TypeError("a tensor without values, on the device 'meta'")
            return plain_tensor(value)
        array = numpy_array(value)
        return np.array(array, array.dtype.newbyteorder("="))  # a copy: torch warns of arrays that are read-only
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidArgument(f"{name} is not valid ({one_line(error)}): expected {expected}") from None


def one_index(image_index: Any) -> Any:
    """Return the option ``image_index`` of a single environment as that of a batch of one.

    Raises:
        InvalidArgument: If it is not a number.
    """
    return None if image_index is None else plain_array("options['image_index']", image_index, "an integer")[None]


def _is_integral(array: Array) -> bool:
    xp = namespace(array)
    return getattr(array.dtype, "kind", "i") in "iu" and xp.isdtype(array.dtype, "integral")
