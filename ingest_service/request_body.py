"""A request's body, JSON or a form, read and checked once."""

from __future__ import annotations

import io
from typing import IO, Any, TypeVar

from flask import Request, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import RequestEntityTooLarge

from ingest_service import json_body
from ingest_service.errors import FaceServiceError
from ingest_service.settings import Settings

Body = TypeVar("Body", bound=BaseModel)

WITH_CURL = "with curl, `-F image=@me.jpg`"
MOST_FIELDS = 32
"""Of an object, and names in `return`. No request needs half as many."""
PARTS_OF_A_REQUEST = 65_536
PARTS_OF_A_PHOTO = 2_048
"""Bytes of JSON beside photos' texts; most are spaces, if it is indented."""


class InMemoryRequest(Request):
    """A form's files stay in memory, where the body's limit bounds them: no photo is written to a disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def read_body(kind: type[Body], settings: Settings) -> Body:
    """The request's body, JSON or a form, checked.

    Raises:
        FaceServiceError: ``bad_request``, or ``unsupported_media_type``.
    """
    if (request.content_length or 0) > settings.max_body_bytes:
        raise RequestEntityTooLarge
    misplaced = 0
    if request.mimetype == "multipart/form-data":
        given = _form(settings.max_images)
    elif request.mimetype == "application/json":
        found = _json(settings)
        given = found.value
        misplaced = len(found.texts) - _put_photos(found)
    else:
        needed = "must be [application/json], or [multipart/form-data] for a form with photos"
        raise FaceServiceError("unsupported_media_type", f"the Content-Type is [{_named()}], but {needed}")
    _require_few(given, settings.max_images)
    try:
        body = kind.model_validate(given)
    except ValidationError as error:
        # Not pydantic's own text: it repeats the input.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        # A misspelt field explains why another one is missing.
        problem = min(problems, key=lambda one: one["type"] != "extra_forbidden")
        place = "".join(f"[{part}]" for part in problem["loc"]) or "the body"
        raise FaceServiceError("bad_request", f"{place[:100]}: {problem['msg'][:200]}") from None
    if misplaced:
        problem_of_text = (
            f"a text of over {json_body.LONG} bytes is no photo's [image]; nothing else is so long"
        )
        raise FaceServiceError("bad_request", problem_of_text)
    return body


def _named() -> str:
    return request.mimetype[:60] or "absent"


def _require_few(given: Any, max_images: int) -> None:
    """Before a model is made of it, which would take a thousand bytes for each wrong value."""
    if not isinstance(given, dict):
        return
    images, returns = given.get("images"), given.get("return")
    if isinstance(images, list):
        if len(images) > max_images:
            raise FaceServiceError("bad_request", f"[images]: at most {max_images} photos a request")
        for number, image in enumerate(images):
            _require_few_fields(image, f"[images][{number}]")
            if isinstance(image, dict):
                _require_few_fields(image.get("options"), f"[images][{number}][options]")
    if isinstance(returns, list) and len(returns) > MOST_FIELDS:
        raise FaceServiceError("bad_request", f"[return]: at most {MOST_FIELDS} names")
    _require_few_fields(given, "the body")


def _require_few_fields(value: Any, place: str) -> None:
    if isinstance(value, dict) and len(value) > MOST_FIELDS:
        raise FaceServiceError("bad_request", f"{place}: at most {MOST_FIELDS} fields")


def _json(settings: Settings) -> json_body.Skeleton:
    data = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # raises if chunks exceed the limit; they would be cut off silently
    try:
        return json_body.read(
            data,
            most_parts=PARTS_OF_A_REQUEST + PARTS_OF_A_PHOTO * settings.max_images,
            longest_text=4 * settings.max_bytes,
        )
    except json_body.NotJson:
        problem = "the body isn't JSON, although its Content-Type says so; to send a file "
        raise FaceServiceError("bad_request", problem + WITH_CURL) from None
    except json_body.TooManyParts:
        raise FaceServiceError("bad_request", "the body has too many values beside its photos") from None


def _put_photos(found: json_body.Skeleton) -> int:
    """Puts the long texts where photos are. How many; all, if a photo is a list or an object."""
    count = 0
    images = found.value.get("images") if isinstance(found.value, dict) else None
    items = [item for item in images if isinstance(item, dict)] if isinstance(images, list) else []
    for item in items:
        name = item.get("image")
        if isinstance(name, str) and name in found.texts:
            item["image"] = found.texts[name]
            count += 1
    return len(found.texts) if any(isinstance(item.get("image"), list | dict) for item in items) else count


def _form(max_images: int) -> dict[str, Any]:
    """A form's files named ``image``, and its other fields: `curl -F image=@me.jpg -F priority=search`."""
    if "image" in request.form:
        raise FaceServiceError("bad_request", f"[image] is text, but must be a file; {WITH_CURL}")
    if others := sorted(request.files.keys() - {"image"}):
        raise FaceServiceError(
            "bad_request", f"[{others[0][:100]}] is a file, but must be called [image]; {WITH_CURL}"
        )
    files = request.files.getlist("image")
    if not files:
        raise FaceServiceError("bad_request", f"[images]: the form has no file called [image]; {WITH_CURL}")
    if len(files) > max_images:
        raise FaceServiceError("bad_request", f"[images]: at most {max_images} photos a request")
    given: dict[str, Any] = {name: request.form[name] for name in request.form}
    if "return" in given:
        given["return"] = request.form.getlist("return")
    given["images"] = [{"image": file.read()} for file in files]
    return given
