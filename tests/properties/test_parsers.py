"""Parsers of files: whatever the bytes, a result that is checked or a user's error of one line."""

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from safetensors.numpy import save

from agents.benchmark.items import PlanError, read_items
from agents.benchmark.reading import read_plan
from agents.pictures.comparison import RunsError, read_run
from agents.pictures.curves import read_curve
from agents.ram.checkpoint import CheckpointError, load_checkpoint
from agents.ram.settings import RAMSettings
from agents.training.metrics import forget_after
from agents.training.progress import Progress
from agents.training.settings import GameSettings, HybridSettings, settings_from_dict
from agents.untrusted import MAX_DEPTH, parse_json
from ram_envs.errors import InvalidArgument, UserError
from tests.agents.benchmark.conftest import PLAN
from tests.agents.benchmark.test_report import some, write

NUMBERS = st.one_of(st.integers(-5, 5), st.integers(), st.floats(), st.sampled_from([10**12, 2**63, 1e308, 10**400]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


def changed(content):
    """Content of JSON with one value, or several, replaced or taken out."""

    @st.composite
    def change(draw):
        found = json.loads(json.dumps(content))
        for _ in range(draw(st.integers(1, 2))):
            part, key = {"": found}, ""
            while isinstance(part[key], (dict, list)) and part[key] and draw(st.booleans()):
                part = part[key]
                key = draw(st.sampled_from(list(part) if isinstance(part, dict) else range(len(part))))
            if key == "":
                found = draw(VALUES)
                break
            if draw(st.booleans()) or not isinstance(part, dict):
                part[key] = draw(VALUES)
            else:
                del part[key]
        return found

    return change()


def mutated(data):
    """Bytes with some pieces replaced, left out or put in."""
    place, piece = st.integers(0, len(data)), st.one_of(st.binary(max_size=8), st.text(max_size=4).map(str.encode))

    @st.composite
    def mutate(draw):
        found = data
        for _ in range(draw(st.integers(1, 3))):
            start, length = draw(place), draw(st.integers(0, 20))
            found = found[:start] + draw(piece) + found[start + length :]
        return found

    return st.one_of(st.binary(max_size=60), mutate())


def one_line(call, *errors):
    """The result of a call, or None if it raises one of these errors, in one line."""
    try:
        return call()
    except errors as error:
        message = str(error)
        assert isinstance(error, UserError) and message, repr(error)
        assert len(message.splitlines()) == 1 and len(message) < 2000, message
        return None


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("parsers") / "file"


@given(st.one_of(VALUES.map(json.dumps), st.text(), st.text(alphabet='[]{}",:1\\ ')))
@example("[" * 10**5)
@example('{"a":' * 10**5)
@example('"' + "[" * 10**5 + '"')
@example("1" * 5000)
def test_json(text):
    try:
        value = parse_json(text)
    except ValueError:
        return
    assert levels(value) <= MAX_DEPTH


def levels(value):
    """Levels of nesting of plain values."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, (dict, list)) + max(map(levels, parts), default=0)


CHECKPOINT = save(
    {"policy.weight": np.zeros((2, 3), np.float32)},
    {"kind": '"ram-policy"', "format": "1", "env_id": '"RAM-CatchGame-v0"', "policy": "{}", "progress": "{}"},
)


@given(mutated(CHECKPOINT))
@example(b"\xff" * 8)
@example((2**40).to_bytes(8, "little") + b"{}")
@example((2).to_bytes(8, "little") + b"[]")
def test_bytes_of_a_checkpoint(file, data):
    file = file.with_suffix(".safetensors")
    file.write_bytes(data)
    assert one_line(lambda: load_checkpoint(file), CheckpointError) is None  # it has no weights
    assert file.read_bytes() == data


@given(changed(GameSettings().to_dict()) | changed(HybridSettings().to_dict()) | VALUES)
def test_training_settings(values):
    if not isinstance(values, dict):
        return
    settings = one_line(lambda: settings_from_dict(values), UserError)
    if settings is not None:
        text = json.dumps(settings.to_dict())  # compared as text, because NaN differs from itself
        assert json.dumps(settings_from_dict(json.loads(text)).to_dict()) == text


@given(
    changed({"seed": 1, "iteration": 3, "frames": 60, "time_s": 1.5, "pending": {"iterations": 1, "sums": {"a": 1.0}}})
)
def test_progress(values):
    if not isinstance(values, dict):
        return
    progress = one_line(lambda: Progress.restore(values), CheckpointError)
    if progress is not None:
        assert Progress.restore(json.loads(json.dumps(progress._asdict()))) == progress


@given(changed(PLAN_VALUES := {"environments": ["RAM-Digits-v0"], "algorithms": ["ram"], "seeds": [0], "frames": 100}))
def test_values_of_a_plan(file, values):
    file = file.with_suffix(".yaml")
    file.write_text(json.dumps(values))  # JSON is YAML, almost
    plan = one_line(lambda: read_plan(read_items(file)), PlanError, UserError)
    assert plan is None or plan.jobs()


@given(mutated(PLAN.replace("toy:Toy", "ram").encode()))
@example(b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c]\ne: [*d, *d]")
@example(b"&a [*a]")
@example(b"[" * 10**4)
@example(b"{a: " * 10**4)
@example(b"!!python/object/apply:os.system [ls]")
@example(b"? [1, 2]\n: 3")
@example(b"<<: 3")
def test_bytes_of_a_plan(file, data):
    file = file.with_suffix(".yaml")
    file.write_bytes(data)
    one_line(lambda: read_plan(read_items(file)), PlanError, UserError)
    assert file.read_bytes() == data


WHOLE = some()


@given(changed(WHOLE[0]).map(lambda content: json.dumps(content).encode()) | mutated(json.dumps(WHOLE[0]).encode()))
def test_results_of_a_benchmark(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("results")
    results = write(folder, WHOLE)
    names = WHOLE[0]["job"]
    file = folder / "runs" / names["environment"] / names["algorithm"] / f"seed-{names['seed']}.json"
    file.write_bytes(data)
    one_line(results.read, UserError)
    assert file.read_bytes() == data


METRICS = b"iteration,frames,time_s,success_rate\n1,10,0.1,0.5\n2,20,0.2,0.25\n3,30,0.3,0.75\n"


@given(mutated(METRICS), st.sampled_from([0, 10, 15, 30, 10**9]))
@example(b"frames,success_rate\n1,\x00\n", 30)
@example(b'frames,success_rate\n"' + b"x" * 200_000 + b"\n", 30)
def test_metrics(tmp_path_factory, data, frames):
    folder = tmp_path_factory.mktemp("metrics")
    path = folder / "metrics.csv"
    path.write_bytes(data)
    curve = one_line(lambda: read_curve(path), InvalidArgument)
    if curve is not None:
        assert np.isfinite(curve[1]).all() and np.isfinite(curve[2]).all() and (np.diff(curve[1]) > 0).all()
    assert path.read_bytes() == data
    forget_after(path, frames)
    kept = path.read_bytes() if path.exists() else b""
    again = kept
    forget_after(path, frames)
    assert (path.read_bytes() if path.exists() else b"") == again  # what is kept is whole
    copies = [file.read_bytes() for file in folder.glob("metrics.csv.damaged*")]
    for line in data.split(b"\n")[1:-1]:  # a last line that is cut off is no loss
        fields = line.split(b",")
        beyond = len(fields) == 4 and fields[1].strip().isdigit() and int(fields[1]) > frames
        assert beyond or line in kept or any(line in copy for copy in copies), line


@given(changed({"env_id": "RAM-CatchGame-v0", "seed": 0, "training": {"environment": {"screen_size": 6}}}) | VALUES)
@example([[[]]])
@example({"env_id": "\ud800", "seed": 1, "training": {}})
def test_settings_of_a_run(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("run")
    (folder / "metrics.csv").write_bytes(METRICS)
    (folder / "settings.json").write_text(json.dumps(content))
    curve = one_line(lambda: read_run(folder), RunsError)
    assert curve is None or len(curve.frames) == 3


@given(changed(RAMSettings(glimpse_shape=(1, 1, 2, 2), num_actions=3).to_dict()) | VALUES)
def test_settings_of_a_policy(values):
    try:
        settings = RAMSettings.from_dict(values)
    except (TypeError, ValueError):
        return  # make_policy says it in one line
    assert settings.glimpse_size >= 1
