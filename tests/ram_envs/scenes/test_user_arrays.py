import numpy as np
import pytest
import torch

from ram_envs.scenes.datasets import load_dataset

LABELS = np.arange(12) % 4
IMAGES = np.random.default_rng(0).integers(256, size=(12, 5, 6), dtype=np.uint8)


def after(remedy, images):
    """Apply the conversion that an error message proposes."""
    return eval(remedy, {"np": np, "images": images})


@pytest.mark.parametrize(
    ("images", "remedy"),
    [
        (IMAGES > 127, "images.astype(np.uint8) * 255"),
        (IMAGES.astype(np.uint16) << 8, "(images >> 8).astype(np.uint8)"),
        (IMAGES.astype(">u2") << 8, "(images >> 8).astype(np.uint8)"),
        (IMAGES.astype(np.int64), "images.astype(np.uint8)"),
        ((IMAGES > 127).astype(np.int64), "(images * 255).astype(np.uint8)"),
        (IMAGES / 255, "np.rint(images * 255).astype(np.uint8)"),
        ((IMAGES / 255).astype(">f4"), "np.rint(images * 255).astype(np.uint8)"),
        (IMAGES.astype(np.float32), "np.rint(images).astype(np.uint8)"),
    ],
)
def test_another_dtype_is_refused_with_a_conversion_that_is_right(images, remedy):
    with pytest.raises(ValueError) as caught:
        load_dataset((images, LABELS))
    message = str(caught.value)
    name = str(images.dtype.newbyteorder("="))
    assert message.startswith(f"train images are {name}: expected uint8 in [0, 255]. ") and message.endswith(remedy)
    expected = (IMAGES > 127) * 255 if images.max() <= 1 and images.dtype.kind in "bi" else IMAGES
    np.testing.assert_array_equal(load_dataset((after(remedy, images), LABELS)).images[..., 0], expected)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (IMAGES / 128 - 1, "They go down to -1: undo the normalisation first"),
        (IMAGES.astype(np.int16) - 128, "They go down to -128: undo the normalisation first"),
        (np.where(IMAGES > 250, np.nan, IMAGES), "They hold NaN or infinite values"),
        (np.where(IMAGES > 250, np.inf, IMAGES), "They hold NaN or infinite values"),
        (IMAGES * 100.0, "They go up to 25500: scale them first"),
        (IMAGES.astype(np.int64) * 1000, "They go up to 255000: scale them first"),
        (IMAGES.astype(complex), "complex128: expected uint8 .* Pass the pixels as numbers"),
        (IMAGES.astype(str), "expected uint8 .* Pass the pixels as numbers"),
        (np.zeros((0, 5, 6)), "float64: expected uint8"),
        (
            list(IMAGES[:11]) + [IMAGES[0, :4]],
            r"differ in shape, \(5, 6\) at index 0 and \(4, 6\) at index 11: .*np.stack",
        ),
        (np.array([*IMAGES[:11], IMAGES[0, :4]], dtype=object), r"differ in shape, \(5, 6\) at index 0 and \(4, 6\)"),
        (np.array([None] * 12), "images are of type ndarray and hold no numbers: expected an array of numbers"),
        (np.ma.masked_less(IMAGES, 10), r"masked array: .*images.filled\(0\)"),
        (torch.zeros(12, 5, 6, requires_grad=True), r"tensor.detach\(\).cpu\(\).numpy\(\)"),
    ],
)
def test_images_that_need_more_than_a_conversion_are_refused_with_what_is_needed(images, message):
    with pytest.raises(ValueError, match=message) as caught:
        load_dataset((images, LABELS))
    assert "\n" not in str(caught.value) and (caught.value.__suppress_context__ or caught.value.__context__ is None)


def test_an_array_of_equal_arrays_is_told_to_be_stacked():
    objects = np.empty(12, object)
    objects[:] = list(IMAGES)
    with pytest.raises(ValueError, match=r"array of objects: expected .*Convert them with np.stack\(array\)"):
        load_dataset((objects, LABELS))


def test_a_torch_tensor_is_taken_as_an_array():
    np.testing.assert_array_equal(load_dataset((torch.tensor(IMAGES), torch.tensor(LABELS))).images[..., 0], IMAGES)


@pytest.mark.parametrize(
    ("shape", "remedy"),
    [
        ((12, 784), r"images.reshape\(-1, 28, 28\)"),
        ((12, 3072), r"images.reshape\(-1, 3, 32, 32\).transpose\(0, 2, 3, 1\)"),
        ((12, 30), r"images.reshape\(-1, height, width\); a single image with images\[None\]"),
        ((12,), "Channels come last"),
        ((12, 5, 6, 2), r"images\[..., :1\]"),
        ((12, 5, 6, 4), r"images\[..., :3\]"),
        ((12, 3, 5, 6), r"images.transpose\(0, 2, 3, 1\)"),
        ((12, 1, 5, 6), r"images.transpose\(0, 2, 3, 1\)"),
        ((12, 0, 6), "There is nothing to see"),
        ((0, 5, 6), "There is nothing to see"),
        ((12, 5, 6, 3, 1), "Channels come last"),
    ],
)
def test_another_shape_is_refused_with_the_way_to_change_it(shape, remedy):
    with pytest.raises(ValueError, match=rf"train images have the shape .*expected \(N, H, W\).*{remedy}"):
        load_dataset((np.zeros(shape, np.uint8), np.zeros(shape[0], int)))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros(11, int), "12 train images but 11 labels: expected one label per image"),
        (LABELS.astype(float), r"labels are float64 .* expected integers .*labels.astype\(np.int64\)"),
        (LABELS + 0.5, "They are not whole numbers"),
        (np.where(LABELS == 1, np.nan, LABELS), "NaN or infinite values: remove these images"),
        (LABELS > 1, r"labels are bool .*labels.astype\(np.int64\)"),
        (LABELS[:, None], r"of shape \(12, 1\).*labels\[:, 0\]"),
        (np.eye(4)[LABELS], r"They are one-hot: convert with labels.argmax\(axis=1\)"),
        (np.eye(4, dtype=bool)[LABELS], "They are one-hot"),
        (np.eye(4)[LABELS] * 0.9 + 0.025, r"one class; for class scores, labels.argmax\(axis=1\)"),
        (np.zeros((12, 2, 2), int), "Each image has one class"),
        (["cat"] * 12, r"labels are <U3 .*class_names, labels = np.unique\(labels, return_inverse=True\)"),
        ([[0], [0, 1]] * 6, r"labels differ in shape, \(1,\) at index 0 and \(2,\) at index 1"),
        (np.arange(1, 13), "labels run from 1 to 12: expected classes counted from 0"),
        (np.arange(-1, 11), "labels run from -1 to 10"),
        (np.arange(12) * 10**9, "labels run from 0 to 11000000000"),
        (None, "labels are of type NoneType and hold no numbers"),
    ],
)
def test_labels_that_do_not_fit_are_refused_with_the_way_to_change_them(labels, message):
    with pytest.raises(ValueError, match=message):
        load_dataset((IMAGES, labels))


def test_labels_of_any_byte_order_become_int64():
    assert load_dataset((IMAGES, LABELS.astype(">u2"))).labels.tolist() == LABELS.tolist()
