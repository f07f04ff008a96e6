"""One run: what every algorithm that comes with the benchmark does, and how it is judged."""

import json
import subprocess
import sys

import numpy as np
import pytest

from agents.benchmark.algorithm import ALGORITHMS, Problem, find_algorithm
from agents.benchmark.evaluation import Evaluator, Score
from agents.benchmark.items import item_of
from agents.benchmark.ram import RAM, training_settings
from agents.benchmark.reading import read_plan
from agents.benchmark.references import score_reference
from agents.benchmark.results import Results
from agents.benchmark.run import run
from agents.evaluation.references import OraclePlayer, RandomPlayer
from agents.training.presets import settings_for_any
from tests.limits import HANG_S

DIGITS, CATCH = "RAM-Digits-v0", "RAM-CatchGame-v0"
NETWORK = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}
ON_POLICY = {"num_envs": 8, "n_steps": 8}
PPO = {**ON_POLICY, "batch_size": 32, "n_epochs": 1}
OFF_POLICY = {"num_envs": 4, "learning_starts": 40, "buffer_size": 100, "batch_size": 8, "gradient_steps": 1}
NET = {"policy_kwargs": {"net_arch": [8]}}  # which the models of Stable-Baselines3 complete with classes
SMALL = {
    "ppo": PPO | NET,
    "ppo-stacked": PPO,
    "a2c": ON_POLICY | NET,
    "dqn": OFF_POLICY | NET,
    "qrdqn": OFF_POLICY | NET,
    "sac": OFF_POLICY | NET,
    "tqc": OFF_POLICY | NET,
    "recurrent-ppo": PPO | NET,
    "recurrent-ppo-ram": {**PPO, "network": NETWORK},
    "cleanrl-ppo-lstm": {"num_envs": 8, "num_steps": 8, "hidden_size": 8, "lstm_size": 8, "update_epochs": 1},
    "ram": {"num_envs": 8, "network": NETWORK, "log_every": 2},
}
EVALUATION = {"episodes": 30, "curve_points": 3, "curve_episodes": 10}


def job_of(algorithm, settings, env_id=DIGITS, frames=150, **changes):
    entry = {"algorithm": algorithm, "settings": settings}
    content = {"environments": [env_id], "algorithms": [entry], "frames": frames, "evaluation": EVALUATION}
    return read_plan(item_of({**content, **changes})).jobs()[-1]


def test_the_table_of_algorithms_is_tested():
    assert set(SMALL) == set(ALGORITHMS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_learns_and_is_judged(algorithm):
    result = run(job_of(algorithm, SMALL[algorithm]))
    assert json.loads(json.dumps(result)) == result
    assert 150 <= result["frames"] <= 150 + 64
    assert [point["due"] for point in result["curve"]] == [0, 50, 100, 150]
    assert all(point["frames"] >= point["due"] and 0 <= point["score"] <= 1 for point in result["curve"])
    assert result["score"]["episodes"] == 30 and result["frames_per_second"] > 0
    assert result["settings"]["num_envs"] == SMALL[algorithm]["num_envs"]
    assert result["job"]["settings"] == SMALL[algorithm]
    assert result["settings"].get("policy_kwargs") == SMALL[algorithm].get("policy_kwargs")
    assert "torch" in result["versions"] and result["hardware"]["cores"] >= 1


@pytest.mark.parametrize("algorithm", ["ppo-stacked", "dqn", "recurrent-ppo-ram", "cleanrl-ppo-lstm", "ram"])
def test_the_seed_decides_a_run_and_judging_does_not_change_it(algorithm):
    first, again = (run(job_of(algorithm, SMALL[algorithm])) for _ in range(2))
    assert again["curve"] == first["curve"] and again["score"] == first["score"]
    rarely = {**EVALUATION, "curve_points": 1, "curve_episodes": 4}
    assert run(job_of(algorithm, SMALL[algorithm], evaluation=rarely))["score"] == first["score"]


def test_a_run_starts_from_random_weights_whatever_the_preset_starts_from():
    """The preset of training fine-tunes a trained agent, whose frames the budget does not count."""
    env_id = "RAM-MNISTPairs-v0"
    assert settings_for_any(env_id).init_from is not None
    assert "init_from" not in RAM.known_settings(env_id)
    assert training_settings(env_id, {}).init_from is None


def test_games_are_learned_too():
    settings = {**SMALL["ram"], "minibatches": 2, "update_epochs": 1}
    assert run(job_of("ram", settings, CATCH, 200))["frames"] == 368  # 8 rows of 23 frames, twice


def test_where_an_answer_ends_the_episode_it_learns_from_rewards():
    """The hybrid loss needs right answers at fixed steps; the file may name the method, too."""
    for settings in ({}, {"method": "game", "minibatches": 2}):
        early = {"stop": "learned", "glimpse_cost": 0.01}
        problem = Problem(env_id=DIGITS, env_settings=early, action_format="dict", observation_format="dict")
        algorithm = RAM(problem, {**SMALL["ram"], **settings})
        assert algorithm.settings["method"] == "game" and "gae_lambda" in algorithm.settings
        algorithm.learn(100, lambda frames: None)
        assert Evaluator(problem, 20).score(algorithm).episodes == 20
    assert RAM(Problem(env_id=DIGITS), SMALL["ram"]).settings["method"] == "hybrid"


def test_the_stack_in_play_is_that_of_training():
    problem = Problem(env_id=DIGITS)
    algorithm = find_algorithm("ppo-stacked")(problem, PPO)
    env = algorithm.model.env
    env.seed(3)
    trained_on = [env.reset()]
    single = problem.make_vec(8)
    seen = [single.reset(seed=3)[0]]
    predicted = []
    algorithm.start(8)
    predict = algorithm.model.predict

    def note(observation, *arguments, **settings):
        predicted.append({key: value.copy() for key, value in observation.items()})
        return predict(observation, *arguments, **settings)

    algorithm.model.predict = note
    for _ in range(4):
        action = algorithm.act(seen[-1])
        trained_on.append(env.step(action)[0])
        seen.append(single.step(action)[0])
    for ours, theirs in zip(predicted, trained_on[:4], strict=True):
        for key, value in ours.items():
            np.testing.assert_array_equal(value, theirs[key])


def test_the_score_is_that_of_ram_evaluate():
    from agents.evaluation.evaluate import evaluate

    algorithm = find_algorithm("ram")(job_of("ram", SMALL["ram"]).problem, SMALL["ram"])
    algorithm.learn(100, lambda frames: None)
    score = Evaluator(algorithm.problem, 10_000).score(algorithm)
    expected = evaluate(algorithm.policy, DIGITS, {})
    assert score.episodes == expected.episodes == 360
    assert 100 * (1 - score.value) == pytest.approx(expected.value)


def test_points_that_are_skipped_have_the_score_of_what_comes_next(folder):
    result = run(job_of("toy:Toy", {"label": 3}, frames=15))  # which tells of its progress at 0 and 10 only
    assert [(point["due"], point["frames"]) for point in result["curve"]] == [(0, 0), (5, 10), (10, 10), (15, 10)]
    assert result["frames"] == 10


def test_an_algorithm_that_never_tells_its_progress_is_refused(folder):
    with pytest.raises(RuntimeError, match="never called progress"):
        run(job_of("toy:Silent", {}))


@pytest.mark.parametrize("type", ["int64", "float", "float32"])
def test_progress_takes_whole_numbers_of_any_type_and_the_result_is_read_back(type, folder):
    job = job_of("toy:Counts", {"type": type})
    result = run(job)
    assert [point["frames"] for point in result["curve"]] == [0, 150, 150, 150]
    results = Results(folder / "out")
    results.write(job, result)
    assert list(results.missing([job])) == [] and results.read() == [result]


@pytest.mark.parametrize(("type", "shown"), [("text", "'150'"), ("half", "150.5")])
def test_progress_in_parts_of_frames_is_refused_at_once(type, shown, folder):
    with pytest.raises(TypeError, match=f"progress was called with {shown}: expected all frames so far, a whole"):
        run(job_of("toy:Counts", {"type": type}))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e10])
