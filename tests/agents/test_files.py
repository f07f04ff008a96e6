"""Files, locks and temporary folders: atomic, exclusive, and cleaned up after a kill."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agents import files, locks
from agents.errors import RAMError
from agents.files import fresh_folder, remove_part_files, set_aside, write_atomically
from agents.locks import FolderLock, TemporaryFolder, remove_abandoned_folders
from agents.untrusted import one_line, parse_json, read_limited, shown

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 and flock are Unix's")
HOLDERS = {
    "folder": "from agents.locks import FolderLock\nlock = FolderLock(Path('.'))\nassert lock.acquire()",
    "part": (
        "import os\nfrom agents.files import write_atomically\n"
        "os.fsync = lambda _: (print('ready', flush=True), time.sleep(600))\nwrite_atomically(Path('file'), b'new')"
    ),
    "temporary": (
        "from agents.locks import TemporaryFolder\nfolder = TemporaryFolder('ram-test-')\n"
        "(folder.path / 'file').touch()"
    ),
}


@pytest.fixture
def holder(tmp_path, monkeypatch):
    """Start a process that holds something, in ``tmp_path``, until it is killed."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    started = []

    def start(kind):
        code = f"import time\nfrom pathlib import Path\n{HOLDERS[kind]}\nprint('ready', flush=True)\ntime.sleep(600)"
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in started:
        kill(process)
        process.stdout.close()


def kill(process):
    process.kill()
    process.wait()


def test_a_folder_has_one_holder_and_a_kill_frees_it(holder, tmp_path):
    process, lock = holder("folder"), FolderLock(tmp_path)
    assert not lock.acquire() and not lock.acquire()
    kill(process)
    assert lock.acquire()
    other = FolderLock(tmp_path)
    assert not other.acquire()
    lock.release()
    assert other.acquire()
    other.release()


def test_a_lock_notices_that_its_folder_is_another(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    lock = FolderLock(folder)
    assert lock.acquire() and not lock.lost()
    folder.rename(tmp_path / "elsewhere")
    assert lock.lost()
    folder.mkdir()
    other = FolderLock(folder)
    assert other.acquire() and lock.lost() and not other.lost()
    lock.release()
    other.release()


def test_what_is_not_a_folder_cannot_be_locked(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        FolderLock(tmp_path / "file").acquire()


def test_part_files_are_deleted_once_their_writer_is_dead(holder, tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    process = holder("part")
    [part] = tmp_path.glob("*.part")
    remove_part_files(tmp_path)
    assert part.exists()
    kill(process)
    remove_part_files(tmp_path)
    assert not part.exists() and (tmp_path / "file").read_bytes() == b"old"


def test_temporary_folders_are_deleted_once_their_process_is_dead(holder, tmp_path):
    process, mine = holder("temporary"), TemporaryFolder("ram-test-")
    (tmp_path / "ram-test-of-an-older-version").mkdir()
    remove_abandoned_folders("ram-test-")
    assert len([path for path in tmp_path.glob("ram-test-*") if path.is_dir()]) == 3
    kill(process)
    remove_abandoned_folders("ram-test-")
    assert {path.name for path in tmp_path.glob("ram-test-*")} == {
        mine.path.name,
        f"{mine.path.name}{locks.LOCK}",
        "ram-test-of-an-older-version",  # without a lock nobody knows whose it is
    }
    mine.remove()
    assert [path.name for path in tmp_path.glob("ram-test-*")] == ["ram-test-of-an-older-version"]


def test_links_of_others_are_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious/file").touch()
    (tmp_path / "ram-test-x").symlink_to(tmp_path / "precious")
    (tmp_path / "ram-test-x.lock").touch()
    remove_abandoned_folders("ram-test-")
    assert (tmp_path / "precious/file").exists()


def test_fresh_folders_are_never_shared(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: fresh_folder(tmp_path / "runs", "catch"), range(8)))
    assert sorted(folder.name for folder in folders) == ["catch", *(f"catch-{number}" for number in range(2, 9))]
    assert all(folder.is_dir() for folder in folders)
    (tmp_path / "runs/file").touch()
    assert fresh_folder(tmp_path / "runs", "file").name == "file-2"


def test_what_is_set_aside_never_overwrites(tmp_path):
    file = tmp_path / "file.csv"
    for number, content in enumerate("abc", 1):
        file.write_text(content)
        kept = set_aside(file, copy=number == 3)
        assert kept.name == ("file.csv.damaged" if number == 1 else f"file.csv.damaged-{number}")
        assert kept.read_text() == content and file.exists() == (number == 3)
    assert (tmp_path / "file.csv.damaged").read_text() == "a"


def test_a_write_that_fails_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    file = tmp_path / "folder/file"
    write_atomically(file, b"old")

    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old" and list(file.parent.iterdir()) == [file]


def test_json_is_bounded():
    assert parse_json('{"a": [1, "[[[[", "\\"[["]}') == {"a": [1, "[[[[", '"[[']}
    assert parse_json("[" * 32 + "]" * 32)
    for text in ("[" * 33 + "]" * 33, '{"a":' * 10**5, '["' + '\\"' * 10**6, '"', "[\\", "", "1" * 5000):
        with pytest.raises(ValueError):
            parse_json(text)


def test_files_are_bounded(tmp_path):
    (tmp_path / "file").write_bytes(b"12345")
    assert read_limited(tmp_path / "file", 5) == b"12345"
    with pytest.raises(ValueError, match="larger than 4 bytes"):
        read_limited(tmp_path / "file", 4)


def test_messages_are_short_lines():
    deep = {"a": [{"b": ["x\ny" * 1000] * 100}] * 100}
    for value in ("a\nb", deep, 10**4000, 10**5000, "\udcff" * 1000, {"\n": 1}):
        assert len(shown(value)) <= 510 and "\n" not in shown(value)
    assert one_line("a\n\tb\x85c") == "a b c"
    assert len(one_line("x " * 10_000)) == 503


def test_every_error_of_the_package_has_one_base():
    from agents.benchmark.items import PlanError
    from agents.experiments.files import ResultError
    from agents.ram.checkpoint import CheckpointError
    from agents.training.run import TrainingError

    for error, other in (
        (CheckpointError, ValueError),
        (TrainingError, RuntimeError),
        (PlanError, ValueError),
        (ResultError, ValueError),
    ):
        assert issubclass(error, RAMError) and issubclass(error, other)


@pytest.mark.parametrize("holds_the_lock", [False, True])
def test_a_part_file_that_a_cleaner_has_found_is_written_again(tmp_path, monkeypatch, holds_the_lock):
    lock, calls = files._lock, []

    def late(file):
        calls.append(file.name)
        if len(calls) == 1:
            Path(file.name).unlink()
            if holds_the_lock:
                raise BlockingIOError
        lock(file)

    monkeypatch.setattr(files, "_lock", late)
    write_atomically(tmp_path / "file", b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"] and len(calls) == 2
    assert (tmp_path / "file").read_bytes() == b"new"


def test_threads_may_write_the_same_file(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: write_atomically(tmp_path / "file", b"%d" % number), range(40)))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_device_is_written_to_and_not_replaced():
    reader, writer = os.openpty()
    try:
        write_atomically(Path(os.ttyname(writer)), b"new")
        assert os.read(reader, 3) == b"new" and Path(os.ttyname(writer)).is_char_device()
    finally:
        os.close(reader)
        os.close(writer)
