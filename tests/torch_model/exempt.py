"""Declared names that are not compared with torch, and why."""

from __future__ import annotations

EXEMPT: dict[str, str] = {}
