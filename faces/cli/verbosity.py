"""The options `-v` and `-q` of `faces` itself and of each command."""

from __future__ import annotations

import functools
import inspect
import logging
import warnings
from collections.abc import Callable
from typing import Annotated, Any

import typer

from faces.cli import output
from faces.shown.printable import printable

Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="print each request to standard error")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="print only results and errors")]

LOGGERS = ("elastic_transport.transport", "ingest_face.requests")
"""What is printed with `-v`."""

CHATTER = ("elastic_transport.node_pool", "elastic_transport.transport")
"""They warn of each attempt that failed, and of a node that answers again: the command says how it ended."""


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


def show_warnings() -> None:
    """Prints on one line what libraries warn of or log as a warning, such as what a server's header says."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        output.say(f"warning: {printable(str(message))}")

    warnings.showwarning = show
    for logger in map(logging.getLogger, CHATTER):
        logger.setLevel(logging.ERROR)
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler()
        handler.setLevel(logging.WARNING)
        handler.setFormatter(MessageAlone())
        root.addHandler(handler)


class MessageAlone(logging.Formatter):
    """One line, which has text of servers in it. It leaves out the traceback of a failed request: the command
    prints a message about it."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(record.getMessage())
