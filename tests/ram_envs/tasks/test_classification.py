import gymnasium as gym
import numpy as np
import pytest
import torch

import ram_envs


def make(tiny_images, **settings):
    return gym.make("RAM-MNIST-v0", dataset=tiny_images, action_format="dict", **settings).unwrapped


def answer(label, x=0.0, y=0.0):
    return {"fixation": np.array([x, y], np.float32), "label": label}


def test_an_episode_has_as_many_steps_as_glimpses_and_pays_at_the_last(tiny_images):
    env = make(tiny_images, num_glimpses=3)
    observation, info = env.reset(seed=0)
    label = info["label"]
    assert info == {"label": label, "prediction": -1, "is_success": False, "image_index": info["image_index"]}
    first = observation["location"]
    observation, reward, terminated, truncated, _ = env.step(answer(label, 0.5, -0.5))
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert observation["location"].tolist() == [0.5, -0.5] != first.tolist()
    observation, reward, terminated, *_ = env.step(answer(label, -1.0, 1.0))
    assert (reward, terminated) == (0.0, False)
    last, reward, terminated, truncated, info = env.step(answer(label, 0.9, 0.9))
    assert (reward, terminated, truncated) == (1.0, True, False)
    assert info["is_success"] and info["prediction"] == label
    np.testing.assert_array_equal(last["glimpse"], observation["glimpse"])  # step T looks no further
    np.testing.assert_array_equal(last["location"], observation["location"])


def test_a_wrong_answer_pays_nothing(tiny_images):
    env = make(tiny_images, num_glimpses=1)
    _, info = env.reset(seed=1)
    wrong = (info["label"] + 1) % 10
    _, reward, terminated, _, info = env.step(answer(wrong))
    assert (reward, terminated, info["is_success"], info["prediction"]) == (0.0, True, False, wrong)


def test_a_learned_stop_ends_at_any_class_and_looking_on_costs(tiny_images):
    env = make(tiny_images, num_glimpses=3, stop="learned", glimpse_cost=0.125)
    assert env.action_space["label"].n == 11
    _, info = env.reset(seed=0)
    assert env.step(answer(10))[1:3] == (-0.125, False)
    label = info["label"]
    assert env.view().caption == f"step 1/3 · label {label} · reward -0.125"
    assert env.step(answer(label))[1:3] == (1.0, True)
    assert env.view().caption == f"step 2/3 · label {label} · guess {label} · reward 1"

    _, info = env.reset()
    assert env.step(answer((info["label"] + 1) % 10))[1:3] == (0.0, True)

    env.reset()
    env.step(answer(10))
    env.step(answer(10))
    *_, reward, terminated, _, info = env.step(answer(10))  # at the last step this buys nothing
    assert (reward, terminated, info["prediction"], info["is_success"]) == (0.0, True, -1, False)


def test_the_image_can_be_chosen(tiny_images):
    images, labels = tiny_images
    env = make(tiny_images)
    _, info = env.reset(seed=5, options={"image_index": 17})
    assert info["image_index"] == 17 and info["label"] == labels[17]
    np.testing.assert_array_equal(env.scene, images[17])
    for wrong in (40, -1, 1.5):
        with pytest.raises(ValueError, match="image_index"):
            env.reset(options={"image_index": wrong})
    with pytest.raises(ValueError, match="picture"):
        env.reset(options={"picture": 1})


def test_images_are_drawn_evenly(tiny_images):
    envs = gym.make_vec("RAM-MNIST-v0", 8000, dataset=tiny_images)
    _, info = envs.reset(seed=0)
    np.testing.assert_allclose(np.bincount(info["image_index"], minlength=40), 200, rtol=0.3)


def test_a_cluttered_scene_is_the_translated_one_plus_pieces_of_the_same_split(tiny_images):
    images, labels = tiny_images
    train, test = np.full_like(images, 3), np.full_like(images, 5)
    train[-1] = test[-1] = 0  # a dataset of one value is refused; this image is not used
    settings = {"image_size": 60, "dataset": {"train": (train, labels), "test": (test, labels)}, "split": "test[:-1]"}
    plain = gym.make_vec("RAM-TranslatedMNIST-v0", 200, **settings)
    cluttered = gym.make_vec("RAM-ClutteredMNIST-v0", 200, **settings)
    for envs in (plain, cluttered):
        envs.reset(seed=0)
    digit, scene = plain.unwrapped.scene.astype(int), cluttered.unwrapped.scene.astype(int)
    assert (digit.sum(axis=(1, 2)) == 5 * 28 * 28).all()
    clutter = scene - digit
    assert clutter.min() == 0
    assert set(np.unique(clutter)) <= {0, 5, 10, 15, 20}
    assert (clutter.sum(axis=(1, 2)) == 4 * 5 * 8 * 8).all()


