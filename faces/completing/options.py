"""How the documents of an index get their faces: the options of the plugin's processor [face], wherever they
stand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch

from es_setup import client_side
from es_setup.keeping import face_options, steps_of
from es_setup.shipped_files import ALIASES
from faces.identifying.identifier import Lookup
from faces.photo_faces import PhotoFaces, PhotoRefused
from faces.refusals import PHOTO
from faces.searchable import FaceField, Searchable

LIMITS = ("max_faces", "min_confidence", "min_quality")
"""Options that the service is told."""


@dataclasses.dataclass(frozen=True)
class FaceOptions:
    """
    model: whose faces the documents get; None: those of the model that is served.
    field: with the photo. target: the object that everything is written into; None: the top of the document.
    path_field: with the photo's path, which becomes ``file.path``; None: senders send that.
    single_face: whether a photo must show exactly one face.
    remove_binary: whether the photo goes once its faces are there.
    override: whether a photo is looked at again if its document has its faces already.
    limits: which faces are kept, as the service takes it.
    """

    model: str | None
    field: str = PHOTO
    target: str | None = None
    path_field: str | None = None
    single_face: bool = False
    remove_binary: bool = True
    override: bool = False
    limits: Mapping[str, float] = dataclasses.field(default_factory=dict)
    identify: Lookup | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any], model: str | None) -> FaceOptions:
        """From a pipeline's, whose numbers and booleans may be texts."""
        identify = options.get("identify")
        numbers = {name: float(options[name]) for name in LIMITS if options.get(name) is not None}
        return cls(
            model=model,
            field=str(options.get("field", PHOTO)),
            target=options.get("target_field"),
            path_field=options.get("path_field"),
            single_face=_flag(options.get("single_face", False)),
            remove_binary=_flag(options.get("remove_binary", True)),
            override=_flag(options.get("override", False)),
            limits={name: int(one) if name == "max_faces" else one for name, one in numbers.items()},
            identify=Lookup.of(identify) if identify else None,
        )

    def at(self, name: str) -> str:
        """The full name of a field that is written."""
        return f"{self.target}.{name}" if self.target else name

    def face_field(self, index: str) -> FaceField:
        return FaceField(self.target or "", not self.single_face, (index,))

    def require_count(self, found: PhotoFaces) -> None:
        """
        Raises:
            PhotoRefused: a portrait must show one face, and this photo shows none, or several.
        """
        count = len(found.faces)
        if not self.single_face or count == 1:
            return
        if count:
            raise PhotoRefused(
                "several_faces",
                f"[{count}] faces found instead of one; crop the photo, or let [max_faces: 1] take the "
                "largest face",
            )
        passing = self.limits.keys() & {"min_confidence", "min_quality"}
        raise PhotoRefused(
            "no_face",
            "no face found that [min_confidence] and [min_quality] let pass; take a better photo that shows "
            "one face"
            if passing
            else "no face found; take a photo that shows one face upright and from the front",
        )


def recorded_options(where: Searchable) -> dict[str, FaceOptions]:
    """Each index whose documents pass no pipeline, and that records how they get faces -> how."""
    return {
        index: FaceOptions.of(told, recorded.get("model"))
        for index, recorded in where.recorded.items()
        if (told := client_side.options_in(recorded)) is not None
    }


def options_of(es: Elasticsearch, where: Searchable) -> dict[str, FaceOptions]:
    """Each index whose documents can get faces -> how: as its default pipeline says, else as it records for
    `faces worker`, else as we ship it for its alias."""
    pipelines = _in_pipelines(es, where)
    aliases = es.indices.get_alias(index=where.name)
    found = {}
    for index, recorded in where.recorded.items():
        behind = next((alias for alias in ALIASES if alias in aliases[index]["aliases"]), None)
        told = pipelines.get(index) or client_side.options_in(recorded)
        if told is None and behind:
            told = client_side.shipped_options(behind)
        if told is not None:
            found[index] = FaceOptions.of(told, told.get("model") or recorded.get("model"))
    return found


def _in_pipelines(es: Elasticsearch, where: Searchable) -> dict[str, dict[str, Any]]:
    """Each index -> the options in its default pipeline, where this user may read that."""
    settings = es.indices.get_settings(index=where.name, name="index.default_pipeline", flat_settings=True)
    found: dict[str, dict[str, Any]] = {}
    try:
        for index, facts in settings.items():
            pipeline = facts["settings"].get("index.default_pipeline", "_none")
            if pipeline != "_none" and (options := list(face_options(steps_of(es, pipeline)))):
                found[index] = options[0]
    except AuthorizationException:
        return found
    return found


def _flag(value: Any) -> bool:
    return str(value).lower() == "true"
