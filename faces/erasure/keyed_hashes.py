"""Hashes of names and photos that nobody without the key can check a guess against.

A plain SHA-256 of a photo or a name would tell whoever has that photo, or a list of names, who was forgotten.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field

from elasticsearch import AuthorizationException, ConflictError, Elasticsearch, NotFoundError

from faces.names import nfc
from ingest_service.errors import UserError

VARIABLE = "FACES_FORGET_KEY"
SHORTEST = 16
KEY_INDEX = "face-forgotten-key"
"""Holds one document, the key that was made here. The role `faces_admin` alone may read it."""
KEY_ID = "key"


class BadKey(UserError):
    """The key can't be used; the message says why."""


@dataclass(frozen=True)
class KeyedHashes:
    """HMAC-SHA-256, in hex, each kind of text for itself."""

    key: bytes = field(repr=False)

    def of_photo(self, sha256: str) -> str:
        return self._of("photo", sha256)

    def of_picture(self, picture_hash: str) -> str:
        """Of the picture without its metadata: a tag that somebody wrote into a file changes its SHA-256."""
        return self._of("picture", picture_hash)

    def of_name(self, name: str) -> str:
        return self._of("name", nfc(name).strip())

    def of_document(self, key: str) -> str:
        return self._of("document", key)

    def _of(self, kind: str, text: str) -> str:
        return hmac.new(self.key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()


def existing(es: Elasticsearch) -> KeyedHashes | None:
    """With the key of `FACES_FORGET_KEY`, else the one that was made; None if there is neither.

    Raises:
        BadKey: the variable's is too short, or this user may not read the one that was made.
    """
    if own := os.environ.get(VARIABLE):
        if len(own) < SHORTEST:
            raise BadKey(f"{VARIABLE} has fewer than {SHORTEST} characters: set one that can't be guessed")
        return KeyedHashes(own.encode())
    try:
        made = es.get(index=KEY_INDEX, id=KEY_ID)["_source"]["key"]
    except NotFoundError:
        return None
    except AuthorizationException:
        raise BadKey(
            f"this user may not read the key in [{KEY_INDEX}], as the role [faces_admin] may: use such a "
            f"user, or set {VARIABLE} if you have set one before"
        ) from None
    return KeyedHashes(bytes.fromhex(made))


def made(es: Elasticsearch) -> KeyedHashes:
    """As `existing`; without a key one is made, once: of two runs the first one's counts."""
    if found := existing(es):
        return found
    with contextlib.suppress(ConflictError):
        es.create(index=KEY_INDEX, id=KEY_ID, document={"key": secrets.token_hex(32)}, refresh=True)
    found = existing(es)
    if found is None:
        raise BadKey(f"[{KEY_INDEX}] doesn't keep the key: run this again")
    return found
