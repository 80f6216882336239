"""The published files: ``Location.json``, ``Detection.json`` and the others, one a task.

``container="array"`` writes valid JSON, ``official`` the bytes that surround the published entries,
which for ``Detection.json`` are no JSON. Entries are numbered within their file. Tasks without a
published file get one of the same form: ``Scene.json``, ``Caption.json``.
"""

from __future__ import annotations

import json

from irtd_fast.export.base import ExportJob, ExportReport, refuse_existing
from irtd_fast.export.conversations import IMAGE_MARK, Conversations, Turn
from irtd_fast.official.container import Entry
from irtd_fast.official.writer import write_official

FILES = {
    "recognition": "Recognition", "grounding": "Detection", "location": "Location",
    "relationship": "Relationship", "re-id": "ReID", "security": "Security",
    "aerial-counting": "AerialCounting", "pedestrian-counting": "PedestrianCounting",
}  # fmt: skip


def export(job: ExportJob) -> ExportReport:
    """Write the texts of a store as the published files; see ``ExportJob``."""
    conversations = Conversations(job, "official")
    files: dict[str, list[Entry]] = {}
    for turn in conversations.turns:
        name = file_of(turn.text.task)
        entries = files.setdefault(name, [])
        entries.append(
            Entry(name, str(len(entries)), turn.image, _question(turn), turn.text.answer)
        )
    refuse_existing(job, [job.out / f"{name}.json" for name in files])
    conversations.write_pictures()
    conversations.report.files = {f"{name}.json": len(rows) for name, rows in files.items()}
    if not job.dry_run:
        write_official(files, job.out, form=job.container, replace=True)
    return conversations.report


def file_of(task: str) -> str:
    """Name, without extension, of the file of a task.

    >>> file_of("grounding"), file_of("scene")
    ('Detection', 'Scene')
    """
    return FILES.get(task) or "".join(part.capitalize() for part in task.split("-"))


def _question(turn: Turn) -> str:
    provenance = json.loads(turn.text.provenance) if turn.text.provenance else {}
    lead: str = provenance.get("lead", IMAGE_MARK)  # as it was imported
    return lead + turn.text.question
