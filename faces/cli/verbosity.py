"""The options `-v` and `-q`, of the command line as a whole and of each command."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Annotated, Any

import typer

from faces.cli import output

Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="say each request, on standard error")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="print results and errors alone")]


def with_verbosity(command: Callable[..., None]) -> Callable[..., None]:
    """A command with `-v` and `-q`, so that `faces -q status` and `faces status -q` are the same."""

    @functools.wraps(command)
    def wrapped(verbose: bool, quiet: bool, **arguments: Any) -> None:
        set_verbosity(verbose, quiet)
        command(**arguments)

    signature = inspect.signature(command, eval_str=True)
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=False, annotation=option)
        for name, option in (("verbose", Verbose), ("quiet", Quiet))
    ]
    # What typer reads the options from.
    own = signature.parameters.values()
    wrapped.__signature__ = signature.replace(parameters=[*own, *more])  # type: ignore[attr-defined]
    return wrapped


def set_verbosity(verbose: bool, quiet: bool) -> None:
    """
    Args:
        verbose: a line on standard error for each request to Elasticsearch, the service and Kibana; never
            its body.
        quiet: no progress and no notes.
    """
    if quiet:
        output.notes.quiet = True
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(MessageAlone())
        for logger in map(logging.getLogger, ("elastic_transport.transport", "ingest_face.requests")):
            logger.setLevel(logging.INFO)
            logger.handlers = [handler]
            logger.propagate = False


class MessageAlone(logging.Formatter):
    """Without the traceback of a request that failed: the command says what that means."""

    def format(self, record: logging.LogRecord) -> str:
        return record.getMessage()
