"""The service's settings, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest_service.catalogue import FINDERS, RECOGNIZERS
from ingest_service.errors import UserError
from ingest_service.weights import default_cache

PROFILES = ("facenet", "facenet-thorough", "deepface")
MODELS = (*PROFILES, *RECOGNIZERS)
DETECTORS = ("centerface", *FINDERS)


class SettingsError(UserError):
    """A setting has a value that can't be used; the message names both."""


@dataclass(frozen=True)
class Settings:
    """Each field is read from the variable in its comment."""

    profile: str = "facenet"  # FACES_PROFILE, one of MODELS
    detector: str = (
        "centerface"  # FACES_DETECTOR, one of DETECTORS; `deepface` always has DeepFace's centerface
    )
    cache: Path = field(default_factory=default_cache)  # FACES_CACHE
    host: str = "127.0.0.1"  # FACES_HOST
    port: int = 8501  # FACES_PORT
    api_keys: tuple[str, ...] = field(
        default=(), repr=False
    )  # FACES_API_KEY, FACES_API_KEYS_FILE (one a line)
    tls_certificate: Path | None = None  # FACES_TLS_CERTIFICATE, PEM, the whole chain
    tls_key: Path | None = None  # FACES_TLS_KEY, PEM
    detector_max_side: int = 0  # FACES_DETECTOR_MAX_SIDE, pixels of the copy that is searched; see max_side
    min_face_px: int = 16  # FACES_MIN_FACE_PX, pixels of the photo: smaller faces are dropped
    max_bytes: int = 15_000_000  # FACES_MAX_BYTES, of one photo's file
    max_pixels: int = 0  # FACES_MAX_PIXELS, of one photo; see pixel_limit
    max_images: int = 64  # FACES_MAX_IMAGES, in one request
    max_body_bytes: int = 128_000_000  # FACES_MAX_BODY_BYTES, of one request
    max_waiting: int = 64  # FACES_MAX_WAITING, photos inside (searches apart); more get 429
    max_batch: int = 8  # FACES_MAX_BATCH, faces that are embedded together
    linger_ms: int = 3  # FACES_LINGER_MS, milliseconds that a face waits for company
    deadline_s: int = 30  # FACES_DEADLINE_S, seconds for a whole request
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)  # FACES_WORKERS, threads for photos

    @property
    def max_side(self) -> int:
        """The bound of the copy that is searched: as set, else 256 for CenterFace, whose second look makes up
        for it, and 1024 for DeepFace's detectors."""
        return self.detector_max_side or (256 if self.detector == "centerface" else 1024)

    @property
    def pixel_limit(self) -> int:
        """As set, else 50 megapixels; for `deepface` 2, since DeepFace searches the photo at four times its
        size: 9 megapixels took 54 s and 9.6 GB."""
        return self.max_pixels or (2_000_000 if self.profile == "deepface" else 50_000_000)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """
        Raises:
            SettingsError: a number isn't one or isn't positive, or the profile or detector is unknown.
        """
        profile = _choice(environment, "FACES_PROFILE", MODELS)
        detector = _choice(environment, "FACES_DETECTOR", DETECTORS)
        if profile == "deepface" and detector != cls.detector:
            raise SettingsError(
                f"FACES_DETECTOR is [{detector}], but FACES_PROFILE [deepface] keeps to DeepFace's centerface"
            )
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
            detector=detector,
            host=environment.get("FACES_HOST", cls.host),
            api_keys=_api_keys(environment),
            tls_certificate=_file(environment, "FACES_TLS_CERTIFICATE"),
            tls_key=_file(environment, "FACES_TLS_KEY"),
            **numbers,  # type: ignore[arg-type]
        )


def _choice(environment: Mapping[str, str], name: str, valid: tuple[str, ...]) -> str:
    """The variable's value; the first of the valid ones where it isn't set."""
    value = environment.get(name, valid[0])
    if value not in valid:
        raise SettingsError(f"{name} is [{value}], valid values are {list(valid)}")
    return value


def _api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The key of the environment, and those of the file, where empty lines and # comments don't count."""
    keys = [environment.get("FACES_API_KEY", "")]
    if file := _file(environment, "FACES_API_KEYS_FILE"):
        keys += [line.strip() for line in file.read_text().splitlines() if not line.startswith("#")]
        if not any(keys):
            raise SettingsError(f"FACES_API_KEYS_FILE is [{file}], but holds no key: all would be let in")
    return tuple(key for key in keys if key)


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    text = environment.get(name)
    if not text:
        return None
    if not os.access(text, os.R_OK):
        raise SettingsError(f"{name} is [{text}], which isn't a file that can be read")
    return Path(text)
