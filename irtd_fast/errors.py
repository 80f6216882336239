"""Everything irtd_fast raises deliberately about data or stores.

The root does not derive from a builtin; the leaves derive from the builtin that a caller would
already catch. Wrong arguments are plain ``ValueError``/``TypeError``; errors of the operating
system pass through as ``OSError``.
"""

from __future__ import annotations

from typing import Any


class IrtdError(Exception):
    """Root of all deliberate errors about data or stores.

    Attributes given as keywords become attributes of the error and survive pickling, so that an
    error can cross a process boundary.
    """

    def __init__(self, message: str, **where: Any) -> None:
        super().__init__(message)
        self.where = {key: value for key, value in where.items() if value is not None}
        for key, value in self.where.items():
            setattr(self, key, value)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), str(self), self.where))


def _rebuild(cls: type[IrtdError], message: str, where: dict[str, Any]) -> IrtdError:
    return cls(message, **where)


class SourceError(IrtdError):
    """Something about a source or its dump: ``source``, ``path``."""


class UnknownSourceError(SourceError, LookupError):
    """No catalogue record of that key; the message lists the nearest names."""


class SourceLayoutError(SourceError, FileNotFoundError):
    """The dump does not look as the catalogue record says: expected pattern, what was found."""

    def __str__(self) -> str:
        return str(self.args[0])  # OSError would print its errno


class AnnotationError(SourceError, ValueError):
    """A label that cannot be read: ``path``, ``line`` or ``record``, what was expected."""


class FailureRateError(SourceError, RuntimeError):
    """Too many files of a dump could not be used: ``source``, ``failed``, ``total``.

    ``problems`` lists what was found until then, as text.
    """


class DecodeError(IrtdError, ValueError):
    """Bytes are not the image or stream they claim to be: ``path``."""


class StoreError(IrtdError):
    """Something about a store: ``path``."""


class StoreFormatError(StoreError, ValueError):
    """Metadata we cannot accept; the message starts with the JSON path, e.g. ``$.codecs[0]``."""


class CorruptStoreError(StoreError, OSError):
    """Stored bytes are damaged or missing: ``path``, ``row``, ``sample``."""

    def __str__(self) -> str:
        return str(self.args[0])


class StoreExistsError(StoreError, FileExistsError):
    """Something is already there that would have to be replaced; the message says how."""

    def __str__(self) -> str:
        return str(self.args[0])


class StoreBusyError(StoreError, RuntimeError):
    """Another writer works on this source of the store; the message names it."""


class UnsupportedError(IrtdError, NotImplementedError):
    """Valid, but not something we do; the message names the way out."""


class UnknownFormatError(IrtdError, LookupError):
    """No export format of that name; the message lists those that there are."""


class LoaderError(IrtdError, RuntimeError):
    """A batch could not be made: ``sample`` index and name; the cause is in ``__cause__``."""


class UnknownTaskError(IrtdError, LookupError):
    """No task of that name; the message lists the nearest ones: ``task``."""


class OfficialWouldCrash(IrtdError, RuntimeError):  # noqa: N818  it says what the script would do
    """A published scoring script would end with an exception: ``sample``, ``reason``."""


class StoreReplacedError(StoreError, RuntimeError):
    """A source of an open dataset is not the one it was when it was opened: ``source``, ``path``.

    Open the store anew; what was read so far is of the old one.
    """
