"""Environments of other packages, seen through glimpses, in a benchmark."""

import gymnasium
import pytest

from agents.benchmark.algorithm import find_algorithm
from agents.benchmark.evaluation import Evaluator
from agents.benchmark.items import PlanError, item_of
from agents.benchmark.reading import read_plan
from agents.benchmark.run import run
from agents.evaluation.evaluate import evaluate
from tests.agents.benchmark.test_run import SMALL
from tests.ram_envs.wrappers.environments import LENGTH, Dots
from tests.ram_envs.wrappers.environments import SMALL as SENSOR

DOTS, WRAPPER = "Benchmarked/Dots-v0", "RAM-Glimpse-v0"
SEGMENTS = {"num_envs": 8, "network": SMALL["ram"]["network"], "log_every": 2, "segment_length": 7, "minibatches": 2}
SETTINGS = SMALL | {"ram": SEGMENTS}


@pytest.fixture(autouse=True, scope="module")
def dots():
    """Dots by an id; its score is the sum of the columns in which the dot was."""
    gymnasium.register(DOTS, entry_point=Dots)
    yield
    gymnasium.registry.pop(DOTS)


def plan_of(algorithm, id=WRAPPER, **settings):
    environment = {"id": id, "name": "dots", "settings": {"env_id": DOTS, **SENSOR, **settings}}
    evaluation = {"episodes": 60, "curve_points": 2, "curve_episodes": 5}
    algorithms = [{"algorithm": algorithm, "settings": SETTINGS[algorithm]}]
    content = {"environments": [environment], "algorithms": algorithms, "frames": 140, "evaluation": evaluation}
    return read_plan(item_of(content))


@pytest.mark.parametrize("algorithm", SETTINGS)
def test_every_algorithm_learns_there(algorithm):
    job = plan_of(algorithm).jobs()[-1]
    result = run(job)
    assert 140 <= result["frames"] <= 140 + 64
    assert result["score"]["episodes"] == 60 and not result["score"]["is_share"]
    assert 0 < result["score"]["value"] < LENGTH * 20


@pytest.mark.parametrize("algorithm", ["ppo", "ram"])
def test_the_seed_decides_a_run(algorithm):
    first, again = (run(plan_of(algorithm).jobs()[-1]) for _ in range(2))
    assert again["curve"] == first["curve"] and again["score"] == first["score"]


def test_the_score_is_that_of_ram_evaluate():
    job = plan_of("ram").jobs()[-1]
    algorithm = find_algorithm("ram")(job.problem, SETTINGS["ram"])
    algorithm.learn(140, lambda frames: None)
    expected = evaluate(algorithm.policy, WRAPPER, job.env_settings, episodes=40)
    assert Evaluator(job.problem, 40).score(algorithm).value == pytest.approx(expected.value, rel=1e-6)


@pytest.mark.parametrize("mode", ["SameStep", "NextStep", "Disabled"])
def test_an_algorithm_may_choose_how_rows_are_reset(mode):
    envs = plan_of("ppo").jobs()[-1].problem.make_vec(2, mode, pixels="render")
    assert envs.metadata["autoreset_mode"].value == mode
    assert envs.reset(seed=[3, 4])[0]["glimpse"].shape == (2, 2 * 4 * 4 * 3)


def test_its_only_reference_is_the_random_player():
    [reference, _] = plan_of("ppo").jobs()
    first, again = run(reference), run(reference)
    assert reference.title == "random on dots, seed 0"
    assert first["score"] == again["score"] and first["score"]["successes"] == 0


def test_the_id_may_ask_for_formats():
    job = plan_of("dqn", "ram_envs:RAM-Glimpse-Discrete-v0").jobs()[-1]
    assert (job.env_id, job.action_format, job.observation_format) == (WRAPPER, "discrete", "flat")
    with pytest.raises(PlanError, match="sac takes action_format 'box'.*use the id RAM-Glimpse-v0 or RAM-Glimpse-Flat"):
        plan_of("sac", "RAM-Glimpse-Discrete-v0")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"env_id": None}, "env_id=None is not valid"),
        ({"env_id": "Nowhere-v0"}, "Nowhere"),
        ({"patchsize": 4}, "did you mean 'patch_size'"),
        ({"action_format": "dict"}, "action_format is each algorithm's own choice"),
    ],
)
def test_mistakes_are_one_line(settings, message):
    with pytest.raises(PlanError, match=message) as error:
        plan_of("ppo", **settings)
    assert "\n" not in str(error.value)


def test_an_id_of_another_package_is_told_how_to_be_wrapped():
    with pytest.raises(PlanError, match=r"wrap it: \{id: RAM-Glimpse-v0, settings: \{env_id: ALE/Pong-v5\}\}"):
        plan_of("ppo", "CartPole-v1")
