"""Options that several commands share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from es_setup.connection import Connection

FolderArgument = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="a folder of photos")]
IndexOption = Annotated[str, typer.Option(help="index or alias")]
JsonFlag = Annotated[bool, typer.Option("--json", help="print JSON for a script")]
Labels = Annotated[
    Literal["folder"] | None, typer.Option(help="`folder`: a photo's folder is its person's name, as in LFW")
]

STANDARD_OUTPUT = Path("-")
"""As a file's name."""

CONNECTION = {
    "es_url": "Elasticsearch",
    "faces_url": "the inference service",
    "es_api_key": "API key, encoded",
    "es_user": "user, if there is no API key",
    "es_password": "the user's password",
    "es_ca_certs": "the authority of its certificate, a PEM file",
    "faces_api_key": "the service's key",
    "faces_ca_certs": "the authority of the service's certificate, a PEM file",
    "kibana_url": "Kibana, with its base path if it has one",
    "kibana_api_key": "API key, encoded; without a key or user of its own, Elasticsearch's serve",
    "kibana_user": "user, if there is no API key",
    "kibana_password": "the user's password",
    "kibana_ca_certs": "the authority of Kibana's certificate, a PEM file; default: Elasticsearch's",
}
"""What the help says of each field of ``Connection``. The environment variable has its name in capitals."""


def connected(
    command: Callable[..., None], starts: tuple[str, ...] = ("es_", "faces_")
) -> Callable[..., None]:
    """Gives a command an option for each field of ``Connection``; it gets them as its one ``connection``.

    Args:
        starts: how the names of the wanted fields start; the others keep their defaults.
    """
    types = get_type_hints(Connection)
    wanted = [field for field in fields(Connection) if field.name.startswith(starts)]

    @functools.wraps(command)
    def with_options(**arguments: Any) -> None:
        connection = Connection(**{field.name: arguments.pop(field.name) for field in wanted})
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
    # What typer reads the options from.
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for name, parameter in signature.parameters.items() if name != "connection"]
    with_options.__signature__ = signature.replace(parameters=[*own, *options])  # type: ignore[attr-defined]
    return with_options


connected_to_elasticsearch = functools.partial(connected, starts=("es_",))
"""For commands that need nothing of the service."""

connected_to_service = functools.partial(connected, starts=("faces_",))
"""For commands that need nothing of Elasticsearch."""

connected_to_kibana = functools.partial(connected, starts=("kibana_", "es_"))
"""For commands about the boards, and the indices that they look at."""
