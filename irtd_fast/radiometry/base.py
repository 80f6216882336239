"""What every recipe is: a frozen dataclass that maps counts to something a network takes.

A recipe is registered under its ``name``, becomes JSON with ``to_dict`` and comes back with
``recipe_from_dict``. It does its work in the core: ``native`` gives the object that the batch
pipeline runs and that ``apply`` calls for a single picture.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from irtd_fast import _core

if TYPE_CHECKING:
    from irtd_fast.radiometry.statistics import Statistics

OutputType = Literal["float32", "float16", "bfloat16", "uint8", "uint16"]
Pixels = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
Valid = NDArray[np.bool_] | None

Scope = Literal["picture", "sequence", "source"]

SCOPES: tuple[Scope, ...] = ("picture", "sequence", "source")
OUTPUT_TYPES: tuple[OutputType, ...] = ("float32", "float16", "bfloat16", "uint8", "uint16")
TOP = {"float32": 1.0, "float16": 1.0, "bfloat16": 1.0, "uint8": 255.0, "uint16": 65535.0}
INPUT_TYPES = ("uint8", "uint16", "float32")
_ARRAY = "$array"
_PART = "$part"

AnyRecipe = TypeVar("AnyRecipe", bound="Recipe")
AnyPart = TypeVar("AnyPart")
_registry: dict[str, type[Recipe]] = {}
_parts: dict[str, type[Any]] = {}


class UnsupportedRecipeError(TypeError):
    """The batch pipeline has no native form of this recipe; ``apply`` works."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """Base of all recipes; two are equal if their class and fields are, arrays by content.

    Attributes:
        name: Word in JSON and on the command line.
        invertible: True if ``inverse`` brings counts back.
        numeric: True if the next of a chain gets the very numbers (counts, temperatures) that
            ``inverse`` takes, not levels of a type.
        input_types: Types of pictures it takes.
    """

    name: ClassVar[str] = ""
    invertible: ClassVar[bool] = False
    numeric: ClassVar[bool] = False
    input_types: ClassVar[tuple[str, ...]] = INPUT_TYPES

    def apply(
        self,
        image: Pixels,
        *,
        dtype: OutputType = "float32",
        valid: Valid = None,
        statistics: Statistics | None = None,
    ) -> NDArray[Any]:
        """Apply to one picture.

        Args:
            image: (height, width) or (height, width, channels), uint8 or uint16 counts, or float32
                (temperatures; NaN is an invalid pixel). May have no pixels.
            dtype: Of the result. ``bfloat16`` comes as the bits of bfloat16 in a uint16 array,
                since NumPy has no such type: ``torch.from_numpy(a.view(np.int16)).view(
                torch.bfloat16)`` or ``a.view(ml_dtypes.bfloat16)`` reads them without a copy.
            valid: (height, width) bool; pixels that are False are in no statistics and become 0
                (NaN where a recipe gives temperatures). All of them may be False.
            statistics: Of a sequence or a source, in place of the picture's own.

        Returns:
            An array of the picture's shape. Float results are in 0..1 and integer ones in the
            type's range unless the recipe says otherwise.

        Raises:
            ValueError: Another type or shape than the above, or statistics of counts of another
                type; expected and found are named.
            TypeError: ``image`` or ``valid`` is no array.
        """
        check_image(image, self.input_types)
        check_valid(image, valid)
        check_dtype(dtype)
        recipe = self._by(statistics, image)
        return recipe._apply(image, dtype, valid)  # noqa: SLF001 - a recipe of ours

    def _apply(self, image: Pixels, dtype: OutputType, valid: Valid) -> NDArray[Any]:
        """Do the work of ``apply``; the arguments are checked."""
        return typed(self.native(dtype).apply(image, dtype=dtype, valid=valid))

    def apply_batch(
        self,
        images: Pixels,
        *,
        dtype: OutputType = "float32",
        valid: Valid = None,
        statistics: Statistics | None = None,
        threads: int = 0,
    ) -> NDArray[Any]:
        """Apply to many pictures of one shape, each by itself, over threads.

        Args:
            images: (n, height, width) or (n, height, width, channels).
            dtype: Of the result; see ``apply``.
            valid: (n, height, width) bool; see ``apply``.
            statistics: In place of each picture's own; see ``apply``.
            threads: 0 takes one a core.

        Raises:
            ValueError: Another type or shape; expected and found are named.
            UnsupportedRecipeError: The recipe has no native form.
        """
        check_dtype(dtype)
        if not isinstance(images, np.ndarray) or images.ndim not in (3, 4):
            raise ValueError(f"images must be (n, h, w[, c]), found shape {np.shape(images)}")
        if images.dtype.name not in self.input_types or not images.dtype.isnative:
            raise ValueError(
                f"images must be {' or '.join(self.input_types)}, found {images.dtype.str}"
            )
        native = self._by(statistics, images).native(dtype)
        return typed(native.apply_batch(images, dtype=dtype, valid=valid, threads=threads))

    def _by(self, statistics: Statistics | None, image: Pixels) -> Recipe:
        if statistics is None:
            return self
        if statistics.dtype != image.dtype.name:
            expected, found = image.dtype.name, statistics.dtype
            raise ValueError(f"statistics must be of {expected} as the picture, found {found}")
        return self.resolve(statistics)

    def inverse(
        self, values: NDArray[Any], *, bounds: tuple[float, float] | None = None
    ) -> NDArray[np.float64]:
        """Counts that a result came from; a clipped value comes back as the bound it hit.

        Args:
            values: What ``apply`` gave, of any shape and of its type.
            bounds: What ``bounds(image)`` said before, for a recipe whose range depends on the
                picture.

        Raises:
            ValueError: The recipe has no inverse, it needs ``bounds``, or the values are of a type
                or shape that it does not give.
        """
        raise ValueError(f"{type(self).__name__} has no inverse")

    def resolve(self, statistics: Statistics) -> Recipe:
        """The same recipe with its picture-dependent part fixed by statistics of many pictures.

        A recipe that depends on no statistics is returned as it is.
        """
        del statistics
        return self

    def needs(self) -> Scope:
        """Whose statistics it goes by: of each picture, of its sequence, or of its source."""
        scope: Scope = getattr(self, "scope", "picture")
        return scope

    def require_own(self) -> None:
        """Refuse to go by each picture's own statistics if those of more are asked for.

        Raises:
            ValueError: It is; ``resolve`` or ``statistics=`` (or the loader) supply them.
        """
        if self.needs() != "picture":
            name = type(self).__name__
            raise ValueError(f"{name}(scope={self.needs()!r}) needs the statistics of the "
                             f"{self.needs()}: pass statistics=")  # fmt: skip

    def hands_on(self, image: Pixels) -> OutputType:
        """Type in which this recipe's result goes to the next one of a chain: the picture's own."""
        return cast("OutputType", image.dtype.name)

    def native(self, dtype: OutputType) -> _core.NativeRecipe:
        """The recipe as the core runs it.

        Raises:
            UnsupportedRecipeError: It has no native form.
            ValueError: It cannot give this type.
        """
        raise UnsupportedRecipeError(f"{type(self).__name__} cannot run in the batch pipeline")

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able data; ``recipe_from_dict`` brings it back."""
        return {"name": self.name} | {f.name: _encode(getattr(self, f.name)) for f in fields(self)}

    def _key(self) -> tuple[Any, ...]:
        return (type(self), *(_hashable(getattr(self, f.name)) for f in fields(self)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


def register(cls: type[AnyRecipe]) -> type[AnyRecipe]:
    """Class decorator: make a recipe known to ``recipe_from_dict`` under its ``name``.

    Raises:
        ValueError: No name, or one that another class has.
    """
    known = _registry.get(cls.name)
    if not cls.name or (known is not None and known.__qualname__ != cls.__qualname__):
        raise ValueError(f"{cls.__name__} needs a name of its own, found {cls.name!r}")
    _registry[cls.name] = cls
    return cls


def part(cls: type[AnyPart]) -> type[AnyPart]:
    """Class decorator: a frozen dataclass of numbers and words that is a field of recipes."""
    _parts[cls.__name__] = cls
    return cls


def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(_registry)


def recipe_from_dict(data: Mapping[str, Any]) -> Recipe:
    """Bring back what ``to_dict`` gave.

    Raises:
        ValueError: No recipe of that name (the names are listed), fields it does not have or
            lacks, or values of another kind than it takes.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"a recipe is an object, found {type(data).__name__}")  # noqa: TRY004
    values = dict(data)
    name = values.pop("name", None)
    if not isinstance(name, str) or name not in _registry:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(recipe_names())}")
    cls = _registry[name]
    known = {f.name for f in fields(cls)}
    if not known >= set(values):
        unknown = ", ".join(sorted(map(str, set(values) - known)))
        raise ValueError(f"{name}: expected fields {', '.join(sorted(known))}, found {unknown}")
    try:
        return cls(**{key: _decode(value) for key, value in values.items()})
    except TypeError as error:  # a field is missing, or is no number
        raise ValueError(f"{name}: {error}") from error


def _encode(value: Any) -> Any:
    if isinstance(value, Recipe):
        return value.to_dict()
    if type(value) in _parts.values():
        return {_PART: type(value).__name__, **asdict(value)}
    if isinstance(value, np.ndarray):
        data = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode("ascii")
        return {_ARRAY: {"dtype": value.dtype.str, "shape": list(value.shape), "data": data}}
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping) and _PART in value:
        return _decode_part(value)
    if isinstance(value, Mapping):
        return _decode_array(value[_ARRAY]) if _ARRAY in value else recipe_from_dict(value)
    if isinstance(value, list | tuple):
        return tuple(_decode(item) for item in value)
    return value


def _decode_part(form: Mapping[str, Any]) -> Any:
    values = dict(form)
    name = values.pop(_PART)
    if name not in _parts:
        raise ValueError(f"no part {name!r}; there are {', '.join(sorted(_parts))}")
    known = {f.name for f in fields(_parts[name])}
    if not known >= set(values):
        raise ValueError(f"{name}: expected {', '.join(sorted(known))}, found {sorted(values)}")
    return _parts[name](**values)


def _decode_array(form: Mapping[str, Any]) -> NDArray[Any]:
    dtype, shape = np.dtype(form["dtype"]), tuple(int(n) for n in form["shape"])
    data = base64.b64decode(form["data"], validate=True)
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if dtype.hasobject or len(data) != expected:
        raise ValueError(f"array {dtype} {shape}: expected {expected} bytes, found {len(data)}")
    return frozen_array(np.frombuffer(data, dtype).reshape(shape))


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()
    return tuple(map(_hashable, value)) if isinstance(value, tuple | list) else value


def frozen_array(values: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy, for a recipe's field."""
    copy = np.array(values, order="C")
    copy.setflags(write=False)
    return copy


def typed(values: Any) -> NDArray[Any]:
    """What the core returned, for the type checker."""
    result: NDArray[Any] = values
    return result


def check_scope(scope: str) -> None:
    """Refuse a scope that is none.

    Raises:
        ValueError: The scopes are listed.
    """
    if scope not in SCOPES:
        raise ValueError(f"scope must be one of {', '.join(SCOPES)}, found {scope!r}")


def check_dtype(dtype: str) -> None:
    """Refuse an output type that is none.

    Raises:
        ValueError: The types are listed.
    """
    if dtype not in OUTPUT_TYPES:
        raise ValueError(f"dtype must be one of {', '.join(OUTPUT_TYPES)}, found {dtype!r}")


def check_image(image: Pixels, types: tuple[str, ...] = INPUT_TYPES) -> None:
    """Refuse what is no picture.

    Raises:
        ValueError: Expected and found are named.
        TypeError: No array at all.
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image must be a NumPy array, found {type(image).__name__}")
    if image.dtype.name not in types or not image.dtype.isnative:
        raise ValueError(f"image must be {' or '.join(types)}, found {image.dtype.str}")
    if image.ndim not in (2, 3):
        raise ValueError(f"image must be (h, w) or (h, w, c), found shape {image.shape}")


def check_valid(image: Pixels, valid: Valid) -> None:
    """Refuse a mask that does not fit the picture.

    Raises:
        ValueError: Expected and found are named.
        TypeError: No array at all.
    """
    if valid is None:
        return
    if not isinstance(valid, np.ndarray):
        raise TypeError(f"valid must be a NumPy array, found {type(valid).__name__}")
    if valid.dtype != np.bool_ or valid.shape != image.shape[:2]:
        raise ValueError(
            f"valid must be bool of shape {image.shape[:2]}, found {valid.dtype} {valid.shape}"
        )
