"""LLaVA 1.5: ``texts.json``, an array of conversations, and ``images/`` below the same folder.

Format: https://github.com/haotian-liu/LLaVA/blob/main/docs/Finetune_Custom_Data.md. ``image`` is
one relative path (a string, which training joins to its image folder), the first human turn begins
with ``<image>`` and a new line.
"""

from __future__ import annotations

from typing import Any

from irtd_fast.export.base import ExportJob, ExportReport, json_bytes, refuse_existing, write_whole
from irtd_fast.export.conversations import IMAGE_MARK, Conversations, Turn

FILE = "texts.json"


def export(job: ExportJob) -> ExportReport:
    """Write the texts of a store as LLaVA's training file; see ``ExportJob``."""
    conversations = Conversations(job, "llava")
    path = job.out / FILE
    refuse_existing(job, [path])
    conversations.write_pictures()
    conversations.report.files[FILE] = len(conversations.turns)
    if not job.dry_run:
        write_whole(path, json_bytes([entry(turn) for turn in conversations.turns]))
    return conversations.report


def entry(turn: Turn) -> dict[str, Any]:
    """One conversation."""
    return {
        "id": turn.key,
        "image": turn.image,
        "conversations": [
            {"from": "human", "value": IMAGE_MARK + turn.text.question},
            {"from": "gpt", "value": turn.text.answer},
        ],
    }
