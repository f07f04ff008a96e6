"""`ram benchmark` as people use it: it runs, it is killed, it goes on, it reports."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agents.cli import main
from agents.experiments.machine import hardware
from tests.limits import HANG_S

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
DIGITS = "RAM-Digits-v0"


def add(folder, *lines):
    """Add algorithms to the file."""
    text = (folder / "plan.yaml").read_text()
    (folder / "plan.yaml").write_text(text.replace("seeds:", "".join(f"  - {line}\n" for line in lines) + "seeds:"))


def refused(capsys, *arguments):
    """Run a command that must fail, and return the one line that it says why."""
    assert main(["benchmark", *map(str, arguments)]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("ram benchmark: ")
    return lines[0]


def results(folder):
    files = folder.glob("runs/*/*/*.json")
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text()) for file in files}


@pytest.fixture(autouse=True)
def process_is_left_as_it_was():
    """Whatever the command does, signal handlers and module search path are the caller's again."""
    before = signal.getsignal(signal.SIGTERM), list(sys.path)
    yield
    assert (signal.getsignal(signal.SIGTERM), sys.path) == before


def test_a_benchmark_runs_goes_on_and_reports(folder, capsys):
    assert main(["benchmark", "plan.yaml", "--workers", "2", "--algorithms", "seven"]) == 0
    out = capsys.readouterr().out
    assert "4 runs, 0 already complete; 2 at a time" in out
    assert "seven on RAM-Digits-v0, seed 1: " in out

    (folder / "runs/benchmark-plan/runs/RAM-Digits-v0/seven/seed-1.json").write_text('{"format": 1, "jo')  # cut off
    assert main(["benchmark", "plan.yaml", "--workers", "2"]) == 0
    out = capsys.readouterr().out
    assert "6 runs, 3 already complete" in out and "[6/6" in out
    found = results(folder / "runs/benchmark-plan")
    assert len(found) == 6
    seven = found[f"runs/{DIGITS}/seven/seed-1.json"]
    assert seven["settings"] == {"label": 7, "rest": 0.0, "end": "well"}
    assert [point["score"] for point in seven["curve"]][1:] == [
        found[f"runs/{DIGITS}/Toy/seed-0.json"]["curve"][1]["score"],  # label 0 until half of the budget
        *[seven["curve"][2]["score"]] * 3,
    ]

    assert main(["benchmark", "report", "runs/benchmark-plan", "--out", "page.md"]) == 0
    page = (folder / "page.md").read_text()
    assert "| seven | " in page and "| *oracle* | 100.0 | 100 |" in page
    assert "Not complete" not in page
    for picture in ("scores", "curves", "speed"):
        assert f"(figures/page-{picture}.png)" in page
        assert (folder / f"figures/page-{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_a_run_that_fails_costs_no_other_and_is_tried_again(folder, capsys):
    add(folder, "{algorithm: toy:Toy, name: dies, settings: {end: killed}}")
    add(folder, "{algorithm: toy:Toy, name: breaks, settings: {end: error}}")
    add(folder, "{algorithm: toy:Toy, name: leaves, settings: {end: exit}}")
    names = ["dies", "Toy", "breaks", "leaves"]
    command = ["benchmark", "plan.yaml", "--algorithms", *names, "--seeds", "0", "--out", "out"]
    assert main(command) == 1
    output = capsys.readouterr()
    assert "dies on RAM-Digits-v0, seed 0: FAILED: its process was ended by SIGKILL" in output.out
    assert "breaks on RAM-Digits-v0, seed 0: FAILED: ValueError: toys break" in output.out
    assert "leaves on RAM-Digits-v0, seed 0: FAILED: its process ended without a result" in output.out
    assert "3 runs failed" in output.err
    assert "learning begins" in (folder / f"out/failed/{DIGITS}/breaks/seed-0.log").read_text()
    assert len(results(folder / "out")) == 3

    main(["benchmark", "report", "out"])
    page = (folder / "out/report.md").read_text()
    assert f"- failed: {DIGITS}/breaks/seed-0" in page

    # All are mended, and done again; what they said is forgotten.
    (folder / "toy.py").write_text((folder / "toy.py").read_text().replace('self.settings["end"] ==', "None =="))
    assert main(command) == 0
    assert len(results(folder / "out")) == 6
    assert not list((folder / "out").glob("failed/*/*/*"))


def test_a_killed_benchmark_leaves_no_processes_and_loses_the_runs_in_flight_only(folder):
    add(folder, "{algorithm: toy:Toy, name: long, settings: {rest: 60}}")
    some = ["--algorithms", "Toy", "long", "--seeds", "0", "--workers", "1", "--out", "out"]
    command = [sys.executable, "-m", "agents.cli", "benchmark", "plan.yaml", *some]
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {**ENVIRONMENT, "TMPDIR": str(temporary)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    lines = []
    while not lines or "[3/4" not in lines[-1]:
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    wait_until(lambda: workers_of(process.pid))
    [worker] = workers_of(process.pid)
    process.kill()
    process.communicate()
    assert len(results(folder / "out")) == 3
    wait_until(lambda: not is_running(worker))
    assert list(temporary.glob("ram-benchmark-*"))

    text = (folder / "plan.yaml").read_text()
    (folder / "plan.yaml").write_text(text.replace("{rest: 60}", "{rest: 0}"))
    output = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=HANG_S)
    assert output.returncode == 0, output.stderr
    assert "4 runs, 3 already complete" in output.stdout
    assert len(results(folder / "out")) == 4
    assert not list(temporary.glob("ram-benchmark-*"))  # neither of this benchmark nor of the one that was killed


def test_ctrl_c_ends_the_runs_in_flight(folder):
    add(folder, "{algorithm: toy:Toy, name: long, settings: {rest: 60}}")
    command = [sys.executable, "-m", "agents.cli", "benchmark", "plan.yaml", "--algorithms", "long", "--workers", "3"]
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    wait_until(lambda: workers_of(process.pid))
    pids = workers_of(process.pid)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=HANG_S)
    assert process.returncode == 130
    wait_until(lambda: not any(map(is_running, pids)))


