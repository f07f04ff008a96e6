"""Early stopping: an answer as soon as the largest class probability reaches a threshold."""

from functools import partial

import numpy as np
import pytest
import torch
from gymnasium.vector import AutoresetMode

import agents
from agents.cli import main
from agents.errors import SettingsError
from agents.evaluation.evaluate import evaluate
from agents.evaluation.stopping import Beliefs, StopRule, beliefs, early_settings, fit_temperature, stop_curve
from agents.pictures.animation import animate
from agents.pictures.html_page import write_html
from agents.pictures.watch import looks, make_one, watch
from agents.pretrained import resolve_checkpoint
from agents.ram.checkpoint import load_checkpoint
from ram_envs import ENVIRONMENTS
from ram_envs.errors import InvalidArgument
from ram_envs.scenes.datasets import load_dataset

DIGITS = "RAM-Digits-v0"


@pytest.fixture(scope="module")
def trained():
    content = load_checkpoint(resolve_checkpoint(f"pretrained:{DIGITS}"))
    return content.policy, content.env_id, content.env_settings


def test_the_rule_answers_when_it_is_sure_or_has_to():
    rule = StopRule(0.9, 1.0, 2, 3)
    logits = torch.tensor([[3.0, 0.0, 9.0], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]])  # the third one, "look on", is ignored
    assert rule.answer(logits, logits, 0).tolist() == [0, 2, 1]  # probabilities 0.95, 0.88 and 0.98
    assert rule.answer(logits, logits, 2).tolist() == [0, 1, 1]
    assert rule.answer(logits[[1, 1]], logits[[1, 1]], torch.tensor([1, 2])).tolist() == [2, 1]
    assert StopRule(0.9, 2.0, 2, 3).answer(logits, logits, 0).tolist() == [2, 2, 2]  # 0.82, 0.73, 0.88
    assert StopRule(0.0, 1.0, 2, 3).answer(logits, logits, 0).tolist() == [0, 1, 1]


def test_a_sampled_class_does_not_change_when_the_rule_stops():
    rule = StopRule(0.9, 1.0, 2, 3)
    logits = torch.tensor([[3.0, 0.0], [0.0, 2.0]])
    noisy = torch.tensor([[0.0, 9.0], [0.0, 9.0]])
    assert rule.answer(logits, noisy, 0).tolist() == [1, 2]
    assert rule.answer(logits, noisy, 2).tolist() == [1, 1]


def test_sampled_classes_stop_as_early_as_the_most_likely_ones(trained):
    plain = evaluate(*trained, stop_threshold=0.7)
    sampled = evaluate(*trained, stop_threshold=0.7, greedy=True, greedy_action=False)
    assert sampled.mean_glimpses == plain.mean_glimpses and sampled.value > plain.value


def test_beliefs_need_a_policy_that_fits(trained):
    with pytest.raises(InvalidArgument, match="the policy was made for"):
        beliefs(trained[0], DIGITS, {"patch_size": 2})


def test_the_environment_gives_what_the_curve_says(trained):
    found = beliefs(*trained)
    assert found.logits.shape == (4, 360, 10)
    for point in stop_curve(found, [0.0, 0.7, 0.95, 1.0]):
        result = evaluate(*trained, stop_threshold=point.threshold)
        assert result.value == pytest.approx(point.error_percent)
        assert result.mean_glimpses == pytest.approx(point.mean_glimpses)
        assert result.to_dict()["stop_threshold"] == point.threshold
        assert f"stopped at probability {point.threshold:g}" in str(result)
    full = evaluate(*trained)
    assert "stop_threshold" not in full.to_dict()
    none, never = stop_curve(found, [0.0, 1.0])
    assert none.mean_glimpses == 1 and never.mean_glimpses > 3.9
    last = (found.logits[-1].argmax(1) != found.target).float().mean()
    assert 100 * float(last) == pytest.approx(full.value, abs=1e-4)


