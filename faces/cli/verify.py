"""The command `faces verify`."""

from __future__ import annotations

from typing import Annotated

import typer

from es_setup.connection import Connection
from faces.boxes import in_words
from faces.cli.changes import ARCHIVES
from faces.cli.options import JsonFlag, connected
from faces.cli.output import chance, explained, out, print_json, verdicts
from faces.searching import judged_as_json
from faces.verifying import OPTIONS, GivenFace, verify

PhotoArgument = Annotated[
    str, typer.Argument(metavar="PHOTO|ID", help="a photo's file, or a photo or face that is indexed")
]
ANSWERS = {
    "strong": "very likely the same person",
    "possible": "possibly the same person",
    "unlikely": "probably two people",
}


@connected
def verify_command(
    connection: Connection,
    first: PhotoArgument,
    second: PhotoArgument,
    first_face: Annotated[
        int | None,
        typer.Option(
            OPTIONS[0], min=0, help="of several faces of the first the one at this position, from 0"
        ),
    ] = None,
    second_face: Annotated[
        int | None, typer.Option(OPTIONS[1], min=0, help="of the second, likewise")
    ] = None,
    index: Annotated[
        str, typer.Option(help="indices or aliases with the IDs, whose thresholds count")
    ] = ARCHIVES,
    as_json: JsonFlag = False,
) -> None:
    """Compare two faces: whether they are one person's. Nothing is stored. Exit status 0 whatever the answer
    is; scripts read it by --json. Needs the service or the plugin for files, Elasticsearch alone for ids.
    """
    with explained():
        es = connection.elasticsearch()
        compared = verify(connection, es, (first, second), (first_face, second_face), index)
    if as_json:
        print_json({**compared.as_json(), **judged_as_json(compared.judged), "note": compared.note})
        return
    for face in compared.faces:
        out.print(f"{face.given}: {_described(face)}")
    probability = "" if compared.probability is None else f", probability {chance(compared.probability)}"
    out.print(f"verdicts: {verdicts(compared.judged)}")
    if compared.note:
        out.print(f"note: {compared.note}")
    out.print(
        f"{ANSWERS[compared.verdict]}: similarity {compared.similarity:.3f}, {compared.verdict}{probability}"
    )


def _described(face: GivenFace) -> str:
    which = "the only face" if face.of == 1 else f"face {face.position} of {face.of}"
    return f"{which}: {in_words(face.box)}" if face.box else which
