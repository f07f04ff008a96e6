"""Files with random damage: one line of a user's error or success, never another exception, and nothing overwritten.

The kinds: checkpoints, exported agents, classifiers of the paper, settings.json, metrics.csv, IDX, .npz, pictures,
results of a benchmark and its plans. The number of cases per kind is ``RAM_FUZZ_CASES``, 100 if unset. A failure names
the seed of its case: ``RAM_FUZZ_FIRST`` starts with that one.
"""

import io
import itertools
import json
import os
import random
import re
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

import ram_envs
from agents import cli
from agents.benchmark.items import item_of, read_items
from agents.benchmark.reading import read_plan
from agents.benchmark.report import write_report
from agents.benchmark.results import Results
from agents.pictures.comparison import group_runs, read_run
from agents.ram.checkpoint import FILE_NAME, load_checkpoint
from agents.ram.tensor_file import read_metadata
from agents.training import run
from agents.training.trainer import resume, train
from paper.classifier_checkpoint import load_classifier, save_classifier
from paper.classifiers import Classifier, ClassifierSettings
from ram_envs.errors import UserError
from tests.agents.benchmark.conftest import PLAN
from tests.agents.benchmark.test_report import some, write
from tests.agents.training.test_trainer import CATCH, GAME, after_iteration

CASES = range(int(os.environ.get("RAM_FUZZ_FIRST", 0)), int(os.environ.get("RAM_FUZZ_CASES", 100)))
SECONDS = 5
"""No file may take more of the processor's time; most take far less than a second."""
HOSTILE = [
    *(None, True, -1, 0, 1, 2, 1.5, -0.0, 1e308, float("nan"), float("inf"), 10**12, 2**63, 10**400),
    *("", "x", "\n", "\ud800", "../../etc/passwd", "RAM-Digits-v0", "ram_envs:RAM-CatchGame-v0"),
    *([], [[]], [1], [10**9] * 4, {}, {"": {}}, {"a": [None]}),
]
PIECES = [b"\0", b"\xff", b"\n", b",", b"[" * 50, b"{" * 50, b'"', b"'", b"\\", b"nan", b"1e999", b"-", b"9" * 20]
PIECES += [b"&a", b"*a", b"!!int", b": "]


BEYOND = re.compile(rb"\d*,[1-9]\d{2,},")
"""Lines of a metrics file that lie beyond the checkpoint, which has 120 environment steps."""


@pytest.fixture(autouse=True)
def quick_runs(monkeypatch):
    """Runs end after one iteration."""
    original = run.Run.iterations
    monkeypatch.setattr(run.Run, "iterations", lambda self: itertools.islice(original(self), 1))


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The folder of a run that was stopped after half of its iterations."""
    folder = tmp_path_factory.mktemp("stopped")
    with pytest.MonkeyPatch.context() as patch:
        after_iteration(patch, 2, lambda _: os.kill(os.getpid(), signal.SIGTERM))
        train(CATCH, GAME, folder, progress_bar=False)
    return folder


def damaged_bytes(random, data):
    """Change bytes here and there."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 5, 20])):
        at = random.randrange(len(data) + 1)
        size = random.choice([1, 2, 8, 100])
        match random.randrange(6):
            case 0 if data:
                data[min(at, len(data) - 1)] ^= 1 << random.randrange(8)
            case 1:
                del data[at : at + size]
            case 2:
                data[at:at] = random.choice(PIECES)
            case 3:
                data[at : at + size] = random.randbytes(size)
            case 4:
                data[at:at] = data[random.randrange(len(data) + 1) :][:size]
            case 5 if random.random() < 0.2:
                del data[at:]
    return bytes(data)


