"""Environments whose every number is known beforehand."""

from __future__ import annotations

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Scripted(gymnasium.Env):
    """Observation ``10 * episode + step``, reward the same number; episodes end as the script says.

    Args:
        script: Length of each episode, and whether it ends with "terminated" or "truncated".
    """

    observation_space = Box(-np.inf, np.inf, (1,), np.float32)
    action_space = Discrete(2)

    def __init__(self, script=((2, "truncated"), (2, "terminated"), (9, "terminated")), broken_at=None):
        self.script, self.episode, self.broken_at, self.steps = script, -1, broken_at, 0

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.episode, self.time = self.episode + 1, 0
        return self._observation(), {}

    def step(self, action):
        self.time += 1
        self.steps += 1
        length, kind = self.script[self.episode]
        over = self.time == length
        observation = self._observation()
        if self.steps == self.broken_at:
            observation[0] = np.nan
        return observation, float(observation[0]), over and kind == "terminated", over and kind == "truncated", {}

    def _observation(self):
        return np.array([10 * self.episode + self.time], np.float32)


class Cue(gymnasium.Env):
    """The first observation shows which action is right, ``delay`` steps later; without memory one half is right."""

    observation_space = Box(-1, 1, (2,), np.float32)
    action_space = Discrete(2)

    def __init__(self, delay=4):
        self.delay = delay

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.cue = 0, int(self.np_random.integers(2))
        return np.array([2 * self.cue - 1, 1], np.float32), {}

    def step(self, action):
        self.time += 1
        over = self.time == self.delay
        return np.zeros(2, np.float32), float(over and action == self.cue), over, False, {}
