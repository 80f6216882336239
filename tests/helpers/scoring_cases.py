"""Answers of the survey of the published scripts, and what each script makes of them."""

from __future__ import annotations

import math
from typing import Any

BOX = "<box>[[10, 10, 20, 20]]</box>."
POS = "<ref>car</ref> at <pos>[(0, 0), (3, 0)]</pos>"

# Every case of the survey: what the script gives, or None where it crashes.
CASES: dict[str, list[tuple[Any, Any, dict[str, float] | None]]] = {
    "recognition": [
        (" (A) car\n", "(A) car", {"accuracy": 1.0}),
        ("(A)", "(A) car", {"accuracy": 0.0}),
        ("A", "(A) car", {"accuracy": 0.0}),
        ("(A) car.", "(A) car", {"accuracy": 0.0}),
        ("(A) Car", "(A) car", {"accuracy": 0.0}),
        ("(A) x  (B) y", "(A) x (B) y", {"accuracy": 0.0}),
        (None, "(A) car", None),
        (["(A) car"], "(A) car", None),
        (7, "7", None),
    ],
    "counting": [
        ("<num>12</num>", "<num>10</num>", {"MAE": 2.0, "MSE": 4.0, "RMSE": 2.0}),
        ("<num>1</num> <num>9</num>", "<num>1</num>", {"MAE": 0.0, "MSE": 0.0, "RMSE": 0.0}),
        ("<num>\u0661\u0662</num>", "<num>12</num>", {"MAE": 0.0, "MSE": 0.0, "RMSE": 0.0}),
        ("12", "<num>12</num>", dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan)),
        ("<num> 12 </num>", "<num>12</num>", dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan)),
        ("<num>-3</num>", "<num>3</num>", dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan)),
        ("<num>3.5</num>", "<num>3</num>", dict.fromkeys(("MAE", "MSE", "RMSE"), math.nan)),
        (f"<num>{'9' * 5000}</num>", "<num>3</num>", None),
        (f"<num>{'9' * 400}</num>", "<num>3</num>", None),
        (f"<num>{'9' * 200}</num>", "<num>3</num>", None),
        (None, "<num>3</num>", None),
        (3, "<num>3</num>", None),
        (["<num>3</num>"], "<num>3</num>", None),
    ],
    "detection": [
        (BOX, BOX, {"recall": 1.0}),
        ("[[10, 10, 20, 15]]", BOX, {"recall": 1.0}),  # exactly one half
        ("[[10, 10, 20, 14.99]]", BOX, {"recall": 0.0}),
        ("[[0,0,10,10],[0,3,10,18]]", "[[0,1,10,11],[0,0,10,10]]", {"recall": 0.5}),  # greedy
        (str([[1, 1, 2, 2]] * 100 + [[10, 10, 20, 20]]), BOX, {"recall": 1.0}),
        ("[[10, 10, 20, 20", BOX, {"recall": 1.0}),  # brackets are added
        ("[[10, 10, 20, 20, 0.9]]", BOX, {"recall": 1.0}),
        ("[(10, 10, 20., 2e1)]", BOX, {"recall": 1.0}),
        ("[[20, 20, 10, 10]]", BOX, {"recall": 0.0}),
        ("[[10, 10, 1e999, 20]]", BOX, {"recall": 0.0}),
        ("[]", BOX, {"recall": 0.0}),
        ("anything", "[]", {"recall": 0.0}),
        ("[[0x0a, 1_0, +20, 2_0]]", BOX, {"recall": 1.0}),
        ("[[10, 10, 20, 20],  # here ]\n]", BOX, {"recall": 1.0}),
        ("[[010, 10, 20, 20]]", BOX, None),
        ("", BOX, None),
        ("no box", BOX, None),
        ("[[10, 10, 20, 20]], see [1]", BOX, None),
        ("[10, 10, 20, 20]", BOX, None),
        ("[[10, 10, 20]]", BOX, None),
        ("[[]]", BOX, None),
        ("[['a', 'b', 'c', 'd']]", BOX, None),
        ("[{'x': 1}]", BOX, None),
        ("[[20, 10, 10, 20]]", BOX, None),  # areas cancel
        ("[[5, 5, 5, 5]]", "[[5, 5, 5, 5]]", None),
        ("[" * 200 + "1" + "]" * 200, BOX, None),
        ("[" * 100_000, BOX, None),
        ("[" + "-" * 5000 + "1]", BOX, None),
        (None, BOX, None),
        (5, BOX, None),
    ],
    "location": [
        (POS, POS, dict(zip(("precision", "recall", "f1_score", "average_distance",
                             "average_sample_mae"), (1.0, 1.0, 1.0, 0.0, 0.0), strict=True))),
        ("<pos>[(2, 0), (-5, 0)]</pos>", POS, {"precision": 0.5, "recall": 0.5, "f1_score": 0.5,
                                              "average_distance": 2.0, "average_sample_mae": 2.0}),
        ("nothing", POS, {"precision": 1.0, "recall": 0.0, "f1_score": 0.0,
                          "average_distance": 0.0, "average_sample_mae": 0.0}),
        ("<pos>[[0, 0]]</pos>", POS, {"precision": 1.0, "recall": 0.0, "f1_score": 0.0,
                                      "average_distance": 0.0, "average_sample_mae": 0.0}),
        ("<pos>[(0, 0),\n(3, 0)]</pos>", POS, {
            "precision": 1.0, "recall": 0.0, "f1_score": 0.0, "average_distance": 0.0,
            "average_sample_mae": 0.0}),
        ("<ref>dog</ref> at <pos>[(0, 3), (3, 4)]</pos> <pos>[(0, 0)]</pos>", POS, {
            "precision": 1.0, "recall": 1.0, "f1_score": 1.0, "average_distance": 3.5,
            "average_sample_mae": 3.5}),
        ("<pos>[('a', 'b')]</pos>", POS, None),
        ("<pos>[(1j, 0)]</pos>", POS, None),
        ("<pos>[(1e200, 0)]</pos>", POS, None),
        ("<pos>[" + "-" * 5000 + "1]</pos>", POS, None),
        (None, POS, None),
        (4, POS, None),
    ],
}  # fmt: skip
