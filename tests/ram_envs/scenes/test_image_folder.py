import io
import os
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from ram_envs.scenes import image_folder, pictures
from ram_envs.scenes.datasets import DatasetWarning, load_dataset


def save(path, array, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(array, np.uint8))
    (image.convert(mode) if mode else image).save(path)


def grey(value, size=(4, 6)):
    return np.full(size, value, np.uint8)


def ramp(value):
    """Grey levels from ``value`` upwards."""
    return np.arange(value, value + 24).reshape(4, 6)


@pytest.fixture
def pets(tmp_path):
    """Two cats and a dog, in grey."""
    save(tmp_path / "pets" / "dog" / "a.png", grey(30))
    save(tmp_path / "pets" / "cat" / "b.png", grey(20))
    save(tmp_path / "pets" / "cat" / "a.png", grey(10))
    return tmp_path / "pets"


def test_sorted_folder_names_are_the_labels(pets):
    for folder in (pets, str(pets)):
        dataset = load_dataset(folder)
        assert dataset.images.shape == (3, 4, 6, 1) and dataset.images.dtype == np.uint8
        assert dataset.images[:, 0, 0, 0].tolist() == [10, 20, 30]
        assert dataset.labels.tolist() == [0, 0, 1] and dataset.labels.dtype == np.int64
        assert dataset.class_names == ("cat", "dog")
        assert not dataset.images.flags.writeable


def test_one_colour_image_makes_all_colour(pets):
    colour = np.zeros((4, 6, 3), np.uint8)
    colour[..., 0] = 200
    save(pets / "dog" / "b.png", colour)
    images = load_dataset(pets).images
    assert images.shape == (4, 4, 6, 3)
    assert images[0, 0, 0].tolist() == [10, 10, 10] and images[3, 0, 0].tolist() == [200, 0, 0]


def test_what_operating_systems_leave_is_skipped_without_a_word(pets):
    (pets / ".cache").mkdir()
    (pets / "cat" / "._a.png").write_bytes(b"left by a file manager")
    (pets / "cat" / "Thumbs.db").write_bytes(b"left by a file manager")
    save(pets / "__MACOSX" / "cat" / "a.png", grey(99))
    save(pets / "cat" / "__MACOSX" / "a.png", grey(99))
    with warnings.catch_warnings(action="error"):
        dataset = load_dataset(pets)
    assert dataset.images[:, 0, 0, 0].tolist() == [10, 20, 30] and dataset.class_names == ("cat", "dog")


def test_what_is_left_out_is_counted_and_said_once(pets):
    (pets / "README.txt").write_text("my pets")
    (pets / "cat" / "notes.csv").write_text("both tabby")
    (pets / "cat" / "LICENSE").write_text("free")
    save(pets / "all.png", grey(99))
    message = r"pets: 4 files were left out \(3 not images that Pillow reads here: .*; 1 outside the class folders\)"
    with pytest.warns(DatasetWarning, match=message):
        dataset = load_dataset(pets)
    assert len(dataset.images) == 3 and dataset.class_names == ("cat", "dog")
    with warnings.catch_warnings(action="error"):
        load_dataset(pets)


def test_one_file_is_left_out_in_the_singular(pets):
    (pets / "README.txt").write_text("my pets")
    with pytest.warns(DatasetWarning, match=r"1 file was left out \(1 not images that Pillow reads here: .txt\)"):
        load_dataset(pets)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGB", 3), ("RGBA", 3)])
def test_every_8_bit_mode_is_read(tmp_path, mode, channels):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, 3:] = 255
    save(tmp_path / "only" / "a.png", pixels, mode)
    images = load_dataset(tmp_path).images
    assert images.shape == (1, 4, 6, channels) and (images[0] == pixels[..., :channels]).all()


def test_transparent_parts_become_black(tmp_path):
    pixels = np.full((4, 6, 4), 255, np.uint8)
    pixels[:, :3, 3] = 0
    save(tmp_path / "only" / "a.png", pixels)
    images = load_dataset(tmp_path).images
    assert (images[:, :, :3] == 0).all() and (images[:, :, 3:] == 255).all()


