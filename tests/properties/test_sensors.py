"""The sensors against the definition, pixel by pixel: NumPy and torch, compiled and not, scenes and points."""

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ram_envs import arrays as arrays_module
from ram_envs.sensors import make_sensor
from ram_envs.sensors.sensor import NOWHERE
from tests.properties.strategies import UNIT
from tests.reference.glimpses import glimpse


@pytest.fixture(params=["compiled", "plain"], autouse=True)
def kernels(request, monkeypatch):
    """Run every test with the compiled kernels and without them."""
    monkeypatch.setattr(arrays_module, "_work", arrays_module.WORTH_LOADING)
    if request.param == "plain":
        monkeypatch.setattr(arrays_module, "_import_kernels", lambda: None)


CHANNELS = st.sampled_from([1, 3])


@st.composite
def cases(draw, channels=CHANNELS):
    """A sensor, scenes and locations."""
    height, width = draw(st.integers(1, 20)), draw(st.integers(1, 20))
    name, patch_size, num_scales = (
        draw(st.sampled_from(["retina", "zoom"])),
        draw(st.integers(1, 12)),
        draw(st.integers(1, 4)),
    )
    channels, batch = draw(channels), draw(st.integers(1, 3))
    # Locations on the border of two pixels are where rounding matters.
    border = st.integers(0, 2 * max(height, width)).map(lambda half: np.float32(half / max(height, width) - 1).item())
    gaze = st.one_of(UNIT, border, st.sampled_from([-1.0, 1.0, 0.0, float(np.nextafter(np.float32(1), np.float32(0)))]))
    size = 3 if name == "zoom" else 2
    locations = draw(arrays.arrays(np.float32, (batch, size), elements=gaze))
    scenes = draw(arrays.arrays(np.uint8, (batch, channels, height, width)))
    return name, scenes, locations, patch_size, num_scales


def check(name, scenes, locations, patch_size, num_scales):
    sensor = make_sensor(name, *scenes.shape[2:], scenes.shape[1], patch_size, num_scales)
    expected = np.stack(
        [
            glimpse(scene.tolist(), list(location), patch_size, num_scales, name == "zoom")
            for scene, location in zip(scenes, locations, strict=True)
        ]
    )
    places = torch.from_numpy(locations)
    for got in (
        sensor.read(scenes, locations),
        sensor.read(sensor.prepare(scenes), locations),
        sensor.read(torch.from_numpy(scenes), places).numpy(),
        sensor.read(sensor.prepare(torch.from_numpy(scenes)), places).numpy(),
        sensor.read(scenes[:, :, ::-1, ::-1][:, :, ::-1, ::-1], locations),  # not contiguous in memory
    ):
        assert got.dtype == np.float32 and np.array_equal(got, expected)
    return sensor, expected


@given(cases())
def test_glimpses_are_those_of_the_definition(case):
    sensor, expected = check(*case)
    assert expected.shape[1] == sensor.glimpse_size and 0 <= expected.min() <= expected.max() <= 1


@given(cases(st.just(1)), st.data())
def test_points_are_read_as_the_scene_that_has_them(case, data):
    name, scenes, locations, patch_size, num_scales = case
    batch, _, height, width = scenes.shape
    count = data.draw(st.integers(1, min(4, height * width)))
    pixels = st.lists(st.integers(0, height * width - 1), min_size=count, max_size=count, unique=True)
    rows, columns = np.zeros((2, count, batch), np.int64)
    scenes[:] = 0
    for row in range(batch):
        for point, pixel in enumerate(data.draw(pixels)):
            rows[point, row], columns[point, row] = divmod(pixel, width)
            if data.draw(st.booleans()):
                scenes[row, 0, rows[point, row], columns[point, row]] = 255
            else:
                rows[point, row] = NOWHERE
    sensor, expected = check(name, scenes, locations, patch_size, num_scales)
    assert np.array_equal(sensor.read_points(columns, rows, locations), expected)
    tensors = (torch.from_numpy(value) for value in (columns, rows, locations))
    assert np.array_equal(sensor.read_points(*tensors).numpy(), expected)


@given(cases())
def test_outlines_are_the_pixels_that_a_glimpse_depends_on(case):
    name, scenes, locations, patch_size, num_scales = case
    height, width = scenes.shape[2:]
    sensor = make_sensor(name, height, width, 1, patch_size, num_scales)
    for scale, outline in enumerate(sensor.outlines(locations[0])):
        black, white = np.zeros((2, 1, 1, height, width), np.uint8)
        white[:] = 255
        inside = np.s_[
            0,
            0,
            max(outline.top, 0) : max(outline.top + outline.height, 0),
            max(outline.left, 0) : max(outline.left + outline.width, 0),
        ]
        white[inside] = 0
        level = np.s_[:, scale * patch_size**2 : (scale + 1) * patch_size**2]
        assert not sensor.read(black, locations[:1])[level].any()
        assert not sensor.read(white, locations[:1])[level].any()


@given(
    st.sampled_from(["retina", "zoom"]),
    *[st.one_of(st.integers(-2, 40), st.sampled_from([2**15, 2**31, 2**63, 1.0, True, None, "3"]))] * 2,
)
@example("zoom", 1, 12)
@example("retina", 2**15, 2)
def test_sizes_are_refused_in_one_line_or_work(name, patch_size, num_scales):
    try:
        sensor = make_sensor(name, 5, 7, 1, patch_size, num_scales)
    except ValueError as error:
        assert len(str(error).splitlines()) == 1 and ("patch_size" in str(error) or "num_scales" in str(error))
    else:
        if sensor.glimpse_size < 10**5:
            seen = sensor.read(np.full((1, 1, 5, 7), 255, np.uint8), np.zeros((1, sensor.gaze_size), np.float32))
            assert np.isfinite(seen).all() and seen.max() <= 1
