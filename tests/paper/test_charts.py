"""The figures: drawn from whatever there is, and left out where there is nothing."""

import pytest
import torch
from PIL import Image

from agents import pretrained
from agents.experiments.files import ResultError
from agents.ram.checkpoint import save_checkpoint
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from paper import cost, drawings
from paper.__main__ import main
from paper.charts import catch_by_frames, cost_by_size, error_by_glimpses, learned_and_random
from paper.cost import measure_cost, multiply_adds, read_cost, write_cost
from paper.drawings import draw_figures
from paper.export import export_pretrained
from paper.records import add_result
from paper.rows import ROWS
from ram_envs import make_tensor
from tests.paper.fabricated import SMALL, records


def make_policy(env_id, **settings):
    torch.manual_seed(0)
    env = make_tensor(env_id, 1, **settings)
    policy = RAMPolicy(RAMSettings.for_environment(env, NetworkSettings(**SMALL)))
    torch.nn.init.normal_(policy.location_network.mean.weight)
    return policy


def test_without_results_nothing_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    done = draw_figures(tmp_path / "results", tmp_path / "figures")
    assert done.files == [] and not (tmp_path / "figures").exists()
    pictures = ["error-by-glimpses", "catch-by-frames", "learned-and-random", "cost-by-size", "stopping"]
    tasks = ["mnist", "translatedmnist", "clutteredmnist", "clutteredmnist100", "catchgame"]
    assert set(done.wanting) == {f"{name}.png" for name in [*pictures, *(f"paths-{task}" for task in tasks)]}
    assert done.wanting["catch-by-frames.png"] == "no results of catch: run `python -m paper reproduce --row catch`"
    assert "`python -m paper figures --measure-cost`" in done.wanting["cost-by-size.png"]
    command = "python -m paper reproduce --row cluttered-8"
    assert done.wanting["paths-clutteredmnist.png"].endswith(f"run `{command}`, then `{command} --export`")
    assert [draw({}) for draw in (error_by_glimpses, catch_by_frames, learned_and_random)] == [None] * 3
    assert cost_by_size(None) is None


def test_errors_are_drawn_beside_those_of_others():
    found = records()
    axes = error_by_glimpses(found).axes
    assert [ax.get_title().splitlines()[0] for ax in axes[:2]] == ["MNIST", "Translated MNIST"]
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes[0].get_lines()}
    assert lines["paper (NeurIPS)"] == [[2, 3.79], [3, 1.51], [4, 1.54], [5, 1.34], [6, 1.12], [7, 1.07]]
    assert lines["best public"] == [[6, 0.67]]
    ours = axes[0].containers[0].lines[0].get_xydata().tolist()
    assert ours == [[2, 2], [3, 2], [4, 2], [5, 2], [6, 3], [7, 2]]
    assert len(error_by_glimpses({"cluttered-8": found["cluttered-8"]}).axes) == 1


def test_catch_has_a_line_for_every_seed_and_one_of_the_papers():
    (ax,) = catch_by_frames(records()).axes
    *seeds, paper = ax.get_lines()
    assert [line.get_label() for line in seeds] == ["seed 0", "seed 1", "seed 2"]
    assert seeds[0].get_xydata().tolist() == [[1e6, 20], [2e6, 90], [3e6, 80]]
    assert set(paper.get_ydata()) == {85}


def test_learned_and_random_glimpses_stand_side_by_side():
    (ax,) = learned_and_random(records()).axes
    heights = {bars.get_label(): [bar.get_height() for bar in bars] for bars in ax.containers}
    assert heights["ours, learned"] == [3, 3] and heights["ours, random"] == [2, 2]
    assert heights["paper, learned"] == [4.04, 8.11] and heights["paper, random"] == [14.4, 28.4]


def test_cost_of_ram_does_not_depend_on_the_image(tmp_path):
    policy = make_policy("RAM-Digits-v0")
    layers = 16 * 8 + 2 * 8 + 2 * 8 * 8 + 2 * 8 * 8 + 8 * 2 + 8 * 10
    assert multiply_adds(policy, 3) == 3 * layers


