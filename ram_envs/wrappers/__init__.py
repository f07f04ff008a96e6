"""Wrappers: glimpses of any Gymnasium environment with pixels, single and vector."""

from ram_envs.wrappers.settings import GlimpseSettings
from ram_envs.wrappers.single import Glimpse
from ram_envs.wrappers.vector import VectorGlimpse

__all__ = ["Glimpse", "GlimpseSettings", "VectorGlimpse"]
