"""The queue: each job is done once, by one process, and a lock dies with the process that holds it."""

import multiprocessing
import time
from collections import namedtuple

from agents.experiments.queue import Queue, lock
from agents.locks import acquire

Job = namedtuple("Job", "name")
A, B, C = Job("a"), Job("b/c"), Job("d")


def test_jobs_without_a_result_come_one_after_the_other(tmp_path):
    done = {"a"}
    queue = Queue([A, B, C], lambda job: job.name in done, [tmp_path])
    assert len(queue) == 2
    for job in queue:
        assert not acquire(lock(tmp_path, job.name))
        done.add(job.name)
    assert done == {"a", "b/c", "d"} and queue.left == [] and len(queue) == 0
    for job in (A, B, C):
        assert acquire(released := lock(tmp_path, job.name))
        released.release()


def test_a_job_that_another_queue_holds_is_left_to_it(tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    first = Queue([A, B], lambda job: False, [shared])
    assert first.take() == A
    second = Queue([A, B], lambda job: False, [own, shared])
    assert list(second) == [B] and second.left == [A]
    first.release(A)
    assert list(Queue([A], lambda job: False, [own, shared])) == [A]


def test_a_job_that_was_completed_meanwhile_is_not_done_again(tmp_path):
    done = set()
    queue = Queue([A, B], lambda job: job.name in done, [tmp_path])
    done.add("a")
    assert list(queue) == [B] and queue.left == []


def test_the_same_folder_twice_is_locked_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert list(Queue([A], lambda job: False, [tmp_path, tmp_path / "x" / ".."])) == [A]


def hold(folder, held):
    with lock(folder, "a"):
        held.set()
        time.sleep(60)


def test_a_process_that_dies_frees_its_job(tmp_path):
    context = multiprocessing.get_context("spawn")
    held = context.Event()
    other = context.Process(target=hold, args=(tmp_path, held))
    other.start()
    assert held.wait(60)
    assert list(Queue([A], lambda job: False, [tmp_path])) == []
    other.kill()
    other.join()
    assert list(Queue([A], lambda job: False, [tmp_path])) == [A]
    assert (tmp_path / ".locks" / ".gitignore").read_text() == "*\n"
