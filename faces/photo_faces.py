"""The faces of a photo that isn't stored: from the inference service, or through Elasticsearch's plugin."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.connection import Connection, ConnectionFailed, ServiceRefused, innermost_reason
from es_setup.failures import reason
from faces.boxes import in_words
from faces.photos import readable
from ingest_service.errors import UserError, WrongArguments

IMAGE = "image"
FACE_FIELDS = ("vector", "box", "confidence", "quality", "landmarks", "crop", "drawn")
"""The parts of a face that a document gets, in their order, beside its ``id``."""
PHOTO_FIELDS = ("width", "height", "taken", "fingerprint")


class NoInference(UserError):
    """Nobody can find the faces of a photo; the message says what is needed."""


class PhotoRefused(UserError):
    """The photo is at fault.

    Attributes:
        code: such as ``not_an_image``.
        reason: the message without the code.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"[{code}] {message}")
        self.code = code
        self.reason = message


class NotChosen(PhotoRefused, WrongArguments):
    """The photo has several faces and none was named, or not the one that was."""


@dataclass(frozen=True)
class PhotoFaces:
    """What a document keeps of a photo.

    model: ``id``, ``digest``, ``precision``.
    faces: largest first; each has ``FACE_FIELDS``.
    photo: ``PHOTO_FIELDS``, as far as they are known.
    file: ``size``, ``mime_type``, ``hash.sha256``.
    thumbnail: base64 JPEG.
    """

    model: dict[str, Any]
    faces: tuple[dict[str, Any], ...]
    photo: dict[str, Any]
    file: dict[str, Any]
    thumbnail: str | None

    @property
    def model_id(self) -> str:
        return str(self.model["id"])

    @classmethod
    def of(cls, found: dict[str, Any]) -> PhotoFaces:
        """From the service's result, or from a document of the plugin's: their parts have the same names.

        Raises:
            PhotoRefused: it has an error instead.
        """
        if "error" in found:
            raise PhotoRefused(str(found["error"]["code"]), str(found["error"]["message"]))
        return cls(
            model=found["model"],
            faces=tuple(_parts(face, FACE_FIELDS) for face in found["faces"]),
            photo=_parts(found["photo"], PHOTO_FIELDS),
            file=found["file"],
            thumbnail=found.get("thumbnail"),
        )

    def face(self, position: int | None, option: str = "--face") -> int:
        """The position that was asked for; the only face's if none was.

        Args:
            option: that says the position.

        Raises:
            PhotoRefused: the photo has no face.
            NotChosen: it has no such face, or several of which none was chosen.
        """
        count = len(self.faces)
        if not count:
            raise PhotoRefused("no_face", "no face found; take a photo that shows a face from the front")
        if position is None and count > 1:
            raise NotChosen("several_faces", f"choose one of {count} with {option}: {self.described()}")
        if position is not None and position >= count:
            raise NotChosen("no_such_face", f"there is no face {position}: {self.described()}")
        return position or 0

    def described(self) -> str:
        """The faces by position and box."""
        return ", ".join(
            f"face {position}: {in_words(face['box'])}" for position, face in enumerate(self.faces)
        )


def _parts(found: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: found[name] for name in names if name in found}


def read_photo(path: Path) -> bytes:
    """
    Raises:
        OSError: it can't be read.
        PhotoRefused: the file is empty.
    """
    data = path.read_bytes()
    if not data:
        raise PhotoRefused("empty", f"[{readable(path)}] is empty")
    return data


def photo_faces(
    connection: Connection, es: Elasticsearch, photo: bytes, model: str | None = None
) -> PhotoFaces:
    """
    Args:
        model: that must find them; default: the one that is served.

    Raises:
        PhotoRefused: the photo can't be read.
        NoInference: neither the service nor the plugin can be asked.
    """
    try:
        return PhotoFaces.of(connection.service().everything(photo, model, interactive=True))
    except ServiceRefused as refused:
        if refused.status == 413:
            raise PhotoRefused("too_large", "the photo is too large for the service") from None
        raise
    except ConnectionFailed as error:
        return _through_plugin(es, photo, model, str(error))


def _through_plugin(es: Elasticsearch, photo: bytes, model: str | None, why: str) -> PhotoFaces:
    """By simulating a pipeline, which stores nothing."""
    options = {"field": IMAGE, **({"model": model} if model else {})}
    document = {"_source": {IMAGE: base64.b64encode(photo).decode("ascii")}}
    try:
        (answer,) = es.ingest.simulate(pipeline={"processors": [{"face": options}]}, docs=[document])["docs"]
    except (ApiError, TransportError) as error:
        told = innermost_reason(error) if isinstance(error, ApiError) else reason(error)
        raise NoInference(_neither(why, told)) from None
    if "error" in answer:
        raise NoInference(_neither(why, str(answer["error"].get("reason"))))
    return PhotoFaces.of(answer["doc"]["_source"])


def _neither(service: str, plugin: str) -> str:
    return (
        f"{service}\nElasticsearch's plugin can't find the faces either: {plugin}\nOne of both is needed: "
        "the service at FACES_URL, or the plugin and the right to simulate pipelines (read_pipeline)"
    )
