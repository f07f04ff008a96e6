"""Bright spots are found where the objects are, and a scan visits one after the other."""

import numpy as np
import pytest
import torch

from agents.training.exploration import BRIGHT, NUM_SPOTS, SHARPNESS, SPOT_SIZE, STRIDE, bright_spots, draw_scan


def draws(rows, spots=NUM_SPOTS, seed=0):
    return torch.rand((rows, spots), generator=torch.Generator().manual_seed(seed))


def scene(*objects, side=60, channels=1):
    """Black, with squares of 20 pixels: (left, top, gray)."""
    pixels = torch.zeros(1, channels, side, side, dtype=torch.uint8)
    for left, top, gray in objects:
        pixels[..., top : top + 20, left : left + 20] = gray
    return pixels


def center(left, top, side=60):
    return torch.tensor([2 * (left + 10) / side - 1, 2 * (top + 10) / side - 1])


def pixels_from(spots, location, side=60):
    return (spots - location).norm(dim=-1) * side / 2


def test_every_spot_is_at_the_only_object():
    for left, top, channels in ((8, 36, 1), (36, 4, 3), (0, 0, 1), (40, 40, 1)):
        spots = bright_spots(scene((left, top, 200), channels=channels), draws(1, 500))
        assert spots.shape == (1, 500, 2) and spots.dtype == torch.float32
        assert pixels_from(spots, center(left, top)).max() < 3  # within a stride


@pytest.mark.parametrize(("height", "width"), [(27, 61), (61, 27)])
def test_every_spot_is_at_the_only_object_of_a_long_scene(height, width):
    """Neither side is a multiple of the stride, so the last windows are cut; x and y have units of their own."""
    last = width - SPOT_SIZE, height - SPOT_SIZE
    for left, top in ((0, 0), (4, 4), last, (last[0], 0), (0, last[1])):
        pixels = torch.zeros(1, 1, height, width, dtype=torch.uint8)
        pixels[..., top : top + SPOT_SIZE, left : left + SPOT_SIZE] = 200
        middle = torch.tensor([left, top]) + SPOT_SIZE / 2
        spots = (bright_spots(pixels, draws(1, 500)) + 1) / 2 * torch.tensor([width, height])
        assert (spots - middle).norm(dim=-1).max() < STRIDE


def test_a_bright_object_is_drawn_as_often_as_a_very_bright_one_and_a_dark_one_rarely():
    places = (4, 4), (36, 36)
    for grays in ((60, 255), (30, 40), (25, 200)):
        objects = [(*place, gray) for place, gray in zip(places, grays, strict=True)]
        spots = bright_spots(scene(*objects), draws(1, 100_000))
        shares = [(pixels_from(spots, center(*place)) < 3).float().mean().item() for place in places]
        chances = np.array([min(gray / 255, BRIGHT) ** SHARPNESS for gray in grays])
        np.testing.assert_allclose(shares, chances / chances.sum(), atol=0.01)


def test_without_any_spot_locations_are_anywhere():
    spots = bright_spots(scene(), draws(1, 20_000))[0].double()
    assert spots.min() < -0.9 and spots.max() > 0.9
    assert spots.mean(0).abs().max() < 0.05


def test_a_row_has_its_own_draws():
    scenes = torch.cat([scene((8, 8, 200), (40, 40, 200)), scene((30, 8, 200), (8, 40, 200)), scene()])
    together, numbers = bright_spots(scenes, draws(3)), draws(3)
    for row in range(3):
        one = bright_spots(scenes[row : row + 1], numbers[row : row + 1])
        torch.testing.assert_close(one[0], together[row], rtol=0, atol=1e-6)


def test_a_scan_visits_the_closest_spot_first_and_all_before_any_again():
    places = (0, 0), (40, 0), (0, 40)
    scenes = scene(*((*place, 200) for place in places))
    first = center(4, 4)[None]  # closest to the first object
    scan = draw_scan(scenes, first, 6, torch.tensor(1.0), draws(1, 1 + NUM_SPOTS))
    assert scan.explores.tolist() == [True] and scan.path.shape == (6, 1, 2)
    visited = [
        next(number for number, place in enumerate(places) if pixels_from(location, center(*place)) < 3)
        for location in scan.path[:, 0]
    ]
    assert visited[0] == 0 and sorted(visited[:3]) == sorted(visited[3:]) == [0, 1, 2]


def test_the_share_of_the_rows_that_explore():
    rows = 4_000
    for share in (0.0, 0.3, 1.0):
        scan = draw_scan(scene().expand(rows, -1, -1, -1), torch.zeros(rows, 2), 2, torch.tensor(share), draws(rows, 3))
        assert abs(scan.explores.float().mean().item() - share) < 0.03
