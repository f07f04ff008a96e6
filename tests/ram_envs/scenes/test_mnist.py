import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from ram_envs.scenes import mnist
from ram_envs.scenes.datasets import load_dataset
from tests.limits import HANG_S

from .conftest import small_mnist, write_idx

TRAIN_IMAGES = mnist.FILES["train"].images
NOWHERE = "http://127.0.0.1:9/"  # the port for discarding: nobody listens


@pytest.fixture
def mnist_files(request):
    """The real MNIST where RAM_ENVS_DATA names it, else small files in its place."""
    if not os.environ.get(mnist.DATA_VARIABLE):
        request.getfixturevalue("small_files")
    return mnist.FILES


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, in use because RAM_ENVS_DATA is not set."""
    monkeypatch.delenv(mnist.DATA_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(mnist, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path):
    """A web server on this machine: its address, the folder it serves, and the names it was asked for."""
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            requests.append(Path(self.path).name)

    folder = tmp_path / "mirror"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder, requests
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("split", ["train", "test"])
def test_both_splits_hold_what_the_files_hold(mnist_files, split):
    dataset = load_dataset("mnist", split)
    assert dataset.images.shape == (*mnist_files[split].images.shape, 1)
    assert dataset.images.dtype == np.uint8 and dataset.images.max() == 255 and dataset.images.min() == 0
    assert dataset.labels.dtype == np.int64 and set(dataset.labels) == set(range(10))
    assert dataset.class_names == tuple("0123456789") and dataset.num_classes == 10
    assert not dataset.images.flags.writeable and not dataset.labels.flags.writeable


def test_repeated_loading_shares_one_array(mnist_files):
    assert np.shares_memory(load_dataset("mnist").images, load_dataset("mnist", "train[:10]").images)


def test_plain_and_compressed_files_are_the_same_data(tmp_path, monkeypatch):
    loaded = []
    for compress in (True, False):
        folder = tmp_path / str(compress)
        monkeypatch.setattr(mnist, "FILES", small_mnist(folder / "mnist", compress))
        loaded.append(mnist.load_mnist("test", folder))
    np.testing.assert_array_equal(loaded[0][0], loaded[1][0])
    np.testing.assert_array_equal(loaded[0][1], loaded[1][1])


def test_a_data_folder_without_the_files_is_named_and_nothing_is_downloaded(tmp_path, monkeypatch, mirror):
    url, folder, requests = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    monkeypatch.setenv(mnist.DATA_VARIABLE, str(tmp_path / "elsewhere"))
    with pytest.raises(FileNotFoundError, match=r"RAM_ENVS_DATA=.*elsewhere.*no train-images-idx3.*RAM-Digits-v0"):
        load_dataset("mnist")
    assert not requests


def truncated_archive(path: Path) -> None:
    write_idx(path, np.random.default_rng(0).integers(256, size=(100, 28, 28)))
    path.write_bytes(path.read_bytes()[:-1000])


def damaged_archive(path: Path) -> None:
    write_idx(path, np.zeros((100, 28, 28)))
    content = bytearray(path.read_bytes())
    content[20:30] = b"\xff" * 10
    path.write_bytes(content)


def truncated_plain_file(path: Path) -> None:
    path.write_bytes(TRAIN_IMAGES.header + bytes(1000))


def longer_file(path: Path) -> None:
    path.write_bytes(gzip.compress(TRAIN_IMAGES.header + bytes(60_000 * 28 * 28 + 1), 1))


def web_page(path: Path) -> None:
    path.write_bytes(b"<html>404 Not Found</html>")


def labels_in_place_of_images(path: Path) -> None:
    write_idx(path, np.zeros(60_000))


def fewer_images(path: Path) -> None:
    write_idx(path, np.zeros((59_999, 28, 28)))


def other_images(path: Path) -> None:
    write_idx(path, np.zeros((60_000, 28, 28)))


@pytest.mark.parametrize(
    ("write", "found"),
    [
        (truncated_archive, "truncated or damaged gzip archive"),
        (damaged_archive, "truncated or damaged gzip archive"),
        (truncated_plain_file, "has 1,016 bytes instead of 47,040,016: it is truncated"),
        (longer_file, "has more than 47,040,016 bytes"),
        (web_page, "is not an IDX file of uint8 with 3 axes: it begins with b'<htm'"),
        (labels_in_place_of_images, "is not an IDX file of uint8 with 3 axes"),
        (fewer_images, r"holds an array of shape \(59999, 28, 28\) instead of \(60000, 28, 28\)"),
        (other_images, f"holds other data: .* instead of {TRAIN_IMAGES.sha256}"),
    ],
)
def test_a_file_that_is_not_mnist_is_refused_with_what_was_found(tmp_path, write, found):
    path = tmp_path / "mnist" / f"{TRAIN_IMAGES.name}.gz"
    path.parent.mkdir()
    write(path)
    with pytest.raises(ValueError, match=f"{path.name}.*{found}.*Expected train-images.*Delete the file"):
        mnist.read_idx(path, TRAIN_IMAGES)


def test_download_happens_once_and_leaves_nothing_else(cache, mirror, monkeypatch, capsys):
    url, folder, requests = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    first = mnist.load_mnist("train", None)
    second = mnist.load_mnist("train", None)
    np.testing.assert_array_equal(first[0], second[0])
    names = ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert requests == names
    assert sorted(path.name for path in cache.iterdir() if path.name != ".lock") == names
    assert "train-images-idx3-ubyte: 100%" in capsys.readouterr().err


def test_second_mirror_is_asked_when_the_first_is_down_or_has_other_data(cache, mirror, monkeypatch):
    url, folder, requests = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    write_idx(folder / "foreign" / "t10k-images-idx3-ubyte.gz", np.zeros((20, 28, 28)))
    monkeypatch.setattr(mnist, "MIRRORS", (NOWHERE, url + "foreign/", url))
    images, _ = mnist.load_mnist("test", None)
    assert images.shape == (20, 28, 28) and images.any()
    assert requests.count("t10k-images-idx3-ubyte.gz") == 2


def test_without_a_network_the_error_says_where_to_put_which_files(cache, monkeypatch):
    monkeypatch.setattr(mnist, "MIRRORS", (NOWHERE,))
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset("mnist", "test")
    lines = str(caught.value).splitlines()
    assert lines == [
        f"MNIST is not in {cache} and cannot be downloaded to it (127.0.0.1:9: no connection).",
        f"Download {{train,t10k}}-{{images-idx3,labels-idx1}}-ubyte.gz from {NOWHERE}",
        "and put them there, or into FOLDER/mnist and set RAM_ENVS_DATA=FOLDER.",
        "RAM-Digits-v0 needs no files and no network.",
    ]
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None
    assert not [path for path in cache.iterdir() if path.name != ".lock"]


def test_the_names_of_the_files_are_written_as_a_shell_expands_them():
    shell = ["bash", "-c", f"echo {mnist.ALL_FILES}"]
    names = subprocess.run(shell, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(names) == sorted(f"{file.name}.gz" for files in mnist.FILES.values() for file in files)


def test_what_a_mirror_answers_is_said_in_a_few_words(cache, mirror, monkeypatch):
    url, folder, _ = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    write_idx(folder / "other" / "train-images-idx3-ubyte.gz", np.zeros((30, 28, 28)))
    monkeypatch.setattr(mnist, "MIRRORS", (NOWHERE, url + "missing/", url + "other/"))
    with pytest.raises(FileNotFoundError) as caught:
        load_dataset("mnist")
    host = url.split("/")[2]
    reasons = f"(127.0.0.1:9: no connection; {host}: HTTP 404; {host}: holds other data)"
    assert str(caught.value).splitlines()[0].endswith(f"cannot be downloaded to it {reasons}.")


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o002, 0o664)])
def test_downloaded_files_have_the_permissions_of_the_umask(cache, mirror, monkeypatch, umask, mode):
    url, folder, _ = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    previous = os.umask(umask)
    try:
        mnist.load_mnist("train", None)
    finally:
        os.umask(previous)
    assert {path.name: path.stat().st_mode & 0o777 for path in cache.iterdir()} == {
        ".lock": mode,
        "train-images-idx3-ubyte.gz": mode,
        "train-labels-idx1-ubyte.gz": mode,
    }


def test_what_a_killed_process_left_is_removed_at_the_next_download(cache, mirror, monkeypatch):
    url, folder, _ = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    cache.mkdir()
    (cache / ".train-images-idx3-ubyte.gz.k2x9_abc").write_bytes(b"half")  # as version 0.1.0 called it
    (cache / ".t10k-labels-idx1-ubyte.gz.part").write_bytes(b"half")
    (cache / "notes.txt").write_text("the user's own")
    mnist.load_mnist("train", None)
    names = ["notes.txt", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]
    assert sorted(path.name for path in cache.iterdir() if path.name != ".lock") == names


def test_a_cache_folder_that_cannot_be_made_is_named(cache, monkeypatch):
    cache.write_text("a file where the folder should be")
    with pytest.raises(FileNotFoundError, match=r"(?s)is not in .*cache and cannot be downloaded.*RAM_ENVS_DATA"):
        load_dataset("mnist")


def test_four_processes_that_start_at_once_download_once_and_agree(cache, mirror, tmp_path):
    url, folder, requests = mirror
    table = small_mnist(folder)
    script = """