def test_train_and_test_may_lie_above_the_classes(tmp_path):
    for split, name, value in (("train", "cat", 1), ("train", "dog", 2), ("test", "dog", 3), ("val", "dog", 4)):
        save(tmp_path / split / name / "a.png", ramp(value))
    with pytest.warns(DatasetWarning, match="1 outside the class folders of train and test"):
        train, test = load_dataset(tmp_path), load_dataset(tmp_path, "test")
    assert train.images[:, 0, 0, 0].tolist() == [1, 2] and train.labels.tolist() == [0, 1]
    assert test.images[:, 0, 0, 0].tolist() == [3] and test.labels.tolist() == [1]
    assert train.class_names == test.class_names == ("cat", "dog")


def test_a_class_may_be_called_train(tmp_path):
    save(tmp_path / "train" / "a.png", grey(1))
    save(tmp_path / "bus" / "a.png", grey(2))
    assert load_dataset(tmp_path).class_names == ("bus", "train")


def test_a_missing_test_folder_is_named(pets):
    with pytest.raises(ValueError, match=r"pets' has no split 'test', only 'train': .*test/CLASS/IMAGE.*test_fraction"):
        load_dataset(pets, "test")


def test_a_class_that_only_the_test_split_has_is_named(tmp_path):
    save(tmp_path / "train" / "dog" / "a.png", grey(1))
    save(tmp_path / "test" / "dgo" / "a.png", grey(1))
    for split in ("train", "test"):
        with pytest.raises(ValueError, match="has the classes 'dgo', which .*train lacks"):
            load_dataset(tmp_path, split)


def test_the_image_of_another_size_is_named(pets):
    save(pets / "cat" / "a.png", grey(0, size=(5, 6)))
    with pytest.raises(
        ValueError, match=r"cat.a.png is 6x5 pixels .*, but 2 of the 3 images are 6x4.*resize=SIDE .*--resize SIDE"
    ):
        load_dataset(pets)


def test_16_bit_images_are_refused(tmp_path):
    (tmp_path / "only").mkdir()
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(tmp_path / "only" / "a.png")
    with pytest.raises(ValueError, match=r"a.png has pixels of mode 'I.*': expected grey or colour of 8 bits.*>> 8"):
        load_dataset(tmp_path)


@pytest.mark.parametrize("keep", [0, 20, 60])
def test_a_truncated_image_is_named(pets, keep):
    save(pets / "dog" / "a.png", np.random.default_rng(0).integers(256, size=(4, 6)))
    content = (pets / "dog" / "a.png").read_bytes()
    (pets / "dog" / "a.png").write_bytes(content[:keep])
    with pytest.raises(ValueError, match="a.png cannot be read as an image"):
        load_dataset(pets)


def test_a_class_without_images_is_named(pets):
    (pets / "fish").mkdir()
    with pytest.raises(ValueError, match=r"fish holds no image: expected files such as .png"):
        load_dataset(pets)
    (pets / "fish" / "a.txt").write_text("swims")
    with pytest.raises(ValueError, match=r"fish holds no image, only files that end in .txt: expected"):
        load_dataset(pets)


def test_a_class_without_test_images_is_said(tmp_path):
    for split, name in (("train", "cat"), ("train", "dog"), ("test", "cat")):
        save(tmp_path / split / name / "a.png", ramp(1))
    (tmp_path / "test" / "dog").mkdir()
    with pytest.warns(DatasetWarning, match="dog holds no image: the test split lacks this class"):
        assert load_dataset(tmp_path, "test").class_names == ("cat", "dog")
    (tmp_path / "test" / "cat" / "a.png").unlink()
    with pytest.raises(ValueError, match="test.cat holds no image"):
        load_dataset(tmp_path, "test")


def test_a_folder_without_classes_is_named(tmp_path):
    save(tmp_path / "a.png", grey(0))
    with pytest.raises(ValueError, match="has no subfolders: expected one subfolder of images for each class"):
        load_dataset(tmp_path)


# Where a camera that is held in one of eight ways puts the pixels of an upright image.
STORED_AS = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


