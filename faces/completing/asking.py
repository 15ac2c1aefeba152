"""Asks the inference service about photos as the plugin does: several in a request, and each by itself where
one of them breaks it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from es_setup.connection import RETRYABLE, ConnectionFailed, Service, ServiceRefused, without_password
from es_setup.other_models import MISMATCH, OtherModel, what_to_do
from faces.decisions.adding import DrawnBox
from faces.photo_faces import PhotoFaces, PhotoRefused
from faces.refusals import ServiceUnfit, pixel
from ingest_service.errors import UserError

AT_ONCE = 16
"""Photos in a request, as by the plugin (``face.batch.size``)."""
BYTES = 16_000_000
"""Of photos in a request, unless a single one is larger (``face.batch.bytes``)."""
TIMEOUT = 120
"""Seconds for a request."""
TIMEOUT_ALONE = 60
"""Seconds for a photo that is sent again by itself."""
PIXEL_TIMEOUT = 10
TOO_LARGE = 413
TOO_SLOW = (
    "the photo takes longer than [{seconds}s], while others were answered; save it again as a plain JPEG, or "
    "make it smaller"
)


class ServiceAway(UserError):
    """The service can't answer at the moment; a later try may succeed.

    Attributes:
        retry_after: seconds until then, if the service says it.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(frozen=True)
class Photo:
    """
    image: as it was sent: base64, or a ``data:`` URI.
    limits: which faces are kept.
    boxes: that people drew around faces of it.
    """

    image: str = field(repr=False)
    limits: Mapping[str, float]
    boxes: Sequence[DrawnBox] = ()

    def as_json(self) -> dict[str, Any]:
        options = {**self.limits, **({"boxes": list(self.boxes)} if self.boxes else {})}
        return {"image": self.image, **({"options": options} if options else {})}


@dataclass(frozen=True)
class Answer:
    """
    found: the faces, or why there are none.
    took: nanoseconds until the answer to the whole request.
    """

    found: PhotoFaces | PhotoRefused
    took: int


def faces_of(service: Service, photos: Sequence[Photo], model: str | None, index: str) -> list[Answer]:
    """What the service finds in each photo.

    Args:
        model: that must find them; None: the one that is served.
        index: that the photos are in, for messages.

    Raises:
        ServiceAway: it can't answer at the moment.
        OtherModel: it serves another model.
        ServiceUnfit: it refuses the requests, such as for a wrong key.
    """
    asking = _Asking(service, model, index)
    return [answer for batch in _batches(photos) for answer in asking.answers(batch)]


def require_model(service: Service, wanted: Mapping[str, str | None]) -> None:
    """
    Args:
        wanted: each index -> the model that must find its faces; None: whichever is served.

    Raises:
        OtherModel: another one is served.
        ServiceAway: the service doesn't answer.
    """
    try:
        served = service.model().id
    except ConnectionFailed as error:
        raise ServiceAway(str(error)) from None
    for index, model in wanted.items():
        if model not in (None, served):
            raise _other_model(index, str(model), served)


@dataclass(frozen=True)
class _Asking:
    service: Service
    model: str | None
    index: str

    def answers(self, batch: Sequence[Photo], timeout: float | None = None) -> list[Answer]:
        try:
            return self._ask(batch, timeout or TIMEOUT)
        except ServiceRefused as refused:
            if refused.status != TOO_LARGE:
                raise self._fault(refused) from None
            if len(batch) == 1:
                return [Answer(PhotoRefused("too_large", "the photo is too large for the service"), 0)]
            middle = len(batch) // 2
            return [*self.answers(batch[:middle]), *self.answers(batch[middle:])]
        except ConnectionFailed as error:
            return self._again(batch, error)

    def _ask(self, batch: Sequence[Photo], timeout: float) -> list[Answer]:
        began = time.monotonic_ns()
        request = {"priority": "ingest", **({"model": self.model} if self.model else {})}
        answer = self.service.ask([photo.as_json() for photo in batch], request, timeout)
        took = time.monotonic_ns() - began
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(batch):
            address = without_password(self.service.url)
            raise ServiceUnfit(f"the inference service at {address} doesn't answer each photo")
        if self.model not in (None, answer["model"]["id"]):
            raise _other_model(self.index, str(self.model), str(answer["model"]["id"]))
        return [Answer(self._read(answer["model"], result), took) for result in results]

    def _read(self, model: dict[str, Any], result: dict[str, Any]) -> PhotoFaces | PhotoRefused:
        try:
            return PhotoFaces.of({"model": model, **result})
        except PhotoRefused as refused:
            return refused

    def _again(self, batch: Sequence[Photo], error: ConnectionFailed) -> list[Answer]:
        """Photos whose request got no answer: each by itself, if the service answers another picture. A photo
        that gets none then either is at fault."""
        self._require_there(error)
        if len(batch) > 1:
            return [answer for photo in batch for answer in self.answers([photo], TIMEOUT_ALONE)]
        try:
            return self._ask(batch, TIMEOUT_ALONE)
        except ServiceRefused as refused:
            raise self._fault(refused) from None
        except ConnectionFailed as again:
            self._require_there(again)
        slow = PhotoRefused("too_slow", TOO_SLOW.format(seconds=TIMEOUT_ALONE))
        return [Answer(slow, TIMEOUT_ALONE * 10**9)]

    def _require_there(self, error: ConnectionFailed) -> None:
        """
        Raises:
            ServiceAway: the service doesn't answer a picture of one pixel either.
        """
        try:
            self.service.check(pixel(), PIXEL_TIMEOUT)
        except ServiceRefused as refused:
            raise self._fault(refused) from None
        except ConnectionFailed:
            raise ServiceAway(str(error)) from None

    def _fault(self, refused: ServiceRefused) -> UserError:
        if refused.status in RETRYABLE:
            return ServiceAway(str(refused), refused.retry_after)
        if found := MISMATCH.search(str(refused)):
            return _other_model(self.index, *found.groups())
        return ServiceUnfit(str(refused))


def _other_model(index: str, held: str, served: str) -> OtherModel:
    return OtherModel(
        f"[{index}] has vectors of [{held}], but the service serves [{served}]. {what_to_do(held, served)}"
    )


def _batches(photos: Sequence[Photo]) -> Iterator[list[Photo]]:
    batch: list[Photo] = []
    size = 0
    for photo in photos:
        if batch and (len(batch) == AT_ONCE or size + len(photo.image) > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(photo)
        size += len(photo.image)
    if batch:
        yield batch
