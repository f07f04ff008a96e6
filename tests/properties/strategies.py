"""Random settings, datasets and values for the property tests."""

import warnings

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

ACTION_FORMATS = st.sampled_from(["box", "dict", "multidiscrete", "discrete"])
OBSERVATION_FORMATS = st.sampled_from(["dict", "flat", "image"])
SEEDS = st.one_of(st.integers(0, 100), st.integers(0, 2**63 - 1), st.sampled_from([0, 2**31, 2**32, 2**62, 2**63 - 1]))
UNIT = st.floats(-1, 1, width=32)
FLOAT32 = st.one_of(
    UNIT, st.floats(width=32, allow_nan=False), st.sampled_from([0.0, -0.0, 1.0, -1.0, float("inf"), -float("inf")])
)


@st.composite
def shared_settings(draw, height, width):
    """Arguments that both tasks have, for scenes of this size."""
    sensor = draw(st.sampled_from(["retina", "zoom"]))
    settings = {"sensor": sensor, "gaze": draw(st.sampled_from(["absolute", "relative"]))}
    if settings["gaze"] == "relative":
        settings["max_step"] = draw(st.floats(1e-3, 2))
    numbers = st.lists(st.floats(-1, 1), min_size=2, max_size=3 if sensor == "zoom" else 2)
    settings["first_location"] = draw(st.one_of(st.sampled_from(["random", "inside", "center"]), numbers.map(tuple)))
    settings["patch_size"] = draw(st.integers(1, max(height, width) + 2))
    settings["num_scales"] = draw(st.integers(1, 3))
    return settings


@st.composite
def catch_settings(draw):
    """Arguments of Catch."""
    size = draw(st.integers(4, 9))
    settings = {"screen_size": size, **draw(shared_settings(size, size))}
    if draw(st.booleans()):
        first = draw(st.integers(0, size - 1))
        settings["hidden_rows"] = (first, draw(st.integers(first, size - 1)))
    return {**settings, "hearing": draw(st.booleans())}


