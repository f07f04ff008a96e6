"""`ram play`: play yourself."""

from __future__ import annotations
