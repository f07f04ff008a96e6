"""`ram` on images of a user: what is wrong with them is said in one line, with the remedy."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import agents.cli.list
from agents.cli import main
from agents.ram.checkpoint import load_checkpoint
from agents.training import trainer
from ram_envs.scenes import datasets

TINY = [
    *("train", "RAM-Images-v0", "--core-size=8", "--glimpse-hidden=8", "--location-hidden=8", "--glimpse-features=8"),
    *("--patch-size=4", "--num-glimpses=2", "--num-envs=4", "--epochs=1", "--device=cpu"),
]


@pytest.fixture(autouse=True)
def a_folder_and_a_new_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(datasets, "_SAID", set())


def picture(path, size=(12, 12), colour=(200, 40, 40), mode="RGB"):
    """Write a picture of one colour with a black corner."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, colour)
    image.paste((0, 0, 0), (0, 0, 3, 3))
    if mode == "I;16":
        image = image.convert("L")  # old versions of Pillow convert only this to 16 bits
    image.convert(mode).save(path)


def folder(name, classes=("cat", "dog"), count=5, splits=("",), **options):
    """Write a folder of pictures."""
    for split in splits:
        for number, label in enumerate(classes):
            for i in range(count):
                picture(Path(name, split, label, f"{i}.png"), colour=(200 - 50 * number, 40, 40 + i), **options)
    return name


def arrays(name="data.npz", images=None, labels=None, **more):
    """Write a .npz file of images and labels, good ones if not given."""
    good = np.random.default_rng(0).integers(0, 256, (10, 12, 12)).astype(np.uint8)
    images = good if images is None else images(good)
    np.savez(name, images=images, labels=np.arange(10) % 2 if labels is None else labels, **more)
    return name


def different_sizes():
    folder("data")
    picture(Path("data/cat/large.png"), (20, 16))


def no_class_folders():
    for split in ("train", "test"):
        picture(Path("data", split, "0.png"))


def class_without_images():
    folder("data")
    Path("data/empty").mkdir()


def unknown_test_class():
    folder("data", ("cat",), splits=("train",))
    folder("data", ("bird",), splits=("test",))


def damaged_image():
    folder("data")
    Path("data/cat/broken.jpg").write_bytes(b"no image")


def archive():
    Path("data").write_bytes(b"PK")


def empty_folder():
    Path("data").mkdir()


def two_idx_datasets():
    Path("data").mkdir()
    for name in ("emnist-letters", "emnist-digits"):
        for content in ("images-idx3", "labels-idx1"):
            Path("data", f"{name}-train-{content}-ubyte").write_bytes(b"")


def damaged_idx():
    Path("data").mkdir()
    for content in ("images-idx3", "labels-idx1"):
        Path("data", f"train-{content}-ubyte").write_bytes(bytes(20))


