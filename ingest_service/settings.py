"""The service's settings, read once from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path

from ingest_service import access, networks
from ingest_service.errors import SettingsError
from ingest_service.networks import Runtime
from ingest_service.registry import DETECTORS, MODELS
from ingest_service.successors import SUCCESSORS
from ingest_service.weights.cache import default_cache

SHORT_KEY = 16
HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Settings:
    """Each field is read from the variable in its comment."""

    profile: str = next(iter(MODELS))  # FACES_PROFILE, a name of the registry's MODELS
    detector: str = next(iter(DETECTORS))  # FACES_DETECTOR, a name of its DETECTORS
    # FACES_RUNTIME and FACES_PRECISION, of the networks that embed; see chosen_runtime
    runtime: str = field(default_factory=lambda: os.environ.get("FACES_RUNTIME", networks.AUTO))
    precision: str = field(default_factory=lambda: os.environ.get("FACES_PRECISION", networks.AUTO))
    cache: Path = field(default_factory=default_cache)  # FACES_CACHE
    host: str = "127.0.0.1"  # FACES_HOST, an address or a name of this machine
    port: int = 8501  # FACES_PORT
    allowed_hosts: frozenset[str] = frozenset()  # FACES_ALLOWED_HOSTS, names by which it is asked
    # FACES_INSECURE, what a service beyond loopback may lack, is read by access.py alone.
    open_pages: frozenset[str] = frozenset()  # FACES_OPEN_PAGES, of access.PAGES: need no key
    api_keys: tuple[str, ...] = field(default=(), repr=False)  # FACES_API_KEY, FACES_API_KEYS_FILE
    tls_certificate: Path | None = None  # FACES_TLS_CERTIFICATE, PEM, the whole chain
    tls_key: Path | None = None  # FACES_TLS_KEY, PEM
    detector_max_side: int = 0  # FACES_DETECTOR_MAX_SIDE, pixels of the copy that is searched; see max_side
    turned_faces: bool = True  # FACES_TURNED_FACES, on or off: finds faces that stand sideways or upside down
    min_face_px: int = 16  # FACES_MIN_FACE_PX, pixels of the photo: smaller faces are dropped
    max_bytes: int = 15_000_000  # FACES_MAX_BYTES, of one photo's file
    max_pixels: int = 0  # FACES_MAX_PIXELS, of one photo; see pixel_limit
    decoding_bytes: int = 2_000_000_000  # FACES_DECODING_BYTES, memory of large photos being decoded
    max_images: int = 64  # FACES_MAX_IMAGES, in one request
    max_body_bytes: int = 128_000_000  # FACES_MAX_BODY_BYTES, of one request
    max_waiting: int = 64  # FACES_MAX_WAITING, photos in progress (searches: a limit of their own, as high)
    max_batch: int = 8  # FACES_MAX_BATCH, faces that are embedded together
    linger_ms: int = 3  # FACES_LINGER_MS, milliseconds that a face waits for others to join its batch
    deadline_s: int = 30  # FACES_DEADLINE_S, seconds for a request's photos
    request_timeout_s: int = 30  # FACES_REQUEST_TIMEOUT_S, seconds to send a request, or read an answer
    max_connections: int = 800  # FACES_MAX_CONNECTIONS, at once
    max_connections_per_address: int = 400  # FACES_MAX_CONNECTIONS_PER_ADDRESS (IPv6: per 64-bit network)
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)  # FACES_WORKERS, threads for photos

    @property
    def bind(self) -> str:
        """Address and port to listen at."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def warnings(self) -> list[str]:
        """What is allowed, but not safe."""
        found = []
        if any(len(key) < SHORT_KEY for key in self.api_keys):
            found.append(
                f"a key of fewer than {SHORT_KEY} characters could be guessed: use `openssl rand -hex 32`"
            )
        if not self.api_keys and not ip_address(self.host).is_loopback:
            found.append(
                f"whoever reaches {self.bind} can use the service, which has no key: see FACES_INSECURE"
            )
        return found

    def chosen_runtime(self) -> Runtime:
        """The model's only one; else as set, else the fastest that is here.

        Raises:
            SettingsError: it can't be had, as ``networks.choose`` says.
        """
        if fixed := MODELS[self.profile].fixed_runtime:
            return replace(fixed, at_once=self.workers)
        return networks.choose(self.runtime, self.precision, self.workers)

    @property
    def max_side(self) -> int:
        """Longest side in pixels of the copy that is searched: as set, else the detector's default."""
        return self.detector_max_side or DETECTORS[self.detector].max_side

    @property
    def pixel_limit(self) -> int:
        """As set, else the model's default."""
        return self.max_pixels or MODELS[self.profile].max_pixels

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """
        Raises:
            SettingsError: a number isn't one or isn't positive, a switch is neither on nor off, the profile,
                detector, runtime or precision is unknown, two of them exclude each other, or the service
                would be open unasked (``access.read``).
        """
        profile = environment.get("FACES_PROFILE", cls.profile)
        if profile in SUCCESSORS:
            raise SettingsError(
                f"FACES_PROFILE is [{profile}], which is no longer served: take its successor, "
                f"[{SUCCESSORS[profile]}], and embed the photos of its indices again"
            )
        if profile not in MODELS:
            valid = [name for name, entry in MODELS.items() if entry.listed]
            raise SettingsError(_unknown("FACES_PROFILE", profile, valid))
        detector = environment.get("FACES_DETECTOR", cls.detector)
        if detector not in DETECTORS:
            raise SettingsError(_unknown("FACES_DETECTOR", detector, list(DETECTORS)))
        if MODELS[profile].own_detector and detector != cls.detector:
            raise SettingsError(
                f"FACES_DETECTOR is [{detector}], but FACES_PROFILE [{profile}] has its own detector: "
                "set only one of the two"
            )
        numbers = {}
        for name in cls.__dataclass_fields__:
            text = environment.get(f"FACES_{name.upper()}")
            if text is not None and cls.__dataclass_fields__[name].type == "int":
                if not (text.isascii() and text.isdigit()) or int(text) == 0:
                    raise SettingsError(
                        f"FACES_{name.upper()} is [{text}], but must be a whole number above 0"
                    )
                numbers[name] = int(text)
        if numbers.get("port", 0) > HIGHEST_PORT:
            raise SettingsError(f"FACES_PORT is [{numbers['port']}], but must be at most {HIGHEST_PORT}")
        turned_faces = environment.get("FACES_TURNED_FACES", "on")
        if turned_faces not in ("on", "off"):
            raise SettingsError(_unknown("FACES_TURNED_FACES", turned_faces, ["on", "off"]))
        settings = cls(
            profile=profile,
            detector=detector,
            turned_faces=turned_faces == "on",
            runtime=environment.get("FACES_RUNTIME", networks.AUTO),
            precision=environment.get("FACES_PRECISION", networks.AUTO),
            **access.read(environment),
            **numbers,  # type: ignore[arg-type]
        )
        settings._check_runtime()
        return settings

    def _check_runtime(self) -> None:
        fixed = MODELS[self.profile].fixed_runtime
        if fixed is None:
            networks.check(self.runtime, self.precision)
            return
        networks.check_known(self.runtime, self.precision)
        for name, value, only in (
            ("FACES_RUNTIME", self.runtime, fixed.name),
            ("FACES_PRECISION", self.precision, fixed.precision),
        ):
            if value not in (networks.AUTO, only):
                raise SettingsError(
                    f"{name} is [{value}], but FACES_PROFILE [{self.profile}] runs in {fixed} only: set only "
                    "one of the two"
                )


def _unknown(name: str, value: str, valid: Sequence[str]) -> str:
    return f"{name} is [{value}], valid values are {valid}"
