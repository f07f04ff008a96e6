"""Gymnasium environments in which an agent sees its scene through glimpses."""
