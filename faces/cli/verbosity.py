"""The options `-v` and `-q` of `faces` itself and of each command."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Annotated, Any

import typer

from faces.cli import output

Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="print each request to standard error")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="print only results and errors")]

LOGGERS = ("elastic_transport.transport", "ingest_face.requests")
"""What is printed with `-v`."""


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """Adds `-v` and `-q` to a command, so that `faces status -q` does the same as `faces -q status`."""

    @functools.wraps(command)
    def wrapped(verbose: bool, quiet: bool, **arguments: Any) -> None:
        set_verbosity(verbose, quiet)
        command(**arguments)

    signature = inspect.signature(command, eval_str=True)
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in (("verbose", Verbose), ("quiet", Quiet))
    ]
    # Typer reads the options from the signature.
    own = signature.parameters.values()
    wrapped.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    return wrapped


def set_verbosity(verbose: bool, quiet: bool) -> None:
    """
    Args:
        verbose: print a line for each request to Elasticsearch, the service and Kibana to standard error,
            without bodies.
        quiet: print no progress and no notes.
    """
    if quiet:
        output.notes.quiet = True
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(MessageAlone())
        for logger in map(logging.getLogger, LOGGERS):
            logger.setLevel(logging.INFO)
            logger.handlers = [handler]
            logger.propagate = False


class MessageAlone(logging.Formatter):
    """Leaves out the traceback of a failed request: the command prints a message about it."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage()
