"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from es_setup.connection import Connection

FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a folder of photos")]
IndexOption = Annotated[str, typer.Option(help="index or alias")]
GalleryOption = Annotated[str, typer.Option(help="index or alias of portraits")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="change nothing, and print what would be changed")]
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON")]
Labels = Annotated[
    Literal["folder"] | None,
    typer.Option(help="`folder`: each photo's folder is its person's name, as in LFW"),
]

USED: ContextVar[Connection | None] = ContextVar("connection", default=None)
"""The addresses of the running command, for its errors."""

STANDARD_OUTPUT = Path("-")
"""The file name that stands for standard output."""

CONNECTION = {
    "es_url": "Elasticsearch's address",
    "faces_url": "the inference service's address",
    "es_api_key": "Elasticsearch's API key, encoded",
    "es_user": "Elasticsearch's user, if there is no API key",
    "es_password": "the user's password",
    "es_ca_certs": "PEM file of the CA of Elasticsearch's certificate",
    "faces_api_key": "the service's key",
    "faces_ca_certs": "PEM file of the CA of the service's certificate",
    "kibana_url": "Kibana's address, with its base path if it has one",
    "kibana_api_key": "Kibana's API key, encoded; default, without a user: Elasticsearch's key or user",
    "kibana_user": "Kibana's user, if there is no API key",
    "kibana_password": "the user's password",
    "kibana_ca_certs": "PEM file of the CA of Kibana's certificate; default: Elasticsearch's",
}
"""Field of ``Connection`` -> help. The environment variable is the field's name in capitals."""


def connected(
    command: Callable[..., None], starts: tuple[str, ...] = ("es_", "faces_")
) -> Callable[..., None]:
    """Adds options for the fields of ``Connection`` to a command, and passes them to it as ``connection``.

    Args:
        starts: the prefixes of the wanted fields; the others keep their defaults.
    """
    types = get_type_hints(Connection)
    wanted = [field for field in fields(Connection) if field.name.startswith(starts)]

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        connection = Connection(**{field.name: arguments.pop(field.name) for field in wanted})
        USED.set(connection)
        command(connection=connection, **arguments)

    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=Annotated[
                types[field.name],
                typer.Option(
                    envvar=field.name.upper(), help=CONNECTION[field.name], rich_help_panel="Connection"
                ),
            ],
        )
        for field in wanted
    ]
    # Typer reads the options from the signature.
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "connection"]
    with_options.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return with_options


connected_to_elasticsearch = functools.partial(connected, starts=("es_",))
"""For commands that don't need the service."""

connected_to_service = functools.partial(connected, starts=("faces_",))
"""For commands that need nothing of Elasticsearch."""

connected_to_kibana = functools.partial(connected, starts=("kibana_", "es_"))
"""For commands about the boards and their indices."""
