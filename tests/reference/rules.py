"""The rules of both tasks for one row, in plain Python: no batches, no kernels, no array API."""

import math
from itertools import combinations_with_replacement

import numpy as np

from tests.reference.draws import below, uniform, words
from tests.reference.glimpses import ONE, glimpse, move


class Rules:
    """What both tasks share: the gaze and the sensor."""

    shape: tuple[int, int]

    def __init__(self, patch_size, num_scales, first_location="random", sensor="retina", gaze="absolute", max_step=0.2):
        self.patch_size, self.num_scales, self.zoom = patch_size, num_scales, sensor == "zoom"
        self.first_location, self.gaze, self.max_step = first_location, gaze, max_step
        self.gaze_size = 3 if self.zoom else 2

    def first_fixation(self, drawn):
        """Return the first location from random words."""
        height, width = self.shape
        if self.first_location == "center":
            return [np.float32(0)] * self.gaze_size
        if not isinstance(self.first_location, str):
            given = [np.float32(value) for value in self.first_location]
            return given + [np.float32(0)] * (self.gaze_size - len(given))
        location = [np.float32(uniform(word) * 2 - 1) for word in drawn]
        if self.first_location == "inside":
            location[0] *= np.float32(max(0.0, 1 - self.patch_size / width))
            location[1] *= np.float32(max(0.0, 1 - self.patch_size / height))
            location[2:] = [-ONE] * (self.gaze_size - 2)
        return location

    def observe(self):
        """Return the glimpse, the location and the further senses."""
        seen = glimpse(self.seen_scene(), self.location, self.patch_size, self.num_scales, self.zoom)
        return seen, np.array(self.location, np.float32), {}

    def look(self, action):
        """Return the location that an action leads to."""
        return move(self.location, action, self.gaze, self.max_step)


class CatchRules(Rules):
    """The game Catch."""

    choices = 3

    def __init__(self, screen_size=24, patch_size=6, num_scales=3, hidden_rows=None, hearing=False, **shared):
        super().__init__(patch_size, num_scales, **shared)
        self.size, self.hidden_rows, self.hearing = screen_size, hidden_rows, hearing
        self.shape = (screen_size, screen_size)

    def begin(self, seed, episode, image_index=None):
        """Start an episode."""
        drawn = words(seed, episode, 3 + self.gaze_size)
        self.ball = below(drawn[0], self.size)
        self.column = np.float32(self.ball)
        self.speed = np.float32(uniform(drawn[1]) * 2 - 1)
        self.paddle = below(drawn[2], self.size - 1)
        self.location = self.first_fixation(drawn[3:])
        self.step, self.caught = 0, False

    def act(self, gaze, answer):
        """Move the paddle, the ball and the gaze; return the reward and whether the episode has ended."""
        self.location = self.look(gaze)
        self.paddle = min(max(self.paddle + answer - 1, 0), self.size - 2)
        self.step += 1
        wall = np.float32(self.size - 1)
        ahead = self.column + self.speed
        self.column = abs(ahead)
        if self.column > wall:
            self.column = 2 * wall - self.column
        if self.column != ahead:
            self.speed = -self.speed
        self.ball = math.floor(self.column + np.float32(0.5))
        ended = self.step == self.size - 1
        self.caught = ended and self.ball in (self.paddle, self.paddle + 1)
        return float(self.caught), ended

    def info(self):
        """Return the info."""
        return {"is_success": self.caught}

    def scene(self):
        """Draw the screen."""
        screen = [[0] * self.size for _ in range(self.size)]
        screen[self.step][self.ball] = 255
        for column in (self.paddle, self.paddle + 1):
            screen[-1][column] = 255
        return [screen]

    def seen_scene(self):
        """Draw what is visible of the screen."""
        [screen] = self.scene()
        if self.hidden_rows and self.hidden_rows[0] <= self.step <= self.hidden_rows[1] and not self.caught:
            screen[self.step][self.ball] = 0
        return [screen]

    def observe(self):
        """Return the glimpse, the location and the sound."""
        seen, location, senses = super().observe()
        if self.hearing:
            across, up = float(self.column) - (self.paddle + 0.5), float(self.size - 1 - self.step)
            distance = math.sqrt(across * across + up * up)
            sine = across / distance if distance else 0.0
            sound = [math.sqrt((1 - sine) / 2), math.sqrt((1 + sine) / 2)]
            senses = {"sound": np.array(sound, np.float32)}
        return seen, location, senses


