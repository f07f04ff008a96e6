"""The page repeats episodes of Python: the same scenes, glimpses and rewards, and the same decisions of the agents."""

import shutil
from pathlib import Path

import pytest

from agents.pretrained import load_pretrained
from tests.site.demo import traces

EPISODES = traces.EPISODES
TASKS = (
    "RAM-CatchGame-v0",
    "RAM-MNIST-v0",
    "RAM-TranslatedMNIST-v0",
    "RAM-ClutteredMNIST-v0",
    "RAM-ClutteredMNIST100-v0",
)
REPLAY = """
const [id, file, change, done] = arguments;
(async () => {
  const modules = ["/demo/agent/agent.js", "/demo/agent/tensors.js", "/demo/page/suite.js", "/replay.js"];
  const [{ Agent }, { readTensors }, { Suite }, { replay }] = await Promise.all(modules.map((one) => import(one)));
  const suite = await Suite.load();
  const environment = suite.environment(id, suite.isGame(id) ? null : await suite.images());
  const [description, content] = await Promise.all(["json", "bin"].map((suffix) => fetch(`/traces/${file}.${suffix}`)));
  const trace = readTensors(await description.json(), await content.arrayBuffer());
  for (const [name, place, value] of change) trace[name].values[place] = value;
  return replay({ Agent }, environment, await suite.policy(id), trace);
})().then(done, (error) => done(String(error.stack)));
"""


@pytest.fixture(scope="module")
def replay(site, server, suite, builder, browser):
    """Repeat the traces of a task in the page, after changes of single numbers: (array, place, value)."""
    shutil.copy(Path(__file__).parent / "replay.js", site)

    def run(env_id, episodes, change=()):
        name = f"{env_id}-{episodes}"
        if not (site / "traces" / f"{name}.bin").exists():
            arguments = suite["tasks"][env_id]["arguments"]
            traces.write_traces(site / "traces" / name, env_id, arguments, builder.pack, episodes)
        if not browser.current_url.startswith(f"{server}/demo/"):
            browser.get(f"{server}/demo/")
        result = browser.execute_async_script(REPLAY, env_id, name, list(change))
        assert isinstance(result, dict), result
        return result

    return run


def test_every_task_of_the_page_has_traces(suite):
    assert set(suite["tasks"]) == set(TASKS)


@pytest.mark.parametrize("env_id", TASKS)
def test_the_page_repeats_the_episodes_of_python(replay, env_id):
    result = replay(env_id, EPISODES)
    assert result["episodes"] == EPISODES == 200
    exact = {name: result[name] for name in ("scenes", "glimpses", "locations", "results", "answers")}
    assert exact == dict.fromkeys(exact, 0)
    assert max(result["mean"], result["logits"], result["value"]) < 1e-5
    assert result["alone"] == 0


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        (("glimpse", 4, 0.123), "glimpses"),
        (("location", 5, 0.123), "locations"),
        (("scene", 6, 99), "scenes"),
        (("reward", 7, 0.5), "results"),
        (("label", 3, 99), "results"),
        (("answer", 8, 99), "answers"),
    ],
)
def test_a_single_other_number_is_noticed(replay, change, counted):
    assert replay("RAM-MNIST-v0", 4, [change])[counted] >= 1


def test_a_mean_that_differs_by_more_than_rounding_is_noticed(replay):
    assert replay("RAM-MNIST-v0", 4, [("mean", 7, 5.0)])["mean"] > 0.5


@pytest.mark.parametrize("env_id", TASKS)
def test_packaged_weights_lose_nothing_in_half_precision(env_id):
    for name, value in load_pretrained(env_id).policy.state_dict().items():
        assert value.half().float().equal(value), name
