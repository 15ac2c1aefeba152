"""What becomes a portrait: a photo of one face, one face of a photo, or a face that an archive has."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Connection, Service
from es_setup.other_models import what_to_do
from faces.decisions.choosing import Chosen
from faces.erasure.kept_away import KeptAway
from faces.gallery.enrolling import Enrolled, Enrolment, NewPortrait, Outcome, explained
from faces.gallery.portrait_documents import id_of_face, of_photo, of_stored_face
from faces.indexing.contents import PhotoContent, read_content
from faces.indexing.pipelines import has_pipeline
from faces.photo_faces import PhotoFaces, PhotoRefused, photo_faces, read_photo
from faces.photo_vectors import AT_ONCE, with_retries
from faces.photos import PhotoFile
from faces.refusals import require_fit_service, require_our_fields
from faces.searchable import below
from ingest_service.errors import UserError

BATCH = 64
FORGOTTEN = "forgotten: `faces forget --lift FILE` lets it come back"


class CannotEnrol(UserError):
    """What was named can't become a portrait of this person; the message says why and what to do."""


@dataclass
class PhotoEnrolment:
    """Enrols photos, each with its person's name as its label."""

    connection: Connection
    es: Elasticsearch
    enrolment: Enrolment

    def __post_init__(self) -> None:
        self.kept_away = KeptAway(self.es)
        self.gallery = self.enrolment.gallery
        self.has_pipeline = has_pipeline(self.es, self.gallery.name)
        if self.has_pipeline:
            require_our_fields(self.es, self.gallery.name)

    def photos(self, photos: Iterable[PhotoFile]) -> Iterator[Enrolled]:
        """Each photo shows one face.

        Raises:
            ServiceUnfit, OtherModel: the service can't answer for this gallery.
            ConnectionFailed: without the plugin the service is needed, and doesn't answer.
        """
        if self.enrolment.operation is not None:
            self._require_service()
        waiting = iter(photos)
        while batch := list(islice(waiting, BATCH)):
            contents: dict[str, PhotoContent] = {}
            portraits = []
            for photo in batch:
                portrait, content = _read(photo)
                if isinstance(portrait, Enrolled):
                    yield portrait
                elif content:
                    contents[portrait.source] = content
                    portraits.append(portrait)
            _, forgotten = self.kept_away.divided(list(contents.values()))
            gone = {content.sha256 for content in forgotten}
            yield from (one.failed(FORGOTTEN) for one in portraits if contents[one.source].sha256 in gone)
            portraits = [one for one in portraits if contents[one.source].sha256 not in gone]
            send = self._through_pipeline if self.has_pipeline else self._through_service
            yield from send(portraits, contents)

    def face(self, photo: PhotoFile, position: int) -> Enrolled:
        """One face of a photo that may show several.

        Raises:
            PhotoRefused: it has no such face, or can't be read.
            NoInference: neither the service nor the plugin can find it.
        """
        content, started = read_content(photo), time.perf_counter_ns()
        found = photo_faces(self.connection, self.es, read_photo(photo.path), self._model())
        took, position = time.perf_counter_ns() - started, found.face(position)
        face_id = id_of_face(content.sha256, position)
        key = content.id if len(found.faces) == 1 else face_id
        portrait = NewPortrait(photo.name, str(photo.label), key, face_id)
        if self.kept_away.is_forgotten(content, found.faces[position]["box"], found.photo):
            return portrait.failed(FORGOTTEN)

        def body(_: NewPortrait, said: dict[str, Any]) -> dict[str, Any]:
            return of_photo(found, position, {**said, "file": _file(content)}, took)

        (enrolled,) = self.enrolment.enrol([portrait], body)
        return enrolled

    def _through_pipeline(
        self, portraits: Sequence[NewPortrait], contents: dict[str, PhotoContent]
    ) -> Iterator[Enrolled]:
        def body(portrait: NewPortrait, said: dict[str, Any]) -> dict[str, Any]:
            content = contents[portrait.source]
            image = base64.b64encode(content.photo.path.read_bytes()).decode("ascii")
            return {"image": image, "file": _file(content), **said}

        yield from self.enrolment.enrol(portraits, body)

    def _through_service(
        self, portraits: Sequence[NewPortrait], contents: dict[str, PhotoContent]
    ) -> Iterator[Enrolled]:
        """The service is asked for those alone that the gallery lacks."""
        found: dict[str, tuple[PhotoFaces, int]] = {}
        asked = [one for one in portraits if not self.enrolment.is_known(one.face_id)]
        usable = [one for one in portraits if one not in asked]
        if self.enrolment.operation is None:
            asked, usable = [], list(portraits)
        service, model, stopped = self.connection.service(), self._model(), threading.Event()
        with ThreadPoolExecutor(AT_ONCE) as threads:
            answers = threads.map(lambda one: _ask(service, model, contents[one.source], stopped), asked)
            for portrait, answer in zip(asked, answers, strict=True):
                if isinstance(answer, _Unfit):
                    yield portrait.failed(answer.reason, answer.code)
                else:
                    found[portrait.source] = answer
                    usable.append(portrait)

        def body(portrait: NewPortrait, said: dict[str, Any]) -> dict[str, Any]:
            faces, took = found[portrait.source]
            return of_photo(faces, 0, {**said, "file": _file(contents[portrait.source])}, took)

        yield from self.enrolment.enrol(usable, body)

    def _require_service(self) -> None:
        if self.has_pipeline:
            require_fit_service(self.es, self.gallery.name)
            return
        served, held = self.connection.service().model().id, self._model()
        if held not in (None, served):
            raise CannotEnrol(
                f"[{self.gallery.name}] has portraits of model [{held}], but the service serves [{served}]. "
                + what_to_do(str(held), served)
            )

    def _model(self) -> str | None:
        return self.gallery.where.model(self.es)


