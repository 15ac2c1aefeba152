"""The command `faces desk`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from es_setup.connection import Connection
from es_setup.embedded import local_node
from es_setup.shipped_files import ARCHIVE, GALLERY, PROBES
from faces.cli.options import connected
from faces.cli.output import explained, fail, print_lines
from faces.extras import require

SERVED_BY = ("flask", "gunicorn")


@connected
def desk(
    connection: Connection,
    host: Annotated[str, typer.Option(help="the address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="the port to listen on")] = 8502,
    kibana_url: Annotated[
        str | None,
        typer.Option(envvar="KIBANA_URL", help="Kibana's address, as browsers reach it, to link the boards"),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of the page's certificate")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="PEM file of its private key")
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", help="listen beyond this machine without TLS, as behind a proxy that has it"
        ),
    ] = False,
    without_users: Annotated[
        bool,
        typer.Option(
            "--without-users",
            help="listen beyond this machine although Elasticsearch has no users, as in a container whose "
            "port is bound to loopback; browsers must still address it by loopback",
        ),
    ] = False,
    archive: Annotated[str, typer.Option(help="index or alias of photos")] = ARCHIVE,
    probes: Annotated[str, typer.Option(help="index or alias of probes")] = PROBES,
    gallery: Annotated[str, typer.Option(help="index or alias of portraits")] = GALLERY,
) -> None:
    """Serve the desk until Ctrl-C: a page to drop a photo on, and to decide who is on it. People sign in with
    their own user or API key of Elasticsearch, and see and change what that may. Needs the service or the
    plugin; without both it shows what is stored.
    """
    if (tls_cert is None) != (tls_key is None):
        fail("--tls-cert and --tls-key go together", status=2)
    require("service", *SERVED_BY)
    from faces.desk import access
    from faces.desk.server import DeskServer
    from faces.desk.settings import DeskSettings, is_loopback
    from ingest_service.telemetry import set_up_logging

    with explained():
        has_users = access.has_users(connection.elasticsearch())
        if not is_loopback(host) and not (has_users or without_users):
            fail(
                f"--host [{host}]: Elasticsearch has no users here, so everybody who reaches the desk may do "
                "everything: it listens on loopback alone. Switch security on in Elasticsearch first, or "
                "give --without-users in a container whose port only this machine reaches"
            )
        if not is_loopback(host) and not (tls_cert or insecure):
            fail(
                f"--host [{host}]: passwords would travel unencrypted: give --tls-cert and --tls-key, or "
                "--insecure behind a proxy that has TLS",
                status=2,
            )
        local_node.require_free(port, "the desk")
        settings = DeskSettings(
            connection,
            has_users,
            host,
            port,
            kibana_url,
            tls_cert,
            tls_key,
            archive,
            probes,
            gallery,
        )
        server = DeskServer(settings)
    set_up_logging()
    if not has_users:
        print_lines("Elasticsearch has no users here: whoever reaches this address may do everything.")
    print_lines(f"desk  {settings.url}   Ctrl-C stops it.")
    server.run()
