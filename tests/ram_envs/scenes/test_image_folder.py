import numpy as np
import pytest
from PIL import Image

from ram_envs.scenes.datasets import load_dataset


def save(path, array, mode=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(array, np.uint8))
    (image.convert(mode) if mode else image).save(path)


def grey(value, size=(4, 6)):
    return np.full(size, value, np.uint8)


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


def test_what_is_hidden_or_no_image_is_passed_over(pets):
    (pets / ".cache").mkdir()
    (pets / "README.txt").write_text("my pets")
    (pets / "cat" / "notes.txt").write_text("both tabby")
    (pets / "cat" / "._a.png").write_bytes(b"left by a file manager")
    dataset = load_dataset(pets)
    assert len(dataset.images) == 3 and dataset.class_names == ("cat", "dog")


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("LA", 1), ("P", 3), ("RGB", 3), ("RGBA", 3)])
def test_every_8_bit_mode_is_read(tmp_path, mode, channels):
    save(tmp_path / "only" / "a.png", np.full((4, 6, 3), 255, np.uint8), mode)
    images = load_dataset(tmp_path).images
    assert images.shape == (1, 4, 6, channels) and (images == 255).all()


def test_transparent_parts_become_black(tmp_path):
    pixels = np.full((4, 6, 4), 255, np.uint8)
    pixels[:, :3, 3] = 0
    save(tmp_path / "only" / "a.png", pixels)
    images = load_dataset(tmp_path).images
    assert (images[:, :, :3] == 0).all() and (images[:, :, 3:] == 255).all()


def test_train_and_test_may_lie_above_the_classes(tmp_path):
    for split, name, value in (("train", "cat", 1), ("train", "dog", 2), ("test", "dog", 3), ("val", "dog", 4)):
        save(tmp_path / split / name / "a.png", grey(value))
    train, test = load_dataset(tmp_path), load_dataset(tmp_path, "test")
    assert train.images[:, 0, 0, 0].tolist() == [1, 2] and train.labels.tolist() == [0, 1]
    assert test.images[:, 0, 0, 0].tolist() == [3] and test.labels.tolist() == [1]
    assert train.class_names == test.class_names == ("cat", "dog")


def test_a_class_may_be_called_train(tmp_path):
    save(tmp_path / "train" / "a.png", grey(1))
    save(tmp_path / "bus" / "a.png", grey(2))
    assert load_dataset(tmp_path).class_names == ("bus", "train")


def test_a_missing_test_folder_is_named(pets):
    with pytest.raises(ValueError, match=r"pets' has no split 'test', only 'train': expected a folder 'test' in it"):
        load_dataset(pets, "test")


def test_a_class_that_only_the_test_split_has_is_named(tmp_path):
    save(tmp_path / "train" / "dog" / "a.png", grey(1))
    save(tmp_path / "test" / "dgo" / "a.png", grey(1))
    for split in ("train", "test"):
        with pytest.raises(ValueError, match="has the classes 'dgo', which .*train lacks"):
            load_dataset(tmp_path, split)


def test_the_image_of_another_size_is_named(pets):
    save(pets / "cat" / "a.png", grey(0, size=(5, 6)))
    with pytest.raises(ValueError, match=r"cat.a.png is 6x5 pixels .*, but 2 of the 3 images are 6x4"):
        load_dataset(pets)


def test_16_bit_images_are_refused(tmp_path):
    (tmp_path / "only").mkdir()
    Image.fromarray(np.full((4, 6), 40_000, np.uint16)).save(tmp_path / "only" / "a.png")
    with pytest.raises(ValueError, match=r"a.png has pixels of mode 'I;16.*': expected grey or colour of 8 bits"):
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
    with pytest.raises(ValueError, match=r"fish holds no image: expected files that end in .png"):
        load_dataset(pets)


def test_a_folder_without_classes_is_named(tmp_path):
    save(tmp_path / "a.png", grey(0))
    with pytest.raises(ValueError, match="has no subfolders: expected one subfolder of images for each class"):
        load_dataset(tmp_path)