@pytest.fixture
def small_cost(monkeypatch, tiny_images):
    """The cost is measured on made-up images."""
    original = cost.make_tensor
    monkeypatch.setattr(cost, "make_tensor", lambda *args, **settings: original(*args, dataset=tiny_images, **settings))
    monkeypatch.setattr(drawings, "measure", lambda: measure_cost((28, 60), batch=2, repeats=1))


def test_cost_is_measured_written_and_drawn(tmp_path, small_cost, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    done = draw_figures(tmp_path, tmp_path / "figures", measure_cost=True)
    (file,) = done.files
    assert "cost-by-size.png" not in done.wanting and file.name == "cost-by-size.png"
    with Image.open(file) as picture:
        assert picture.size[0] > 500
    small, large = read_cost(tmp_path)["sizes"]
    assert small["ram"]["multiply_adds"] == large["ram"]["multiply_adds"]
    assert small["conv"]["multiply_adds"] < large["conv"]["multiply_adds"]
    assert all(size[name]["milliseconds"] > 0 for size in (small, large) for name in ("ram", "conv"))
    assert main(["figures", "--results", str(tmp_path), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'cost-by-size.png'}\n"
    assert "catch-by-frames.png is not drawn: no results of catch: run" in said.err
    write_cost(tmp_path, {**read_cost(tmp_path), "version": 99})
    assert read_cost(tmp_path) is None
    before = (tmp_path / "cost.json").read_bytes()
    draw_figures(tmp_path, tmp_path / "figures", measure_cost=True)
    (kept,) = tmp_path.glob("cost.version-99.*.json")
    assert kept.read_bytes() == before and f"kept as {kept}" in capsys.readouterr().err
    (tmp_path / "cost.json").write_text("{")
    with pytest.raises(ResultError, match="--measure-cost"):
        read_cost(tmp_path)
    draw_figures(tmp_path, tmp_path / "figures", measure_cost=True)
    assert read_cost(tmp_path) is not None


def test_every_figure_there_is_something_of_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    for name, record in records().items():
        for result in record.seeds.values():
            add_result(tmp_path, ROWS[name], result)
    policy = make_policy("RAM-Digits-v0")
    run = save_checkpoint(tmp_path / "run.safetensors", policy, "RAM-Digits-v0", {})
    export_pretrained(run, "RAM-Digits-v0")
    done = draw_figures(tmp_path, tmp_path / "figures")
    names = {file.name for file in done.files}
    assert names == {"error-by-glimpses.png", "catch-by-frames.png", "learned-and-random.png", "paths-digits.png"}
    assert {file.name for file in (tmp_path / "figures").iterdir()} == names
    assert not names & set(done.wanting)


def test_a_picture_that_lacks_rows_is_drawn_and_says_which(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    for result in records()["mnist-6"].seeds.values():
        add_result(tmp_path, ROWS["mnist-6"], result)
    assert main(["figures", "--results", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'figures' / 'error-by-glimpses.png'}\n"  # not among those of the repository
    assert "error-by-glimpses.png is incomplete: no results of mnist-2, mnist-2-inside, mnist-3, " in said.err


def test_without_the_images_the_paths_say_how_to_get_them_and_the_rest_is_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path / "package")
    monkeypatch.setenv("RAM_ENVS_DATA", str(tmp_path))
    env_ids = ("RAM-Digits-v0", "RAM-MNIST-v0")
    for env_id, patch_size in zip(env_ids, (4, 8), strict=True):
        policy = make_policy("RAM-Digits-v0", patch_size=patch_size)
        export_pretrained(save_checkpoint(tmp_path / "run.safetensors", policy, env_id, {}), env_id)
    done = draw_figures(tmp_path, tmp_path / "figures")
    assert [file.name for file in done.files] == ["paths-digits.png"]
    assert "images-idx3" in done.wanting["paths-mnist.png"]
