"""Small deterministic environments with pixels, and what the tests of the wrappers share."""

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

HEIGHT, WIDTH, LENGTH = 16, 20, 7
SMALL = {"patch_size": 4, "num_scales": 2}


class Dots(gym.Env):
    """A dot walks over noise that follows the seed and the step; the episode ends after `length` steps."""

    metadata = {"render_modes": ["rgb_array", "human"], "render_fps": 5}
    observation_space = spaces.Box(0, 255, (HEIGHT, WIDTH), np.uint8)
    action_space = spaces.Discrete(3)

    def __init__(self, render_mode=None, length=LENGTH, action_space=None):
        self.render_mode, self.length = render_mode, length
        if action_space is not None:
            self.action_space = action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.column = 0, int(self.np_random.integers(WIDTH))
        self.frame = self.np_random.integers(0, 200, (HEIGHT, WIDTH), np.uint8)
        self.frame[0, self.column] = 255
        return self.observation(), {"column": self.column}

    def step(self, action):
        assert self.action_space.contains(action), action
        self.action = action
        self.steps += 1
        self.column = (self.column + (int(action) - 1 if np.isscalar(action) else 1)) % WIDTH
        self.frame = np.roll(self.frame, 1, axis=1)
        self.frame[self.steps % HEIGHT, self.column] = 255
        return self.observation(), float(self.column), self.steps >= self.length, False, {"column": self.column}

    def observation(self):
        return self.frame.copy()

    def render(self):
        return np.repeat(self.frame[:, :, None], 3, axis=2)

    def get_keys_to_action(self):
        return {("a",): 0, ("d",): 2}

    def get_action_meanings(self):
        return ["LEFT", "NOOP", "RIGHT"]


class Labelled(Dots):
    """The observation is a dictionary: an image in color and four other parts."""

    observation_space = spaces.Dict(
        {
            "camera": spaces.Box(0, 255, (HEIGHT, WIDTH, 3), np.uint8),
            "speed": spaces.Box(-1.0, 1.0, (2,), np.float64),
            "direction": spaces.Discrete(4, start=1),
            "cards": spaces.MultiDiscrete([2, 3]),
            "switches": spaces.MultiBinary(2),
            "mission": spaces.Text(10),
        }
    )

    def observation(self):
        return {
            "camera": self.render(),
            "speed": np.array([self.steps / 100, -0.5]),
            "direction": np.int64(1 + self.steps % 4),
            "cards": np.array([self.steps % 2, self.steps % 3]),
            "switches": np.array([1, 0], np.int8),
            "mission": "go",
        }


class Shown(Dots):
    """Returns whatever image it is given, of any space."""

    def __init__(self, space, image, render_mode=None):
        super().__init__(render_mode)
        self.observation_space, self.image = space, image

    def observation(self):
        return self.image


class VectorDots(VectorEnv):
    """A native vector environment: stacked frames, and final observations in one array without a mask, as in Atari."""

    def __init__(self, num_envs=2, autoreset_mode=AutoresetMode.NEXT_STEP, length=LENGTH, stack=4, render_mode=None):
        self.num_envs, self.autoreset_mode, self.stack = num_envs, AutoresetMode(autoreset_mode), stack
        self.metadata = {"autoreset_mode": self.autoreset_mode}
        self.envs = [Dots(length=length) for _ in range(num_envs)]
        self.single_observation_space = spaces.Box(0, 255, (stack, HEIGHT, WIDTH), np.uint8)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.single_action_space = spaces.Discrete(3)
        self.action_space = batch_space(self.single_action_space, num_envs)

    def stacked(self, frames):
        old = np.zeros((self.num_envs, self.stack - 1, HEIGHT, WIDTH), np.uint8)
        return np.concatenate([old, np.stack(frames)[:, None]], axis=1)

    def reset(self, *, seed=None, options=None):
        seeds = [None] * self.num_envs if seed is None else [seed + row for row in range(self.num_envs)]
        frames = [env.reset(seed=one)[0] for env, one in zip(self.envs, seeds, strict=True)]
        self.ended = np.zeros(self.num_envs, bool)
        return self.stacked(frames), {}

    def step(self, actions):
        frames, final = [], []
        rewards, ended = np.zeros(self.num_envs, np.int32), np.zeros(self.num_envs, bool)
        for row, env in enumerate(self.envs):
            if self.ended[row] and self.autoreset_mode == AutoresetMode.NEXT_STEP:
                frames.append(env.reset()[0])
                continue
            frame, rewards[row], ended[row], _, _ = env.step(actions[row])
            final.append(frame)
            if ended[row] and self.autoreset_mode == AutoresetMode.SAME_STEP:
                frame = env.reset()[0]
            frames.append(frame)
        self.ended = ended
        same_step = self.autoreset_mode == AutoresetMode.SAME_STEP and ended.any()
        infos = {"final_obs": self.stacked(final)} if same_step else {}
        return self.stacked(frames), rewards, ended, np.zeros(self.num_envs, bool), infos


gym.register("WrapperTests/Dots-v0", entry_point=f"{__name__}:Dots")
gym.register("WrapperTests/Labelled-v0", entry_point=f"{__name__}:Labelled", max_episode_steps=5)
gym.register("WrapperTests/NativeDots-v0", entry_point=f"{__name__}:Dots", vector_entry_point=f"{__name__}:VectorDots")
