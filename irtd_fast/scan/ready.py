"""A manifest that is complete already, where a scan of a dump is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from irtd_fast.manifest import Manifest
from irtd_fast.types import Problem


@dataclass
class ReadyScan:
    """Pictures and labels that did not come from label files.

    Attributes:
        manifest: All samples with their labels.
    """

    manifest: Manifest

    def leave_out(self, problems: Mapping[str, Problem]) -> None:
        """Take samples out again.

        Args:
            problems: Name of each sample -> why, which becomes one of the manifest's problems.
        """
        kept = [sample for sample in self.manifest.samples if sample.name not in problems]
        self.manifest.samples = kept
        self.manifest.problems += problems.values()

    def read_labels(self) -> Manifest:
        """Give the manifest; nothing is left to read."""
        return self.manifest
