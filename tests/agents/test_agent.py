"""The agent from Python: it acts as in evaluation, remembers what it saw, and refuses what it was not made for."""

import subprocess
import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

import agents
import ram_envs
from agents.agent import Agent, AgentState
from agents.errors import SettingsError
from agents.evaluation.evaluate import evaluate
from agents.pictures.paths import follow_gaze
from agents.ram.checkpoint import Checkpoint, save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs.errors import InvalidArgument

ROOT = Path(__file__).parents[2]
CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
SMALL = {"core_size": 8, "glimpse_hidden": 8, "location_hidden": 8, "glimpse_features": 8}


def make_agent(env_id=CATCH, env_settings=None, **network):
    """An agent with random weights, whose locations and answers differ from glimpse to glimpse."""
    env = ram_envs.make_tensor(env_id, 1, **(env_settings or {}))
    torch.manual_seed(0)
    policy = RAMPolicy(RAMSettings.for_environment(env, NetworkSettings(**SMALL, **network)))
    with torch.no_grad():
        policy.action_network.logits.weight.mul_(100)
        policy.location_network.mean.weight.mul_(100)
    return Agent(Checkpoint(policy, env_id, env_settings or {}))


def play(agent, env, episode_seed, **settings):
    """Play an episode in one environment; return its actions and its return."""
    observation, _ = env.reset(seed=episode_seed)
    state, over, actions, total = None, False, [], 0.0
    while not over:
        action, state = agent.act(observation, state, **settings)
        assert env.action_space.contains(action)
        observation, reward, terminated, truncated, _ = env.step(action)
        over, total = terminated or truncated, total + reward
        actions.append(action)
    return actions, total


def rewards_of(agent, env_id, seeds, **settings):
    env = agent.make_env(**settings)
    return [play(agent, env, seed)[1] for seed in seeds]


def test_importing_the_package_loads_no_torch():
    code = "import agents, sys; assert not {'torch', 'matplotlib', 'pygame'} & set(sys.modules); print(agents.Agent)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "<class 'agents.agent.Agent'>\n"


@pytest.mark.parametrize(
    "statement",
    [
        "import agents; agents.load('pretrained:RAM-Digits-v0')",
        "import agents; agents.load('runs/nothing')",
        "from agents.training.trainer import train",
        "from agents.evaluation.evaluate import evaluate",
        "from agents.ram.checkpoint import load_checkpoint",
        "from agents.ram.policy import RAMPolicy",
        "from agents.pictures.paths import follow_gaze",
    ],
)
def test_without_torch_the_extra_is_named(statement):
    code = f"import sys; sys.modules['torch'] = None; {statement}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("gymnasium.error.DependencyNotInstalled: torch cannot be imported")
    assert last.endswith("pip install 'ram-active-vision[agents]'")


def test_without_tensorboard_a_training_names_the_extra():
    code = "import sys; sys.modules['tensorboard'] = None; import agents.training.trainer"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ended.stderr.splitlines()[-1].endswith("pip install 'ram-active-vision[agents]'")


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        agents.lode  # noqa: B018


def test_the_packaged_agent_acts_as_it_is_evaluated():
    agent = agents.load("pretrained:RAM-CatchGame-v0")
    assert (agent.env_id, agent.answer_key, agent.progress["seed"]) == (CATCH, "move", 1)
    rewards = rewards_of(agent, CATCH, range(20))
    result = evaluate(agent.policy, agent.env_id, agent.env_settings, episodes=20)
    assert np.mean(rewards) == result.value > 0.8


def test_a_run_folder_and_a_file_load(tmp_path):
    agent = make_agent()
    file = save_checkpoint(tmp_path / "run", agent.policy, CATCH, {}, training={"a": 1}, progress={"seed": 4})
    for path in (tmp_path / "run", str(file)):
        loaded = agents.load(path)
        assert (loaded.training, loaded.progress, loaded.env_settings) == ({"a": 1}, {"seed": 4}, {})
        assert not loaded.policy.training
    with pytest.raises(SettingsError, match="device='gpu' is not valid"):
        agents.load(tmp_path / "run", device="gpu")


