"""Captions: texts that say what a picture shows, made by rules from its labels."""

from __future__ import annotations

from irtd_fast.tasks.captions.rules import Captions

__all__ = ["TASK", "Captions"]

TASK = Captions()