def damaged_values(random, content):
    """Replace, delete or add a value somewhere in nested plain values."""
    content = json.loads(json.dumps(content))
    part, key = [content], 0
    while isinstance(part[key], (dict, list)) and part[key] and (part[key] is content or random.random() < 0.8):
        part = part[key]
        key = random.choice(list(part) if isinstance(part, dict) else range(len(part)))
    choice = random.random()
    if choice < 0.15 and part[key] is not content:
        del part[key]
    elif choice < 0.3 and isinstance(part, dict):
        part[random.choice(["", "newer", "x" * 1000, "a\nb"])] = random.choice(HOSTILE)
    else:
        part[key] = random.choice(HOSTILE)
    return content


def survives(action, case, result=None, seconds=SECONDS):
    """Do something: it works, or raises a UserError of one line, in time."""
    start = time.process_time()
    try:
        result = action()
    except UserError as error:
        message = str(error)
        assert message and len(message.splitlines()) == 1 and len(message) < 2000, f"case {case}: {message}"
    except Exception as error:
        raise AssertionError(f"case {case}: {type(error).__name__}: {error}") from error
    assert time.process_time() - start < seconds, f"case {case} took {time.process_time() - start:.0f} s"
    return result


def copy(folder, into):
    into.mkdir()
    for name in (FILE_NAME, "metrics.csv", "settings.json"):
        (into / name).write_bytes((folder / name).read_bytes())
    return into


def test_checkpoints_with_changed_bytes(stopped, tmp_path):
    data = (stopped / FILE_NAME).read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    for case in CASES:
        chance = random.Random(case)
        if chance.random() < 0.5:  # most of the bytes are tensors
            broken = damaged_bytes(chance, data[:header]) + data[header:]
        else:
            broken = damaged_bytes(chance, data)
        file = tmp_path / f"{case}.safetensors"
        file.write_bytes(broken)
        survives(lambda file=file: load_checkpoint(file), case)
        assert file.read_bytes() == broken
        file.unlink()


def test_checkpoints_with_other_metadata_and_tensors_are_loaded_and_resumed(stopped, tmp_path):
    tensors, metadata = load_file(stopped / FILE_NAME), read_metadata(stopped / FILE_NAME)
    for case in CASES:
        chance = random.Random(case)
        content, changed = metadata, dict(tensors)
        for _ in range(chance.choice([1, 1, 2])):
            if chance.random() < 0.8:
                content = damaged_values(chance, content)
            else:
                name = chance.choice(list(changed))
                changed[name] = chance.choice(
                    [
                        torch.zeros(3),
                        torch.full_like(changed[name], chance.choice([float("nan"), -1.0, 1e30, 1e-30])),
                        changed[name].half(),
                        changed[name].long(),
                        torch.zeros(0, 10),
                        changed[name].flatten(),
                    ]
                )
        folder = copy(stopped, tmp_path / str(case))
        text = {str(key): json.dumps(value) for key, value in content.items()} if isinstance(content, dict) else {}
        save_file(
            changed, folder / FILE_NAME, {key.encode(errors="replace").decode(): value for key, value in text.items()}
        )
        before = (folder / FILE_NAME).read_bytes()
        loaded = survives(lambda folder=folder: load_checkpoint(folder), case)
        assert (folder / FILE_NAME).read_bytes() == before
        resumed = survives(lambda folder=folder: resume(folder, progress_bar=False), case)
        if loaded is None:
            assert resumed is None and (folder / FILE_NAME).read_bytes() == before


def test_metrics_with_changed_bytes_never_stop_a_run(stopped, tmp_path):
    columns = (stopped / "metrics.csv").read_text().partition("\n")[0]
    line = "2,80,0.125,640.0" + ",0.5" * (columns.count(",") - 3)
    data = f"{columns}\n{line}\n".encode()
    for case in CASES:
        chance = random.Random(case)
        folder = copy(stopped, tmp_path / str(case))
        broken = damaged_bytes(chance, data)
        (folder / "metrics.csv").write_bytes(broken)
        assert survives(lambda folder=folder: resume(folder, progress_bar=False), case) is not None, case
        files = [path.read_bytes() for path in folder.glob("metrics.csv*")]
        header, _, rest = broken.partition(b"\n")
        lines = [line for line in rest.split(b"\n")[:-1] if not BEYOND.match(line)]  # a line that is cut off is no loss
        assert not lines or any(header in content and lines[0] in content for content in files), f"case {case} is lost"


