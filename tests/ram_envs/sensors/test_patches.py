"""The patch sensors against their definition, written pixel by pixel, and against each other on every backend."""

import numpy as np
import pytest
import torch

from ram_envs.sensors import make_sensor, patches
from ram_envs.sensors.retina import Retina
from ram_envs.sensors.sensor import NOWHERE, Sensor
from ram_envs.sensors.zoom import Zoom


def retina_side(location, shape, patch_size):
    return patch_size


def zoom_side(location, shape, patch_size):
    longest = max(*shape, patch_size)
    return int(np.floor(np.float32((location[2] + 1) / 2) * np.float32(longest - patch_size) + patch_size + 0.5))


FINEST_SIDE = {"retina": retina_side, "zoom": zoom_side}


def crop_and_average(sensor, scene, location, patch_size, num_scales):
    """The definition, pixel by pixel and in the slowest way: float64 (k, C, g, g) in [0, 1]."""
    channels, height, width = scene.shape
    glimpse = np.zeros((num_scales, channels, patch_size, patch_size))
    for scale in range(num_scales):
        side = FINEST_SIDE[sensor](location, (height, width), patch_size) * 2**scale
        left = int(np.floor((location[0] + 1) / 2 * width - side / 2 + 1 / 2))
        top = int(np.floor((location[1] + 1) / 2 * height - side / 2 + 1 / 2))
        edges = [cell * side // patch_size for cell in range(patch_size + 1)]
        for row in range(patch_size):
            for column in range(patch_size):
                block = [
                    scene[:, top + y, left + x].astype(float)
                    if 0 <= top + y < height and 0 <= left + x < width
                    else np.zeros(channels)
                    for y in range(edges[row], edges[row + 1])
                    for x in range(edges[column], edges[column + 1])
                ]
                glimpse[scale, :, row, column] = np.mean(block, axis=0) / 255
    return glimpse


def locations_for(sensor, generator, random):
    """The center, corners and a border, then random locations: float32 (5 + random, gaze_size)."""
    fixed = [[0, 0], [-1, -1], [1, 1], [1, -1], [0.999, 0.5]]
    places = np.concatenate([fixed, generator.uniform(-1, 1, (random, 2))])
    if sensor == "zoom":
        zoom = np.concatenate([[-1, 0, 1, 0.3, -0.2], generator.uniform(-1, 1, random)])
        places = np.concatenate([places, zoom[:, None]], axis=1)
    return places.astype(np.float32)


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def kernels(request, monkeypatch):
    """Run every test with the compiled kernels and without them."""
    if request.param == "plain":
        monkeypatch.setattr(patches, "compiled_kernels", lambda *_: None)


@pytest.mark.parametrize("name", FINEST_SIDE)
@pytest.mark.parametrize(
    ("patch_size", "num_scales", "channels"), [(8, 1, 1), (5, 2, 1), (1, 3, 1), (4, 3, 3), (12, 3, 1)]
)
def test_a_glimpse_is_what_its_definition_says(name, patch_size, num_scales, channels):
    generator = np.random.default_rng(1)
    locations = locations_for(name, generator, 4)
    scenes = generator.integers(0, 256, (len(locations), channels, 23, 31)).astype(np.uint8)
    sensor = make_sensor(name, 23, 31, channels, patch_size, num_scales)
    glimpses = sensor.read(scenes, locations)
    assert glimpses.dtype == np.float32
    for scene, location, glimpse in zip(scenes, locations, glimpses, strict=True):
        expected = crop_and_average(name, scene, location, patch_size, num_scales)
        np.testing.assert_allclose(glimpse, expected.ravel(), atol=1e-6)


def test_zoom_at_its_ends_shows_single_pixels_and_the_whole_scene():
    scene = np.arange(24 * 24, dtype=np.uint8).reshape(1, 1, 24, 24)
    sensor = make_sensor("zoom", 24, 24, 1, 6, 1)
    narrow = sensor.read(scene, np.array([[0, 0, -1]], np.float32)).reshape(6, 6)
    np.testing.assert_array_equal(np.rint(narrow * 255).astype(np.uint8), scene[0, 0, 9:15, 9:15])
    wide = sensor.read(scene, np.array([[0, 0, 1]], np.float32)).reshape(6, 6)
    blocks = scene[0, 0].reshape(6, 4, 6, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(wide, blocks / 255, atol=1e-6)
    assert [outline.height for outline in sensor.outlines(np.array([0, 0, 1], np.float32))] == [24]


@pytest.mark.parametrize(
    ("location", "first"),
    [((0.0, 0.0), 13), ((-0.5, 0.5), 6), ((-1.0, -1.0), -1), ((1.0, 1.0), 27), ((0.0, -1.0), 13)],
)
def test_a_glimpse_of_a_coordinate_ramp_equals_its_formula(location, first):
    """On a 28 pixels wide ramp whose pixel in column c is 5c, a 2-pixel patch shows 5 * first and 5 * (first + 1)."""
    ramp = np.broadcast_to((5 * np.arange(28)).astype(np.uint8), (1, 1, 28, 28))
    sensor = Retina(28, 28, 1, patch_size=2, num_scales=1)
    patch = sensor.read(ramp, np.array([location], np.float32)).reshape(2, 2)
    rows_seen = [0 <= row < 28 for row in (int((location[1] + 1) * 14) - 1, int((location[1] + 1) * 14))]
    expected = [5 * column / 255 if 0 <= column < 28 else 0.0 for column in (first, first + 1)]
    for row, seen in zip(patch, rows_seen, strict=True):
        np.testing.assert_allclose(row, expected if seen else [0, 0], atol=1e-6)


@pytest.mark.parametrize(("side", "patch_size", "num_scales"), [(64, 5, 3), (2048, 1, 12)])
def test_a_white_scene_is_exactly_one_at_every_scale(side, patch_size, num_scales):
    sensor = Retina(side, side, 1, patch_size, num_scales)
    white = np.full((1, 1, side, side), 255, np.uint8)
    assert (sensor.read(sensor.summed_area_table(white), np.zeros((1, 2), np.float32)) == 1).all()
    assert (sensor.read(white, np.zeros((1, 2), np.float32)) == 1).all()


@pytest.mark.parametrize("name", FINEST_SIDE)
def test_points_read_as_the_picture_of_these_points(name):
    generator = np.random.default_rng(2)
    locations, size = locations_for(name, generator, 300), 24
    batch = len(locations)
    cells = np.stack([generator.choice(size * size, 4, replace=False) for _ in range(batch)], axis=1)
    rows, columns = cells // size, cells % size
    pictures = np.zeros((batch, 1, size, size), np.uint8)
    pictures[np.arange(batch), 0, rows[:3], columns[:3]] = 255
    rows[3] = NOWHERE  # the fourth point does not exist
    sensor = make_sensor(name, size, size, 1, 6, 3)
    expected = sensor.read(pictures, locations)
    np.testing.assert_array_equal(sensor.read_points(columns, rows, locations), expected)
    np.testing.assert_array_equal(Sensor.read_points(sensor, columns, rows, locations), expected)


@pytest.mark.parametrize("name", FINEST_SIDE)
def test_torch_and_compiled_kernels_give_the_bits_of_numpy(name, monkeypatch):
    generator = np.random.default_rng(3)
    locations = locations_for(name, generator, 50)
    batch = len(locations)
    scenes = generator.integers(0, 256, (batch, 3, 40, 30)).astype(np.uint8)
    columns, rows = generator.integers(0, 30, (2, 3, batch))
    sensor, points = make_sensor(name, 40, 30, 3, 7, 3), make_sensor(name, 30, 30, 1, 4, 2)

    def read(convert):
        at = convert(locations)
        picture = sensor.read(sensor.prepare(convert(scenes)), at)
        return [np.asarray(picture), np.asarray(points.read_points(convert(columns), convert(rows), at))]

    results = [read(np.asarray), read(torch.from_numpy)]
    monkeypatch.setattr(patches, "compiled_kernels", lambda *_: None)
    for result in [*results, read(torch.from_numpy)]:
        for array, expected in zip(result, read(np.asarray), strict=True):
            np.testing.assert_array_equal(array, expected)


def test_the_kernels_are_compiled_where_these_tests_run():
    from ram_envs.arrays import compiled_kernels

    assert compiled_kernels(np.empty(0)) is not None and compiled_kernels(torch.empty(0)) is not None


def test_outlines_are_concentric_and_finest_first():
    outlines = Retina(24, 24, 1, 6, 3).outlines(np.zeros(2, np.float32))
    assert outlines == [(9, 9, 6, 6), (6, 6, 12, 12), (0, 0, 24, 24)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch_size": 7.5, "num_scales": 1}, "patch_size=7.5"),
        ({"patch_size": True, "num_scales": 1}, "patch_size=True"),
        ({"patch_size": 8, "num_scales": 0}, "num_scales=0"),
        ({"patch_size": 1, "num_scales": 13}, "num_scales=13"),  # whose sums would leave int32
        ({"patch_size": 4096, "num_scales": 5}, "65536 pixels wide"),
    ],
)
def test_impossible_sensors_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        Retina(28, 28, 1, **settings)


def test_a_zoom_whose_blocks_would_leave_int32_is_refused():
    with pytest.raises(ValueError, match="expected at least 2"):
        Zoom(4096, 4096, 1, 1, 1)
