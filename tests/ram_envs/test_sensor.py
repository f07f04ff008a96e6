import numpy as np
import pytest
import torch

from ram_envs import sensor as sensor_module
from ram_envs.sensor import NOWHERE, GlimpseSensor


def crop_and_average(scene, location, patch_size, num_scales):
    """The definition, pixel by pixel and in the slowest way: float64 (k, C, g, g) in [0, 1]."""
    channels, height, width = scene.shape
    glimpse = np.zeros((num_scales, channels, patch_size, patch_size))
    for scale in range(num_scales):
        side = patch_size * 2**scale
        left = int(np.floor((location[0] + 1) / 2 * width - side / 2 + 1 / 2))
        top = int(np.floor((location[1] + 1) / 2 * height - side / 2 + 1 / 2))
        for row in range(side):
            for column in range(side):
                if 0 <= top + row < height and 0 <= left + column < width:
                    pixel = scene[:, top + row, left + column].astype(float)
                    glimpse[scale, :, row >> scale, column >> scale] += pixel / 255 / 4**scale
    return glimpse


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def kernels(request, monkeypatch):
    """Run every test with the compiled kernels and without them."""
    if request.param == "plain":
        monkeypatch.setattr(sensor_module, "compiled_kernels", lambda array: None)


@pytest.mark.parametrize(
    ("patch_size", "num_scales", "channels"), [(8, 1, 1), (5, 2, 1), (1, 3, 1), (4, 3, 3), (12, 3, 1)]
)
def test_a_glimpse_is_what_its_definition_says(patch_size, num_scales, channels):
    generator = np.random.default_rng(1)
    scenes = generator.integers(0, 256, (9, channels, 23, 31)).astype(np.uint8)
    locations = np.concatenate(
        [[[0, 0], [-1, -1], [1, 1], [1, -1], [0.999, 0.5]], generator.uniform(-1, 1, (4, 2))]
    ).astype(np.float32)
    sensor = GlimpseSensor(23, 31, patch_size, num_scales, channels)
    glimpses = sensor.read(scenes, locations)
    assert glimpses.dtype == np.float32
    for scene, location, glimpse in zip(scenes, locations, glimpses, strict=True):
        expected = crop_and_average(scene, location, patch_size, num_scales)
        np.testing.assert_allclose(glimpse, expected.ravel(), atol=1e-6)


@pytest.mark.parametrize(
    ("location", "first"),
    [((0.0, 0.0), 13), ((-0.5, 0.5), 6), ((-1.0, -1.0), -1), ((1.0, 1.0), 27), ((0.0, -1.0), 13)],
)
def test_a_glimpse_of_a_coordinate_ramp_equals_its_formula(location, first):
    """On a 28 pixels wide ramp whose pixel in column c is 5c, a 2-pixel patch shows 5 * first and 5 * (first + 1)."""
    ramp = np.broadcast_to((5 * np.arange(28)).astype(np.uint8), (1, 1, 28, 28))
    sensor = GlimpseSensor(28, 28, patch_size=2, num_scales=1)
    patch = sensor.read(ramp, np.array([location], np.float32)).reshape(2, 2)
    rows_seen = [0 <= row < 28 for row in (int((location[1] + 1) * 14) - 1, int((location[1] + 1) * 14))]
    expected = [5 * column / 255 if 0 <= column < 28 else 0.0 for column in (first, first + 1)]
    for row, seen in zip(patch, rows_seen, strict=True):
        np.testing.assert_allclose(row, expected if seen else [0, 0], atol=1e-6)


@pytest.mark.parametrize(("side", "patch_size", "num_scales"), [(64, 5, 3), (2048, 1, 12)])
def test_a_white_scene_is_exactly_one_at_every_scale(side, patch_size, num_scales):
    sensor = GlimpseSensor(side, side, patch_size, num_scales)
    white = np.full((1, 1, side, side), 255, np.uint8)
    assert (sensor.read(sensor.summed_area_table(white), np.zeros((1, 2), np.float32)) == 1).all()
    assert (sensor.read(white, np.zeros((1, 2), np.float32)) == 1).all()


def test_points_read_as_the_picture_of_these_points():
    generator = np.random.default_rng(2)
    batch, size = 300, 24
    cells = np.stack([generator.choice(size * size, 4, replace=False) for _ in range(batch)], axis=1)
    rows, columns = cells // size, cells % size
    pictures = np.zeros((batch, 1, size, size), np.uint8)
    pictures[np.arange(batch), 0, rows[:3], columns[:3]] = 255
    rows[3] = NOWHERE  # the fourth point does not exist
    sensor = GlimpseSensor(size, size, 6, 3)
    locations = generator.uniform(-1, 1, (batch, 2)).astype(np.float32)
    np.testing.assert_array_equal(sensor.read_points(columns, rows, locations), sensor.read(pictures, locations))


def test_torch_and_compiled_kernels_give_the_bits_of_numpy(monkeypatch):
    generator = np.random.default_rng(3)
    scenes = generator.integers(0, 256, (50, 3, 40, 30)).astype(np.uint8)
    locations = generator.uniform(-1, 1, (50, 2)).astype(np.float32)
    locations[:4] = [[-1, -1], [1, 1], [0, 0], [0.1, -0.1]]
    columns, rows = generator.integers(0, 30, (2, 3, 50))
    sensor, points = GlimpseSensor(40, 30, 7, 3, channels=3), GlimpseSensor(30, 30, 4, 2)

    def read(convert):
        at = convert(locations)
        picture = sensor.read(sensor.prepare(convert(scenes)), at)
        return [np.asarray(picture), np.asarray(points.read_points(convert(columns), convert(rows), at))]

    results = [read(np.asarray), read(torch.from_numpy)]
    monkeypatch.setattr(sensor_module, "compiled_kernels", lambda array: None)
    for result in [*results, read(torch.from_numpy)]:
        for array, expected in zip(result, read(np.asarray), strict=True):
            np.testing.assert_array_equal(array, expected)


def test_the_kernels_are_compiled_where_these_tests_run():
    from ram_envs.arrays import compiled_kernels

    assert compiled_kernels(np.empty(0)) is not None and compiled_kernels(torch.empty(0)) is not None


def test_squares_are_concentric_and_finest_first():
    squares = GlimpseSensor(24, 24, 6, 3).squares(np.zeros(2, np.float32))
    assert squares == [(9, 9, 6), (6, 6, 12), (0, 0, 24)]


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
        GlimpseSensor(28, 28, **settings)