def test_a_result_that_could_not_be_read_back_is_no_success(value, folder, monkeypatch):
    monkeypatch.setattr(Evaluator, "score", lambda self, player: Score(value, 0, self.episodes, is_share=False))
    with pytest.raises(ValueError, match=r"Toy on RAM-Digits-v0, seed 0: the result cannot be stored: score.value is"):
        run(job_of("toy:Toy", {}))


def test_settings_are_stored_as_they_are_before_the_run(folder):
    job = job_of("toy:Changes", {"label": [3]})
    assert run(job)["settings"]["label"] == [3] and job.settings == {"label": [3]}


def test_settings_that_cannot_be_stored_are_refused_before_the_run(folder, capsys):
    with pytest.raises(
        TypeError, match=r"^toy:Classes: settings\['net'\]=<class 'int'> cannot be stored .*plain values"
    ):
        run(job_of("toy:Classes", {}))
    assert "learning begins" not in capsys.readouterr().out


def test_references_frame_the_scale():
    games = Problem(env_id=CATCH, action_format="dict")
    assert 0.06 < score_reference("random", games, 2000, "test").value < 0.11
    assert score_reference("oracle", games, 1000, "test").value > 0.99
    small = Problem(env_id=CATCH, env_settings={"screen_size": 11, "patch_size": 4}, action_format="dict")
    assert score_reference("oracle", small, 500, "test").value > 0.98
    images = Problem(env_id=DIGITS, action_format="dict")
    assert score_reference("oracle", images, 100, "test") == (1, 100, 100, True)
    assert 0.05 < score_reference("random", images, 360, "train").value < 0.17


def test_references_start_without_torch():
    code = (
        "import sys; from agents.benchmark.items import item_of; from agents.benchmark.plan import *\n"
        "from agents.benchmark.run import run\n"
        f"plan = Plan(environments=(EnvironmentEntry(name='a', id='{DIGITS}'),), algorithms=(), seeds=(), frames=1)\n"
        "print([run(job)['score']['episodes'] for job in plan.jobs()], 'torch' in sys.modules)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=HANG_S)
    assert output.stdout == "[360, 360] False\n", output.stderr


def test_episodes_that_end_early_count_once():
    problem = Problem(env_id=DIGITS, env_settings={"stop": "learned"}, action_format="dict")
    evaluator = Evaluator(problem, 50)

    class Impatient(RandomPlayer):
        """Names label 0 at once, and other labels in the episodes that follow."""

        def start(self, num_envs):
            super().start(num_envs)
            self.label = 0

        def act(self, observation):
            action = {**super().act(observation), "label": np.full(self._num_envs, self.label)}
            self.label += 1
            return action

    labels = evaluator.env.task.data.labels[np.arange(50) * evaluator.num_images // 50]
    assert evaluator.score(Impatient(evaluator.env.task)).successes == (labels == 0).sum()


def test_players_get_fresh_episodes_and_the_same_ones():
    problem = Problem(env_id=CATCH, action_format="dict", seed=5)
    assert problem.training_seed > 10**9
    one, other = (Evaluator(problem, 700) for _ in range(2))
    oracle = one.env.task.oracle()
    assert one.score(OraclePlayer(one.env, oracle)) == other.score(OraclePlayer(other.env, oracle))
