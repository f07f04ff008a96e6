"""What a benchmark's file may say, and how mistakes in it are told: with line and key, before anything runs."""

import sys
import time

import pytest

from agents.benchmark.algorithm import ALGORITHMS
from agents.benchmark.items import PlanError, item_of, read_items
from agents.benchmark.plan import EvaluationSettings, Job
from agents.benchmark.reading import read_plan

DIGITS, CATCH = "RAM-Digits-v0", "RAM-CatchGame-v0"


def read(text, folder):
    file = folder / "file.yaml"
    file.write_text(text)
    return read_plan(read_items(file))


def refused(text, folder):
    with pytest.raises(PlanError) as error:
        read(text, folder)
    message = str(error.value)
    assert message.startswith(str(folder / "file.yaml"))
    return message.removeprefix(str(folder / "file.yaml"))


def test_a_whole_file_becomes_a_plan(folder):
    plan = read(
        """
        environments:
          - ram_envs:RAM-Digits-v0
          - {id: RAM-Digits-v0, name: two, settings: {num_glimpses: 2}}
        algorithms:
          - toy:Toy
          - algorithm: toy:Toy
            name: lively
            settings: {rest: 1e-3, label: 1e0}
        seeds: [3, 1]
        frames: 1_000
        threads: 2
        device: auto
        evaluation: {episodes: 50, split: "train[:100]"}
        """,
        folder,
    )
    jobs = plan.jobs()
    assert [job.title for job in jobs[:5]] == [
        "random on RAM-Digits-v0, seed 0",
        "oracle on RAM-Digits-v0, seed 0",
        "random on two, seed 0",
        "oracle on two, seed 0",
        "Toy on RAM-Digits-v0, seed 3",
    ]
    assert len(jobs) == 4 + 2 * 2 * 2
    assert jobs[-1] == Job(
        environment="two",
        algorithm="lively",
        env_id=DIGITS,
        env_settings={"num_glimpses": 2},
        implementation="toy:Toy",
        settings={"rest": 0.001, "label": 1.0},
        action_format="dict",
        observation_format="dict",
        seed=1,
        frames=1000,
        threads=2,
        device="auto",
        evaluation=EvaluationSettings(episodes=50, split="train[:100]"),
    )
    assert Job.from_dict(jobs[-1].to_dict()) == jobs[-1]


def test_the_command_line_says_the_same_without_a_file(folder):
    plan = read_plan(item_of({"environments": (DIGITS,), "algorithms": ("toy:Toy",), "frames": 10}))
    assert [job.algorithm for job in plan.jobs()] == ["random", "oracle", "Toy"]
    with pytest.raises(PlanError, match=r"^command line, algorithms\[1\]: there is no algorithm 'toys'"):
        read_plan(item_of({"environments": (DIGITS,), "algorithms": ("toy:Toy", "toys"), "frames": 10}))