def test_results_of_a_benchmark(tmp_path, capsys):
    found = some()
    whole_folder = write(tmp_path / "whole", found)
    plan = {"environments": ["RAM-Digits-v0"], "algorithms": ["ram"], "frames": 1000}
    job = read_plan(item_of(plan)).jobs()[-1]
    for case in CASES:
        chance = random.Random(case)
        whole = chance.choice(found)
        if chance.random() < 0.3:
            broken = damaged_bytes(chance, json.dumps(whole).encode())
        else:
            broken = json.dumps(damaged_values(chance, whole)).encode()
        names = whole["job"]
        file = tmp_path / "whole/runs" / names["environment"] / names["algorithm"] / f"seed-{names['seed']}.json"
        file.write_bytes(broken)
        if survives(whole_folder.read, case) is not None and case % 10 == 0:
            survives(lambda: write_report(whole_folder, tmp_path / "report.md"), case, seconds=30)
        assert file.read_bytes() == broken
        file.write_text(json.dumps(whole))

        results = Results(tmp_path / str(case))
        own = results.file(job)
        own.parent.mkdir(parents=True)
        own.write_bytes(broken)
        if survives(lambda results=results: results.missing([job]), case):
            results.write(job, whole)
        assert broken in [path.read_bytes() for path in own.parent.iterdir()], f"case {case} is lost"


