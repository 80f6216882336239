"""Picture files: what their headers say, and decoding to the counts that the sensor gave."""

from irtd_fast.images.decode import Channels, Image, decode_frame, decode_image, encoding_of
from irtd_fast.images.depth import DepthFinding, find_depth
from irtd_fast.images.limits import MAX_PIXELS
from irtd_fast.images.palettes import load_palette, palette_names
from irtd_fast.images.probe import as_radiometric, mislabelled, probe_images
from irtd_fast.images.pseudo import ColourFinding, find_colour, invert_palette
from irtd_fast.images.radiometric import RadiometricInfo, read_radiometric

__all__ = [
    "MAX_PIXELS", "Channels", "ColourFinding", "DepthFinding", "Image", "RadiometricInfo",
    "as_radiometric", "decode_frame", "decode_image", "encoding_of", "find_colour", "find_depth",
    "invert_palette", "load_palette", "mislabelled", "palette_names", "probe_images",
    "read_radiometric",
]  # fmt: skip
