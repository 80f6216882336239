"""``irtd align``: fit visible partners to their infrared pictures, by the labels of both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from irtd_fast.cli.guard import guarded
from irtd_fast.cli.output import ExitCode, counted, note, plain, print_json, print_table, say
from irtd_fast.cli.progress import Progress
from irtd_fast.cli.stores import StorePath, refuse_unfinished

if TYPE_CHECKING:
    from irtd_fast.engines.align import AlignReport


@guarded
def align(
    store: StorePath,
    source: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Source to align; all paired ones by default."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="translation, scale, scale_xy, similarity or affine.")
    ] = "scale",
    label_noise: Annotated[
        float, typer.Option(metavar="PX", help="Standard deviation of a label's edge.")
    ] = 2.0,
    scope: Annotated[
        str, typer.Option(help="pair: each for itself; rig: the cameras are fixed to each other.")
    ] = "pair",
    materialise: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Also write the good pairs, cut, as a new source."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", min=0, help="Same seed, same result.")] = 0,
    workers: Annotated[int, typer.Option(metavar="N", min=0, help="Processes.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on stdout.")
    ] = False,
) -> None:
    """Align the pairs of a store by their labels; exit code 1 if some were refused."""
    from irtd_fast.engines.align import align_source
    from irtd_fast.geometry.align import AlignOptions
    from irtd_fast.geometry.align_model import MODELS

    refuse_unfinished(store)
    if model not in MODELS or scope not in ("pair", "rig"):
        choice, known = ("model", MODELS) if model not in MODELS else ("scope", ("pair", "rig"))
        raise ValueError(f"--{choice} must be one of {', '.join(known)}")
    names = _chosen(store, source)
    if materialise is not None and len(names) > 1:
        raise ValueError(f"--materialise is for one source; choose by --source: {', '.join(names)}")
    options = AlignOptions(model=model, label_noise=label_noise, seed=seed)
    reports = []
    with Progress() as progress:
        for name in names:
            report = align_source(
                store, name, options=options, scope="rig" if scope == "rig" else "pair",
                workers=workers, dry_run=dry_run, progress=progress,
            )  # fmt: skip
            reports.append(report)
    document: dict[str, Any] = {"sources": [report.to_dict() for report in reports]}
    if not as_json:
        _print(reports)
    if materialise is not None and not dry_run:
        document["materialised"] = _materialise(store, reports, materialise)
    if as_json:
        print_json(document)
    if any(report.counts["refused"] for report in reports):
        raise typer.Exit(ExitCode.PROBLEMS)


def _materialise(store: Path, reports: list[AlignReport], name: str) -> dict[str, Any]:
    """Cut and write the good pairs of the one source."""
    from irtd_fast.engines.materialise import materialise_pairs

    with Progress() as progress:
        done = materialise_pairs(store, reports[0].source, name, progress=progress)
    note(
        plain(
            f"{name}: {counted(done.pairs, 'pair')} cut from {reports[0].source}, boxes: "
            f"{done.objects}"
        )
    )
    return done.to_dict()


def _chosen(store: object, source: str | None) -> list[str]:
    """The sources that can be aligned: paired, with boxes of both modalities."""
    from irtd_fast.engines.align import alignable
    from irtd_fast.store.dataset import open_store

    dataset = open_store(str(store))
    if source is not None:
        dataset.filter(source=source)  # says which there are
        return [source]
    names = alignable(dataset)
    if not names:
        known = ", ".join(item.name for item in dataset.sources)
        raise ValueError(
            "no source has visible partners and boxes of both modalities, so there is nothing "
            f"that could be matched (sources: {known})"
        )
    return names


def _print(reports: list[AlignReport]) -> None:
    header = (
        "source", "registration", "good", "weak", "refused", "unpaired", "residual p50",
        "p90", "p99", "corners p90", "overlap p50",
    )  # fmt: skip
    rows = []
    for report in reports:
        counts = report.counts
        rows.append(
            (
                report.source, report.registration, counts["good"], counts["weak"],
                counts["refused"], counts["unpaired"],
                *(_pixels(report.residual, p) for p in ("p50", "p90", "p99")),
                _pixels(report.corner_error, "p90"),
                f"{report.overlap['p50']:.1%}" if report.overlap else None,
            )
        )  # fmt: skip
    print_table(header, rows, right=range(2, len(header)))
    for report in reports:
        if report.rig is not None:
            (a, _, c), (_, e, f) = report.rig["matrix"]
            say(
                plain(
                    f"{report.source}: {counted(report.rig['pairs'], 'good pair')} agree on a rig: "
                    f"x' = {a:.4f} x + {c:.1f}, y' = {e:.4f} y + {f:.1f}, spread "
                    f"{report.rig['spread']:.1f} px"
                )
            )
        for reason, count in report.reasons.items():
            note(plain(f"{report.source}: {counted(count, 'pair')}: {reason}"))
        if report.written:
            say(plain(f"{report.source}: stored in {report.source}/alignment"))


def _pixels(values: dict[str, float], name: str) -> str | None:
    return f"{values[name]:.2f} px" if values else None
