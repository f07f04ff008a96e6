"""The folder of a benchmark: results that are damaged are named, kept aside and done again."""

import json
import os

import pytest

from agents.benchmark.items import item_of
from agents.benchmark.reading import read_plan
from agents.benchmark.results import Results
from agents.experiments.files import ResultError
from tests.agents.benchmark.test_report import result, some, write

DELETED = object()


@pytest.fixture
def job(folder):
    content = {"environments": ["RAM-Digits-v0"], "algorithms": ["toy:Toy"], "frames": 1000}
    content["evaluation"] = {"episodes": 100, "curve_points": 2, "curve_episodes": 50}
    return read_plan(item_of(content)).jobs()[-1]


def whole(job):
    return result("Toy", "RAM-Digits-v0", 0, 0.5) | {"job": json.loads(json.dumps(job.to_dict()))}


def changed(content, path, value):
    """Return a copy of nested content with one value replaced or deleted."""
    content = json.loads(json.dumps(content))
    part = content
    for key in path[:-1]:
        part = part[key]
    if value is DELETED:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return content


DAMAGES = [
    (("format",), None, "format is None"),
    (("format",), "1", "format is '1'"),
    (("format",), 0, "format is 0"),
    (("format",), True, "format is True"),
    (("job",), 3, "job is 3, expected a dictionary"),
    (("job",), DELETED, "job is missing"),
    (("job", "seed"), "0", "job.seed is '0', expected a whole number"),
    (("job", "frames"), -1, "job.frames is -1, expected a whole number"),
    (("job", "frames"), 10**400, "job.frames is 1"),
    (("job", "env_settings"), [], "job.env_settings is [], expected a dictionary"),
    (("job", "algorithm"), ["a"], "job.algorithm is ['a'], expected a name"),
    (("job", "environment"), "a\nb", r"job.environment is 'a\nb', expected a name"),
    (("job", "evaluation"), None, "job.evaluation is None"),
    (("job", "evaluation", "curve_points"), 10**12, "curve has 3 points, expected 1,000,000,000,001"),
    (("job", "evaluation", "episodes"), 1.5, "job.evaluation.episodes is 1.5"),
    (("settings",), None, "settings is None"),
    (("score",), 0.5, "score is 0.5, expected a dictionary"),
    (("score",), {}, "score.value is missing"),
    (("score", "episodes"), 0.5, "score.episodes is 0.5, expected a whole number"),
    (("score", "value"), "high", "score.value is 'high', expected a number"),
    (("score", "value"), float("nan"), "score.value is nan"),
    (("score", "value"), float("inf"), "score.value is inf"),
    (("curve",), {}, "curve is {}, expected a list"),
    (("curve",), [], "curve has 0 points, expected 3"),
    (("curve", 1), 3, "curve[1] is 3, expected a dictionary"),
    (("curve", 1, "score"), None, "curve[1].score is None"),
    (("frames",), 1.5, "frames is 1.5"),
    (("frames_per_second",), "fast", "frames_per_second is 'fast'"),
    (("frames_per_second",), None, "frames_per_second is null"),
    (("seconds",), -1, "seconds is -1"),
    (("seconds_evaluating",), DELETED, "seconds_evaluating is missing"),
    (("versions",), "new", "versions is 'new'"),
    (("hardware",), [1], "hardware is [1]"),
    (("started",), 5, "started is 5"),
]
TEXTS = [
    "",
    "{",
    "3",
    "null",
    "[]",
    "[" * 100_000,
    '{"a":' * 1000 + "1" + "}" * 1000,
    "\0" * 100,
    '{"format": 1'.ljust(10**6),
]


@pytest.mark.parametrize(("path", "value", "problem"), DAMAGES, ids=lambda value: str(value)[:30])
def test_a_result_of_other_types_is_named_and_done_again(path, value, problem, job, folder, capsys):
    check(json.dumps(changed(whole(job), path, value)), problem, job, folder, capsys)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:10])
def test_a_file_that_is_no_result_is_named_and_done_again(text, job, folder, capsys):
    check(text, "", job, folder, capsys)


def check(text, problem, job, folder, capsys):
    results = Results(folder / "out")
    file = results.file(job)
    results.write(job, whole(job))
    assert list(results.missing([job])) == [] and results.read() == [whole(job)]
    file.write_text(text)
    with pytest.raises(ResultError) as error:
        results.read()
    message = str(error.value)
    assert message.startswith(f"{file} is not the result of a run (") and problem in message and "\n" not in message
    assert len(message) < 1000

    assert list(results.missing([job])) == [job]
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"{file} is damaged (") and problem in said
    assert file.read_text() == text
    results.write(job, whole(job))
    kept = file.with_name("seed-0.json.damaged")
    assert capsys.readouterr().err == f"{file} was damaged: kept as {kept.name}\n"
    assert list(results.missing([job])) == [] and results.read() == [whole(job)]
    assert kept.read_text() == text


def test_bytes_that_are_no_text_are_named(job, folder, capsys):
    results = Results(folder / "out")
    results.write(job, whole(job))
    results.file(job).write_bytes(b"\xff\xfe")
    with pytest.raises(ResultError, match="utf-8"):
        results.read()
    assert list(results.missing([job])) == [job]


def test_a_result_of_a_newer_version_is_neither_read_nor_replaced(job, folder):
    results = Results(folder / "out")
    results.write(job, whole(job) | {"format": 2, "job": "another type"})
    for action in (results.read, lambda: results.missing([job])):
        with pytest.raises(ResultError, match="has format 2, and this version reads up to 1: update the package"):
            action()
    assert json.loads(results.file(job).read_text())["format"] == 2


def test_results_of_players_need_no_curve_and_no_speed(tmp_path):
    for each in (found := some()):
        if each["job"]["algorithm"] in ("random", "oracle"):
            each |= {"curve": [], "frames_per_second": None}
    assert len(write(tmp_path, found).read()) == len(found)


def test_part_files_of_a_killed_benchmark_are_deleted(job, folder):
    results = Results(folder / "out")
    results.write(job, whole(job))
    results.write_log(job, "text \ud800")
    for file in (results.file(job), results.log_file(job)):
        (file.parent / f"{file.name}.{os.getpid()}.part").touch()
    results.missing([job])
    assert list((folder / "out").rglob("*.part")) == []