def test_one_environment_and_a_batch_act_alike():
    agent, seeds = make_agent(), [5, 6, 7]
    single = [play(agent, agent.make_env(), seed)[0] for seed in seeds]
    env = agent.make_vec(3, autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED)
    observation, _ = env.reset(seed=seeds)
    state = None
    for step in range(env.task.max_episode_steps):
        action, state = agent.act(observation, state)
        assert action["fixation"].dtype == np.float32 and action["move"].dtype == np.int64
        assert env.action_space.contains(action)
        for row in range(3):
            np.testing.assert_allclose(action["fixation"][row], single[row][step]["fixation"], atol=1e-5)
            assert action["move"][row] == single[row][step]["move"]
        observation, *_ = env.step(action)
    assert len({int(action["move"]) for actions in single for action in actions}) > 1


def test_the_state_is_a_memory_and_none_forgets_it():
    agent = make_agent()
    env = agent.make_env()
    first, _ = env.reset(seed=0)
    action, state = agent.act(first)
    second, *_ = env.step(action)
    remembering, _ = agent.act(second, state)
    forgetful, _ = agent.act(second)
    assert not np.array_equal(remembering["fixation"], forgetful["fixation"])
    again, _ = agent.act(second, state)  # the state itself stays as it was
    assert np.array_equal(remembering["fixation"], again["fixation"])


def test_rows_that_start_a_new_episode_forget_the_old_one():
    agent = make_agent(DIGITS, {"num_glimpses": 3})
    env = agent.make_vec(2, autoreset_mode=gymnasium.vector.AutoresetMode.DISABLED)
    observation, _ = env.reset(seed=0)
    action, state = agent.act(observation)
    observation, *_ = env.step(action)
    kept, _ = agent.act(observation, state)
    fresh, _ = agent.act(observation)
    mixed, _ = agent.act(observation, state, episode_start=[False, True])
    assert np.array_equal(mixed["fixation"][0], kept["fixation"][0])
    assert np.array_equal(mixed["fixation"][1], fresh["fixation"][1])
    assert not np.array_equal(kept["fixation"][1], fresh["fixation"][1])


def test_what_is_sampled_follows_from_seed_row_and_step():
    agent = make_agent()
    observation, _ = agent.make_vec(2).reset(seed=[3, 3])  # two rows that see the same
    mean, after = agent.act(observation)
    drawn, _ = agent.act(observation, deterministic=False, seed=1)
    same, _ = agent.act(observation, deterministic=False, seed=1)
    later, _ = agent.act(observation, agents.AgentState(agent.policy.initial_state(2), 5), deterministic=False, seed=1)
    other, _ = agent.act(observation, deterministic=False, seed=2)
    assert np.array_equal(drawn["fixation"], same["fixation"])
    for different in (mean, later, other):
        assert not np.array_equal(drawn["fixation"], different["fixation"])
    assert np.array_equal(mean["fixation"][0], mean["fixation"][1])
    assert not np.array_equal(drawn["fixation"][0], drawn["fixation"][1])
    np.testing.assert_array_equal(drawn["fixation"][1], other["fixation"][0])  # row 1 of seed 1 is row 0 of seed 2
    assert after.step == 1


def test_a_sampled_episode_is_that_of_the_evaluation():
    agent = make_agent(location_std=0.3)
    env = agent.make_env()
    sampled = [play(agent, env, seed, deterministic=False, seed=seed)[1] for seed in range(12)]
    result = evaluate(agent.policy, CATCH, {}, episodes=12, greedy=False)
    assert np.mean(sampled) == result.value


def test_a_generator_gives_new_samples_and_is_repeatable():
    agent = make_agent()
    observation, _ = agent.make_env().reset(seed=0)
    generator = np.random.default_rng(0)
    one, two = (agent.act(observation, deterministic=False, generator=generator)[0] for _ in range(2))
    again, _ = agent.act(observation, deterministic=False, generator=np.random.default_rng(0))
    assert np.array_equal(one["fixation"], again["fixation"])
    assert not np.array_equal(one["fixation"], two["fixation"])
    three, four = (agent.act(observation, deterministic=False)[0] for _ in range(2))
    assert not np.array_equal(three["fixation"], four["fixation"])