def test_plans_of_a_benchmark(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = PLAN.replace("toy:Toy", "ram").replace("label: 7", "learning_rate: 1e-3, network: {core_size: 8}")
    content = {
        "environments": ["RAM-Digits-v0", {"id": "RAM-CatchGame-v0", "name": "c", "settings": {"screen_size": 12}}],
        "algorithms": [{"algorithm": "ram", "settings": {"num_envs": 8, "network": {"core_size": 8}}}],
        "seeds": [0, 1],
        "frames": 100,
        "evaluation": {"episodes": 60, "curve_points": 4, "split": "test"},
    }
    file = tmp_path / "plan.yaml"
    for case in CASES:
        chance = random.Random(case)
        if chance.random() < 0.5:
            file.write_bytes(damaged_bytes(chance, text.encode()))
        else:
            file.write_text(json.dumps(damaged_values(chance, content)))  # JSON is YAML
        before = file.read_bytes()
        survives(lambda: read_plan(read_items(file)), case)
        assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def command(capsys, *arguments):
    """Run a command: it ends with 0, or with 2 and one line."""
    capsys.readouterr()
    status, lines = cli.main([*map(str, arguments)]), capsys.readouterr().err.splitlines()
    lines = [line for line in lines if "warning: " not in line]
    assert status == 0 or (status == 2 and len(lines) == 1 and len(lines[0]) < 2000), lines
    return status == 0


def test_exported_agents_are_evaluated_or_refused(stopped, tmp_path, capsys):
    file = tmp_path / "agent.safetensors"
    assert command(capsys, "export", stopped, file)
    data, tensors, metadata = file.read_bytes(), load_file(file), read_metadata(file)
    header = 8 + int.from_bytes(data[:8], "little")
    for case in CASES:
        chance = random.Random(case)
        if chance.random() < 0.5:
            broken = damaged_bytes(chance, data[:header]) + data[header:]
        else:
            content = damaged_values(chance, metadata)
            text = {str(key): json.dumps(value) for key, value in content.items()} if isinstance(content, dict) else {}
            save_file(tensors, file, {key.encode(errors="replace").decode(): value for key, value in text.items()})
            broken = file.read_bytes()
        file.write_bytes(broken)
        survives(lambda: command(capsys, "evaluate", file, "--episodes=3", "--device=cpu"), case)
        assert file.read_bytes() == broken and list(tmp_path.iterdir()) == [file]


def test_classifiers_of_the_paper(tmp_path):
    classifier = Classifier(ClassifierSettings(hidden=(4,), filters=2, filter_size=3), (8, 8, 1), 3)
    optimizer = torch.optim.AdamW(classifier.parameters())
    save_classifier(tmp_path, classifier, "RAM-Digits-v0", {"seed": 0, "iteration": 0, "frames": 0}, optimizer)
    file = tmp_path / FILE_NAME
    data, tensors, metadata = file.read_bytes(), load_file(file), read_metadata(file)
    for case in CASES:
        chance = random.Random(case)
        if chance.random() < 0.5:
            file.write_bytes(damaged_bytes(chance, data))
        else:
            content = damaged_values(chance, metadata)
            text = {str(key): json.dumps(value) for key, value in content.items()} if isinstance(content, dict) else {}
            save_file(tensors, file, {key.encode(errors="replace").decode(): value for key, value in text.items()})
        broken = file.read_bytes()
        survives(lambda: load_classifier(tmp_path), case)
        assert file.read_bytes() == broken


def test_settings_and_metrics_are_drawn_or_refused(stopped, tmp_path, capsys):
    settings, columns = json.loads((stopped / "settings.json").read_text()), (stopped / "metrics.csv").read_bytes()
    for case in CASES:
        chance = random.Random(case)
        folder = copy(stopped, tmp_path / str(case))
        if chance.random() < 0.3:
            (folder / "metrics.csv").write_bytes(damaged_bytes(chance, columns))
        elif chance.random() < 0.3:
            (folder / "settings.json").write_bytes(damaged_bytes(chance, json.dumps(settings).encode()))
        else:
            (folder / "settings.json").write_text(json.dumps(damaged_values(chance, settings)))
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        survives(lambda folder=folder: group_runs([read_run(folder)]), case)
        if case % 5 == 0:  # drawing takes longer than all else
            survives(lambda folder=folder: command(capsys, "plot", folder, "--out", tmp_path / "curves.svg"), case)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


GENERATOR = np.random.default_rng(0)
IMAGES, LABELS = GENERATOR.integers(0, 256, (12, 5, 6), np.uint8), np.arange(12) % 3


def idx(array):
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes() + array.astype(np.uint8).tobytes()


def write_idx(folder):
    (folder / "train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LABELS))
    (folder / "mapping.txt").write_text("0 65\n1 66\n2 67 99\n")
    return folder


def write_npz(folder):
    np.savez_compressed(folder / "images.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:3], y_test=LABELS[:3])
    return folder / "images.npz"


def write_pictures(folder):
    for number, (image, label) in enumerate(zip(IMAGES, LABELS, strict=True)):
        place = folder / f"class {label}"
        place.mkdir(exist_ok=True)
        suffix = ("png", "bmp", "jpg", "gif", "webp", "tif")[number % 6]
        picture, content = Image.fromarray(image), io.BytesIO()
        picture.save(content, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper()))
        (place / f"{number}.{suffix}").write_bytes(content.getvalue())
    return folder


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # of damaged EXIF data
@pytest.mark.parametrize("write_files", [write_idx, write_npz, write_pictures])
def test_images_are_loaded_or_refused(tmp_path, write_files):
    folder = tmp_path / "images"
    folder.mkdir()
    dataset = write_files(folder)
    whole = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    def load():
        task = ram_envs.make_task("RAM-Images-v0", dataset=dataset, patch_size=4, max_pixels=2**20, test_fraction=0.0)
        assert task.data.images.dtype == np.uint8 and len(task.data.images) == len(task.data.labels)
        assert 0 <= task.data.labels.min() <= task.data.labels.max() < task.num_classes

    load()
    for case in CASES:
        chance = random.Random(case)
        path = chance.choice([*whole])
        path.write_bytes(broken := damaged_bytes(chance, whole[path]))
        survives(load, case)
        assert path.read_bytes() == broken
        path.write_bytes(whole[path])
        assert {path for path in folder.rglob("*") if path.is_file()} == set(whole)
