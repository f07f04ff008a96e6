"""A page holds the episodes as data, small and complete, and nothing that loads from elsewhere."""

import base64
import json
import re
import zlib

import numpy as np
import pytest
import torch

import ram_envs
from agents.errors import SettingsError
from agents.pictures.html_page import SCRIPTS, build_page, episodes_data, write_html
from agents.pictures.watch import looks, make_one
from agents.pretrained import load_pretrained
from agents.ram.policy import RAMPolicy
from agents.ram.settings import NetworkSettings, RAMSettings
from ram_envs.rendering.view import to_uint8

CATCH, DIGITS = "RAM-CatchGame-v0", "RAM-Digits-v0"
LIMIT = 300_000
"""Bytes of a page of five episodes of MNIST."""


def make_policy(env_id, **settings):
    torch.manual_seed(0)
    env = ram_envs.make_tensor(env_id, 1, **settings)
    sizes = NetworkSettings(core_size=8, glimpse_hidden=8, location_hidden=8, glimpse_features=8)
    return RAMPolicy(RAMSettings.for_environment(env, sizes))


def data_of(policy, env_id, episodes=2, **settings):
    env = make_one(env_id, settings)
    return episodes_data(env, env_id, looks(policy, env, episodes, seed=0))


def stored_in(page):
    return json.loads(re.search(r'<script type="application/json" id="episodes">(.*?)</script>', page, re.S)[1])


def pixels_of(data):
    """The scenes and the glimpses, (number, ...) each."""
    pixels = np.frombuffer(zlib.decompress(base64.b64decode(data["pixels"])), np.uint8)
    scene, glimpse = data["scene"]["stored"], data["glimpse"]
    split = data["num_scenes"] * int(np.prod(scene))
    return pixels[:split].reshape(-1, *scene), pixels[split:].reshape(-1, *glimpse)


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [(CATCH, {}), (DIGITS, {}), (DIGITS, {"sensor": "zoom"}), (CATCH, {"sensor": "zoom", "gaze": "relative"})],
)
def test_every_frame_holds_what_the_window_would_show(env_id, settings):
    policy = make_policy(env_id, **settings)
    data = json.loads(json.dumps(data_of(policy, env_id, **settings)))
    scenes, glimpses = pixels_of(data)
    frames = [frame for episode in data["episodes"] for frame in episode["frames"]]
    expected = list(looks(policy, make_one(env_id, settings), 2, seed=0))
    assert len(frames) == len(expected)
    for frame, look in zip(frames, expected, strict=True):
        view = look.view
        assert np.array_equal(scenes[frame["scene"]][..., 0], view.scene)
        assert np.array_equal(glimpses[frame["glimpse"]], to_uint8(view.glimpse).transpose(0, 2, 3, 1))
        assert frame["fixation"] == pytest.approx(view.fixations[-1], abs=0.01)
        assert frame["outlines"] == view.outlines.tolist() and frame["caption"] == view.caption
        assert frame["read"] == len(look.readout.probabilities)
    ends = [look for look in expected if look.over]
    for episode, look in zip(data["episodes"], ends, strict=True):
        assert np.allclose(episode["probabilities"], look.readout.probabilities, atol=1e-4)
        assert np.allclose(episode["values"], look.readout.values, atol=1e-4)
        assert bool(episode["values"]) == (env_id == CATCH)
    assert data["names"] == list(ends[0].readout.names) and data["num_glimpses"] == ends[0].readout.num_glimpses


def test_the_score_counts_the_episodes_so_far():
    data = data_of(load_pretrained(DIGITS).policy, DIGITS, episodes=3)
    assert [episode["score"] for episode in data["episodes"]] == ["1 of 1", "2 of 2", "3 of 3"]


def test_a_scene_that_does_not_change_is_stored_once():
    data = data_of(make_policy(DIGITS), DIGITS, episodes=3)
    assert data["num_scenes"] == 3 and {frame["scene"] for frame in data["episodes"][1]["frames"]} == {1}


