"""The service's settings, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest_service.weights import default_cache

PROFILES = ("facenet", "deepface")


class SettingsError(Exception):
    """A setting has a value that can't be used; the message names both."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from the variable in its comment."""

    profile: str = "facenet"  # FACES_PROFILE
    cache: Path = field(default_factory=default_cache)  # FACES_CACHE
    host: str = "127.0.0.1"  # FACES_HOST
    port: int = 8501  # FACES_PORT
    api_key: str | None = field(default=None, repr=False)  # FACES_API_KEY
    detector_max_side: int = 320  # FACES_DETECTOR_MAX_SIDE, pixels of the copy that is searched for faces
    min_face_px: int = 16  # FACES_MIN_FACE_PX, pixels of the photo: smaller faces are dropped
    max_bytes: int = 15_000_000  # FACES_MAX_BYTES, of one photo's file
    max_pixels: int = 50_000_000  # FACES_MAX_PIXELS, of one photo
    max_images: int = 64  # FACES_MAX_IMAGES, in one request
    max_body_bytes: int = 128_000_000  # FACES_MAX_BODY_BYTES, of one request
    max_waiting: int = 64  # FACES_MAX_WAITING, requests that wait for a core; more get 429
    workers: int = field(
        default_factory=lambda: os.cpu_count() or 1
    )  # FACES_WORKERS, requests computed at once

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """
        Raises:
            SettingsError: a number isn't one or isn't positive, or the profile is unknown.
        """
        profile = environment.get("FACES_PROFILE", cls.profile)
        if profile not in PROFILES:
            raise SettingsError(f"FACES_PROFILE is [{profile}], valid values are {list(PROFILES)}")
        numbers = {}
        for name in cls.__dataclass_fields__:
            text = environment.get(f"FACES_{name.upper()}")
            if text is not None and cls.__dataclass_fields__[name].type == "int":
                if not text.isdigit() or int(text) == 0:
                    raise SettingsError(
                        f"FACES_{name.upper()} is [{text}], but must be a whole number above 0"
                    )
                numbers[name] = int(text)
        return cls(
            profile=profile,
            host=environment.get("FACES_HOST", cls.host),
            api_key=environment.get("FACES_API_KEY") or None,
            **numbers,  # type: ignore[arg-type]
        )
