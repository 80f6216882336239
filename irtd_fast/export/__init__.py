"""Stores written as what other programs read: one file a format, found by name."""

from irtd_fast.export.base import FORMATS, ExportJob, ExportReport, export_store, format_named

__all__ = ["FORMATS", "ExportJob", "ExportReport", "export_store", "format_named"]