@pytest.mark.parametrize("end", ["well", "killed", "ctrl-c", "kill -9"])
def test_processes_that_a_run_has_started_end_with_it(end, folder):
    settings = {"well": "{}", "killed": "{end: killed}"}.get(end, "{rest: 60}")
    add(folder, f"{{algorithm: toy:Parent, name: parent, settings: {settings}}}")
    command = [sys.executable, "-m", "agents.cli", "benchmark", "plan.yaml", "--algorithms", "parent", "--seeds", "0"]
    children = folder / "children"
    process = subprocess.Popen(command, cwd=folder, env={**ENVIRONMENT, "CHILDREN": str(children)})
    wait_until(lambda: children.exists() and children.read_text())
    if end in ("ctrl-c", "kill -9"):
        process.send_signal(signal.SIGINT if end == "ctrl-c" else signal.SIGKILL)
    process.communicate(timeout=HANG_S)
    child = int(children.read_text())
    try:
        wait_until(lambda: not is_running(child))
    finally:
        if is_running(child):
            os.kill(child, signal.SIGKILL)


def test_without_workers_runs_take_the_cores_that_the_process_may_use(folder, capsys, monkeypatch):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("needs the affinity of Linux")
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 7, 8})
    assert main(["benchmark", "plan.yaml", "--algorithms", "seven", "--seeds", "0"]) == 0
    assert "; 3 at a time on 3 cores: " in capsys.readouterr().out
    assert hardware()["cores"] == 3


def wait_until(condition):
    end = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)


def is_running(pid):
    """Whether there is such a process, and it is not merely waiting for someone to take note of its end."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def workers_of(pid):
    """Return the ids of the worker processes of a process."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("needs Linux")
    return [int(child) for child in children.read_text().split()]


def test_results_of_another_plan_are_not_mixed(folder, capsys):
    command = ["plan.yaml", "--algorithms", "Toy", "--seeds", "0", "--out", "out"]
    assert main(["benchmark", *command]) == 0
    capsys.readouterr()
    message = refused(capsys, *command, "--frames", "200")
    assert "Toy/seed-0.json is the result of another plan, with frames=100, not 200" in message


def test_a_damaged_result_is_named_kept_and_done_again(folder, capsys):
    command = ["benchmark", "plan.yaml", "--algorithms", "Toy", "--seeds", "0", "--out", "out"]
    assert main(command) == 0
    file = Path(f"out/runs/{DIGITS}/Toy/seed-0.json")
    whole = file.read_text()
    file.write_text(damaged := whole.replace('"score": {', '"scores": {'))
    capsys.readouterr()
    assert f"{file} is not the result of a run (score is missing)" in refused(capsys, "report", "out")
    assert main(command) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{file} is damaged (score is missing): the run is done again",
        f"{file} was damaged: kept as seed-0.json.damaged",
    ]
    assert file.with_name("seed-0.json.damaged").read_text() == damaged
    assert json.loads(file.read_text())["score"] == json.loads(whole)["score"]


def test_two_benchmarks_share_a_folder_and_no_run(folder, capsys):
    from agents.experiments.queue import lock

    with lock(folder / "out", f"{DIGITS}/Toy/seed-0"):
        assert main(["benchmark", "plan.yaml", "--out", "out", "--algorithms", "Toy", "--seeds", "0"]) == 0
    assert "1 runs are left to another benchmark that is running in the same folder" in capsys.readouterr().out
    assert len(results(folder / "out")) == 2  # those of the references


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "a benchmark needs a file, or --algorithms, --environments, --frames"),
        (["--algorithms", "ram", "--frames", "10"], "a benchmark needs a file, or --environments"),
        (["nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (["plan.yaml", "--algorithms", "eight"], "the file has no 'eight': expected some of Toy, seven"),
        (["plan.yaml", "--frames", "0"], "command line, frames: expected an integer from 1"),
        (["plan.yaml", "--workers", "0"], "--workers=0 is out of range: expected at least 1"),
        (["plan.yaml", "--ray", ""], "--ray='' is no address: expected auto, HOST:6379"),
        (["plan.yaml", "--ray", "local", "--workers", "2"], "--workers=2 has no effect with --ray"),
        (["plan.yaml", "--out", "toy.py"], "toy.py"),
        (["report", "."], ". holds no results of a benchmark"),
        (["report", ".", "--out", "toy.py"], "toy.py is not a Markdown file: expected a name that ends with .md"),
    ],
)
def test_mistakes_end_in_one_line(arguments, expected, folder, capsys):
    assert expected in refused(capsys, *arguments)
    assert not (folder / "runs").exists()


def test_help_names_the_algorithms(capsys):
    assert main(["benchmark", "--help"]) == 0
    assert "recurrent-ppo-ram" in " ".join(capsys.readouterr().out.split())
