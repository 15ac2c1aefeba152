"""Photos that somebody asked about: kept in memory for a while, and stored nowhere."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from faces.photo_faces import PhotoFaces

MOST = 4
"""Of a session; the oldest goes first."""
KEPT_S = 1800
SHOWABLE = ("image/jpeg", "image/png", "image/webp", "image/gif")
"""What a browser shows as it is. Others are shown by their thumbnail."""


@dataclass(frozen=True)
class AskedPhoto:
    """
    name: of its file. data: its bytes. found: its faces.
    """

    id: str
    name: str
    data: bytes
    found: PhotoFaces
    asked: float

    @property
    def mime_type(self) -> str:
        return str(self.found.file.get("mime_type", ""))

    @property
    def is_showable(self) -> bool:
        return self.mime_type in SHOWABLE

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, upright."""
        return int(self.found.photo["width"]), int(self.found.photo["height"])


@dataclass
class AskedPhotos:
    """Of one session."""

    _photos: OrderedDict[str, AskedPhoto] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, name: str, data: bytes, found: PhotoFaces) -> AskedPhoto:
        photo = AskedPhoto(secrets.token_urlsafe(12), name, data, found, time.monotonic())
        with self._lock:
            self._photos[photo.id] = photo
            while len(self._photos) > MOST:
                self._photos.popitem(last=False)
        return photo

    def get(self, key: str) -> AskedPhoto | None:
        with self._lock:
            photo = self._photos.get(key)
            if photo and time.monotonic() - photo.asked > KEPT_S:
                del self._photos[key]
                return None
            return photo
