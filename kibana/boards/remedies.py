"""What to do about each error code that a document can have, as the boards say it."""

from __future__ import annotations

REMEDIES = {
    "not_base64": "send standard base64",
    "not_an_image": "these bytes are no picture: look at what the sender reads",
    "unsupported_format": "convert it to JPEG, PNG, WebP or HEIC",
    "truncated": "the file ends early: send it again, whole",
    "damaged": "can't be decoded: save it again, or send another copy",
    "too_large": "over 15 MB: shrink it before sending",
    "too_many_pixels": "over 50 megapixels: shrink it before sending",
    "too_costly": "decoding it takes too long: open it and save it again",
    "no_face": "a portrait needs one face, upright and from the front",
    "several_faces": "a portrait needs one face: crop it",
    "unavailable": "the service didn't answer: send the document again",
    "internal": "a bug of the service: please report it",
}


def in_words() -> dict[str, str]:
    """code -> code and remedy, as boards show it."""
    return {code: f"{code}: {remedy}" for code, remedy in REMEDIES.items()}
