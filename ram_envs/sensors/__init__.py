"""Glimpse sensors: the interface and the registry."""

from ram_envs.sensors.sensor import SENSORS, Outline, Sensor, make_sensor, register_sensor

__all__ = ["SENSORS", "Outline", "Sensor", "make_sensor", "register_sensor"]
