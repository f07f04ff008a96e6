"""Benchmarks name what they need; docs/performance.md shows every result, and the command for each missing one."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from ram_envs import arrays

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
ASKED_FOR = (
    "Catch, vector, 1,024 rows: steps/s on one core",
    "Cluttered 60x60, vector, 1,024 rows: steps/s on one core",
    "glimpse environment, 1,024 rows: throughput relative to ap_gym",
    "Catch, single environment: microseconds per step",
    "Catch, 64 rows: throughput relative to gymnax",
    "Catch, 16,384 rows: throughput relative to gymnax",
    "Catch training, 2 threads: throughput relative to sb3-contrib's RecurrentPPO",
    "MNIST training, 6 glimpses, 2 threads: images/s",
    "wall-clock time to 85 % of the balls caught",
    "wall-clock time to 1.12 % error on MNIST with 6 glimpses",
    "update of Catch, one thread: % of the measured bfloat16 product",
    "update of MNIST, one thread: % of the measured bfloat16 product",
    "Catch training, frames/s",
    "20 M frames of Catch, seconds",
    "an epoch of MNIST, seconds",
)


def figure(median):
    return {"median": median, "least": median / 2, "greatest": 2 * median, "repeats": 5}


def page(folder, **results):
    """Return the page that is made from some results."""
    for name, content in results.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    command = [sys.executable, BENCHMARKS / "report.py", "--results", folder, "--out", folder / "page.md"]
    subprocess.run(command, check=True)
    return (folder / "page.md").read_text()


def glance(text, what):
    """Return result and comparison of a measurement in the first table."""
    table = text.split("## At a glance")[1].split("## Upper bounds")[0]
    (cells,) = [line.split("|")[2:4] for line in table.splitlines() if what in line.partition(" | ")[0]]
    return [cell.strip() for cell in cells]


def test_without_results_everything_is_there_with_the_command_that_measures_it(tmp_path):
    text = page(tmp_path)
    for what in ASKED_FOR:
        measured, _ = glance(text, what)
        assert measured.startswith("not measured (`python benchmarks/") and measured.endswith(".py`)")
        assert (BENCHMARKS / measured.split("benchmarks/")[1].removesuffix("`)")).exists()
    assert "{" not in text and "nan" not in text.lower().split()


def test_what_was_measured_is_on_the_page(tmp_path):
    product = {"bfloat16 product, FLOP/s": figure(1e11), "copy, bytes/s": figure(1e10)}
    rates = {"Catch, ours, frames/s": figure(1e5), "Catch, ratio": figure(30.0), "MNIST, ours, images/s": figure(2e4)}
    text = page(
        tmp_path,
        environments={
            "machine": {"processor": "fast"},
            "steps_per_second": {"Catch, vector, 1,024 rows": figure(4e6), "Catch, single": figure(20_000.0)},
            "observation_bytes": {"Catch": 440},
        },
        before={
            "commit": "abc",
            "found": {"scenes": {"now": figure(2.0), "before": figure(4.0), "times before": figure(0.5)}},
        },
        peers={
            "machine": {"processor": "slow"},
            "missing": {"ap_gym CircleSquare": "No module named 'ap_gym'"},
            "steps_per_second": {
                "Catch, 64 rows": {
                    **{"ours": figure(2e6), "gymnax Catch": figure(4e6), "envpool Catch": figure(1e6)},
                    "ratios": {"gymnax Catch": figure(0.5), "envpool Catch": figure(2.0)},
                }
            },
        },
        jax_training={"found": {"ours, float32: ratio at equal work": figure(0.9)}},
        training={"1 threads": product, "2 threads": product | rates},
        phases={"precision": "bfloat16", "Catch": {"share of the bfloat16 product, update": figure(0.3)}},
        time_to_catch={
            "processes": 2,
            "threads_of_training": 1,
            "85 % of the balls caught": {"seconds": figure(80.0), "runs": [{}, {}]},
        },
        gpu={
            "device": "H200",
            "256 rows": {"Catch training, frames/s": figure(1e6)},
            "4096 rows": {"Catch training, frames/s": figure(3e6)},
            "65536 rows": {"left out": "too large for the memory"},
        },
    )
    assert glance(text, ASKED_FOR[0]) == ["4 M (2 M to 8 M)", "440 bytes per step: 18 % of the copy"]
    assert glance(text, ASKED_FOR[3])[0] == "50 (25 to 100)"
    assert glance(text, ASKED_FOR[4]) == ["0.5 (0.25 to 1), behind", "gymnax 4 M (2 M to 8 M)"]
    assert "| Catch, 64 rows | 2 M (1 M to 4 M) | envpool Catch | 1 M (500 k to 2 M) | 2 (1 to 4) |" in text
    assert "| ours, float32: ratio at equal work | 0.9 (0.45 to 1.8), behind |" in text
    assert "| measurement | now | at abc | times as fast |" in text and "| 0.5 (0.25 to 1), behind |" in text
    assert glance(text, ASKED_FOR[6])[0] == "30 (15 to 60)"
    assert glance(text, ASKED_FOR[7])[0] == "20 k (10 k to 40 k)"
    assert glance(text, f"{ASKED_FOR[8]}, 2 processes, 2 seeds")[0] == "80 (40 to 160)"
    assert glance(text, ASKED_FOR[10]) == ["30 (15 to 60)", "bfloat16 product: 100 G (50 G to 200 G) FLOP/s"]
    assert glance(text, "GPU (4096 rows, H200): Catch training, frames/s")[0] == "3 M (1.5 M to 6 M)"
    assert "Not installed, so not compared: ap_gym CircleSquare (No module named 'ap_gym')." in text
    assert "Machine of environments: processor fast." in text and "Machine of peers: processor slow." in text
    assert "| 65536 rows | left out | too large for the memory |" in text


def test_the_page_of_the_documentation_is_the_generated_one(tmp_path):
    results = BENCHMARKS / "results"
    page = tmp_path / "page.md"
    subprocess.run([sys.executable, BENCHMARKS / "report.py", "--results", results, "--out", page], check=True)
    assert page.read_text() == (BENCHMARKS.parent / "docs" / "performance.md").read_text()


@pytest.mark.parametrize("quick", [True, False])
def test_a_first_look_leaves_the_published_figures_alone(quick):
    command = ["make", "-n", "bench", *(["QUICK=1"] if quick else [])]
    said = subprocess.run(command, cwd=BENCHMARKS.parent, capture_output=True, text=True, check=True).stdout
    lines = [line for line in said.splitlines() if "benchmarks/" in line and "pip" not in line]
    assert len(lines) == 3
    for line in lines:
        assert ("build/bench" in line) == quick
        assert ("benchmarks/results" in line or "docs/performance.md" in line) == (not quick)


@pytest.mark.parametrize("name", ["environments", "size"])
def test_without_mnist_a_benchmark_says_how_to_get_it(name, tmp_path, monkeypatch):
    monkeypatch.setenv("RAM_ENVS_DATA", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS.parent))
    command = [sys.executable, BENCHMARKS / f"{name}.py", "--quick", "--out", tmp_path / "out.json"]
    ended = subprocess.run(command, capture_output=True, text=True)
    (line,) = ended.stderr.splitlines()
    assert ended.returncode == 1 and line.startswith("this benchmark needs MNIST: ") and "RAM_ENVS_DATA" in line
    assert not (tmp_path / "out.json").exists()


@pytest.fixture
def benchmark(monkeypatch):
    """Import a benchmark as a program among its neighbours."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(arrays, "WORTH_LOADING", arrays.WORTH_LOADING)  # benchmarks load the kernels at once
    return importlib.import_module


