"""Examine a dump: what its record promises, what it holds, what is known to be wrong with it."""

from irtd_fast.doctor.examine import ExamineOptions, examine
from irtd_fast.doctor.findings import DoctorReport, Finding

__all__ = ["DoctorReport", "ExamineOptions", "Finding", "examine"]
