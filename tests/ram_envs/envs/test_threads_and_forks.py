"""Environments in several threads, each its own, and in processes forked after use."""

import multiprocessing
import sys
import threading

import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs
from tests.limits import HANG_S

TASKS = {
    "catch": ("RAM-CatchGame-v0", {"screen_size": 8, "patch_size": 3, "num_scales": 2}),
    "zoom": ("RAM-CatchGame-v0", {"screen_size": 8, "patch_size": 3, "num_scales": 2, "sensor": "zoom"}),
    "digits": ("RAM-Digits-v0", {"image_size": 12, "num_clutter": 2, "clutter_size": 3}),
}
INTERFACES = ("single", "vector", "tensor")
STEPS = 40


def play(task, interface, seed):
    """Every glimpse, location and reward of some steps, as bytes."""
    env_id, settings = TASKS[task]
    if interface == "single":
        env = gym.make(env_id, observation_format="flat", **settings)
    elif interface == "vector":
        env = gym.make_vec(env_id, 3, observation_format="flat", **settings)
    else:
        env = ram_envs.make_tensor(env_id, 3, observation_format="flat", **settings)
    env.action_space.seed(seed)
    seen = [env.reset(seed=seed)[0]]
    for _ in range(STEPS):
        action = env.action_space.sample()
        observation, reward, terminated, *_ = env.step(torch.from_numpy(action) if interface == "tensor" else action)
        seen += [observation, reward]
        if interface == "single" and terminated:
            seen.append(env.reset()[0])
        if interface == "tensor" and terminated.any():
            seen.append(env.reset(options={"reset_mask": terminated})[0])
    return b"".join(np.asarray(value).tobytes() for value in seen)


@pytest.fixture(scope="module")
def alone():
    """What each of some games is in this thread alone; the kernels are compiled by it."""
    return {key: play(*key) for key in [(task, interface, 5) for task in TASKS for interface in INTERFACES]}


@pytest.mark.parametrize("interface", INTERFACES)
def test_threads_step_environments_of_their_own_at_the_same_time(alone, interface):
    jobs = [(task, interface, 5) for task in TASKS for _ in range(3)]
    found, barrier = {}, threading.Barrier(len(jobs))

    def work(number, job):
        barrier.wait()
        found[number] = play(*job)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # threads take turns within a step
    try:
        threads = [threading.Thread(target=work, args=pair) for pair in enumerate(jobs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(HANG_S)
    finally:
        sys.setswitchinterval(interval)
    assert [found[number] == alone[job] for number, job in enumerate(jobs)] == [True] * len(jobs)


def test_threads_make_environments_and_load_their_images_at_the_same_time(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 6, 6)).astype(np.uint8)
    np.savez(tmp_path / "images.npz", images=images, labels=np.arange(20) % 4)
    found, barrier = [], threading.Barrier(8)

    def work():
        barrier.wait()
        env = gym.make("RAM-Images-v0", dataset=tmp_path / "images.npz", patch_size=2, test_fraction=0.0)
        found.append(env.reset(seed=3)[0]["glimpse"].tobytes())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert len(found) == 8 and len(set(found)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_process_that_is_forked_after_use_goes_on_as_its_parent(alone):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work():
        sender.send({key: play(*key) for key in alone})

    process = context.Process(target=work)
    process.start()
    assert receiver.poll(HANG_S)
    assert receiver.recv() == alone
    process.join(HANG_S)
    assert process.exitcode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_environments_that_were_forked_in_mid_episode_go_on_independently():
    env = gym.make_vec("RAM-CatchGame-v0", 2, observation_format="flat", screen_size=8, patch_size=3)
    env.reset(seed=1)
    env.action_space.seed(2)
    actions = [env.action_space.sample() for _ in range(10)]
    env.step(actions[0])
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def rest():
        return [env.step(action)[0].tobytes() for action in actions[1:]]

    process = context.Process(target=lambda: sender.send(rest()))
    process.start()
    assert receiver.poll(HANG_S)
    child = receiver.recv()
    process.join(HANG_S)
    assert child == rest()  # the child's steps were not ours
