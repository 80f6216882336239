"""English of every category that a source may have, word by word."""

from __future__ import annotations

import doctest

import pytest

from irtd_fast import catalog
from irtd_fast.tasks import choices, words
from irtd_fast.tasks.words import (
    counted,
    covered,
    is_generic,
    is_named,
    joined,
    may_be_same,
    ordinal,
    overlapping,
    plural,
    with_article,
)

# Written by hand, not by the rules: category -> plural, with its article.
ENGLISH = {
    "airplane": ("airplanes", "an airplane"), "animal": ("animals", "an animal"),
    "badger": ("badgers", "a badger"), "bat": ("bats", "a bat"), "bear": ("bears", "a bear"),
    "bicycle": ("bicycles", "a bicycle"), "bird": ("birds", "a bird"),
    "black core": ("black cores", "a black core"), "boat": ("boats", "a boat"),
    "bridge": ("bridges", "a bridge"), "buffalo": ("buffaloes", "a buffalo"),
    "bump": ("bumps", "a bump"), "bus": ("buses", "a bus"),
    "camping car": ("camping cars", "a camping car"), "car": ("cars", "a car"),
    "car stop": ("car stops", "a car stop"), "cat": ("cats", "a cat"),
    "chicken": ("chickens", "a chicken"), "colour cone": ("colour cones", "a colour cone"),
    "corner": ("corners", "a corner"), "couple": ("couples", "a couple"), "cow": ("cows", "a cow"),
    "coyote": ("coyotes", "a coyote"), "crack": ("cracks", "a crack"),
    "crocodile": ("crocodiles", "a crocodile"), "crowd": ("crowds", "a crowd"),
    "curve": ("curves", "a curve"), "cyclist": ("cyclists", "a cyclist"),
    "deer": ("deer", "a deer"), "dog": ("dogs", "a dog"), "drone": ("drones", "a drone"),
    "duck": ("ducks", "a duck"), "electric bicycle": ("electric bicycles", "an electric bicycle"),
    "elephant": ("elephants", "an elephant"), "excavator": ("excavators", "an excavator"),
    "face": ("faces", "a face"), "finger": ("fingers", "a finger"),
    "fire hydrant": ("fire hydrants", "a fire hydrant"), "fox": ("foxes", "a fox"),
    "fragment": ("fragments", "a fragment"), "freight car": ("freight cars", "a freight car"),
    "giraffe": ("giraffes", "a giraffe"), "goose": ("geese", "a goose"),
    "guardrail": ("guardrails", "a guardrail"), "head": ("heads", "a head"),
    "hedgehog": ("hedgehogs", "a hedgehog"), "helicopter": ("helicopters", "a helicopter"),
    "hippo": ("hippos", "a hippo"), "hog": ("hogs", "a hog"),
    "horizontal dislocation": ("horizontal dislocations", "a horizontal dislocation"),
    "horse": ("horses", "a horse"), "hyena": ("hyenas", "a hyena"),
    "kangaroo": ("kangaroos", "a kangaroo"), "lamp": ("lamps", "a lamp"),
    "leopard": ("leopards", "a leopard"), "lion": ("lions", "a lion"),
    "living obstacle": ("living obstacles", "a living obstacle"),
    "monkey": ("monkeys", "a monkey"), "motorcycle": ("motorcycles", "a motorcycle"),
    "motorcyclist": ("motorcyclists", "a motorcyclist"), "obstacle": ("obstacles", "an obstacle"),
    "other vehicle": ("other vehicles", "another vehicle"), "penguin": ("penguins", "a penguin"),
    "people": ("groups of people", "a group of people"), "person": ("people", "a person"),
    "pickup": ("pickups", "a pickup"), "plane": ("planes", "a plane"),
    "printing error": ("printing errors", "a printing error"), "rabbit": ("rabbits", "a rabbit"),
    "raccoon": ("raccoons", "a raccoon"), "rat": ("rats", "a rat"), "rhino": ("rhinos", "a rhino"),
    "salient object": ("salient objects", "a salient object"), "scooter": ("scooters", "a scooter"),
    "scratch": ("scratches", "a scratch"), "seal": ("seals", "a seal"),
    "sheep": ("sheep", "a sheep"), "ship": ("ships", "a ship"),
    "short circuit": ("short circuits", "a short circuit"),
    "skateboard": ("skateboards", "a skateboard"), "snake": ("snakes", "a snake"),
    "squirrel": ("squirrels", "a squirrel"), "star crack": ("star cracks", "a star crack"),
    "street sign": ("street signs", "a street sign"), "stroller": ("strollers", "a stroller"),
    "tank": ("tanks", "a tank"), "target": ("targets", "a target"),
    "thick line": ("thick lines", "a thick line"), "tractor": ("tractors", "a tractor"),
    "traffic light": ("traffic lights", "a traffic light"), "train": ("trains", "a train"),
    "tricycle": ("tricycles", "a tricycle"), "truck": ("trucks", "a truck"),
    "van": ("vans", "a van"),
    "vehicle": ("vehicles", "a vehicle"),
    "vertical dislocation": ("vertical dislocations", "a vertical dislocation"),
}  # fmt: skip
NOTHING = {"background", "ignore", "dont care", "person?", "self", "sky", "water", "street"}


def catalogue_words():
    return {word for record in catalog.records() for word in record.categories.values()}


def test_every_category_of_the_catalogue_has_its_english():
    assert catalogue_words() == set(ENGLISH) | NOTHING


@pytest.mark.parametrize("word", sorted(ENGLISH))
def test_plural_and_article(word):
    assert (plural(word), with_article(word)) == ENGLISH[word]
    assert is_named(word)


def test_what_names_no_thing():
    assert not any(is_named(word) for word in NOTHING)
    assert {w for w in ENGLISH if is_generic(w)} == {
        "target", "salient object", "obstacle", "living obstacle", "other vehicle",
    }  # fmt: skip


def test_numbers():
    assert counted(1, "people") == "1 group of people"
    assert counted(0, "person") == "0 people"
    assert counted(21, "fox") == "21 foxes"
    assert [ordinal(n) for n in (1, 9, 12, 13, 21, 22, 23, 111, 112, 101)] == [
        "first", "ninth", "12th", "13th", "21st", "22nd", "23rd", "111th", "112th", "101st",
    ]  # fmt: skip
    assert joined([]) == ""
    assert joined(list("abcd")) == "a, b, c and d"


def test_what_may_be_the_same_is_so_both_ways():
    known = sorted(set(ENGLISH) | {"motobike", "roo", "ericius", "bike", "sign", "light", "motor"})
    for one in known:
        assert one in overlapping(one)
        for other in known:
            assert may_be_same(one, other) == may_be_same(other, one), (one, other)
    for one, other in (("hedgehog", "ericius"), ("boat", "ship"), ("car", "vehicle"),
                       ("person", "cyclist"), ("duck", "bird"), ("truck", "freight car"),
                       ("roo", "kangaroo"), ("motobike", "motorcycle")):  # fmt: skip
        assert may_be_same(one, other)
    for one, other in (("car", "truck"), ("car", "bus"), ("fox", "cat"), ("duck", "goose"),
                       ("person", "car"), ("cyclist", "motorcyclist")):  # fmt: skip
        assert not may_be_same(one, other)
    assert "car" in covered("vehicle")
    assert covered("car") == frozenset()


@pytest.mark.parametrize("module", [words, choices])
def test_examples_in_the_documentation(module):
    assert doctest.testmod(module).failed == 0
