"""A request's key and body: limited while they arrive, then read and checked once."""

from __future__ import annotations

import hmac
import io
import json
from typing import IO, Any, NoReturn, TypeVar

from flask import Flask, Request, g, request
from pydantic import BaseModel, ValidationError

from ingest_service.admission import Limit, LimitedBody
from ingest_service.errors import FaceServiceError
from ingest_service.settings import Settings

Body = TypeVar("Body", bound=BaseModel)

WITH_CURL = "with curl, `-F image=@me.jpg`"


class InMemoryRequest(Request):
    """A form's files stay in memory, where the body's limit bounds them: no photo is written to a disk."""

    def _get_file_stream(self, *_: Any, **__: Any) -> IO[bytes]:
        return io.BytesIO()


def limit_bodies(app: Flask, settings: Settings) -> None:
    """Limits the bodies of all requests together: else each thread could hold one of the largest size."""
    limit = Limit(4 * settings.max_body_bytes, "too many bytes are in progress")

    @app.before_request
    def enter() -> None:
        g.body = request.environ["wsgi.input"] = LimitedBody(request.environ["wsgi.input"], limit)

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if "body" in g:
            g.body.release()


def authorize(api_keys: tuple[str, ...]) -> None:
    """
    Raises:
        FaceServiceError: ``unauthorized``.
    """
    if not api_keys:
        return
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # Every key is compared, so that the time taken doesn't reveal which one was close.
    matches = [hmac.compare_digest(given.encode("latin-1"), key.encode()) for key in api_keys]
    if scheme.lower() not in ("bearer", "apikey") or not any(matches):
        raise FaceServiceError("unauthorized", "the service's key is missing or wrong")


def refuse_preflights(app: Flask) -> None:
    """Says to a browser's question for a page of another origin (CORS) that such pages aren't served."""

    @app.before_request
    def refuse() -> None:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            raise FaceServiceError("cross_origin", "a page of another address can't ask this service")


def read_body(kind: type[Body], settings: Settings) -> Body:
    """The request's body, JSON or a form, checked.

    Raises:
        FaceServiceError: ``bad_request``.
    """
    given = _form() if request.mimetype == "multipart/form-data" else _json()
    try:
        body = kind.model_validate(given)
    except ValidationError as error:
        # Not pydantic's own text: it repeats the input.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        # A misspelt field explains why another one is missing.
        problem = min(problems, key=lambda problem: problem["type"] != "extra_forbidden")
        place = "".join(f"[{part}]" for part in problem["loc"]) or "the body"
        raise FaceServiceError("bad_request", f"{place[:100]}: {problem['msg'][:200]}") from None
    if len(getattr(body, "images", ())) > settings.max_images:
        raise FaceServiceError("bad_request", f"[images]: at most {settings.max_images} photos a request")
    return body


def _json() -> Any:
    """Whatever the content type says: curl's `-d` calls JSON a form."""
    data = request.get_data(cache=False)
    if request.content_length is None:
        request.stream.read(1)  # raises if chunks exceed the limit; they would be cut off silently
    try:
        return json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        problem = f"the body is neither JSON nor multipart/form-data; {WITH_CURL}"
        raise FaceServiceError("bad_request", problem) from None


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity: Python reads them, but they aren't JSON."""
    raise ValueError(name)


def _form() -> dict[str, Any]:
    """A form's files named ``image``, and its other fields: `curl -F image=@me.jpg -F priority=search`."""
    if "image" in request.form:
        raise FaceServiceError("bad_request", f"[image] is text, but must be a file; {WITH_CURL}")
    if others := sorted(request.files.keys() - {"image"}):
        raise FaceServiceError(
            "bad_request", f"[{others[0][:100]}] is a file, but must be called [image]; {WITH_CURL}"
        )
    if not request.files:
        raise FaceServiceError("bad_request", f"[images]: the form has no file called [image]; {WITH_CURL}")
    given: dict[str, Any] = {name: request.form[name] for name in request.form}
    if "return" in given:
        given["return"] = request.form.getlist("return")
    given["images"] = [{"image": file.read()} for file in request.files.getlist("image")]
    return given
