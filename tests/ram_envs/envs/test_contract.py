import numpy as np

from ram_envs.testing import TaskContract

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28)).astype(np.uint8)
DATASET = (IMAGES, np.arange(40) % 10)


class TestCatch(TaskContract):
    id = "RAM-CatchGame-v0"
    settings = {"screen_size": 7, "patch_size": 3, "num_scales": 2}


class TestHearing(TaskContract):
    """A further sense beside the glimpse."""

    id = "RAM-CatchGame-v0"
    settings = {"screen_size": 7, "patch_size": 3, "num_scales": 2, "hearing": True, "hidden_rows": (0, 3)}


class TestCentred(TaskContract):
    id = "RAM-MNIST-v0"
    settings = {"dataset": DATASET, "num_glimpses": 3}


class TestCluttered(TaskContract):
    id = "RAM-ClutteredMNIST-v0"
    settings = {"dataset": DATASET, "num_glimpses": 4, "image_size": 40}


class TestPairs(TaskContract):
    id = "RAM-MNISTPairs-v0"
    settings = {"dataset": DATASET, "image_size": 50, "num_clutter": 2, "sensor": "zoom", "num_scales": 2}


class TestAddition(TaskContract):
    id = "RAM-MNISTAddition-v0"
    settings = {"dataset": DATASET, "image_size": 50}


class TestSequence(TaskContract):
    id = "RAM-MNISTSequence-v0"
    settings = {"dataset": (IMAGES, np.arange(40) % 2), "scene_size": (30, 70), "max_objects": 2, "num_clutter": 2}


class TestSequenceThroughZoom(TaskContract):
    id = "RAM-MNISTSequence-v0"
    settings = {
        **TestSequence.settings,
        "glimpses_per_object": 1,
        "end_reward": 0.5,
        "sensor": "zoom",
        "num_scales": 2,
        "patch_size": 4,
    }


class TestLearnedStop(TaskContract):
    """Rows end at different steps, some at the last one."""

    id = "RAM-MNIST-v0"
    settings = {"dataset": (IMAGES, np.arange(40) % 2), "num_glimpses": 4, "stop": "learned", "glimpse_cost": 0.25}


class TestDigits(TaskContract):
    id = "RAM-Digits-v0"


class TestCatchThroughZoom(TaskContract):
    id = "RAM-CatchGame-v0"
    settings = {"screen_size": 7, "patch_size": 3, "num_scales": 1, "sensor": "zoom"}


class TestClutterThroughZoom(TaskContract):
    id = "RAM-ClutteredMNIST-v0"
    settings = {"dataset": DATASET, "num_glimpses": 4, "image_size": 40, "sensor": "zoom", "num_scales": 2}


class TestColour(TaskContract):
    id = "RAM-MNIST-v0"
    settings = {"dataset": (np.stack([IMAGES, 255 - IMAGES, IMAGES // 2], axis=-1), np.arange(40) % 10)}


class TestTexture(TaskContract):
    """Tinted images on a texture whose squares do not fit into the scene."""

    id = "RAM-ColourMNIST-v0"
    settings = {"dataset": DATASET, "image_size": 33, "texture": 7, "num_glimpses": 3, "num_clutter": 1}


class TestImages(TaskContract):
    """Resized, and with part of the images held out."""

    id = "RAM-Images-v0"
    settings = {"dataset": (IMAGES, np.arange(40) % 4), "resize": (20, 24), "patch_size": 4}
