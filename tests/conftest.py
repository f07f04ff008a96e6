"""What every test may use: small images, so that no test needs a network or a data set."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest

# What runs in the background may have been told to ignore Ctrl-C, and would hand that on to the programs under test.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: two threads of tiny products wait for each other
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")


@pytest.fixture(scope="session")
def tiny_images() -> tuple[np.ndarray, np.ndarray]:
    """40 images of random pixels of the size of MNIST's, uint8 (40, 28, 28), and labels 0 to 9, int64 (40,)."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (40, 28, 28)).astype(np.uint8)
    return images, np.arange(40) % 10
