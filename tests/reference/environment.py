"""One row of an environment, in plain Python: seeds, episodes and formats around the rules."""

import numpy as np

from tests.reference.rules import CatchRules, ClassificationRules


class ReferenceRow:
    """What row i of a batch, or the single environment, has to do.

    Args:
        task: "catch" or "classification".
        settings: Arguments of the task.
        action_format: "box", "dict", "multidiscrete" or "discrete".
        observation_format: "dict", "flat" or "image".
        grid_size: Cells per number of the gaze in the two discrete formats.
    """

    def __init__(self, task, settings, action_format="box", observation_format="dict", grid_size=5):
        self.rules = {"catch": CatchRules, "classification": ClassificationRules}[task](**settings)
        self.action_format, self.observation_format, self.grid_size = action_format, observation_format, grid_size
        self.key = {"catch": "move", "classification": "label"}[task]
        self.seed = self.episode = None
        self.over = True

    def reset(self, seed=None, image_index=None):
        """Start an episode; return the observation and the info."""
        if seed is not None:
            self.seed, self.episode = seed, 0
        else:
            self.episode += 1
        self.rules.begin(self.seed, self.episode, image_index)
        self.over = False
        return self.observation(), self.rules.info()

    def step(self, action):
        """Take a step; return observation, reward, terminated and info."""
        reward, self.over = self.rules.act(*self.decode(action))
        return self.observation(), reward, self.over, self.rules.info()

    def decode(self, action):
        """Return the gaze, np.float32 numbers, and the answer, an int."""
        size = self.rules.gaze_size
        if self.action_format == "box":
            scores = [float(score) for score in action[size:]]
            return [np.float32(value) for value in action[:size]], scores.index(max(scores))
        if self.action_format == "dict":
            return [np.float32(value) for value in action["fixation"]], int(action[self.key])
        if self.action_format == "multidiscrete":
            answer, *cells = map(int, action)
        else:
            number, cells = int(action), []
            for _ in range(size):
                number, cell = divmod(number, self.grid_size)
                cells.insert(0, cell)
            answer = number
        return [np.float32((2 * cell + 1) / self.grid_size - 1) for cell in cells], answer

    def observation(self):
        """Return the observation in its format."""
        seen, location, senses = self.rules.observe()
        if self.observation_format == "flat":
            return np.concatenate([seen, location, *senses.values()])
        if self.observation_format == "image":
            size = self.rules.patch_size
            seen = seen.reshape(-1, size, size)
        return {"glimpse": seen, "location": location, **senses}
