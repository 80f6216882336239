"""Readers of label files, by the name that records use."""

from __future__ import annotations

from irtd_fast.formats.base import BoxOptions, FormatReader, LabelFile, Report
from irtd_fast.formats.coco_json import CocoOptions, read_coco_json
from irtd_fast.formats.masks import MaskOptions, read_masks
from irtd_fast.formats.path_labels import PathOptions, read_path_labels
from irtd_fast.formats.points_json import PointOptions, read_points_json
from irtd_fast.formats.row_options import RowOptions
from irtd_fast.formats.sequence_rows import SequenceRows
from irtd_fast.formats.text_rows import read_text_rows
from irtd_fast.formats.xml_objects import read_plain_files, read_xml_objects
from irtd_fast.formats.xml_options import XmlOptions

__all__ = ["READERS", "BoxOptions", "FormatReader", "LabelFile", "Report", "SequenceRows"]

READERS = {
    reader.name: reader
    for reader in (
        FormatReader("xml_objects", XmlOptions, read_xml_objects, read_plain_files),
        FormatReader("coco_json", CocoOptions, read_coco_json),
        FormatReader("text_rows", RowOptions, read_text_rows),
        FormatReader("masks", MaskOptions, read_masks),
        FormatReader("points_json", PointOptions, read_points_json),
        FormatReader("path_labels", PathOptions, read_path_labels),
    )
}
