"""``irtd info``: what is in a store."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.ingest import LEFT_OUT
from irtd_fast.cli.output import (
    counted,
    plain,
    print_json,
    print_pairs,
    print_table,
    say,
    size_text,
)
from irtd_fast.cli.stores import StorePath, refuse_unfinished, unfinished

if TYPE_CHECKING:
    from irtd_fast.store.source import Source


@guarded
def info(
    store: StorePath,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Say what is in a store: sources, splits, categories, arrays, codecs, licences."""
    from irtd_fast.store.dataset import open_store

    refuse_unfinished(store)
    dataset = open_store(store)
    sources = [describe_source(source) for source in dataset.sources]
    document = {
        "store": str(store.absolute()),
        "samples": len(dataset),
        "bytes": sum(source["bytes"] for source in sources),
        "categories": dataset.categories,
        "sources": sources,
        "unfinished": unfinished(store),
    }
    if as_json:
        print_json(document)
        return
    say(
        plain(
            f"{document['store']}: {counted(len(dataset), 'sample')} of "
            f"{counted(len(sources), 'source')}, {size_text(document['bytes'])}"
        )
    )
    for source in sources:
        say()
        _print_source(source)
    for name in document["unfinished"]:
        say()
        say(plain(f"unfinished: {name}; `irtd ingest ... --resume` continues it"))


def describe_source(source: Source) -> dict[str, Any]:
    """Facts about one source of a store, as JSON-able data.

    Raises:
        CorruptStoreError: A table is damaged.
    """
    from irtd_fast.store.texts import text_builds

    attributes = source.attributes
    record = attributes.get("source", {})
    codecs = attributes.get("codecs", {})
    arrays = [
        {
            "path": info.path, "rows": info.rows, "height": info.height, "width": info.width,
            "channels": info.channels, "dtype": info.dtype, "kind": info.kind,
            "encoding": info.encoding,
            "codecs": [name for name, _ in codecs.get(info.path, [["crc32c", {}]])],
        }
        for info in source.arrays
    ]  # fmt: skip
    return {
        "name": source.name,
        "key": record.get("key", source.name),
        "title": record.get("title", ""),
        "variant": attributes.get("variant", ""),
        "licence": attributes.get("licence", ""),
        "terms": attributes.get("terms", ""),
        "citation": record.get("citation", ""),
        "registration": record.get("registration", ""),
        "counts": attributes["counts"],
        "problems": dict(Counter(source.column("problems", "code"))),
        "left_out": sum(action == LEFT_OUT for action in source.column("problems", "action")),
        "options": attributes.get("options", {}),
        "recipe": attributes.get("recipe", {}),
        "arrays": arrays,
        "bytes": int(source.column("files", "bytes").sum()),
        "texts": text_builds(source),
        "notes": attributes.get("notes", []),
        "plan": attributes.get("plan", ""),
    }


def _print_source(source: dict[str, Any]) -> None:
    counts = source["counts"]
    say(plain(f"{source['name']}: {source['title']}"))
    known = "" if source["key"] == source["name"] else source["key"]
    print_pairs(
        [
            ("source", known),
            ("variant", source["variant"]),
            ("licence", source["licence"]),
            ("terms", source["terms"]),
            ("samples", f"{counts['samples']:,}"),
            ("left out", f"{source['left_out']:,}" if source["left_out"] else ""),
            ("splits", _counted_words(counts.get("splits", {}))),
            ("objects", _counted_words(counts.get("categories", {}))),
            ("points", f"{counts['points']:,}" if counts.get("points") else ""),
            ("problems", _counted_words(source["problems"])),
            ("size", size_text(source["bytes"])),
        ]
    )
    rows = [
        (
            f"  {array['path']}", f"{array['rows']:,}", _shape(array), array["dtype"],
            "JPEG files as they are" if array["encoding"] == "jpeg" else _codecs(array),
        )
        for array in source["arrays"]
    ]  # fmt: skip
    print_table(("  array", "rows", "shape", "type", "codec"), rows, right=(1,))
    for name, facts in source["texts"].items():
        say(plain(f"  texts {name}: {facts['texts']:,} ({_counted_words(facts['tasks'])})"))
    for line in source["notes"]:
        say(plain(f"  note: {line}"))


def _counted_words(words: dict[str, int]) -> str:
    return ", ".join(f"{word or '(none)'} {count:,}" for word, count in words.items())


def _codecs(array: dict[str, Any]) -> str:
    names: list[str] = array["codecs"]
    return " + ".join(names) if len(names) > 1 else f"raw + {names[0]}"


def _shape(array: dict[str, Any]) -> str:
    if array["kind"] == "packed":
        return "many"
    sizes = [array["height"], array["width"]]
    if array["channels"] > 1:
        sizes.append(array["channels"])
    return " x ".join(str(size) for size in sizes)
