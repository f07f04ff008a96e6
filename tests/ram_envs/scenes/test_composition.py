import numpy as np

from ram_envs.scenes.composition import DRAWS_PER_PIECE, add_clutter, paste, place
from ram_envs.scenes.randomness import draw_words


def words(batch, number):
    return draw_words(np.arange(batch), np.zeros(batch, np.int64), number)


def test_sums_are_clipped_at_white():
    canvas = np.full((1, 1, 4, 4), 200, np.uint8)
    paste(canvas, np.full((1, 1, 2, 2), 100, np.uint8), np.array([1]), np.array([2]))
    expected = np.full((4, 4), 200)
    expected[1:3, 2:4] = 255
    np.testing.assert_array_equal(canvas[0, 0], expected)
    canvas = np.full((1, 1, 2, 2), 100, np.uint8)
    paste(canvas, canvas.copy(), np.zeros(1, int), np.zeros(1, int))
    assert (canvas == 200).all()


def test_every_offset_is_possible_and_the_picture_is_whole():
    images = np.arange(1, 7, dtype=np.uint8).reshape(1, 1, 2, 3)
    scenes = place(images, np.zeros(2000, np.int64), words(2000, 2), image_size=6)[:, 0]
    corners = set()
    for scene in scenes:
        row, column = np.argwhere(scene == 1)[0]
        np.testing.assert_array_equal(scene[row : row + 2, column : column + 3], images[0, 0])
        assert scene.sum() == images.sum()
        corners.add((row, column))
    assert corners == {(row, column) for row in range(5) for column in range(4)}


def test_clutter_is_cut_from_every_place_of_every_image_and_put_at_every_offset():
    # Pixels tell where they come from: image 0 holds 1 to 16, image 1 holds 101 to 116.
    images = np.stack([np.arange(1, 17), np.arange(101, 117)]).astype(np.uint8).reshape(2, 1, 4, 4)
    batch = 5000
    canvas = np.zeros((batch, 1, 5, 5), np.uint8)
    add_clutter(canvas, images, words(batch, DRAWS_PER_PIECE), num_clutter=1, clutter_size=3)
    cuts, offsets = set(), set()
    for scene in canvas[:, 0]:
        top, left = np.argwhere(scene > 0)[0]
        piece = scene[top : top + 3, left : left + 3].astype(int)
        assert scene.sum() == piece.sum()
        first = piece[0, 0]
        np.testing.assert_array_equal(piece - first, np.array([[0, 1, 2], [4, 5, 6], [8, 9, 10]]))
        cuts.add(int(first))
        offsets.add((int(top), int(left)))
    assert cuts == {1, 2, 5, 6, 101, 102, 105, 106}
    assert offsets == {(row, column) for row in range(3) for column in range(3)}


def test_pieces_add_up_over_the_picture():
    images = np.full((1, 1, 2, 2), 90, np.uint8)
    canvas = np.full((400, 1, 2, 2), 10, np.uint8)
    add_clutter(canvas, images, words(400, 3 * DRAWS_PER_PIECE), num_clutter=3, clutter_size=1)
    values = canvas.astype(int) - 10
    assert set(np.unique(values)) <= {0, 90, 180, 245}
    assert (values == 245).any()  # 10 + 3 * 90 is clipped
    sums = np.where(values == 245, 270, values).sum(axis=(1, 2, 3))
    assert (sums == 270).all()