def test_a_contestant_elsewhere_takes_its_turns_in_another_process(benchmark):
    elsewhere, measure = benchmark("elsewhere"), benchmark("measure")
    contestant = elsewhere.Elsewhere("contestants:vector", "RAM-CatchGame-v0", 2)
    ours = benchmark("contestants").vector("RAM-CatchGame-v0", 2)
    found = measure.measure({"here": ours, "elsewhere": contestant}, repeats=2, seconds=0.01)
    contestant.close()
    assert {name: len(rates) for name, rates in found.items()} == {"here": 2, "elsewhere": 2}
    assert min(found["here"] + found["elsewhere"]) > 0


@pytest.mark.parametrize(
    ("function", "settings", "reason"),
    [
        ("contestants:nothing", {}, "AttributeError: module 'contestants' has no attribute 'nothing'"),
        ("contestants:single", {"id": "RAM-Chess-v0"}, "RAM-Chess"),
        (
            "contestants:bsuite_catch",
            {"python": "no-venv/bin/python"},
            "there is no no-venv/bin/python: run `make bench`",
        ),
    ],
)
def test_a_contestant_that_cannot_be_measured_says_why(benchmark, function, settings, reason):
    elsewhere = benchmark("elsewhere")
    with pytest.raises(elsewhere.NotThere, match=reason):
        elsewhere.Elsewhere(function, **settings)