TOP = "environments: [RAM-Digits-v0]\nalgorithms: [toy:Toy]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ": the file is empty"),
        ("frames: [1, 2", ", line 1: not valid YAML: expected ',' or ']'"),
        ("- frames", ", line 1: expected a mapping (key: value), got a list"),
        (TOP, ", line 1: frames missing"),
        (TOP + "frames: 10\nframes: 20\n", ", line 4, frames: the key is there twice"),
        (TOP + "frames: 10\nseed: [1]\n", ", line 4, seed: there is no such key: expected one of environments"),
        (TOP + "frames: ten\n", ", line 3, frames: expected an integer from 1 to 1,000,000,000,000, got 'ten'"),
        (TOP + "frames: 10\nseeds: [0, 1.5]\n", ", line 4, seeds[1]: expected an integer"),
        (TOP + "frames: 10\nseeds: [1, 1]\n", ", line 4, seeds: [1, 1] has a seed twice"),
        (TOP + "frames: 10\nseeds: 3\n", ", line 4, seeds: expected a list of at least one entry, got 3"),
        (TOP + "frames: 10\nthreads: true\n", ", line 4, threads: expected an integer from 1 to 1,024, got True"),
        (TOP + "frames: 10\ndevice: gpu\n", ", line 4, device: expected one of cpu, cuda, auto, got 'gpu'"),
        (TOP + "frames: 10\nevaluation:\n  episode: 5\n", ", line 5, evaluation.episode: there is no such key"),
        (TOP + "frames: 10\nevaluation: {split: testing}\n", "expected 'train' or 'test'"),
        (TOP + "frames: 2026-01-01\n", ", line 3, frames: expected a number, a text, true or false"),
        (TOP + "? [a]\n: 10\n", ", line 3: expected a text as key"),
        (TOP + "1: 10\n", ", line 3: the key 1 is not text"),
        (TOP + "frames: &a [*a]\n", ", line 3, frames[0]: an alias that contains itself"),
        ("environments: [RAM-Digit-v0]\nalgorithms: [ram]\nframes: 1\n", "did you mean RAM-Digits-v0"),
        ("environments: []\nalgorithms: [ram]\nframes: 1\n", ", line 1, environments: expected a list of at least one"),
        (
            "environments:\n  - id: RAM-Digits-v0\n    settings:\n      num_glimpse: 3\nalgorithms: [ram]\nframes: 1\n",
            ", line 3, environments[0].settings: ",
        ),
        (
            "environments: [{id: RAM-Digits-v0, settings: {action_format: box}}]\nalgorithms: [ram]\nframes: 1\n",
            "action_format is each algorithm's own choice",
        ),
        (
            "environments: [RAM-Digits-v0, RAM-Digits-v0]\nalgorithms: [ram]\nframes: 1\n",
            "environments[1]: 'RAM-Digits-v0' is there twice: give one of them another name",
        ),
        (
            "environments: [RAM-Digits-v0]\nalgorithms: [{algorithm: ram, name: a/b}]\nframes: 1\n",
            "algorithms[0].name: 'a/b' is not a name",
        ),
        (
            f"environments: [RAM-Digits-v0]\nalgorithms: [{{algorithm: ram, name: {'a' * 201}}}]\nframes: 1\n",
            "has 201 characters: expected at most 200, give it another name",
        ),
        (
            f"environments: [{{id: RAM-Digits-v0, name: {'a' * 201}}}]\nalgorithms: [ram]\nframes: 1\n",
            "has 201 characters: expected at most 200, give it another name",
        ),
        (
            TOP + "frames: 1\nevaluation: {curve_points: 1000000}\n",
            "evaluation.curve_points: expected an integer from 1 to 100,000",
        ),
        (
            "environments: [RAM-Digits-v0]\nalgorithms: [{algorithm: ram, name: random}]\nframes: 1\n",
            "the name 'random' is taken",
        ),
        (
            "environments: [RAM-Digits-v0]\nalgorithms:\n  - toy:Toy\n  - algorithm: toy:Toy\n    name: b\n"
            "    settings:\n      rest: 1\n      labels: 2\nframes: 1\n",
            ", line 8, algorithms[1].settings.labels: toy:Toy on RAM-Digits-v0: there is no setting 'labels' "
            "(did you mean 'label'?): expected label, rest, end",
        ),
        (
            "environments: [RAM-Digits-v0]\nframes: 1\n"
            "algorithms:\n  - algorithm: toy:Toy\n    settings: {rest: long}\n",
            ", line 5, algorithms[0].settings.rest: toy:Toy on RAM-Digits-v0: rest='long' is not valid: expected "
            "something like 0.0",
        ),
        *(
            (
                f"environments: [RAM-Digits-v0]\nframes: 1\nalgorithms: [{{algorithm: {name}, settings: {given}}}]\n",
                told,
            )
            for name, given, told in (
                ("cleanrl-ppo-lstm", "{num_minibatches: 0}", "num_minibatches=0 is out of range"),
                ("cleanrl-ppo-lstm", "{num_steps: 0}", "num_steps=0 is out of range"),
                ("cleanrl-ppo-lstm", "{num_minibatches: 7}", "num_minibatches=7 does not divide num_envs=64"),
                (
                    "cleanrl-ppo-lstm",
                    "{num_envs: 8, num_minibatches: 3}",
                    "num_minibatches=3 does not divide num_envs=8",
                ),
                ("cleanrl-ppo-lstm", "{num_envs: 6, num_minibatches: 3, num_steps: 0}", "num_steps=0 is out of range"),
                ("ppo", "{num_envs: null}", "num_envs=None is not valid: expected something like 64"),
                ("ppo", "{num_stacked: 0}", "num_stacked=0 is out of range"),
                ("ppo", "{gamma: 1.5}", "gamma=1.5 is out of range: expected a number from 0 to 1"),
                ("recurrent-ppo", "{learning_rate: .inf}", "learning_rate=inf is out of range: expected a finite"),
                ("ppo", "{n_steps: 0}", "n_steps=0 is out of range: expected a whole number of at least 1"),
                ("ppo", "{n_epochs: -1}", "n_epochs=-1 is out of range"),
                ("ppo", "{clip_range: 0}", "clip_range=0 is out of range: expected a finite number above 0"),
                ("ppo", "{clip_range_vf: '0.2'}", "clip_range_vf='0.2' is out of range"),
                ("a2c", "{vf_coef: .inf}", "vf_coef=inf is out of range: expected a finite number"),
                ("dqn", "{buffer_size: 0}", "buffer_size=0 is out of range"),
                ("sac", "{batch_size: 0}", "batch_size=0 is out of range"),
                ("sac", "{ent_coef: .inf}", "ent_coef=inf is out of range"),
                ("cleanrl-ppo-lstm", "{gae_lambda: -0.1}", "gae_lambda=-0.1 is out of range"),
                ("cleanrl-ppo-lstm", "{learning_rate: 0}", "learning_rate=0 is out of range"),
                ("cleanrl-ppo-lstm", "{clip_coef: -0.1}", "clip_coef=-0.1 is out of range"),
                ("ram", "{init_from: 'pretrained:RAM-Digits-v0'}", "there is no setting 'init_from'"),
                ("ram", "{method: ppo}", "method='ppo' is not valid: expected one of 'hybrid', 'game'"),
                ("ram", "{method: game, class_loss: every}", "there is no setting 'class_loss'"),
            )
        ),
    ],
)
def test_mistakes_are_told_with_line_and_key(text, expected, folder):
    assert expected in refused(text, folder)


