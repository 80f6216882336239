"""Texts as conversations with a picture path: what several formats write in their own ways."""

from __future__ import annotations

from dataclasses import dataclass

from irtd_fast.export.base import ExportJob, ExportReport
from irtd_fast.export.entries import Chosen, choose_texts
from irtd_fast.export.pictures import FOLDER, Pictures, recipe_words, safe_name
from irtd_fast.grids import Grid
from irtd_fast.official.published import published_path
from irtd_fast.store.text_columns import TextRecord
from irtd_fast.tasks.retell import grid_of

IMAGE_MARK = "<image>\n"


@dataclass(frozen=True)
class Turn:
    """One text and its picture.

    Attributes:
        key: Unique in the export: ``source/name``, task, and a number if there are several.
        image: Path of the picture, POSIX.
        text: Question and answer.
        sample: Dataset number.
    """

    key: str
    image: str
    text: TextRecord
    sample: int


class Conversations:
    """All texts of a job, and the pictures that they need.

    Args:
        job: What is exported.
        format: Name of the format, for the report.

    Attributes:
        turns: The texts, by source and sample.
        report: Filled as work is done.
    """

    def __init__(self, job: ExportJob, format: str) -> None:
        self.job = job
        self.report = ExportReport(format, str(job.out), recipe=recipe_words(job.recipe))
        self.pictures = Pictures(job)
        self._paths: dict[int, str] = {}
        self._grids: dict[str, Grid] = {}
        self._unpublished = 0
        self.turns = [turn for chosen in choose_texts(job) for turn in self._turns(chosen)]
        if self._unpublished:
            self.report.notes.append(
                f"{self._unpublished} pictures have no path in the published files; theirs are "
                "relative"
            )

    def _turns(self, chosen: Chosen) -> list[Turn]:
        counts: dict[tuple[int, str], int] = {}
        turns = []
        for sample, text in chosen:
            number = counts[sample, text.task] = counts.get((sample, text.task), -1) + 1
            more = f"/{number}" if number else ""
            key = f"{self.job.dataset[sample].id}/{text.task}{more}"
            grid = grid_of(text, chosen.texts.source.name)
            path = self._path(sample) if grid is None else self._grid_path(sample, number)
            if grid is not None:
                self._grids[path] = grid
            turns.append(Turn(key, path, text, sample))
        return turns

    def _path(self, sample: int) -> str:
        if sample not in self._paths:
            path = self.pictures.relative(sample)
            if self.job.paths == "published":
                found = self.job.dataset[sample]
                published = published_path(found.place[0].key, found.name, found.split)
                self._unpublished += published is None
                path = published or path
            self._paths[sample] = path
        return self._paths[sample]

    def _grid_path(self, sample: int, number: int) -> str:
        found = self.job.dataset[sample]
        suffix = ".jpg" if self.job.pictures == "jpeg" else ".png"
        more = f"_{number}" if number else ""
        return f"{FOLDER}/{found.source}/grids/{safe_name(found.name)}{more}{suffix}"

    def write_pictures(self) -> None:
        """Write every picture that a text is about, once."""
        numbers = list(self._paths)
        paths = [self._paths[n] for n in numbers]
        self.report.pictures = self.pictures.write(numbers, paths, self._grids)
