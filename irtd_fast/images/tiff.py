"""TIFF: what we take of it, and decoding.

One page of unsigned 8 or 16 bits, gray or RGB, interleaved, at most ``MAX_PIXELS``. Simple
files are probed natively; the rest, and all decoding, goes through tifffile and imagecodecs.
A file of several pages is taken if all further ones are reduced copies of the first (pyramids,
thumbnails: bit 0 of NewSubfileType); otherwise which page is the picture would be a guess.
"""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from irtd_fast.errors import DecodeError
from irtd_fast.images.exif import turn_upright
from irtd_fast.images.limits import MAX_PIXELS

if TYPE_CHECKING:
    from tifffile import TiffPage

_MAX_PAGES = 64  # more directories than that are not read: they may be a loop
_REDUCED = 1
_ORIENTATION = 274


def decode_tiff(data: bytes, *, upright: bool = True) -> NDArray[Any]:
    """Decode the picture of a TIFF.

    Args:
        data: The file.
        upright: Undo the orientation tag.

    Raises:
        DecodeError: Damaged, or none of ours.
    """
    from tifffile import TiffFile

    array = None
    try:
        with TiffFile(BytesIO(data)) as tiff:
            defect = tiff_defect(tiff, len(data))
            if not defect:
                page: TiffPage = tiff.pages.first
                array = page.asarray()
                orientation = orientation_of(page)
    except IndexError:
        raise DecodeError("TIFF without a page inside the file") from None
    except Exception as error:
        raise DecodeError(f"damaged picture: {error}") from error
    if array is None:
        raise DecodeError(defect[1] if defect else "TIFF without pixels")
    return turn_upright(array, orientation) if upright else array


def probe_tiff(
    path: Path, size: int
) -> tuple[tuple[int, int, int, str, int] | None, tuple[str, str]]:
    """Read the header of any TIFF.

    Args:
        path: The file.
        size: Its bytes.

    Returns:
        ((height, width, samples, dtype, orientation) or ``None``, (code, message) of the defect).
    """
    from tifffile import TiffFile, TiffFileError

    try:
        with TiffFile(path) as tiff:
            defect = tiff_defect(tiff, size)
            if defect:
                return None, defect
            page: TiffPage = tiff.pages.first
            shape = (page.imagelength, page.imagewidth, page.samplesperpixel)
            return (*shape, str(page.dtype), orientation_of(page)), ("", "")
    except (IndexError, struct.error, TiffFileError) as error:
        return None, ("truncated-image", f"TIFF cut off or damaged: {error}")
    except Exception as error:
        return None, ("not-an-image", f"TIFF that cannot be read: {error}")


def orientation_of(page: TiffPage) -> int:
    """The orientation tag, 1 without one."""
    tag = page.tags.get(_ORIENTATION)
    value = tag.value if tag is not None else 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def tiff_defect(tiff: Any, size: int) -> tuple[str, str] | None:
    """Say (code, message) why a TIFF is none of ours, if it is not."""
    page: TiffPage = tiff.pages.first
    pages = _count_pictures(tiff)
    if pages != 1:
        shown = "many" if pages > _MAX_PAGES else pages
        return "unsupported-image", f"expected a TIFF of 1 page, found {shown}"
    if page.dtype not in (np.uint8, np.uint16):
        return "unsupported-image", f"expected uint8 or uint16, found {page.dtype}"
    if page.imagelength * page.imagewidth > MAX_PIXELS:
        return "huge-image", f"{page.imagelength} x {page.imagewidth} is over {MAX_PIXELS} pixels"
    if int(page.photometric) not in (1, 2) or int(page.planarconfig) != 1:
        kind = f"{page.photometric!s}, {page.planarconfig!s}"
        return "unsupported-image", f"expected gray or RGB, interleaved, found {kind}"
    ends = (at + count for at, count in zip(page.dataoffsets, page.databytecounts, strict=False))
    end = max(ends, default=0)
    if end > size:
        return "truncated-image", f"expected {end} bytes, found {size}"
    return None


def _count_pictures(tiff: Any) -> int:
    """Pages that are no reduced copy of the first, looking at no more than ``_MAX_PAGES``."""
    count = 1
    for number in range(1, _MAX_PAGES + 1):
        try:
            page = tiff.pages[number]
        except IndexError:
            return count
        if not int(getattr(page, "subfiletype", 0)) & _REDUCED:
            count += 1
    return _MAX_PAGES + 1
