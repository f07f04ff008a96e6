import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from ram_envs.scenes import datasets, mnist, registry


@pytest.fixture(autouse=True)
def a_new_process(monkeypatch):
    """Let every test say its warnings, and register datasets of its own."""
    monkeypatch.setattr(datasets, "_SAID", set())
    monkeypatch.setattr(registry, "_REGISTRY", dict(registry._REGISTRY))


def write_idx(path: Path, array: np.ndarray, compress: bool = True) -> None:
    """Write ``array`` as an IDX file of uint8."""
    content = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if compress else content)


def small_mnist(folder: Path, compress: bool = True) -> dict[str, mnist.SplitFiles]:
    """Write 30 training and 20 test images into ``folder``; return the table that describes them."""
    rng = np.random.default_rng(0)
    table = {}
    for split, count in (("train", 30), ("test", 20)):
        images = rng.integers(256, size=(count, 28, 28), dtype=np.uint8)
        files = []
        for file, array in zip(mnist.FILES[split], (images, np.arange(count) % 10), strict=True):
            path = folder / (f"{file.name}.gz" if compress else file.name)
            write_idx(path, array, compress)
            content = gzip.decompress(path.read_bytes()) if compress else path.read_bytes()
            files.append(mnist.IdxFile(file.name, array.shape, hashlib.sha256(content).hexdigest()))
        table[split] = mnist.SplitFiles(*files)
    return table


@pytest.fixture
def small_files(tmp_path, monkeypatch):
    """A data folder that holds small files in MNIST's place, which alone are accepted as MNIST; returns the folder."""
    monkeypatch.setattr(mnist, "FILES", small_mnist(tmp_path / "data" / "mnist"))
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tmp_path / "data"))
    return tmp_path / "data"