def corners(high=32, wide=48):
    """An upright colour image whose quarters are all different."""
    upright = np.zeros((high, wide, 3), np.uint8)
    upright[: high // 2, : wide // 2] = 255, 0, 0
    upright[: high // 2, wide // 2 :] = 0, 255, 0
    upright[high // 2 :, : wide // 2] = 0, 0, 255
    return upright


def save_turned(path, upright, orientation, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(STORED_AS[orientation](upright))).save(path, exif=exif, **options)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".png", ".jpg", ".jfif", ".tif", ".webp", ".avif"])
def test_images_are_turned_upright_before_sizes_are_compared(tmp_path, ending, orientation):
    if ending not in pictures.image_suffixes():
        pytest.skip(f"this Pillow reads no {ending}")
    save(tmp_path / "house" / "a.png", corners())
    save_turned(tmp_path / "house" / f"b{ending}", corners(), orientation, quality=100)
    first, second = load_dataset(tmp_path).images.astype(int)
    assert abs(first - second).mean() < 10
    if ending in (".png", ".tif"):
        np.testing.assert_array_equal(first, second)
    scaled = load_dataset(tmp_path, resize=16).images.astype(int)
    assert abs(scaled[0] - scaled[1]).mean() < 10


def test_an_orientation_behind_the_pixels_of_a_png_is_applied(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(corners()[::-1, ::-1]).save(stream, "png")
    exif = Image.Exif()
    exif[0x0112] = 3
    data = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = (len(data) - 4).to_bytes(4, "big") + data + zlib.crc32(data).to_bytes(4, "big")
    (tmp_path / "house").mkdir()
    content = stream.getvalue()
    (tmp_path / "house" / "a.png").write_bytes(content[:-12] + chunk + content[-12:])
    np.testing.assert_array_equal(load_dataset(tmp_path).images[0], corners())


def test_colour_in_one_split_makes_both_colour(tmp_path):
    for split, pixels in (("train", ramp(1)), ("test", np.stack([ramp(1), ramp(50), ramp(90)], axis=-1))):
        save(tmp_path / split / "cat" / "a.png", pixels)
    train, test = load_dataset(tmp_path), load_dataset(tmp_path, "test")
    assert train.images.shape == test.images.shape == (1, 4, 6, 3)
    assert (train.images[0] == ramp(1)[..., None]).all()


def test_another_size_in_the_other_split_is_named(tmp_path):
    save(tmp_path / "train" / "cat" / "a.png", ramp(1))
    save(tmp_path / "train" / "cat" / "b.png", ramp(1))
    save(tmp_path / "test" / "cat" / "a.png", grey(1, (5, 6)))
    for split in ("train", "test"):
        with pytest.raises(ValueError, match=r"test.cat.a.png is 6x5 pixels .*, but 2 of the 3 images are 6x4"):
            load_dataset(tmp_path, split)


def test_different_sizes_are_scaled_to_fit_and_centred_on_black(tmp_path):
    save(tmp_path / "house" / "a.png", np.full((20, 40, 3), 200))
    save(tmp_path / "house" / "b.jpg", np.full((400, 100, 3), 200))
    images = load_dataset(tmp_path, resize=20).images
    assert images.shape == (2, 20, 20, 3)
    assert (images[0, 5:15] == 200).all() and not images[0, :5].any() and not images[0, 15:].any()
    assert (images[1, :, 7:12] == 200).all() and not images[1, :, :7].any() and not images[1, :, 12:].any()
    assert load_dataset(tmp_path, resize=(10, 30)).images.shape == (2, 10, 30, 3)


@pytest.mark.parametrize("ending", [".jfif", ".avif", ".jp2", ".tga", ".ico", ".qoi", ".PNG", ".jpe"])
def test_whatever_pillow_reads_is_read(tmp_path, ending):
    if ending not in pictures.image_suffixes() | {".PNG"}:
        pytest.skip(f"this Pillow reads no {ending}")
    try:
        save(tmp_path / "house" / f"a{ending}", corners(32, 32))
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {ending}")
    (image,) = load_dataset(tmp_path).images
    assert abs(image.astype(int) - corners(32, 32)).mean() < 12


def test_formats_that_start_programs_or_cannot_be_decoded_are_left_out(tmp_path):
    save(tmp_path / "house" / "a.png", ramp(1))
    (tmp_path / "house" / "b.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n")
    (tmp_path / "house" / "c.mpg").write_bytes(b"\0\0\1\xb3")
    with pytest.warns(DatasetWarning, match=r"2 not images that Pillow reads here: .eps, .mpg"):
        assert len(load_dataset(tmp_path).images) == 1
    (tmp_path / "house" / "b.eps").rename(tmp_path / "house" / "b.png")
    with pytest.raises(ValueError, match="b.png cannot be read as an image"):
        load_dataset(tmp_path)


def test_folders_within_a_class_belong_to_it(pets):
    save(pets / "cat" / "2020" / "b" / "c.png", grey(12))
    save(pets / "cat" / "2020" / "a.png", grey(11))
    dataset = load_dataset(pets)
    # As sorted by path: 2020/a.png, 2020/b/c.png, a.png, b.png.
    assert dataset.images[:, 0, 0, 0].tolist() == [11, 12, 10, 20, 30]
    assert dataset.labels.tolist() == [0, 0, 0, 0, 1]


def test_links_are_followed_but_not_in_circles(pets, tmp_path):
    save(tmp_path / "elsewhere" / "a.png", grey(77))
    (pets / "fish").symlink_to(tmp_path / "elsewhere")
    (pets / "cat" / "round").symlink_to(pets)
    dataset = load_dataset(pets)
    assert dataset.class_names == ("cat", "dog", "fish")
    assert dataset.images[:, 0, 0, 0].tolist() == [10, 20, 30, 77]
    (pets / "dog" / "z.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(ValueError, match="z.png cannot be read as an image .*No such file"):
        load_dataset(pets)


def test_what_is_no_file_at_all_is_not_opened(pets):
    os.mkfifo(pets / "cat" / "pipe.png")  # opening it would wait for ever
    assert len(load_dataset(pets).images) == 3


@pytest.mark.parametrize(
    ("train", "test"),
    [("Train", "Test"), ("TRAIN", "TEST"), ("training", "testing"), ("train", "val"), ("train", "valid")],
)
def test_other_names_of_the_splits_are_understood(tmp_path, train, test):
    for split, name, value in ((train, "cat", 1), (train, "dog", 2), (test, "dog", 3)):
        save(tmp_path / split / name / "a.png", ramp(value))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert load_dataset(tmp_path).images[:, 0, 0, 0].tolist() == [1, 2]
        assert load_dataset(tmp_path, "test").images[:, 0, 0, 0].tolist() == [3]
    notes = [str(warning.message) for warning in said]
    expected = [f"{tmp_path} has no folder 'test': {test!r} is the test split"] if test.startswith("val") else []
    assert notes == expected


def test_two_folders_for_one_split_are_refused(tmp_path):
    for split in ("train", "training", "test"):
        save(tmp_path / split / "cat" / "a.png", ramp(1))
    with pytest.raises(ValueError, match="two folders for one split, 'train' and 'training': expected FOLDER/CLASS"):
        load_dataset(tmp_path)


@pytest.mark.parametrize(
    "files",
    [
        ["train/a.png", "test/a.png"],
        ["train/a.png", "val/a.png"],
        ["Train/a.png", "Test/a.png", "docs/a.png"],
        ["train/a.png"],
        ["train/cat/a.png", "test/a.png"],
        ["train/a.png", "test/cat/a.png"],
    ],
)
def test_images_directly_in_the_splits_are_refused_with_the_layout(tmp_path, files):
    for file in files:
        save(tmp_path / file, ramp(1))
    with pytest.raises(
        ValueError, match="images directly in .*, without class folders: expected FOLDER/CLASS/IMAGE, or"
    ):
        load_dataset(tmp_path)


def test_a_folder_around_the_folder_is_refused_with_the_right_one(tmp_path):
    for name in ("cat", "dog"):
        save(tmp_path / "pets" / name / "a.png", ramp(1))
    with pytest.raises(
        ValueError, match=r"has one subfolder, which has subfolders itself.*Did you mean dataset='.*pets'"
    ):
        load_dataset(tmp_path)
    assert load_dataset(tmp_path / "pets").class_names == ("cat", "dog")


def test_a_folder_is_read_once_until_a_file_changes(pets, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        image_folder, "decode", lambda path, *rest: decoded.append(path) or pictures.decode(path, *rest)
    )
    first = load_dataset(pets)
    (pets / "notes.txt").write_text("says nothing about the images")
    parts = [load_dataset(pets), load_dataset(str(pets), "train[1:]")]
    assert len(decoded) == 3 and all(np.shares_memory(part.images, first.images) for part in parts)
    save(pets / "cat" / "a.png", grey(44))
    with pytest.warns(DatasetWarning, match="1 file was left out"):
        assert load_dataset(pets).images[:, 0, 0, 0].tolist() == [44, 20, 30]
    assert len(decoded) == 6
    (pets / "cat" / "b.png").unlink()
    assert load_dataset(pets).images[:, 0, 0, 0].tolist() == [44, 30]


def test_both_parts_of_a_folder_without_a_test_split_are_read_at_once(pets, monkeypatch):
    decoded = []
    monkeypatch.setattr(
        image_folder, "decode", lambda path, *rest: decoded.append(path) or pictures.decode(path, *rest)
    )
    with pytest.warns(DatasetWarning, match="pets' has no test split: 1 of the 3 images are held out"):
        train = load_dataset(pets, test_fraction=0.2)
    test = load_dataset(pets, "test", test_fraction=0.2)
    assert len(decoded) == 3
    assert sorted([*train.images[:, 0, 0, 0], *test.images[:, 0, 0, 0]]) == [10, 20, 30]
    assert train.class_names == test.class_names == ("cat", "dog")


def test_an_image_of_too_many_pixels_is_named_and_not_decoded(tmp_path):
    (tmp_path / "house").mkdir()
    bomb = tmp_path / "house" / "bomb.png"
    Image.new("1", (13_000, 13_000)).save(bomb)
    assert bomb.stat().st_size < 30_000
    with pytest.raises(ValueError, match="bomb.png has 169,000,000 pixels: expected at most max_pixels=67,108,864"):
        load_dataset(tmp_path, resize=28)


@pytest.mark.parametrize(("max_pixels", "allowed"), [(23, False), (24, True)])
def test_the_limit_on_pixels_is_an_option(pets, max_pixels, allowed):
    limit = Image.MAX_IMAGE_PIXELS
    if allowed:
        assert len(load_dataset(pets, max_pixels=max_pixels).images) == 3
    else:
        with pytest.raises(ValueError, match="cat.a.png has 24 pixels: expected at most max_pixels=23"):
            load_dataset(pets, max_pixels=max_pixels)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_the_limit_may_be_above_that_of_pillow(pets, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert len(load_dataset(pets).images) == 3


def test_all_images_together_have_a_limit_too(tmp_path):
    for number in range(65):
        save(tmp_path / "house" / f"{number}.png", ramp(1))
    with pytest.raises(
        ValueError, match=r"65 images of 6x4 .*1,560 pixels: expected at most 1,536 in all.*resize=SIDE"
    ):
        load_dataset(tmp_path, max_pixels=24)


@pytest.mark.parametrize("ending", [".png", ".jpg", ".gif", ".webp", ".tif", ".bmp", ".ico", ".jp2", ".tga"])
def test_damaged_files_are_named_in_one_line(tmp_path, ending):
    random = np.random.default_rng(0)
    path = tmp_path / "house" / f"a{ending}"
    save(path, corners())
    content = path.read_bytes()
    refused = 0
    for _ in range(40):
        damaged = bytearray(content[: random.integers(len(content))] if random.random() < 0.5 else content)
        for place in random.integers(len(damaged), size=5) if damaged else ():
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings(action="ignore"):
            try:
                load_dataset(tmp_path)
            except ValueError as error:
                assert f"a{ending}" in str(error) and "\n" not in str(error)
                refused += 1
    assert refused