def test_an_unknown_algorithm_is_told_which_there_are(folder):
    message = refused(f"environments: [{DIGITS}]\nframes: 1\nalgorithms:\n  - pppo\n", folder)
    assert ", line 4, algorithms[0]: there is no algorithm 'pppo' (did you mean 'ppo'?)" in message
    assert all(name in message for name in ALGORITHMS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("toys:Toy", "the module 'toys' cannot be imported (ModuleNotFoundError"),
        ("broken:Toy", "the module 'broken' cannot be imported (SyntaxError"),
        ("toy:Tay", "'Tay' in toy is nothing: expected a class that derives from agents.benchmark.Algorithm"),
        ("toy:something", "'something' in toy is 3"),
        ("toy:NoAct", "toy:NoAct lacks act"),
        ("toy:NoFormats", "toy:NoFormats.action_formats is ('boxes',): expected a tuple of some of 'box', 'dict'"),
    ],
)
def test_an_algorithm_of_ones_own_that_cannot_be_used_is_told_why(name, expected, folder):
    (folder / "broken.py").write_text("def")
    message = refused(f"environments: [{DIGITS}]\nframes: 1\nalgorithms: ['{name}']\n", folder)
    assert f", line 3, algorithms[0]: {name}" in message
    assert expected in message


def test_a_missing_library_names_the_extra(folder, monkeypatch):
    monkeypatch.delitem(sys.modules, "agents.benchmark.stable_baselines3", raising=False)
    monkeypatch.setitem(sys.modules, "sb3_contrib", None)
    message = refused(f"environments: [{DIGITS}]\nframes: 1\nalgorithms: [sac]\n", folder)
    assert ", line 3, algorithms[0]: sac cannot be used: sb3_contrib cannot be imported" in message
    assert "pip install 'ram-active-vision[sb3]'" in message


@pytest.mark.parametrize(
    ("algorithm", "id", "use"),
    [
        ("sac", "RAM-CatchGame-Discrete-v0", "RAM-CatchGame-v0 or RAM-CatchGame-Flat-v0"),
        ("dqn", "RAM-CatchGame-Flat-v0", "RAM-CatchGame-v0 or RAM-CatchGame-Discrete-v0"),
        ("ram", "RAM-CatchGame-Flat-v0", "RAM-CatchGame-v0"),
        ("{algorithm: ppo, action_format: multidiscrete}", "RAM-CatchGame-Flat-v0", "RAM-CatchGame-v0"),
    ],
)
def test_an_algorithm_that_cannot_take_a_format_is_told_which_id_to_use(algorithm, id, use, folder):
    message = refused(f"environments: [{id}]\nframes: 1\nalgorithms:\n  - {algorithm}\n", folder)
    assert ", line 4, algorithms[0]: " in message
    assert f"use the id {use} (" in message


def test_a_format_that_an_algorithm_never_takes_is_refused(folder):
    text = f"environments: [{DIGITS}]\nframes: 1\nalgorithms: [{{algorithm: dqn, action_format: box}}]\n"
    assert "algorithms[0].action_format: dqn cannot take action_format='box': expected 'discrete'" in refused(
        text, folder
    )


def test_each_algorithm_plays_in_its_own_format_unless_the_id_says_another(folder):
    text = f"frames: 1\nalgorithms: [ppo, dqn, ram]\nenvironments: [{CATCH}]\n"
    formats = {job.algorithm: (job.action_format, job.observation_format) for job in read(text, folder).jobs()}
    assert formats["ppo"] == ("box", "dict")
    assert formats["dqn"] == ("discrete", "flat")
    assert formats["ram"] == formats["random"] == formats["oracle"] == ("dict", "dict")
    text = "frames: 1\nalgorithms: [ppo, dqn]\nenvironments: [RAM-CatchGame-Discrete-v0]\n"
    jobs = read(text, folder).jobs()
    assert {(job.action_format, job.observation_format) for job in jobs[2:]} == {("discrete", "flat")}
    assert {job.env_id for job in jobs} == {CATCH}