def test_the_random_state_of_the_user_is_left_alone():
    agent = make_agent()
    observation, _ = agent.make_env().reset(seed=0)
    torch.manual_seed(0)
    np.random.seed(0)
    agent.act(observation, deterministic=False)
    drawn = torch.rand(1), np.random.rand()
    torch.manual_seed(0)
    np.random.seed(0)
    assert drawn == (torch.rand(1), np.random.rand())


def test_random_locations_are_sampled_even_if_deterministic():
    agent = make_agent(random_locations=True)
    observation, _ = agent.make_env().reset(seed=0)
    one, two = (agent.act(observation, seed=seed)[0] for seed in (0, 1))
    assert not np.array_equal(one["fixation"], two["fixation"]) and one["move"] == two["move"]


def test_a_relative_gaze_keeps_its_direction_within_the_action_space():
    settings = {"gaze": "relative", "max_step": 0.5}
    agent = make_agent(env_settings=settings)
    with torch.no_grad():
        agent.policy.location_network.mean.bias.copy_(torch.tensor([3.0, 4.0]))
        agent.policy.location_network.mean.weight.zero_()
    env = agent.make_env()
    observation, _ = env.reset(seed=0)
    action, _ = agent.act(observation)
    assert env.action_space.contains(action)
    np.testing.assert_allclose(action["fixation"], [0.6, 0.8], rtol=1e-6)


def bad(**changes):
    observation = {"glimpse": np.zeros(108, np.float32), "location": np.zeros(2, np.float32), **changes}
    return {key: value for key, value in observation.items() if value is not None}


@pytest.mark.parametrize(
    ("observation", "message"),
    [
        (np.zeros(110, np.float32), r"of type ndarray .* expected a dictionary with 'glimpse' and 'location'"),
        (bad(location=None), r"has the keys 'glimpse': 'location' is missing"),
        ({}, r"has the keys none: 'glimpse', 'location' is missing"),
        (bad(glimpse=np.zeros(48, np.float32)), r"\(48,\), but this agent needs \(108,\) .* 3 levels x 1 channels x 6"),
        (bad(glimpse=np.zeros((3, 6, 6), np.float32)), r"has the shape \(3, 6, 6\)"),
        (bad(location=np.zeros(3, np.float32)), r"\['location'\] has the shape \(3,\), but .* needs \(2,\) .*\(x, y\)"),
        (bad(glimpse=np.zeros((4, 108), np.float32)), r"shape \(4, 108\) and .* \(2,\): expected both with the same"),
        (bad(glimpse=np.zeros((0, 108), np.float32), location=np.zeros((0, 2), np.float32)), r"shape \(0, 108\)"),
        (bad(glimpse=np.full(108, 9, np.uint8)), r"is uint8: expected float32 in \[0, 1\]; divide uint8 pixels by 255"),
        (bad(location=[0, 0]), r"\['location'\] is int64: expected float32 in \[-1, 1\]"),
        (bad(glimpse=np.full(108, 9, np.float32)), r"ranges from 9 to 9: expected numbers in \[0, 1\]"),
        (bad(location=np.array([0, np.nan], np.float32)), r"ranges from nan to nan"),
        (bad(glimpse=[[0.0], [0.0, 1.0]]), r"is not an array"),
    ],
)
def test_wrong_observations_are_refused_in_one_line(observation, message):
    with pytest.raises(SettingsError, match=message) as caught:
        make_agent().act(observation)
    assert "\n" not in str(caught.value)


def test_the_observation_of_another_sensor_is_refused():
    agent = make_agent()
    observation, _ = gymnasium.make(CATCH, sensor="zoom").reset(seed=0)
    with pytest.raises(SettingsError, match=r"\['location'\] has the shape \(3,\)"):
        agent.act(observation)