import json, sys
from pathlib import Path
from ram_envs.scenes import mnist
url, cache, table = json.loads(sys.argv[1])
mnist.MIRRORS = (url,)
mnist.cache_folder = lambda: Path(cache)
mnist.FILES = {
    split: mnist.SplitFiles(*(mnist.IdxFile(name, tuple(shape), sha256) for name, shape, sha256 in files))
    for split, files in table.items()
}
images, labels = mnist.load_mnist("train", None)
print(images.sum(), labels.sum())
"""
    arguments = [sys.executable, "-c", script, json.dumps([url, str(cache), table])]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(arguments, text=True, **pipes) for _ in range(4)]
    outputs = [process.communicate(timeout=HANG_S) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outputs
    assert len({output for output, _ in outputs}) == 1
    assert sorted(requests) == ["train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]


def test_an_archive_that_arrives_truncated_never_gets_the_name_of_the_file(cache, mirror, monkeypatch):
    url, folder, _ = mirror
    monkeypatch.setattr(mnist, "FILES", small_mnist(folder))
    monkeypatch.setattr(mnist, "MIRRORS", (url,))
    path = folder / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(FileNotFoundError, match="truncated or damaged gzip archive"):
        mnist.load_mnist("train", None)
    assert not [path for path in cache.iterdir() if path.name != ".lock"]
