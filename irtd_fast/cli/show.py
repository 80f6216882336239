"""``irtd show``: one sample as a picture."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import note, plain, say
from irtd_fast.cli.stores import refuse_unfinished

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from irtd_fast.radiometry import Planck
    from irtd_fast.store.dataset import Dataset
    from irtd_fast.store.sample import Sample

_NAMES_LOOKED_AT = 100_000
_NAMES_COMPARED = 500
_SUGGESTIONS = 3
_GRAY = 8  # channels of a gray picture may differ by so much
_KELVIN = 273.15
_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")


@guarded
def show(
    store: Annotated[
        Path,
        typer.Argument(
            metavar="STORE", exists=True, help="The store; a picture file with --recipes."
        ),
    ],
    sample_id: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="source/name of the sample, or its number.", show_default=False
        ),
    ] = "",
    *,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="X.png", dir_okay=False, help="PNG to write."),
    ],
    visible: Annotated[
        bool, typer.Option("--visible", help="Put the visible partner beside it.")
    ] = False,
    recipes: Annotated[
        bool, typer.Option("--recipes", help="Show the infrared picture under every recipe.")
    ] = False,
    aligned: Annotated[
        bool, typer.Option("--aligned", help="Show the pair before and after its alignment.")
    ] = False,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Show it as a loader draws it, under many augmentations."),
    ] = False,
    views: Annotated[
        int, typer.Option("--views", min=1, max=64, help="How many, with --augment.")
    ] = 12,
) -> None:
    """Draw one sample with its boxes, turned boxes, points and category names."""
    if output.suffix.lower() != ".png":
        raise typer.BadParameter(f"{output}: only .png is written", param_hint="'-o'")
    if store.is_file() and not recipes:
        raise typer.BadParameter(f"{store} is a file: only --recipes shows one", param_hint="STORE")
    if store.is_file() == bool(sample_id):
        wrong = (
            f"{store} is a file and has no ID" if sample_id else "a store needs the ID of a sample"
        )
        raise typer.BadParameter(wrong, param_hint="ID")
    if augment and (recipes or aligned or store.is_file()):
        raise typer.BadParameter("takes a sample of a store, alone", param_hint="'--augment'")
    if recipes and visible:
        raise typer.BadParameter("recipes are for infrared pictures", param_hint="'--visible'")
    if store.is_file():
        _show_recipes(*_picture_of_file(store), output)
        return
    from irtd_fast.store.dataset import open_store

    refuse_unfinished(store)
    dataset = open_store(store)
    sample = find_sample(dataset, sample_id)
    if augment:
        _show_views(dataset, sample, output, views=views, visible=visible)
        return
    if recipes:
        _show_recipes(sample.infrared, sample.id, None, output)
        return
    if aligned:
        _show_alignment(sample, output)
        return
    _show_sample(sample, output, visible=visible)


def _show_sample(sample: Sample, output: Path, *, visible: bool) -> None:
    from imagecodecs import png_encode

    from irtd_fast.cli.picture import draw_sample

    if visible and sample.visible is None:
        note(plain(f"irtd: {sample.id} has no visible partner in the store"))
    shown = draw_sample(sample, visible=visible)
    output.write_bytes(png_encode(shown.pixels))
    say(plain(f"{output}: {shown.pixels.shape[1]} x {shown.pixels.shape[0]} pixels"))
    for line in shown.caption:
        say(plain(f"  {line}"))


def _show_views(
    dataset: Dataset, sample: Sample, output: Path, *, views: int, visible: bool
) -> None:
    from imagecodecs import png_encode

    from irtd_fast.cli.augment_sheet import draw_views

    sheet, lines = draw_views(dataset, sample, views=views, visible=visible)
    output.write_bytes(png_encode(sheet))
    say(plain(f"{output}: {sheet.shape[1]} x {sheet.shape[0]} pixels"))
    for line in lines:
        say(plain(f"  {line}"))


def _show_alignment(sample: Sample, output: Path) -> None:
    from imagecodecs import png_encode

    from irtd_fast.cli.alignment_sheet import draw_alignment

    sheet, lines = draw_alignment(sample, *sample.place)
    output.write_bytes(png_encode(sheet))
    say(plain(f"{output}: {sheet.shape[1]} x {sheet.shape[0]} pixels"))
    for line in lines:
        say(plain(f"  {line}"))


def _show_recipes(image: NDArray[Any], name: str, planck: Planck | None, output: Path) -> None:
    from imagecodecs import png_encode

    from irtd_fast.cli.recipe_sheet import draw_sheet, left_out, parameters, recipe_panels

    if image.ndim != 2:
        raise ValueError(f"{name}: recipes are shown of one channel, found shape {image.shape}")
    panels = recipe_panels(image, planck=planck)
    size = f"{image.shape[0]} x {image.shape[1]} {image.dtype}"
    title = f"{name}, {size}, counts {image.min()}..{image.max()}"
    absent = f"not shown, they need constants, tables or maps: {', '.join(left_out(panels))}"
    sheet = draw_sheet(panels, f"{title}; {absent}")
    output.write_bytes(png_encode(sheet))
    say(plain(f"{output}: {sheet.shape[1]} x {sheet.shape[0]} pixels"))
    say(plain(f"  {title}"))
    for panel in panels:
        told = ", ".join(part for part in (parameters(panel.recipe), panel.note) if part)
        say(plain(f"  {panel.recipe.name}: {told}" if told else f"  {panel.recipe.name}"))
    say(plain(f"  {absent}"))


def _picture_of_file(path: Path) -> tuple[NDArray[Any], str, Planck | None]:
    """Counts of a picture file; of a radiometric one the raw counts, with its constants."""
    from irtd_fast.errors import DecodeError
    from irtd_fast.images.decode import decode_image
    from irtd_fast.images.radiometric import read_radiometric
    from irtd_fast.radiometry import Planck

    try:
        counts, info = read_radiometric(path.read_bytes())
    except DecodeError:
        return decode_image(path, tolerance=_GRAY), path.name, None
    r1, r2, b, f, o = (
        info.planck_r1, info.planck_r2, info.planck_b, info.planck_f, info.planck_o,
    )  # fmt: skip
    if r1 is None or r2 is None or b is None or f is None or o is None:
        return counts, path.name, None
    emissivity = 1.0 if info.emissivity is None else info.emissivity
    reflected = 20.0 if info.reflected_c is None else info.reflected_c
    recipe = Planck(r1, r2, b, f, o, emissivity=emissivity, reflected=reflected + _KELVIN)
    return counts, path.name, recipe


def find_sample(dataset: Dataset, wanted: str) -> Sample:
    """The sample of an ID: ``source/name``, or a number in the dataset.

    Raises:
        ValueError: There is no such sample; the nearest are named.
    """
    number = _number(wanted)
    if number is not None and number < len(dataset):
        by_number: Sample = dataset[number]
        return by_number
    source_name, _, name = wanted.partition("/")
    first = 0
    for source in dataset.sources:
        if source.name == source_name:
            names = source.names()
            for row, candidate in enumerate(names):
                if candidate == name:
                    found: Sample = dataset[first + row]
                    return found
            raise _unknown(dataset, wanted, [f"{source_name}/{n}" for n in near(name, names)])
        first += len(source)
    for loose in (False, True) if number is None else (False,):
        guesses = [f"{s.name}/{n}" for s in dataset.sources for n in near(wanted, s.names(), loose)]
        if guesses:
            raise _unknown(dataset, wanted, guesses[:_SUGGESTIONS])
    raise _unknown(dataset, wanted, [])


def _number(wanted: str) -> int | None:
    """The number an ID is; digits that begin with 0 are part of a name (``010001``)."""
    if not (wanted.isascii() and wanted.isdigit()) or (wanted[0] == "0" and wanted != "0"):
        return None
    return int(wanted) if len(wanted) < 19 else None


def _unknown(dataset: Dataset, wanted: str, guesses: Sequence[str]) -> ValueError:
    if guesses:
        hint = f"did you mean {' or '.join(guesses)}?"
    elif len(dataset):
        hint = f"an ID is a number below {len(dataset)} or source/name, such as {dataset[0].id}"
    else:
        hint = "the store is empty"
    return ValueError(f"no sample {wanted!r}; {hint}")


def near(wanted: str, names: Sequence[str], loose: bool = True) -> list[str]:
    """Names that may be meant; quick also for a large source.

    The first 100,000 names are looked at; those with the longest common beginning and end are
    compared letter by letter.

    Args:
        wanted: What was asked for.
        names: Of the samples of one source.
        loose: Also give names that are only alike, not just those of the same file name.
    """
    stem = wanted.rpartition("/")[2]
    stems = {_key(stem), _key(stem.rpartition(".")[0])} - {""}
    looked_at = list(islice(iter(names), _NAMES_LOOKED_AT))
    alike = [name for name in looked_at if _key(name.rpartition("/")[2]) in stems]
    if alike or not loose:
        return alike[:_SUGGESTIONS]
    reverse = wanted[::-1]

    def common(name: str) -> int:
        return _shared(wanted, name) + _shared(reverse, name[::-1])

    best = sorted(looked_at, key=common, reverse=True)[:_NAMES_COMPARED]
    return difflib.get_close_matches(wanted, best, n=_SUGGESTIONS, cutoff=0.5)


def _key(name: str) -> str:
    """A name without case and without zeros before its numbers: ``FLIR_07`` is ``flir_7``."""
    return _ZEROS.sub("", name).casefold()


def _shared(a: str, b: str) -> int:
    """Letters that two texts have in common from their beginning."""
    for count, (x, y) in enumerate(zip(a, b, strict=False)):
        if x != y:
            return count
    return min(len(a), len(b))