def test_other_wrong_arguments_are_refused():
    agent = make_agent()
    observation, _ = agent.make_vec(2).reset(seed=0)
    _, state = agent.act(observation)
    alone = {key: value[0] for key, value in observation.items()}
    with pytest.raises(SettingsError, match="state is that of 2 environments, and the observation of 1"):
        agent.act(alone, state)
    with pytest.raises(SettingsError, match=r"episode_start is bool of shape \(1,\): expected bool, one for each of 2"):
        agent.act(observation, state, episode_start=[True])
    with pytest.raises(SettingsError, match=r"episode_start is int64 of shape \(2,\)"):
        agent.act(observation, state, episode_start=[0, 1])
    with pytest.raises(SettingsError, match="seed and generator are both given"):
        agent.act(observation, deterministic=False, seed=0, generator=np.random.default_rng())
    for deterministic in (False, True):
        with pytest.raises(SettingsError, match="seed=-1"):
            agent.act(observation, deterministic=deterministic, seed=-1)
        with pytest.raises(SettingsError, match=r"generator=.* is not valid: expected a numpy.random.Generator"):
            agent.act(observation, deterministic=deterministic, generator=torch.Generator())
    with pytest.raises(SettingsError, match=r"state=\(1, 2\) is not valid: expected what act\(\) returned, or None"):
        agent.act(observation, (1, 2))
    with pytest.raises(SettingsError, match=r"state has the shapes \[\(2, 7\)\], that of another agent"):
        agent.act(observation, AgentState((torch.zeros(2, 7),), 1))


def test_the_environment_shows_the_test_split_and_takes_other_arguments():
    agent = make_agent(DIGITS, {"num_glimpses": 3, "split": "train[:100]"})
    assert agent.make_env().unwrapped.task.num_images == 360
    assert agent.make_env(split="train[:7]").unwrapped.task.num_images == 7
    assert agent.make_vec(2, num_glimpses=5).task.max_episode_steps == 5
    env = agent.make_env(render_mode="rgb_array")
    env.reset(seed=0)
    assert env.render().ndim == 3


def test_an_environment_that_the_agent_cannot_act_in_is_refused():
    agent = make_agent()
    with pytest.raises(InvalidArgument, match="made for glimpse_shape=.* but RAM-CatchGame-v0 has glimpse_shape"):
        agent.make_env(patch_size=4)
    with pytest.raises(InvalidArgument, match="made for gaze_size=2, but"):
        agent.make_vec(2, sensor="zoom")
    with pytest.raises(SettingsError, match="observation_format='flat' is not one that an agent acts in"):
        agent.make_env(observation_format="flat")


def test_moves_and_locations_are_not_confused():
    agent, moving = make_agent(), make_agent(env_settings={"gaze": "relative"})
    with pytest.raises(InvalidArgument, match="gaze='relative', but the agent was trained with gaze='absolute'"):
        agent.make_env(gaze="relative")
    with pytest.raises(InvalidArgument, match="gaze='absolute', but the agent was trained with gaze='relative'"):
        moving.make_vec(2, gaze="absolute")
    assert agent.make_env(gaze="raster") and moving.make_env(gaze="center"), "a script needs no gaze of the agent"
    assert moving.make_env(max_step=0.1)


def test_an_agent_acts_without_the_images_that_it_learned_from():
    agent = make_agent(DIGITS)
    agent.env_settings["dataset"] = "/nowhere/images"
    observation = {"glimpse": np.zeros(16, np.float32), "location": np.zeros(2, np.float32)}
    action, _ = agent.act(observation)
    assert set(action) == {"fixation", "label"}
    with pytest.raises(FileNotFoundError):
        agent.make_env()


def test_images_that_have_moved_are_given_again():
    agent = make_agent(DIGITS, {"num_glimpses": 3})
    agent.env_settings["dataset"] = "/nowhere/images"
    assert agent.make_env(dataset="digits").unwrapped.task.num_images == 360
    assert agent.follow_gaze(episodes=1, dataset="digits").success.shape == (1,)
    with pytest.raises(InvalidArgument, match="dataset has no meaning for RAM-CatchGame-v0"):
        make_agent().follow_gaze(dataset="digits")


def test_the_answers_have_names():
    assert make_agent().answer_names == ()  # a policy of which no run has stored any
    assert agents.load("pretrained:RAM-Digits-v0").answer_names == tuple("0123456789")


def test_the_gaze_is_that_of_the_figures():
    agent = make_agent(DIGITS, {"num_glimpses": 3})
    gaze = agent.follow_gaze(episodes=2, seed=4)
    expected = follow_gaze(agent.policy, DIGITS, {"num_glimpses": 3}, 2, 4)
    assert gaze.locations.shape == (3, 2, 2) and np.array_equal(gaze.locations, expected.locations)
