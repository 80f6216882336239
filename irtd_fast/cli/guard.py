"""The one place where errors become messages and exit codes."""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from irtd_fast.cli.output import ExitCode, note, plain, print_json
from irtd_fast.errors import (
    CorruptStoreError,
    DecodeError,
    IrtdError,
    LoaderError,
    SourceError,
    StoreFormatError,
)

P = ParamSpec("P")
R = TypeVar("R")

DEBUG = "IRTD_DEBUG"

_RULES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], ExitCode], ...] = (
    (SourceError, ExitCode.USAGE),
    ((CorruptStoreError, StoreFormatError, DecodeError, LoaderError), ExitCode.DAMAGED),
    (IrtdError, ExitCode.REFUSED),
    ((FileNotFoundError, NotADirectoryError, IsADirectoryError), ExitCode.USAGE),
    ((OSError, MemoryError), ExitCode.REFUSED),
)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: what it raises becomes one message on stderr and an exit code.

    With ``--json`` the message is also the JSON document on stdout. ``IRTD_DEBUG=1`` adds the
    traceback.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort):
            raise
        except BrokenPipeError:  # typer would make it exit code 1, which has a meaning here
            silence()
            raise typer.Exit(ExitCode.BROKEN_PIPE) from None
        except KeyboardInterrupt:
            note(interrupted_message(command.__name__))
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:
            if _is_usage(error):
                raise
            code = exit_code(error)
            _tell(error, code, as_json=bool(kwargs.get("as_json")))
            raise typer.Exit(code) from error

    return run


def silence() -> None:
    """Nobody reads any more: let the interpreter's last flush go nowhere."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def interrupted_message(command: str) -> str:
    """What to say after Ctrl-C."""
    if command == "ingest":
        return (
            "irtd: interrupted; the store is as it was before. "
            "The same command with --resume continues."
        )
    return "irtd: interrupted"


def exit_code(error: BaseException) -> ExitCode:
    """Exit code of an error; the first rule that fits.

    A plain ``ValueError`` is about an argument; its subclasses (of NumPy, of codecs) are not.
    """
    if type(error) is ValueError:
        return ExitCode.USAGE
    for kinds, code in _RULES:
        if isinstance(error, kinds):
            return code
    return ExitCode.BUG


def _is_usage(error: Exception) -> bool:
    """Usage errors of typer (or of the click below it): they print themselves."""
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _tell(error: Exception, code: ExitCode, *, as_json: bool) -> None:
    if debugging():
        note(traceback.format_exc().rstrip())
    message = describe(error)
    note(f"irtd: {message}")
    if code is ExitCode.BUG and not debugging():
        note(f"irtd: this is a bug of irtd; {DEBUG}=1 shows where")
    if as_json:
        print_json(
            {"error": {"type": type(error).__name__, "message": message}, "exit_code": int(code)}
        )


def debugging() -> bool:
    """True if tracebacks and debug logs are wanted."""
    return os.environ.get(DEBUG, "") not in ("", "0")


def describe(error: Exception) -> str:
    """One message for people; only messages of our own may have several lines."""
    if isinstance(error, IrtdError) or type(error) is ValueError:
        return "\n".join(plain(line) for line in str(error).split("\n"))
    if isinstance(error, MemoryError):
        return f"not enough memory{f': {plain(error)}' if str(error) else ''}"
    if isinstance(error, OSError):
        return _describe_os(error)
    return f"{type(error).__name__}: {plain(error)}"


_HINTS = {
    errno.ENOSPC: "; free some space, --resume continues an interrupted ingest",
    errno.EDQUOT: "; the quota is used up, --resume continues an interrupted ingest",
}


def _describe_os(error: OSError) -> str:
    reason = error.strerror or str(error) or type(error).__name__
    hint = _HINTS.get(error.errno or 0, "")
    if error.filename is None:
        return f"{plain(reason)}{hint}"
    name = error.filename
    shown = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else name
    return f"{plain(shown)}: {plain(reason)}{hint}"