def enrol_stored(es: Elasticsearch, enrolment: Enrolment, face: Chosen, name: str | None) -> Enrolled:
    """A face that an archive has, with the vector that it has there.

    Args:
        name: whose it is; default: whose a person said it is.

    Raises:
        CannotEnrol: nobody said whose, or somebody said another name; or its vector is of another model.
    """
    document, position = face.document, face.position
    label = document.label_of(face.face)
    whose = _whose(label, document.not_of(face.face), name)
    model, held = str(document.get("model.id")), enrolment.gallery.where.model(es)
    if held not in (None, model):
        raise CannotEnrol(
            f"the face's vector is of model [{model}], those in [{enrolment.gallery.name}] of [{held}]: send "
            "the photo itself, by `faces enroll PHOTO`"
        )
    face_id = str(face.face.get("id") or f"{document.id}-{position}")

    def body(_: NewPortrait, said: dict[str, Any]) -> dict[str, Any]:
        source = _whole(es, document.index, document.id)
        target = document.field.target
        written = {**source, **(below(source, target) or {} if target else {})}
        return of_stored_face(written, face.face, said)

    (enrolled,) = enrolment.enrol([NewPortrait(document.path, whose, face_id, face_id)], body)
    return enrolled


def _whose(label: str | None, ruled_out: Sequence[str], name: str | None) -> str:
    whose = name or label
    if whose is None:
        raise CannotEnrol("nobody said who this face is: name the person by --name")
    if label not in (None, whose):
        raise CannotEnrol(
            f"a person said that this face is [{label}], not [{whose}]: `faces label` corrects it"
        )
    if whose in ruled_out:
        raise CannotEnrol(f"a person said that this face isn't [{whose}]: `faces label` corrects it")
    return whose


def _whole(es: Elasticsearch, index: str, key: str) -> dict[str, Any]:
    hits = es.search(
        index=index,
        query={"ids": {"values": [key]}},
        source={"excludes": ["image"], "exclude_vectors": False},
        allow_partial_search_results=False,
    )["hits"]["hits"]
    if not hits:
        raise CannotEnrol(f"document [{key}] of [{index}] was deleted meanwhile")
    return dict(hits[0]["_source"])


def _read(photo: PhotoFile) -> tuple[NewPortrait | Enrolled, PhotoContent | None]:
    name = str(photo.label)
    try:
        content = read_content(photo)
    except OSError as error:
        return Enrolled(photo.name, name, Outcome.FAILED, reason=f"it can't be read: {error.strerror}"), None
    if content.no_photo:
        return Enrolled(photo.name, name, Outcome.FAILED, reason=f"it is no photo: {content.no_photo}"), None
    return NewPortrait(photo.name, name, content.id, id_of_face(content.sha256, 0)), content


@dataclass(frozen=True)
class _Unfit:
    """Why a photo is no portrait. code: of its error, if it has one."""

    reason: str
    code: str | None = None


def _ask(
    service: Service, model: str | None, content: PhotoContent, stopped: threading.Event
) -> tuple[PhotoFaces, int] | _Unfit:
    """The one face of a photo, and how long that took in nanoseconds; or why it is no portrait."""
    try:
        data, started = content.photo.path.read_bytes(), time.perf_counter_ns()
        found = PhotoFaces.of(with_retries(lambda: service.everything(data, model), stopped))
    except OSError as error:
        return _Unfit(f"it can't be read: {error.strerror}")
    except PhotoRefused as refused:
        return _Unfit(str(refused), refused.code)
    count = len(found.faces)
    if count != 1:
        code = "several_faces" if count else "no_face"
        return _Unfit(explained(code, f"[{count}] faces found instead of one"), code)
    return found, time.perf_counter_ns() - started


def _file(content: PhotoContent) -> dict[str, Any]:
    name = content.photo.name
    return {
        "path": name,
        "name": PurePosixPath(name).name,
        "path_hash": content.location,
        "picture_hash": content.picture_hash(),
        "hash": {"sha256": content.sha256},
    }