def test_colour_images_keep_their_channels():
    images = np.random.default_rng(0).integers(0, 256, (6, 9, 7, 3)).astype(np.uint8)
    env = gym.make("RAM-MNIST-v0", dataset=(images, np.arange(6) % 2), patch_size=3, num_scales=2).unwrapped
    observation, info = env.reset(seed=0)
    np.testing.assert_array_equal(env.scene, images[info["image_index"]])
    assert observation["glimpse"].shape == (2 * 3 * 3 * 3,)
    assert env.observation_space.contains(observation)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_glimpses": 0}, "num_glimpses=0"),
        ({"resize": 0}, "resize=0"),
        ({"resize": (20, 20, 20)}, "resize="),
        ({"max_pixels": 0}, "max_pixels=0"),
        ({"test_fraction": 1}, "test_fraction=1"),
        ({"num_scales": 0}, "num_scales=0"),
        ({"patch_size": 7.5}, "patch_size=7.5"),
        ({"split": "validation"}, "validation"),
        ({"stop": "maybe"}, "stop='maybe'"),
        ({"glimpse_cost": 0.1}, "stop='learned'"),
        ({"stop": "learned", "glimpse_cost": -1}, "glimpse_cost=-1"),
        ({"image_size": 20}, "image_size=20"),
        ({"image_size": 60, "num_clutter": 57}, "num_clutter=57"),
        ({"num_clutter": 1, "clutter_size": 29}, "clutter_size=29"),
        ({"first_location": "corner"}, "first_location='corner'"),
        ({"first_location": (0, 2)}, "first_location"),
        ({"num_glimpse": 3}, "did you mean 'num_glimpses'"),
        ({"task": "sort"}, "task='sort'"),
        ({"action_format": "tuple"}, "action_format='tuple'"),
        ({"observation_format": "video"}, "observation_format='video'"),
        ({"action_format": "discrete", "grid_size": 0}, "grid_size=0"),
    ],
)
def test_bad_settings_are_refused_by_name_everywhere(tiny_images, settings, message):
    for make_it in (
        lambda **given: gym.make("RAM-MNIST-v0", **given),
        lambda **given: gym.make_vec("RAM-MNIST-v0", num_envs=2, **given),
        lambda **given: ram_envs.make_tensor("RAM-MNIST-v0", 2, **given),
    ):
        with pytest.raises((ValueError, TypeError), match=message.replace("(", r"\(")):
            make_it(dataset=tiny_images, **settings)


@pytest.mark.parametrize(("first_location", "expected"), [("center", (0.0, 0.0)), ((0.25, -1), (0.25, -1.0))])
def test_the_first_location_can_be_set(tiny_images, first_location, expected):
    observation, _ = make(tiny_images, first_location=first_location).reset(seed=0)
    assert tuple(observation["location"]) == expected


@pytest.mark.parametrize(("shape", "patch_size", "reach"), [((12, 20), 4, (0.8, 2 / 3)), ((6, 6), 8, (0.0, 0.0))])
def test_a_first_location_inside_keeps_the_finest_patch_in_the_scene(shape, patch_size, reach):
    images = np.full((41, *shape), 255, np.uint8)
    images[-1] = 0  # a dataset of one value is refused; this image is not used
    settings = {
        "dataset": (images, np.arange(41) % 10),
        "split": "train[:-1]",
        "patch_size": patch_size,
        "first_location": "inside",
    }
    observation, _ = ram_envs.make_tensor("RAM-MNIST-v0", 2_000, **settings).reset(seed=0)
    farthest = observation["location"].abs().amax(0).numpy()
    np.testing.assert_allclose(farthest, reach, atol=0.01)
    assert (farthest <= np.float32(reach)).all()
    if max(reach) > 0:
        assert (observation["glimpse"] == 1).all()  # nothing black from outside of the white pictures


@pytest.mark.filterwarnings("ignore:.*held out as one:ram_envs.scenes.datasets.DatasetWarning")
def test_images_are_resized_and_a_test_split_is_held_out(tiny_images):
    settings = {"dataset": tiny_images, "resize": (14, 21), "test_fraction": 0.25}
    train = ram_envs.make_task("RAM-MNIST-v0", **settings)
    test = ram_envs.make_task("RAM-MNIST-v0", split="test", **settings)
    assert train.scene_shape == test.scene_shape == (14, 21, 1)
    assert (train.num_images, test.num_images) == (30, 10)
    assert sorted(test.data.labels) == list(range(10))


@pytest.mark.filterwarnings("ignore:.*held out as one:ram_envs.scenes.datasets.DatasetWarning")
def test_the_environment_for_own_images_holds_out_a_fifth_of_each_class(tiny_images):
    images, labels = tiny_images
    task = ram_envs.make_task("RAM-Images-v0", dataset=(images, labels // 5))
    assert np.bincount(task.data.labels).tolist() == [16, 16]


def test_the_environment_for_own_images_asks_for_them():
    for make_it in (gym.make, lambda id: gym.make_vec(id, 2), lambda id: ram_envs.make_tensor(id, 2)):
        with pytest.raises(ram_envs.errors.InvalidArgument, match="^dataset is missing: pass the images as dataset="):
            make_it("RAM-Images-v0")


def test_settings_are_stored_with_an_absolute_path_and_without_arrays(tiny_images, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    portable = ram_envs.tasks.Classification.portable
    assert portable({"dataset": "pets", "num_glimpses": 3}) == {"dataset": str(tmp_path / "pets"), "num_glimpses": 3}
    assert portable({"dataset": tiny_images}) == {"dataset": "<arrays>"}
    assert portable({"num_glimpses": 3}) == {"num_glimpses": 3}
    assert ram_envs.tasks.Catch.portable({"screen_size": 12}) == {"screen_size": 12}


@pytest.mark.parametrize("index", [-1, 40])
def test_the_rules_show_no_image_that_does_not_exist(tiny_images, index):
    task = ram_envs.make_task("RAM-MNIST-v0", dataset=tiny_images)
    zeros = np.zeros(2, np.int64)
    for convert in (np.asarray, torch.from_numpy):
        with pytest.raises(ValueError, match=f"image_index ranges from .*{index}.*: expected 0 to 39"):
            task.initial(*map(convert, (zeros, zeros, np.array(sorted([index, 3])))))
