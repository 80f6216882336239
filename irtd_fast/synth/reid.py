"""People seen again: LLCM, RegDB, SYSU-MM01, ThermalWorld, and IR-TD's grids made of them.

    llcm           LLCM/{nir,vis}/0001/0001_c01_s185535_f7010_nir.jpg  LLCM/idx/*.txt
    regdb          {Thermal,Visible}/1/male_front_t_00007_1.bmp  idx/{train,test}_thermal_1.txt …
    sysu-mm01      cam{1..6}/0001/0001.jpg  exp/{train,val,test}_id.txt: one line with commas
    thermal-world  {IR,RGB}/0001/0001.jpg (the real folders are not known)
    … grids        53-LLCM/{train,valid}/0001.jpg, 54-RegDB/train/0001.jpg,
                   55-SYSU-MM01/{train1,train2}/0001.jpg, 56-ThermalWorld/train/0001.jpg

Only infrared pictures are samples; visible ones are of the same people at other moments, not
partners. A grid has two rows of four numbered people; one of 2 to 8 is the first one again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from irtd_fast.synth.base import Drawn, SourceWriter, three_channels
from irtd_fast.synth.scene import F32, U8, add_noise, gain_control, generator, octaves
from irtd_fast.synth.shapes import SHAPES, draw_shape, paint_heat
from irtd_fast.synth.truth import TruePicture, TrueSample
from irtd_fast.synth.writers import encode, encode_lines

_SHOTS = 3  # infrared pictures of an identity
# Three by five dots a digit, rows from the top.
_DIGITS = {
    1: "010110010010111", 2: "111001111100111", 3: "111001111001111", 4: "101101111001001",
    5: "111100111001111", 6: "111100111101111", 7: "111001010010010", 8: "111101111101111",
}  # fmt: skip


class ReidWriter(SourceWriter):
    """Crops of people; ``grids`` is IR-TD's form.

    Attributes:
        grid_folders: Folders of the grids below the dump's root.
    """

    variants = ("official", "grids")
    categories = ()
    default_size = (160, 80)
    grid_folders: ClassVar[tuple[str, ...]]

    def person(self, identity: int, shot: int, size: tuple[int, int], *, visible: bool) -> U8:
        """Draw one crop, uint8 (h, w): an identity keeps its build and its pattern of heat."""
        self_like = generator(self.seed, f"{self.key} identity", identity)
        rng = generator(self.seed, f"{self.key} {'visible' if visible else 'infrared'}",
                        identity * 64 + shot)  # fmt: skip
        pattern = octaves(self_like, size, coarse=3, levels=3)
        counts: F32 = 7000 + 40 * octaves(rng, size, levels=3)
        inset = size[1] * float(self_like.uniform(0.08, 0.25))
        sway = float(rng.uniform(-0.04, 0.04)) * size[1]
        box = (inset + sway, 1.0, size[1] - inset + sway, size[0] - 1.0)
        patch = draw_shape(SHAPES["person"], box, size)
        if patch is not None:
            paint_heat(counts, patch, ground=7000, contrast=float(self_like.uniform(350, 600)))
            patch.region(counts)[...] += 240 * patch.region(pattern) * patch.alpha
        add_noise(rng, counts, 8.0)
        return gain_control(-counts if visible else counts)

    def draw(self, index: int) -> Drawn:
        """Draw one crop, or one grid."""
        if self.variant == "grids":
            return self._grid(index)
        identity, shot = divmod(index, _SHOTS)
        rng = self.rng(index)
        size = self.crop_size(rng)
        picture, camera, split = self.crop(identity, shot, size)
        sample = TrueSample(
            picture.path.rsplit(".", 1)[0], index, split, {"infrared": picture},
            identity=self.identity(identity), camera=camera,
        )  # fmt: skip
        grey = self.person(identity, shot, size, visible=False)
        image = three_channels(grey) if picture.mode == "RGB" else grey
        return Drawn(sample, {"infrared": image})

    def crop_size(self, rng: np.random.Generator) -> tuple[int, int]:
        """``(height, width)`` of a crop; it varies where detections were cut out."""
        height, width = self.size or self.default_size
        return height + int(rng.integers(0, 9)), width + int(rng.integers(0, 7))

    def identity(self, number: int) -> int:
        """The publisher's number of an identity."""
        return number + 1

    def crop(self, identity: int, shot: int, size: tuple[int, int]) -> tuple[TruePicture, int, str]:
        """Give file, camera and split of an infrared crop."""
        raise NotImplementedError

    def visible_crop(self, identity: int) -> tuple[str, str]:
        """Give path and encoding of the visible crop of an identity."""
        raise NotImplementedError

    def finish(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield one visible crop an identity, and the lists."""
        if self.variant == "grids":
            return
        size = self.size or self.default_size
        for identity in sorted({sample.index // _SHOTS for sample in samples}):
            path, encoding = self.visible_crop(identity)
            grey = self.person(identity, 40, size, visible=True)
            yield path, encode(np.dstack((grey, grey // 2, 255 - grey)), encoding, "RGB")
        yield from self.lists(samples)

    def lists(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Yield the publisher's list files."""
        yield from ()

    def _grid(self, index: int) -> Drawn:
        rng = self.rng(index)
        number, place = divmod(index, len(self.grid_folders))
        folder = self.grid_folders[place]
        answer = int(rng.integers(2, 9))
        height, width = self.size or self.default_size
        tile = (height // 2, width // 4)
        tiles: list[U8] = []
        for position in range(1, 9):
            same = position in (1, answer)
            # Strangers are people whom no grid of another number has as its own.
            who = number if same else 100_000 + 8 * index + position
            person = self.person(who, 50 + position, tile, visible=False)
            tiles.append(_numbered(three_channels(person), position))
        grid = np.vstack([np.hstack(tiles[:4]), np.hstack(tiles[4:])])
        name = f"{number + 1:04d}"
        size = (grid.shape[0], grid.shape[1])
        split = folder.rsplit("/", 1)[1]
        picture = TruePicture(f"{folder}/{name}.jpg", "jpeg", "RGB", *size)
        sample = TrueSample(
            f"{split}/{name}", index, split, {"infrared": picture},
            attributes={"answer": str(answer)}, identity=number + 1,
        )  # fmt: skip
        return Drawn(sample, {"infrared": grid})


def _numbered(tile: U8, digit: int) -> U8:
    """Put a red digit into the upper left corner."""
    dots = np.array([c == "1" for c in _DIGITS[digit]]).reshape(5, 3)
    step = max(1, tile.shape[0] // 24)
    glyph = np.kron(dots, np.ones((step, step), dtype=bool))
    rows, columns = glyph.shape
    corner = tile[1 : 1 + rows, 1 : 1 + columns]
    corner[glyph[: corner.shape[0], : corner.shape[1]]] = (255, 0, 0)
    return tile


class Llcm(ReidWriter):
    """Writes LLCM."""

    key = "llcm"
    grid_folders = ("53-LLCM/train", "53-LLCM/valid")

    def crop(self, identity: int, shot: int, size: tuple[int, int]) -> tuple[TruePicture, int, str]:
        """Cameras 1, 2, 4 …: the third has no infrared pictures."""
        camera = (1, 2, 4, 5, 6, 7, 8, 9)[(identity + shot) % 8]
        person = f"{identity + 1:04d}"
        frame = f"{person}_c{camera:02d}_s185535_f{7010 + shot}_nir.jpg"
        split = "test" if identity % 3 == 2 else "train"
        folder = f"LLCM/test_nir/cam{camera}" if split == "test" else "LLCM/nir"
        path = f"{folder}/{person}/{frame}"
        return TruePicture(path, "jpeg", "RGB", *size), camera, split

    def visible_crop(self, identity: int) -> tuple[str, str]:
        """The third camera."""
        person = f"{identity + 1:04d}"
        folder = "test_vis/cam3" if identity % 3 == 2 else "vis"
        return f"LLCM/{folder}/{person}/{person}_c03_s000000_f1_vis.jpg", "jpeg"

    def lists(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Paths with labels; the test identities as one line."""
        for split in ("train", "test"):
            chosen = [s for s in samples if s.split == split]
            people = sorted({s.identity for s in chosen})
            label = {identity: place for place, identity in enumerate(people)}
            lines = [f"{s.infrared.path.removeprefix('LLCM/')} {label[s.identity]}" for s in chosen]
            yield f"LLCM/idx/{split}_nir.txt", encode_lines(lines)
            seen = [
                f"{self.visible_crop(i - 1)[0].removeprefix('LLCM/')} {label[i]}" for i in people
            ]
            yield f"LLCM/idx/{split}_vis.txt", encode_lines(seen)
            if split == "test":
                yield "LLCM/idx/test_id.txt", ",".join(map(str, people)).encode()


class RegDb(ReidWriter):
    """Writes RegDB: bitmaps of one size, gender and view in the names."""

    key = "regdb"
    default_size = (128, 64)
    grid_folders = ("54-RegDB/train",)

    def crop_size(self, rng: np.random.Generator) -> tuple[int, int]:
        """All alike."""
        return self.size or self.default_size

    def _name(self, identity: int, letter: str, shot: int) -> str:
        gender, view = ("male", "female")[identity % 2], ("front", "back")[identity // 2 % 2]
        return f"{gender}_{view}_{letter}_{identity * 10 + shot + 7:05d}_{identity + 1}.bmp"

    def crop(self, identity: int, shot: int, size: tuple[int, int]) -> tuple[TruePicture, int, str]:
        """One thermal camera."""
        path = f"Thermal/{identity + 1}/{self._name(identity, 't', shot)}"
        return TruePicture(path, "bmp", "RGB", *size), -1, "test" if identity % 2 else "train"

    def visible_crop(self, identity: int) -> tuple[str, str]:
        """One visible camera."""
        return f"Visible/{identity + 1}/{self._name(identity, 'v', 0)}", "bmp"

    def lists(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """Ten random halves of the identities; the first is the truth's split."""
        people = sorted({s.identity for s in samples})
        for trial in range(1, 11):
            order = np.random.default_rng((self.seed, trial)).permutation(len(people))
            half = {people[place] for place in order[: (len(people) + 1) // 2].tolist()}
            if trial == 1:
                half = {s.identity for s in samples if s.split == "train"}
            for split in ("train", "test"):
                chosen = [i for i in people if (i in half) == (split == "train")]
                label = {identity: place for place, identity in enumerate(chosen)}
                thermal = [
                    f"{s.infrared.path} {label[s.identity]}" for s in samples if s.identity in label
                ]
                yield f"idx/{split}_thermal_{trial}.txt", encode_lines(thermal)
                seen = [f"{self.visible_crop(i - 1)[0]} {label[i]}" for i in chosen]
                yield f"idx/{split}_visible_{trial}.txt", encode_lines(seen)


class SysuMm01(ReidWriter):
    """Writes SYSU-MM01: cameras 3 and 6 are infrared; ids are missing in some."""

    key = "sysu-mm01"
    grid_folders = ("55-SYSU-MM01/train1", "55-SYSU-MM01/train2")

    def crop(self, identity: int, shot: int, size: tuple[int, int]) -> tuple[TruePicture, int, str]:
        """Every fourth identity was not seen by camera 6."""
        camera = 3 if shot % 2 == 0 or identity % 4 == 3 else 6
        split = ("train", "val", "test")[identity % 3]
        path = f"cam{camera}/{identity + 1:04d}/{shot + 1:04d}.jpg"
        return TruePicture(path, "jpeg", "L", *size), camera, split

    def visible_crop(self, identity: int) -> tuple[str, str]:
        """Any of the other four cameras."""
        return f"cam{(1, 2, 4, 5)[identity % 4]}/{identity + 1:04d}/0001.jpg", "jpeg"

    def lists(self, samples: Sequence[TrueSample]) -> Iterator[tuple[str, bytes]]:
        """One line with commas a split, ids without padding."""
        everybody = sorted({s.identity for s in samples})
        for split in ("train", "val", "test"):
            people = sorted({s.identity for s in samples if s.split == split})
            yield f"exp/{split}_id.txt", (",".join(map(str, people)) + "\n").encode()
        yield "exp/available_id.txt", (",".join(map(str, everybody)) + "\n").encode()


class ThermalWorld(ReidWriter):
    """Writes ThermalWorld in two folders of identities."""

    key = "thermal-world"
    grid_folders = ("56-ThermalWorld/train",)

    def crop(self, identity: int, shot: int, size: tuple[int, int]) -> tuple[TruePicture, int, str]:
        """Folders are identities."""
        path = f"IR/{identity + 1:04d}/{shot + 1:04d}.jpg"
        return TruePicture(path, "jpeg", "RGB", *size), -1, ""

    def visible_crop(self, identity: int) -> tuple[str, str]:
        """Likewise."""
        return f"RGB/{identity + 1:04d}/0001.jpg", "jpeg"


WRITERS: tuple[type[SourceWriter], ...] = (Llcm, RegDb, SysuMm01, ThermalWorld)