def test_color_images_keep_their_colors(colour_images):
    settings = {"dataset": colour_images, "patch_size": 4, "num_scales": 2}
    data = data_of(make_policy("RAM-Images-v0", **settings), "RAM-Images-v0", **settings)
    scenes, glimpses = pixels_of(data)
    assert scenes.shape[1:] == (16, 20, 3) and glimpses.shape[1:] == (2, 4, 4, 3)
    shown = [scenes[episode["frames"][0]["scene"]] for episode in data["episodes"]]
    assert all(any(np.array_equal(scene, image) for image in colour_images["train"][0]) for scene in shown)
    assert data["names"] == ["0", "1"]


def test_a_large_photograph_is_stored_with_fewer_pixels():
    images = np.random.default_rng(0).integers(0, 255, (4, 900, 30), dtype=np.uint8)
    settings = {"dataset": {split: (images, np.arange(4) % 2) for split in ("train", "test")}}
    data = data_of(make_policy("RAM-Images-v0", **settings), "RAM-Images-v0", episodes=1, **settings)
    assert data["scene"] == {"height": 900, "width": 30, "stored": [450, 15, 1], "stride": 2}
    scenes, _ = pixels_of(data)
    assert any(np.array_equal(scenes[0][..., 0], image[::2, ::2]) for image in images)


def test_the_page_is_one_file_that_loads_nothing(tmp_path):
    write_html(load_pretrained(CATCH).policy, CATCH, {}, tmp_path / "new" / "catch.html", episodes=1)
    page = (tmp_path / "new" / "catch.html").read_text(encoding="utf-8")
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"<(link|img|iframe|script)[^>]*(src|href)=(?!\"data:)", page)
    assert "default-src 'none'" in page and not re.search(r"^(import|export) ", page, re.M)
    assert stored_in(page)["title"] == CATCH and len(stored_in(page)["episodes"]) == 1


def test_five_episodes_of_cluttered_digits_are_small(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (8, 28, 28), dtype=np.uint8)  # compresses worse than digits
    settings = {"dataset": {split: (noise, np.arange(8)) for split in ("train", "test")}}
    policy = make_policy("RAM-ClutteredMNIST100-v0", **settings)
    write_html(policy, "RAM-ClutteredMNIST100-v0", settings, tmp_path / "page.html", episodes=5)
    assert (tmp_path / "page.html").stat().st_size < LIMIT


def test_markup_in_names_stays_text():
    data = {**data_of(make_policy(DIGITS), DIGITS, episodes=1), "names": ["</script><b>"] * 10, "title": "<i>"}
    page = build_page(data)
    assert stored_in(page)["names"][0] == "</script><b>" and "<i>" not in page and "&lt;i&gt;" in page
    assert page.count("</script>") == 2


def test_the_names_in_the_scripts_are_different():
    """The page joins all modules to one script."""
    from importlib.resources import files

    text = [(files("agents.pictures") / "page" / name).read_text(encoding="utf-8") for name in SCRIPTS]
    names = [
        name
        for script in text
        for name in re.findall(r"^(?:export )?(?:async )?(?:function|const) (\w+)", script, re.M)
    ]
    assert len(names) > 10 and len(names) == len(set(names))


@pytest.mark.parametrize(("file", "episodes", "message"), [("a.gif", 1, "ends in .html"), ("a.html", 0, "episodes=0")])
def test_bad_arguments_are_refused(tmp_path, file, episodes, message):
    with pytest.raises((SettingsError, ValueError), match=message):
        write_html(make_policy(DIGITS), DIGITS, {}, tmp_path / file, episodes=episodes)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def colour_images():
    generator = np.random.default_rng(0)
    return {
        split: (generator.integers(0, 255, (6, 16, 20, 3), dtype=np.uint8), np.arange(6) % 2)
        for split in ("train", "test")
    }