def test_the_operations_of_the_networks_in_jax_are_counted(benchmark):
    first, second, core, heads = 50 * 128, 128 * 256, 4 * 64 * (256 + 64), 64 * (3 + 1)
    assert benchmark("jax_ppo").operations_per_step(128, 256, 64) == 2 * (first + second + core + heads)


def test_a_run_ends_at_the_first_judgement_that_passes_or_at_the_limit(benchmark):
    time_to = benchmark("time_to")
    easy = time_to.Task("RAM-Digits-v0", "default", "anything", 100.0, 20, 2)
    found = time_to.time_to(easy, 0, 1, 1, 60.0)
    (judgement,) = found["judgements"]
    assert (found["seconds"], found["frames"]) == (judgement["seconds"], judgement["frames"])
    assert found["frames"] == 2 * 64 * 4 and found["seconds"] > 0
    hard = easy._replace(bar=-1.0)
    found = time_to.time_to(hard, 0, 1, 1, 0.0)
    assert found["seconds"] is None and len(found["judgements"]) == 1


def test_the_phases_of_training_come_to_the_whole(benchmark):
    phases = benchmark("phases")
    found = phases.phases(phases.CATCH, 2)
    assert set(found) == {"environment", "policy", "update"} and all(value > 0 for value in found.values())


def test_operations_and_bytes_are_counted_from_the_networks(benchmark):
    counting, training = benchmark("counting"), benchmark("training")
    glimpse, core = 108 * 128 + 2 * 128 + 2 * 128 * 256, 4 * 128 * (256 + 128)
    heads = 128 * (2 + 3 + 1)
    assert counting.operations_per_step(training.CATCH) == 2 * (glimpse + core + heads)
    epochs = counting.settings_for(training.CATCH).update_epochs
    assert counting.operations_per_frame(training.CATCH) == (1 + 3 * epochs) * 2 * (glimpse + core + heads)
    digits = "RAM-Digits-v0"
    assert counting.update_operations_per_frame(digits) == 2 * counting.operations_per_step(digits)
    assert counting.update_bytes_per_frame(training.CATCH, 4) == 2 * counting.update_bytes_per_frame(training.CATCH)


def test_equal_episodes_pass_and_different_ones_are_named(benchmark):
    gpu = benchmark("gpu")
    import torch

    same = ({"glimpse": torch.zeros(2)}, {"reward": torch.ones(2)})
    gpu.compare("RAM-Digits-v0", same, same, "cpu")
    with pytest.raises(AssertionError, match="RAM-Digits-v0: reward differs between the CPU and cuda"):
        gpu.compare("RAM-Digits-v0", same, (same[0], {"reward": torch.zeros(2)}), "cuda")