def test_beliefs_of_some_images_are_those_of_an_evaluation_of_as_many(trained):
    """In batches of 40: the last one is not full, and its surplus rows are left out."""
    found = beliefs(*trained, episodes=90, num_envs=40)
    assert found.logits.shape == (4, 90, 10) and found.target.shape == (90,)
    assert found.target.tolist() == load_dataset("digits", "test").labels[::4].tolist()
    (point,) = stop_curve(found, [0.8])
    result = evaluate(*trained, episodes=90, stop_threshold=0.8)
    assert result.episodes == 90 and result.value == pytest.approx(point.error_percent)
    assert result.mean_glimpses == pytest.approx(point.mean_glimpses)


def test_a_temperature_recovers_the_probabilities_that_made_the_labels():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 20_000, 4, generator=generator) * 2
    # One label per episode, drawn from the probabilities of the first glimpse; the second glimpse believes the same.
    logits[1] = logits[0]
    target = torch.multinomial(logits[0].softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(Beliefs(logits, target)) == pytest.approx(1.0, abs=0.03)
    assert fit_temperature(Beliefs(logits * 3, target)) == pytest.approx(3.0, abs=0.09)


def play(agent, env, observation, threshold):
    """Play an episode from its first observation; return the number of glimpses and the last info."""
    state, over, glimpses, info = None, False, 0, {}
    while not over:
        action, state = agent.act(observation, state, stop_threshold=threshold)
        observation, _, terminated, truncated, info = env.step(action)
        over, glimpses = terminated or truncated, glimpses + 1
    return glimpses, info


def test_an_agent_stops_early_from_python(trained):
    agent = agents.load(f"pretrained:{DIGITS}")
    env = agent.make_env(stop="learned")
    glimpses, right = [], []
    for episode in range(40):
        observation, _ = env.reset(seed=episode, options={"image_index": episode})
        count, info = play(agent, env, observation, 0.9)
        glimpses.append(count)
        right.append(info["is_success"])
        assert info["prediction"] in range(10)
    policy, env_id, settings = trained
    found = beliefs(policy, env_id, settings)
    few = Beliefs(found.logits[:, :40], found.target[:40])
    (point,) = stop_curve(few, [0.9])
    assert np.mean(glimpses) == pytest.approx(point.mean_glimpses)
    assert 100 - 100 * np.mean(right) == pytest.approx(point.error_percent)
    assert 1 < np.mean(glimpses) < 4


@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_an_agent_stops_early_in_a_vector_environment(mode):
    """Episodes of different length end at different times; each one is that of a single environment."""
    agent = agents.load(f"pretrained:{DIGITS}")
    envs = agent.make_vec(8, stop="learned", autoreset_mode=mode)
    observation, _ = envs.reset(seed=0)
    state, starts, over = None, None, np.zeros(8, bool)
    count, lengths = np.zeros(8, int), [[] for _ in range(8)]
    for _ in range(30):
        action, state = agent.act(observation, state, episode_start=starts, stop_threshold=0.98)
        observation, _, terminated, truncated, _ = envs.step(action)
        reset = over & (mode == AutoresetMode.NEXT_STEP)  # this step only reset these rows
        count = np.where(reset, 0, count + 1)
        over = (terminated | truncated) & ~reset
        for row in np.flatnonzero(over):
            lengths[row].append(count[row])
        starts = over if mode == AutoresetMode.SAME_STEP else reset
        count = np.where(over, 0, count)
    for row in range(8):
        env, alone = agent.make_env(stop="learned"), []
        observation, _ = env.reset(seed=row)
        for _ in lengths[row]:
            alone.append(play(agent, env, observation, 0.98)[0])
            observation, _ = env.reset()
        assert lengths[row] == alone
    assert len({length for row in lengths for length in row}) > 1 and min(map(len, lengths)) > 2


def test_an_agent_answers_at_the_last_glimpse_of_the_environment_that_it_made():
    agent = agents.load(f"pretrained:{DIGITS}")
    env = agent.make_env(stop="learned", num_glimpses=2)
    for seed in range(5):
        observation, _ = env.reset(seed=seed)
        action, state = agent.act(observation, stop_threshold=1.0)
        assert action["label"] == 10  # "look on"
        observation, *_ = env.step(action)
        action, _ = agent.act(observation, state, stop_threshold=1.0)
        assert action["label"] < 10


def test_a_threshold_is_asked_for_where_an_answer_ends_the_episode_and_refused_elsewhere():
    agent = agents.load(f"pretrained:{DIGITS}")
    observation, _ = agent.make_env(stop="learned").reset(seed=0)
    with pytest.raises(SettingsError, match="not trained to look on.*; pass stop_threshold, for instance 0.98"):
        agent.act(observation)
    agent.make_env()  # now there is no telling which of the two it acts in
    agent.act(observation)
    plain = agents.load(f"pretrained:{DIGITS}")
    plain.make_env()
    with pytest.raises(SettingsError, match=r"stop_threshold=0.9 needs .* make it with make_env\(stop='learned'\)"):
        plain.act(observation, stop_threshold=0.9)


def test_watching_stops_early_too(trained):
    policy, env_id, settings = trained
    env = make_one(env_id, early_settings(env_id, {**settings, "split": "test"}))
    shown = list(looks(policy, env, 10, 0, stop_threshold=0.9))
    assert sum(look.over for look in shown) == 10
    assert len(shown) < 10 * 5 and len(shown[0].readout.names) == 10 and not len(shown[0].readout.values)


def test_the_command_calibrates(capsys):
    arguments = ["evaluate", f"pretrained:{DIGITS}", "--stop-threshold", "0.9"]
    assert main(arguments) == 0
    plain = capsys.readouterr().out
    assert main([*arguments, "--calibrate", "train[-300:]"]) == 0
    calibrated = capsys.readouterr().out
    assert "stopped at probability 0.9" in plain and "temperature" not in plain and "(temperature 0." in calibrated


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pretrained:RAM-CatchGame-v0", "--stop-threshold", "0.9"], "stop_threshold has no meaning for RAM-CatchGame"),
        (
            [f"pretrained:{DIGITS}", "--stop-threshold", "98"],
            "stop_threshold=98.0 is not valid: expected a number",
        ),
        ([f"pretrained:{DIGITS}", "--calibrate", "test"], "--calibrate has an effect only with --stop-threshold"),
    ],
)
def test_what_cannot_stop_is_refused_in_one_line(arguments, message, capsys):
    assert main(["evaluate", *arguments]) != 0
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.parametrize(
    "show", [evaluate, watch, partial(animate, file="agent.gif"), partial(write_html, file="a.html")]
)
def test_a_threshold_is_never_ignored(show, trained):
    """An environment of another package has no answer that could end its episodes."""
    with pytest.raises(ValueError, match="CartPole-v1"):
        show(policy=trained[0], env_id="CartPole-v1", env_settings={}, stop_threshold=0.9)


def test_an_agent_of_a_task_that_names_its_glimpses_otherwise_still_looks(monkeypatch):
    """The most glimpses come from the task, whatever its argument is called."""
    agent = agents.load(f"pretrained:{DIGITS}")
    monkeypatch.setitem(
        ENVIRONMENTS, DIGITS, {key: ENVIRONMENTS[DIGITS][key] for key in ("task", "dataset", "patch_size")}
    )
    observation, _ = agent.make_env(stop="learned").reset(seed=0)
    action, _ = agent.act(observation, stop_threshold=1.0)
    assert action["label"] == 10  # "look on"


def test_bad_thresholds_and_temperatures_are_refused_in_python(trained):
    agent = agents.load(f"pretrained:{DIGITS}")
    observation, _ = agent.make_env().reset(seed=0)
    for wrong in ({"stop_threshold": -0.1}, {"stop_threshold": 0.5, "temperature": 0.0}):
        with pytest.raises(SettingsError, match=f"{list(wrong)[-1]}="):
            agent.act(observation, **wrong)
    with pytest.raises(InvalidArgument, match="temperature=nan"):
        evaluate(*trained, stop_threshold=0.5, temperature=float("nan"))
