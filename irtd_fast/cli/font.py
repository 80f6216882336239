"""A bitmap font of our own: printable ASCII, five columns by seven rows and two below the line.

A glyph is a string of rows from the top, each a base-32 digit whose five bits are the pixels from
the left. ``"ehhvhhh"`` is an A::

    e = 01110   .###.
    h = 10001   #...#
    h = 10001   #...#
    v = 11111   #####
    h = 10001   #...#
    h = 10001   #...#
    h = 10001   #...#
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

GLYPH_HEIGHT, GLYPH_WIDTH = 9, 5
LINE_HEIGHT, ADVANCE = GLYPH_HEIGHT + 1, GLYPH_WIDTH + 1

_GLYPHS = {
    " ": "", "!": "4444404", '"': "aaa", "#": "aavavaa", "$": "4fke5u4", "%": "op248j3",
    "&": "cik8lid", "'": "448", "(": "2488842", ")": "8422248", "*": "04lel4", "+": "044v44",
    ",": "00000cc48", "-": "000e", ".": "00000cc", "/": "01248g", ":": "0cc0cc", ";": "0cc0cc48",
    "<": "248g842", "=": "00v0v", ">": "8421248", "?": "eh12404", "@": "eh1dlle",
    "[": "e88888e", "\\": "0g8421", "]": "e22222e", "^": "4ah", "_": "000000v", "`": "842",
    "{": "2448442", "|": "4444444", "}": "8442448", "~": "008l2",
    "0": "ehjlphe", "1": "4c4444e", "2": "eh1248v", "3": "v2421he", "4": "26aiv22",
    "5": "vgu11he", "6": "68guhhe", "7": "v124888", "8": "ehhehhe", "9": "ehhf12c",
    "A": "ehhvhhh", "B": "uhhuhhu", "C": "ehggghe", "D": "uhhhhhu", "E": "vgguggv",
    "F": "vgguggg", "G": "ehgnhhf", "H": "hhhvhhh", "I": "e44444e", "J": "72222ic",
    "K": "hikokih", "L": "ggggggv", "M": "hrllhhh", "N": "hhpljhh", "O": "ehhhhhe",
    "P": "uhhuggg", "Q": "ehhhlid", "R": "uhhukih", "S": "fgge11u", "T": "v444444",
    "U": "hhhhhhe", "V": "hhhhha4", "W": "hhhllla", "X": "hha4ahh", "Y": "hhha444",
    "Z": "v1248gv",
    "a": "00e1fhf", "b": "ggmphhu", "c": "00egghe", "d": "11djhhf", "e": "00ehvge",
    "f": "698s888", "g": "00fhhhf1e", "h": "ggmphhh", "i": "40c444e", "j": "2062222ic",
    "k": "ggikoki", "l": "c44444e", "m": "00qllhh", "n": "00mphhh", "o": "00ehhhe",
    "p": "00uhhhugg", "q": "00fhhhf11", "r": "00mpggg", "s": "00fge1u", "t": "88s8896",
    "u": "00hhhjd", "v": "00hhha4", "w": "00hhlla", "x": "00ha4ah", "y": "00hhhhf1e",
    "z": "00v248v",
}  # fmt: skip


def spell(text: str) -> str:
    """Text as the font can show it: anything but printable ASCII as an escape."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in ascii_text)


def render(text: str) -> NDArray[np.bool_]:
    """Pixels of one line of text.

    Args:
        text: Any text; see ``spell``.

    Returns:
        (GLYPH_HEIGHT, ADVANCE * letters) bool, true where there is ink.
    """
    letters = [_glyph(letter) for letter in spell(text)]
    return np.hstack(letters) if letters else np.zeros((GLYPH_HEIGHT, 0), bool)


@functools.cache
def _glyph(letter: str) -> NDArray[np.bool_]:
    rows = [int(digit, 32) for digit in _GLYPHS[letter].ljust(GLYPH_HEIGHT, "0")]
    bits = np.array(rows)[:, None] >> np.arange(GLYPH_WIDTH - 1, -1, -1) & 1
    pixels = np.zeros((GLYPH_HEIGHT, ADVANCE), bool)
    pixels[:, :GLYPH_WIDTH] = bits
    return pixels