def test_settings_that_fit_each_other_are_read(folder):
    """Each alone would not fit the default of the other."""
    text = (
        f"environments: [{DIGITS}]\nframes: 1\n"
        "algorithms:\n  - algorithm: cleanrl-ppo-lstm\n    settings: {num_envs: 6, num_minibatches: 3}\n"
    )
    assert read(text, folder).algorithms[0].settings == {"num_envs": 6, "num_minibatches": 3}


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("sac", {"ent_coef": "auto_0.1", "target_entropy": "auto"}),
        ("ppo", {"clip_range_vf": None, "target_kl": 0.1, "n_steps": 1e2, "gamma": 1, "ent_coef": 0}),
        ("qrdqn", {"max_grad_norm": None, "gradient_steps": -1, "learning_starts": 0}),
    ],
)
def test_settings_within_their_ranges_are_read(algorithm, settings):
    entry = {"algorithm": algorithm, "settings": settings}
    plan = read_plan(item_of({"environments": [DIGITS], "algorithms": [entry], "frames": 1}))
    assert plan.algorithms[0].settings == settings


def test_settings_of_the_networks_are_checked_too(folder):
    for algorithm in ("ram", "recurrent-ppo-ram"):
        text = f"frames: 1\nenvironments: [{DIGITS}]\nalgorithms:\n  - algorithm: {algorithm}\n    settings:\n"
        assert ", line 6, algorithms[0].settings.network: " in refused(text + "      network: {cores: lstm}\n", folder)
        assert "core='gru' is not valid" in refused(text + "      network: {core: gru}\n", folder)


def bomb(levels, width):
    """Lists of aliases: a few hundred bytes that expand to width**levels values."""
    lines = ["a0: &a0 [x, x]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * width)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (bomb(9, 9), "more than 10,000 values, with aliases expanded"),
        (bomb(40, 1), "more than 32 levels of nesting, with aliases expanded"),
        (TOP + "x: " + "[" * 40 + "]" * 40, "more than 32 levels of nesting"),
        ("[" * 90_000, "more than 32 levels of nesting"),
        ("{a: " * 20_000, "more than 32 levels of nesting"),
        ("- " * 40_000, "more than 32 levels of nesting"),
        ("x: [" + "1," * 20_000 + "]", "more than 10,000 values"),
        ("x: " + "y" * 100_000, "larger than 100,000 bytes"),
        ("x: \0", "not valid YAML: unacceptable character"),
        (TOP + "frames: " + "9" * 5000, ", line 3, frames: '999"),
        (TOP + "frames: 0x" + "f" * 5000, "expected an integer of at most 9,223,372,036,854,775,807, got one of"),
        (TOP + "frames: 2026-13-45", ", line 3, frames: '2026-13-45' is not a valid timestamp"),
        (TOP + "frames: !!int x", ", line 3, frames: 'x' is not a valid int"),
        (TOP + "frames: !!bool x", ", line 3, frames: 'x' is not a valid bool"),
        (TOP + "frames: !!float ''", ", line 3, frames: '' is not a valid float"),
        (TOP + "frames: !!timestamp x", ", line 3, frames: 'x' is not a valid timestamp"),
        (TOP + "frames: !!binary x", ", line 3: not valid YAML"),
        (TOP + "frames: !!python/object:os.system x", "could not determine a constructor"),
        (TOP + "frames: .nan", ", line 3, frames: expected a number, got NaN"),
        (TOP + "<<: {frames: 10}", "could not determine a constructor"),
        (TOP + "frames: 10\nseeds: &s [0, [*s]]", ", line 4, seeds[1][0]: an alias that contains itself"),
        (TOP + '"a\\nb": 3', ", line 3, a b: there is no such key"),
        ("environments: [RAM-Digits-v0]\nframes: 1\nalgorithms: [':x']", ", line 3, algorithms[0]: "),
        ("environments: [{id: RAM-CatchGame-v0, settings: {screen_size: 10000000}}]\nframes: 1\nalgorithms: [ram]", ""),
    ],
    ids=lambda value: value[:30],
)
def test_a_hostile_file_ends_in_one_line_soon(text, expected, folder):
    start = time.process_time()
    message = refused(text, folder)
    assert time.process_time() - start < 30  # it takes milliseconds, or for ever
    assert expected in message and "\n" not in message and len(message) < 1000


def test_aliases_that_are_used_as_intended_are_read(folder):
    text = "algorithms:\n  - {algorithm: toy:Toy, settings: &settings {rest: 0.5}}\n"
    text += "  - {algorithm: toy:Toy, name: other, settings: *settings}\nenvironments: [RAM-Digits-v0]\nframes: 5\n"
    assert [job.settings for job in read(text, folder).jobs()[-2:]] == [{"rest": 0.5}] * 2
