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


class ReferenceBatch:
    """A batch of rows with auto-reset, one row after the other.

    Args:
        rows: The rows.
        mode: "NextStep", "SameStep" or "Disabled".
        limit: Episodes are truncated after so many steps; None for no limit.
    """

    def __init__(self, rows, mode, limit=None):
        self.rows, self.mode, self.limit = rows, mode, limit
        self.ended = [False] * len(rows)

    def reset(self, seeds, mask=None, images=None):
        """Start episodes in the rows of the mask; ``seeds`` has an int or None for each row."""
        for index, row in enumerate(self.rows):
            if mask is None or mask[index]:
                row.reset(seeds[index], None if images is None else images[index])
                self.ended[index] = self._ended(row)
        return [(row.observation(), row.rules.info()) for row in self.rows]

    def step(self, actions):
        """Take a step in every row.

        Returns:
            For each row: observation, reward, terminated, truncated, info, and the observation and the info before a
            same-step reset, or None.
        """
        results = []
        for index, (row, action) in enumerate(zip(self.rows, actions, strict=True)):
            if self.ended[index] and self.mode == "NextStep":
                results.append((*row.reset(), 0.0, False, False, None))
                self.ended[index] = False
                continue
            if self.ended[index]:  # frozen
                terminated, truncated = row.over, self._truncated(row)
                results.append((row.observation(), row.rules.info(), 0.0, terminated, truncated, None))
                continue
            observation, reward, terminated, info = row.step(action)
            truncated = self._truncated(row)
            self.ended[index], final = terminated or truncated, None
            if self.ended[index] and self.mode == "SameStep":
                final = observation, info
                observation, info = row.reset()
                self.ended[index] = False
            results.append((observation, info, reward, terminated, truncated, final))
        return results

    def _ended(self, row):
        return row.over or self._truncated(row)

    def _truncated(self, row):
        return self.limit is not None and row.rules.step >= self.limit
