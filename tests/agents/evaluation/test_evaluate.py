"""Evaluation: every image once, every episode by its own seed, whatever the batches are."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch

import ram_envs
from agents.evaluation.evaluate import evaluate
from agents.evaluation.players import row_noise
from agents.evaluation.splits import evenly_spread
from agents.ram.checkpoint import load_checkpoint
from agents.ram.decisions import Heads
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from agents.training import trainer
from agents.training.settings import HybridSettings
from ram_envs.scenes.datasets import load_dataset
from ram_envs.scenes.randomness import draw_words, uniform

SMALL = NetworkSettings(core_size=16, glimpse_hidden=16, location_hidden=8, glimpse_features=16, location_std=0.3)
DIGITS, CATCH = "RAM-Digits-v0", "RAM-CatchGame-v0"


def make_policy(env_id, **settings):
    torch.manual_seed(3)
    env = ram_envs.make_tensor(env_id, 1, **settings)
    policy = RAMPolicy(RAMSettings.for_environment(env, SMALL))
    for name, parameter in policy.named_parameters():  # so that decisions depend on what is seen
        torch.nn.init.normal_(parameter, std=1.0 if "action" in name else 0.3)
    return policy


def play_alone(policy, env_id, settings, seed, image_index=None):
    """Play one greedy episode in a single environment; return whether it succeeded and its steps."""
    env = gymnasium.make(env_id, action_format="dict", **settings)
    task = env.unwrapped.task
    options = None if image_index is None else {"image_index": image_index}
    observation, _ = env.reset(seed=seed, options=options)
    state, terminated, steps = policy.initial_state(1), False, 0
    while not terminated:
        batch = {key: torch.as_tensor(value)[None] for key, value in observation.items()}
        with torch.no_grad():
            decision, state = policy.act(batch, state, greedy=True)
        action = {"fixation": decision.fixation[0].numpy(), task.answer.key: int(decision.task_action[0])}
        observation, _, terminated, _, info = env.step(action)
        steps += 1
    return info["is_success"], steps


@pytest.mark.parametrize("stop", ["fixed", "learned"])
def test_classification_shows_every_image_of_the_split_once(stop):
    policy = make_policy(DIGITS, stop=stop)
    if stop == "learned":
        with torch.no_grad():
            policy.action_network.logits.bias[-1] += 4  # looks on, mostly
    result = evaluate(policy, DIGITS, {"stop": stop}, split="test[:40]", seed=5, num_envs=16)
    played = [play_alone(policy, DIGITS, {"stop": stop, "split": "test[:40]"}, 5 + i, i) for i in range(40)]
    successes, steps = np.transpose(played)
    assert result.value == pytest.approx(100 * (1 - successes.mean()))
    assert result.mean_glimpses == pytest.approx(steps.mean())
    assert 0 < successes.sum() < 40 and (stop == "fixed" or 1 < steps.mean() < 4)
    assert (result.figure, result.episodes, result.split) == ("error_percent", 40, "test[:40]")


def test_game_plays_the_episodes_of_its_seeds():
    policy = make_policy(CATCH)
    result = evaluate(policy, CATCH, {}, episodes=60, seed=7, num_envs=25)
    successes = [play_alone(policy, CATCH, {}, 7 + i)[0] for i in range(60)]
    assert result.value == pytest.approx(np.mean(successes)) and sum(successes) > 0
    assert (result.figure, result.episodes, result.mean_glimpses, result.split) == ("success_rate", 60, 23, None)


@pytest.mark.parametrize("greedy", [True, False])
@pytest.mark.parametrize("env_id", [DIGITS, CATCH])
def test_figure_is_the_same_for_every_size_of_batches(env_id, greedy):
    policy = make_policy(env_id)
    values = {
        evaluate(policy, env_id, {}, episodes=41, seed=1, greedy=greedy, num_envs=size).value for size in (1, 13, 100)
    }
    assert len(values) == 1


def test_drawn_decisions_differ_from_greedy_ones_and_between_seeds():
    policy = make_policy(DIGITS)
    values = [evaluate(policy, DIGITS, {}, seed=seed, greedy=False).value for seed in (0, 1000)]
    assert values[0] != values[1]
    assert evaluate(policy, DIGITS, {}).value not in values


def test_locations_are_drawn_alone_or_with_the_actions():
    policy = make_policy(DIGITS)
    drawn = {
        (greedy, action): evaluate(policy, DIGITS, {}, greedy=greedy, greedy_action=action)
        for greedy, action in ((True, None), (True, True), (False, True), (False, None), (False, False))
    }
    values = {choice: result.value for choice, result in drawn.items()}
    assert values[True, None] == values[True, True] and values[False, None] == values[False, False]
    assert len(set(values.values())) == 3
    assert "locations sampled" in str(drawn[False, True]) and "decisions sampled" in str(drawn[False, None])


def test_random_locations_are_drawn_by_the_seed_even_if_greedy():
    policy = make_policy(DIGITS)
    random = RAMPolicy(replace(policy.settings, random_locations=True))
    random.load_state_dict(policy.state_dict())
    results = [evaluate(random, DIGITS, {}, num_envs=size, greedy_action=True) for size in (7, 1000)]
    assert results[0].value == results[1].value and not results[0].greedy
    assert evaluate(random, DIGITS, {}, seed=1000).value != results[0].value != evaluate(policy, DIGITS, {}).value


class SaysZero(RAMPolicy):
    """Looks at the centre and says class 0."""

    def heads(self, h, **gradients):
        logits = torch.zeros(*h.shape[:-1], 10)
        logits[..., 0] = 1
        return Heads(torch.zeros(*h.shape[:-1], 2), logits, torch.zeros(h.shape[:-1]))


def test_error_of_a_constant_answer_is_the_share_of_the_other_classes():
    labels = load_dataset("digits", "test").labels
    policy = SaysZero(make_policy(DIGITS).settings)
    result = evaluate(policy, DIGITS, {"split": "train"}, num_envs=100)
    assert result.value == pytest.approx(100 * np.mean(labels != 0))
    assert (result.episodes, result.split) == (len(labels), "test")
    some = evaluate(policy, DIGITS, {}, episodes=90)
    assert some.value == pytest.approx(100 * np.mean(labels[::4] != 0))


def test_noise_has_the_distributions_that_it_should():
    normal, gumbel = row_noise(torch.arange(20_000), 3, 2, 2)
    assert normal.mean(0).abs().max() < 0.03 and (normal.std(0) - 1).abs().max() < 0.03
    assert np.corrcoef(normal.T.numpy())[0, 1] == pytest.approx(0, abs=0.03)
    logits = torch.tensor([0.0, 1.0])
    share = ((logits + gumbel).argmax(1) == 1).float().mean()
    assert share == pytest.approx(torch.sigmoid(torch.tensor(1.0)).item(), abs=0.015)


def test_the_noise_is_not_made_of_the_words_that_draw_the_scenes():
    """Both are keyed by the seed: with the same second key, what the policy samples would follow from its scene."""
    seeds = torch.arange(20)
    scenes = torch.stack([uniform(draw_words(seeds, torch.full_like(seeds, episode), 6)) for episode in range(6)])
    for step in range(6):
        _, gumbel = row_noise(seeds, step, 0, 6)
        words = 1 - torch.exp(-torch.exp(-gumbel.double()))
        assert (words - scenes).abs().amax((1, 2)).min() > 0.5


@pytest.mark.parametrize(("count", "total"), [(100, 360), (7, 360), (360, 360), (1, 360)])
def test_images_are_spread_over_the_whole_split(count, total):
    images = evenly_spread(count, total)
    assert images.dtype == np.int64 and len(set(images.tolist())) == count and images[0] == 0
    gaps = np.diff([*images, total])  # up to the end: the last images are not left out
    assert gaps.max() - gaps.min() <= 1


def test_line_says_figure_interval_and_number():
    policy = SaysZero(make_policy(DIGITS).settings)
    line = str(evaluate(policy, DIGITS, {}))
    assert line.startswith("error_percent 9") and "  95% interval [" in line
    assert "360 episodes, one rollout per image" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"episodes": 361}, "at most 360"),
        ({"episodes": 0}, "episodes=0"),
        ({"seed": -1}, "seed=-1"),
        ({"split": "validation"}, "split='validation'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        evaluate(make_policy(DIGITS), DIGITS, {}, **arguments)


def test_policy_of_another_environment_is_refused():
    with pytest.raises(
        ValueError,
        match=r"made for num_actions=10, glimpse_shape=\(1, 1, 4, 4\), but RAM-CatchGame-v0 has num_actions=3",
    ):
        evaluate(make_policy(DIGITS), CATCH, {})


def test_split_of_a_game_is_refused():
    with pytest.raises(ValueError, match="shows no images"):
        evaluate(make_policy(CATCH), CATCH, {}, split="test")


def test_a_scripted_gaze_leaves_nothing_to_sample(tmp_path):
    """The baselines of the paper's tables: no location is learned, and evaluation with sampled ones is the same."""
    environment = {"split": "train[:64]", "gaze": "raster", "num_glimpses": 4}
    settings = HybridSettings(environment=environment, num_envs=64, epochs=2, location_weight=0.0, weight_decay=0.0)
    trainer.train("RAM-Digits-v0", settings, tmp_path / "run", device="cpu", progress_bar=False)
    checkpoint = load_checkpoint(tmp_path / "run")
    arguments = (checkpoint.policy, "RAM-Digits-v0", checkpoint.env_settings)
    assert checkpoint.env_settings["gaze"] == "raster"
    greedy, sampled = (evaluate(*arguments, greedy=chosen, greedy_action=True).value for chosen in (True, False))
    assert greedy == sampled
    fresh = trainer.train("RAM-Digits-v0", replace(settings, epochs=1), tmp_path / "short", progress_bar=False)
    short = load_checkpoint(fresh.folder).policy
    for one, other in zip(
        short.location_network.parameters(), checkpoint.policy.location_network.parameters(), strict=True
    ):
        assert torch.equal(one, other)
    assert not torch.equal(short.core_network.from_core.weight, checkpoint.policy.core_network.from_core.weight)