WRONG = {
    "nothing given": (
        lambda: None,
        [],
        "dataset is missing: pass the images as dataset=... (on the command line --data",
    ),
    "misspelt name": (lambda: None, ["--dataset=digit"], "Did you mean 'digits'?"),
    "no such folder": (lambda: None, ["--dataset=./data/pets"], "Check the path."),
    "another file": (archive, ["--dataset=data"], "is a file: expected a folder or a .npz file. Unpack archives first"),
    "empty folder": (empty_folder, ["--dataset=data"], "has no subfolders: expected one subfolder of images for each"),
    "folder too high": (lambda: folder("data/pets"), ["--dataset=data"], "Did you mean dataset="),
    "different sizes": (different_sizes, ["--dataset=data"], "--resize SIDE"),
    "no class folders": (no_class_folders, ["--dataset=data"], "without class folders: expected FOLDER/CLASS/IMAGE"),
    "class without images": (class_without_images, ["--dataset=data"], "Add images or remove the folder"),
    "unknown test class": (unknown_test_class, ["--dataset=data"], "has the classes 'bird', which"),
    "damaged image": (damaged_image, ["--dataset=data"], "broken.jpg cannot be read as an image"),
    "16 bits": (lambda: folder("data", mode="I;16"), ["--dataset=data"], "16 bits with >> 8"),
    "large image": (lambda: folder("data"), ["--dataset=data", "--max-pixels=100"], "--max-pixels"),
    "one image a class": (lambda: folder("data", count=1), ["--dataset=data"], "expected at least two, to hold out a"),
    "all black": (lambda: arrays(images=np.zeros_like), ["--dataset=data.npz"], "every pixel of the train images is 0"),
    "damaged .npz": (
        lambda: Path("data.npz").write_bytes(b"PK"),
        ["--dataset=data.npz"],
        "Write it again with np.savez",
    ),
    "other arrays": (lambda: np.savez("data.npz", a=np.zeros(3)), ["--dataset=data.npz"], "holds the arrays 'a': "),
    "bool": (lambda: arrays(images=lambda x: x > 127), ["--dataset=data.npz"], "images.astype(np.uint8) * 255"),
    "uint16": (
        lambda: arrays(images=lambda x: x.astype(np.uint16) << 8),
        ["--dataset=data.npz"],
        "(images >> 8).astype(np.uint8)",
    ),
    "floats": (lambda: arrays(images=lambda x: x / 255), ["--dataset=data.npz"], "np.rint(images * 255)"),
    "normalised": (lambda: arrays(images=lambda x: x / 64 - 2), ["--dataset=data.npz"], "undo the normalisation first"),
    "rows": (
        lambda: arrays(images=lambda x: x.reshape(10, -1)),
        ["--dataset=data.npz"],
        "images.reshape(-1, 12, 12)",
    ),
    "one-hot": (lambda: arrays(labels=np.eye(10, dtype=int)), ["--dataset=data.npz"], "labels.argmax(axis=1)"),
    "text labels": (lambda: arrays(labels=np.array(["a", "b"] * 5)), ["--dataset=data.npz"], "np.unique(labels"),
    "several IDX": (two_idx_datasets, ["--dataset=data"], "holds the IDX files of several datasets"),
    "damaged IDX": (damaged_idx, ["--dataset=data"], "expected an IDX file of uint8"),
    "resize": (lambda: folder("data"), ["--dataset=data", "--resize=0"], "resize=0 is not valid: expected a side"),
    "resize is text": (lambda: None, ["--resize=big"], "--resize: expected an integer or 2 integers, got 'big'"),
    "three sides": (lambda: None, ["--resize", "1", "2", "3"], "expected an integer or 2 integers, got '1,2,3'"),
    "test fraction": (
        lambda: folder("data"),
        ["--dataset=data", "--test-fraction=20"],
        "test_fraction=20.0 is not valid",
    ),
    "split": (lambda: folder("data"), ["--dataset=data", "--split=val"], "split='val' is not valid"),
    "part of a split": (
        lambda: folder("data"),
        ["--dataset=data", "--test-fraction=0", "--split=train[:-50]"],
        "has 10 images",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_images_are_explained_in_one_line(refused, name):
    prepare, options, message = WRONG[name]
    prepare()
    assert message in refused("train", "RAM-Images-v0", *options)
    assert not list(Path().glob("runs/*"))


@pytest.fixture
def run():
    """A run folder: an agent for cats and dogs in colour, trained on the folder "data"."""
    folder("data")
    assert main([*TINY, "--dataset=data", "--out=run"]) == 0
    return "run"


def moved():
    Path("data").rename("elsewhere")


def renamed_classes():
    folder("other", ("chat", "chien"))


def fewer_classes():
    folder("other", ("cat",))


def grey_images():
    folder("other", mode="L")


def other_sizes():
    folder("other", size=(12, 12))
    picture(Path("other/cat/large.png"), (20, 16))


def no_test_split():
    folder("other", splits=("train",))


UNFIT = {
    "moved": (moved, [], "If the images have moved, pass the new path (on the command line --dataset PATH)"),
    "renamed classes": (
        renamed_classes,
        ["--dataset=other"],
        "trained to answer 'cat', 'dog' (2); here the answers are 'chat', 'chien' (2)",
    ),
    "fewer classes": (fewer_classes, ["--dataset=other"], "here the answers are 'cat' (1)"),
    "grey images": (
        grey_images,
        ["--dataset=other"],
        "trained on colour images and these are in grey: convert them to",
    ),
    "other sizes": (other_sizes, ["--dataset=other"], "--resize SIDE"),
    "wrong split": (lambda: None, ["--split=val"], "split='val' is not valid"),
}


@pytest.mark.parametrize("command", [["evaluate", "run"], ["watch", "run", "--video=out.gif"]])
@pytest.mark.parametrize("name", UNFIT)
def test_images_that_do_not_fit_an_agent_are_explained_in_one_line(run, capsys, command, name):
    prepare, options, message = UNFIT[name]
    prepare()
    capsys.readouterr()
    assert main([*command, *options]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if ": warning: " not in line]
    assert line.startswith(f"ram {command[0]}: ") and message in line


def test_images_that_have_moved_are_evaluated_watched_and_resumed_with(run, capsys):
    Path("data").rename("elsewhere")
    assert main(["evaluate", run, "--dataset=elsewhere"]) == 0
    assert "2 episodes" in capsys.readouterr().out
    assert main(["watch", run, "--dataset=elsewhere", "--video=out.gif", "--episodes=1"]) == 0
    assert Path("out.gif").read_bytes().startswith(b"GIF89a")
    assert main(["train", "--resume", run, "--dataset=elsewhere", "--device=cpu"]) == 0
    assert load_checkpoint(run).env_settings["dataset"] == str(Path("elsewhere").resolve())


def test_a_run_on_moved_images_is_not_resumed_without_them(run, refused):
    Path("data").rename("elsewhere")
    assert "--dataset PATH" in refused("train", "--resume", run)
    folder("other", ("chat", "chien"))
    assert main(["train", "--resume", run, "--dataset=other"]) == 2


@pytest.mark.filterwarnings("default::ram_envs.scenes.datasets.DatasetWarning")
def test_what_happened_to_the_images_is_said_in_plain_lines(capsys):
    folder("data")
    Path("data/read.me").write_text("")
    capsys.readouterr()
    assert main([*TINY, "--dataset=data", "--out=run"]) == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "data" in line]
    data = Path("data").resolve()
    assert warned == [
        f"ram train: warning: {data}: 1 file was left out (1 not images that Pillow reads here: .me)",
        f"ram train: warning: dataset={str(data)!r} has no test split: 2 of the 10 images are held out as one "
        "(20 % of each class, chosen at random with a fixed seed)",
    ]


def test_warnings_of_other_packages_stay_as_they_are(capsys, monkeypatch):
    monkeypatch.setattr(
        agents.cli.list, "run", lambda arguments: warnings.warn("old", FutureWarning, stacklevel=1) or 0
    )
    with pytest.warns(FutureWarning, match="old"):
        assert main(["list"]) == 0
    assert "ram list: " not in capsys.readouterr().err


def write_idx(name, array):
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    Path("idx").mkdir(exist_ok=True)
    Path("idx", name).write_bytes(header + array.astype(np.uint8).tobytes())


def test_idx_and_npz_files_train_and_evaluate(capsys):
    images, labels = np.random.default_rng(0).integers(0, 256, (10, 12, 12)), np.arange(10) % 2
    for split in ("train", "t10k"):
        write_idx(f"{split}-images-idx3-ubyte", images)
        write_idx(f"{split}-labels-idx1-ubyte", labels)
    assert main([*TINY, "--dataset=idx", "--out=run"]) == 0
    np.savez("data.npz", images=images.astype(np.uint8), labels=labels)
    assert main(["evaluate", "run", "--dataset=data.npz"]) == 0
    assert "2 episodes" in capsys.readouterr().out  # the held-out fifth of the ten


def test_grey_agents_refuse_colour(refused):
    folder("grey", mode="L")
    assert main([*TINY, "--dataset=grey", "--out=run"]) == 0
    folder("colour", splits=("train", "test"))
    message = "trained on grey images and these are in colour: convert them to grey"
    assert message in refused("evaluate", "run", "--dataset=colour")


def test_images_without_a_test_split_train_and_say_how_to_hold_one_out(refused, capsys):
    folder("data")
    assert main([*TINY, "--dataset=data", "--test-fraction=0", "--out=run"]) == 0
    assert "not evaluated: " in capsys.readouterr().out
    assert "--test-fraction 0.2" in refused("evaluate", "run")
    assert main(["evaluate", "run", "--split=train"]) == 0


def test_two_sides_are_height_and_width(capsys):
    folder("data")
    assert main([*TINY, "--resize", "10", "14", "--dataset=data", "--out=run"]) == 0
    assert load_checkpoint("run").env_settings["resize"] == [10, 14]


def test_play_asks_for_images_too(refused):
    assert "--dataset PATH" in refused("play", "RAM-Images-v0")


def test_a_game_takes_no_dataset(refused):
    assert "shows no images: leave it out" in refused("evaluate", "pretrained:RAM-CatchGame-v0", "--dataset=digits")


def test_any_environment_adapts_its_preset_to_few_images(monkeypatch, capsys):
    """A folder of 180 images was trained to chance, since the preset of MNIST shows 1,024 of them at once."""
    trained = []
    monkeypatch.setattr(trainer, "train", lambda env_id, settings, *rest, **more: trained.append(settings) or 1 / 0)
    folder("data")
    with pytest.raises(ZeroDivisionError):
        main(["train", "RAM-MNIST-v0", "--dataset=data", "--epochs=7"])
    assert (trained[0].num_envs, trained[0].epochs) == (64, 7)
    line = "10 training images are fewer than the preset is for: using --num-envs 64 --epochs 7 (2 updates)"
    assert line in capsys.readouterr().out