class ClassificationRules(Rules):
    """Classification of images through glimpses."""

    def __init__(
        self,
        dataset,
        patch_size=8,
        num_scales=1,
        image_size=None,
        num_clutter=0,
        clutter_size=8,
        num_glimpses=6,
        stop="fixed",
        glimpse_cost=0.0,
        num_objects=1,
        combine="set",
        **shared,
    ):
        super().__init__(patch_size, num_scales, **shared)
        images, self.labels = dataset[0].tolist(), dataset[1].tolist()  # (N, H, W) or (N, H, W, 3)
        if dataset[0].ndim == 3:
            self.images = [[image] for image in images]
        else:
            self.images = [
                [[[pixel[channel] for pixel in row] for row in image] for channel in range(3)] for image in images
            ]
        self.num_objects, self.combine = num_objects, combine
        self.kinds = max(self.labels) + 1  # classes of one object
        sums = num_objects * (self.kinds - 1) + 1
        groups = combinations_with_replacement(range(self.kinds), num_objects)
        self.groups = [*groups]
        self.classes = sums if combine == "sum" and num_objects > 1 else len(self.groups)
        self.choices = self.classes + (stop == "learned")
        self.image_size, self.num_clutter, self.clutter_size = image_size, num_clutter, clutter_size
        self.num_glimpses, self.learned, self.cost = num_glimpses, stop == "learned", glimpse_cost
        self.shape = (image_size, image_size) if image_size else dataset[0].shape[1:3]

    def begin(self, seed, episode, image_index=None):
        """Start an episode."""
        scene_words = 2 + 5 * self.num_clutter
        objects_begin = 3 + scene_words + self.gaze_size - 2
        drawn = words(seed, episode, objects_begin + 3 * (self.num_objects - 1))
        self.image_index = below(drawn[0], len(self.images)) if image_index is None else image_index
        self.location = self.first_fixation(drawn[1:3] + drawn[3 + scene_words : objects_begin])
        others = [drawn[start : start + 3] for start in range(objects_begin, len(drawn), 3)]
        others = [(below(word, len(self.images)), *position) for word, *position in others]
        self.canvas = self._compose(drawn[3 : 3 + scene_words], others)
        labels = sorted(self.labels[index] for index, *_ in [(self.image_index,), *others])
        self.label = sum(labels) if self.combine == "sum" else self.groups.index(tuple(labels))
        self.prediction, self.step = -1, 0

    def _compose(self, drawn, others):
        height, width = len(self.images[0][0]), len(self.images[0][0][0])
        canvas = [[[0] * self.shape[1] for _ in range(self.shape[0])] for _ in self.images[0]]
        top = left = 0
        if self.image_size:
            top, left = below(drawn[0], self.shape[0] - height + 1), below(drawn[1], self.shape[1] - width + 1)
        self._add(canvas, self.images[self.image_index], 0, 0, height, width, top, left)
        for index, row, column in others:
            top, left = below(row, self.shape[0] - height + 1), below(column, self.shape[1] - width + 1)
            self._add(canvas, self.images[index], 0, 0, height, width, top, left)
        side = self.clutter_size
        for piece in range(self.num_clutter):
            source, cut_top, cut_left, top, left = drawn[2 + 5 * piece : 7 + 5 * piece]
            self._add(
                canvas,
                self.images[below(source, len(self.images))],
                below(cut_top, height - side + 1),
                below(cut_left, width - side + 1),
                side,
                side,
                below(top, self.shape[0] - side + 1),
                below(left, self.shape[1] - side + 1),
            )
        return canvas

    @staticmethod
    def _add(canvas, image, cut_top, cut_left, height, width, top, left):
        for layer, source in zip(canvas, image, strict=True):
            for row in range(height):
                for column in range(width):
                    total = layer[top + row][left + column] + source[cut_top + row][cut_left + column]
                    layer[top + row][left + column] = min(total, 255)

    def act(self, gaze, answer):
        """Look or answer; return the reward and whether the episode has ended."""
        self.step += 1
        last = self.step == self.num_glimpses
        if answer < self.classes and (last or self.learned):
            self.prediction = answer
        ended = last or self.prediction >= 0
        if not ended:
            self.location = self.look(gaze)
        reward = np.float32(self.prediction == self.label)
        if self.learned and not ended:
            reward -= np.float32(self.cost)
        return float(reward), ended

    def info(self):
        """Return the info."""
        success = self.prediction == self.label
        numbers = {"label": self.label, "prediction": self.prediction, "image_index": self.image_index}
        return {**numbers, "is_success": success}

    def scene(self):
        """Return the scene."""
        return self.canvas

    seen_scene = scene