@st.composite
def classification_settings(draw):
    """Arguments of Classification, with a dataset of a few small images as arrays."""
    height, width = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    color = draw(st.booleans())
    number, classes = draw(st.integers(2, 5)), draw(st.integers(1, 3))
    shape = (number, height, width, 3) if color else (number, height, width)
    images = draw(arrays.arrays(np.uint8, shape))
    images.reshape(-1)[0] = 200  # images that are black everywhere are refused
    labels = np.array([min(index, classes - 1) for index in range(number)])
    settings = {"dataset": (images, labels)}
    if draw(st.booleans()):
        settings["image_size"] = draw(st.integers(max(height, width), 10))
        height = width = settings["image_size"]
        settings["num_objects"] = draw(st.sampled_from([1, 1, 2, 3]))
        settings["combine"] = draw(st.sampled_from(["set", "sum"]))
    if draw(st.booleans()):
        side = draw(st.integers(1, min(images.shape[1:3])))
        settings |= {"clutter_size": side, "num_clutter": draw(st.integers(0, min(3, height * width // side**2)))}
    settings |= {"num_glimpses": draw(st.integers(1, 4)), "stop": draw(st.sampled_from(["fixed", "learned"]))}
    if settings["stop"] == "learned":
        settings["glimpse_cost"] = draw(st.floats(0, 1))
    return {**settings, **draw(shared_settings(height, width))}


TASKS = st.one_of(
    st.tuples(st.just("catch"), catch_settings()), st.tuples(st.just("classification"), classification_settings())
)


@st.composite
def valid_action(draw, action_format, key, gaze_size, choices, grid_size):
    """One action that an environment must take, as NumPy values."""
    gaze = st.lists(FLOAT32, min_size=gaze_size, max_size=gaze_size)
    dtypes = st.sampled_from([np.float32, np.float32, np.float64, np.float16])
    answer = draw(st.integers(0, choices - 1))
    cells = draw(st.lists(st.integers(0, grid_size - 1), min_size=gaze_size, max_size=gaze_size))
    if action_format == "box":
        scores = st.lists(FLOAT32, min_size=choices, max_size=choices)
        with np.errstate(over="ignore"):
            return np.array(draw(gaze) + draw(scores), np.float32).astype(draw(dtypes))
    if action_format == "dict":
        return {"fixation": np.array(draw(gaze), np.float32), key: np.int64(answer)}
    if action_format == "multidiscrete":
        return np.array([answer, *cells])
    for cell in cells:
        answer = answer * grid_size + cell
    return np.int64(answer)


HOSTILE_NUMBERS = [np.nan, np.inf, -np.inf, -1, 2**31, 2**63 - 1, -(2**63), 1e300, -0.0, 10**30]
ODD_OBJECTS = st.one_of(
    st.none(),
    st.booleans(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from([object(), int, [], {}, (), set(), [[]], {"fixation": 0}, 1j, range(3), ..., NotImplemented]),
    st.integers(),
    st.floats(),
)
DTYPES = st.sampled_from(
    [
        "f2",
        "f4",
        "f8",
        ">f4",
        ">i8",
        "i1",
        "u1",
        "i4",
        "u8",
        "i8",
        "?",
        "c8",
        "S2",
        "U2",
        "O",
        "M8[s]",
        "m8[s]",
        "i4,f4",
    ]
)


@st.composite
def odd_arrays(draw, shape):
    """Arrays of a wanted or an unwanted shape and dtype, NumPy or torch, some with unusual memory."""
    wrong = st.lists(st.integers(0, 4), max_size=3).map(tuple)
    shape = draw(st.one_of(st.just(tuple(shape)), wrong))
    dtype = draw(DTYPES)
    number = draw(st.sampled_from([0, 1, *HOSTILE_NUMBERS]))
    array = np.zeros(shape, dtype)
    if array.dtype.kind in "fiubc":
        with np.errstate(all="ignore"):
            try:
                array[...] = number
            except (OverflowError, ValueError):
                array[...] = 1
    change = draw(st.sampled_from(["none", "masked", "matrix", "reversed", "read-only", "torch", "list", "broadcast"]))
    if change == "masked":
        return np.ma.masked_array(array, mask=np.ones(array.shape, bool)) if array.dtype.names is None else array
    if change == "matrix" and array.ndim <= 2 and array.dtype.kind in "fiub":
        with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
            return np.asmatrix(array)
    if change == "reversed" and array.ndim:
        return array[::-1]
    if change == "read-only":
        array.flags.writeable = False
    if change == "broadcast" and array.size:
        return np.broadcast_to(array.reshape(-1)[0], array.shape)
    if change == "torch" and array.dtype in ("f2", "f4", "f8", "i4", "i8", "u1", "?"):
        return odd_tensor(draw, torch.from_numpy(array))
    return array.tolist() if change == "list" else array


def odd_tensor(draw, tensor):
    """A tensor that is ordinary, or has a gradient, another layout, a lazy sign or no memory."""
    change = draw(st.sampled_from(["none", "grad", "sparse", "negative", "meta", "parameter", "expanded"]))
    if change == "grad" and tensor.is_floating_point():
        return tensor.requires_grad_()
    if change == "sparse" and tensor.ndim:
        return tensor.to_sparse()
    if change == "negative" and tensor.is_floating_point():
        return torch._neg_view(tensor)
    if change == "meta":
        return tensor.to("meta")
    if change == "parameter" and tensor.is_floating_point():
        return torch.nn.Parameter(tensor)
    if change == "expanded" and tensor.numel():
        return tensor.reshape(-1)[:1].expand(tensor.numel()).reshape(tensor.shape)
    return tensor


@st.composite
def hostile_action(draw, action_format, key, shapes):
    """Something that is rarely an action.

    Args:
        draw: Of hypothesis.
        action_format: The format of the environment.
        key: Key of the answer in a dictionary.
        shapes: The right shapes: of the action, of a fixation and of an answer.
    """
    whole, fixation, answer = shapes
    if action_format == "dict" and draw(st.booleans()):
        right = ("fixation", key)
        keys = draw(st.sampled_from([right, right, ("fixation",), ("fixation", 3), (key, key)]))
        return {
            name: draw(st.one_of(odd_arrays(fixation if name == "fixation" else answer), ODD_OBJECTS)) for name in keys
        }
    return draw(st.one_of(odd_arrays(whole), ODD_OBJECTS))


HOSTILE_SEEDS = st.one_of(
    st.sampled_from([-1, 1.5, True, "1", b"1", [], [1], [None], {1}, 2**64, 2**70, np.float64(1), np.bool_(True)]),
    st.sampled_from([np.array(1), np.array([1.0, 2.0]), np.array([[1]]), [1, "x", None], ("a",), object(), 1j]),
    odd_arrays((3,)),
)
HOSTILE_OPTIONS = st.one_of(
    st.sampled_from([5, [], "x", {"x": 1}, {1: 2}, {"image_index": -1}, {"image_index": 10**9}, {"image_index": "a"}]),
    st.sampled_from([{"reset_mask": None, "x": 0}, {"reset_mask": 1}, {"reset_mask": [True]}, {"reset_mask": "x"}]),
    odd_arrays((3,)).map(lambda array: {"reset_mask": array}),
    odd_arrays((3,)).map(lambda array: {"image_index": array}),
    odd_arrays(()).map(lambda array: {"image_index": array}),
)
