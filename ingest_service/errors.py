"""Everything that can go wrong: with a photo or a request (one table), or with a command (``UserError``).

An answer's ``error`` is ``{"code", "message"}``. Programs rely on the code, which is stable; a message says
what is wrong and ends with what to do. Neither ever holds a byte of a photo.
"""

from __future__ import annotations

PHOTO = 200
"""The status of an answer in which one photo has an error: that photo's result is the error."""

CODES: dict[str, tuple[int, str]] = {
    # code: (HTTP status, remedy)
    "not_base64": (PHOTO, "Send the photo's bytes as standard base64, with or without a data: prefix."),
    "not_an_image": (PHOTO, "Send a JPEG, PNG, WebP, BMP, TIFF, GIF or HEIC picture."),
    "unsupported_format": (PHOTO, "Convert it to JPEG, PNG, WebP, BMP, TIFF, GIF or HEIC."),
    "truncated": (PHOTO, "Send the whole file: its end is missing."),
    "damaged": (PHOTO, "Open the file and save it again, or send another copy."),
    "too_large": (PHOTO, "Send a smaller file, or raise FACES_MAX_BYTES."),
    "too_many_pixels": (PHOTO, "Scale the photo down, or raise FACES_MAX_PIXELS."),
    "too_costly": (PHOTO, "Open the file and save it again."),
    "bad_box": (
        PHOTO,
        "Send at most 20 boxes of x, y, width and height in pixels of the upright photo, inside it, and at "
        "least 8 wide and high.",
    ),
    "internal": (PHOTO, "See the service's log of that moment, and report it."),
    "bad_request": (400, "See /docs for the request's form."),
    "no_face": (400, "Send a photo that shows a face."),
    "unauthorized": (401, "Send the header `Authorization: Bearer <key>` with the service's key."),
    "cross_origin": (
        403,
        "Let a server at the page's own address pass the request on, or name this service's host in "
        "FACES_ALLOWED_HOSTS, see docs/service.md.",
    ),
    "not_found": (404, "POST photos to /v1/faces."),
    "method_not_allowed": (405, "POST photos to /v1/faces."),
    "request_timeout": (408, "Send fewer photos in a request, or raise FACES_REQUEST_TIMEOUT_S."),
    "model_mismatch": (409, "Ask for the model that is served, or start the service with the other one."),
    "body_too_large": (413, "Send fewer photos in a request, or raise FACES_MAX_BODY_BYTES."),
    "unsupported_media_type": (
        415,
        "With curl, send JSON with `-H 'Content-Type: application/json'`, a file with `-F image=@me.jpg`.",
    ),
    "overloaded": (429, "Ask again after the seconds in Retry-After, or start another copy of the service."),
    "deadline_exceeded": (503, "Ask again later with fewer or smaller photos, or raise FACES_DEADLINE_S."),
}


class UserError(Exception):
    """Base of every failure that the person who runs a command can mend: the message says what is wrong and
    what to do, and the command line prints it without a traceback."""


class WrongArguments(UserError):
    """Base of those that lie in what the command was given: it ends with status 2."""


class SettingsError(UserError):
    """A setting has a value that can't be used; the message names both."""


class FaceServiceError(Exception):
    """An error with a code of the table above.

    Args:
        code: a key of ``CODES``.
        problem: what is wrong, as a sentence without its full stop.
        status: the HTTP status, if not the table's: for a photo's error that fails the whole request.
    """

    def __init__(self, code: str, problem: str, status: int | None = None) -> None:
        self.code = code
        self.problem = problem
        default_status, remedy = CODES[code]
        self.status = status or default_status
        self.message = f"{problem}. {remedy}"
        super().__init__(self.message)
