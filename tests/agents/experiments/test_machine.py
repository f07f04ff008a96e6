"""The description of the machine."""

import os

from agents.experiments.machine import device_name, hardware, usable_cores, versions


def test_versions_are_those_of_what_is_installed():
    found = versions("pytest", "no-such-distribution")
    assert found["torch"] and found["pytest"] and "no-such-distribution" not in found
    assert list(found)[:2] == ["ram-active-vision", "python"]


def test_hardware_and_device_name_agree_on_the_processor():
    found = hardware()
    assert found["cores"] == usable_cores() and set(found) <= {"processor", "cores", "system", "accelerator"}
    name, threads = device_name("cpu", 1).rsplit(", ", 1)
    assert str(found["processor"]).startswith(name) and threads == "1 thread"
    assert device_name("cpu", 3).endswith(", 3 threads")


def test_cores_are_those_that_the_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_cores() == 2 == hardware()["cores"]
    monkeypatch.delattr(os, "sched_getaffinity")  # as on macOS and Windows
    assert usable_cores() == 64
