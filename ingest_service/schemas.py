"""Requests and answers as pydantic models: what is checked, what is sent, and what OpenAPI shows.

An answer's fields are sent in the order in which they are declared, those that are None left out.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from ingest_service import drawn_boxes
from ingest_service.decoding import Photo
from ingest_service.detection import LANDMARKS
from ingest_service.errors import FaceServiceError
from ingest_service.model import FoundFace, Model
from ingest_service.networks import Precision, Runtime, RuntimeName
from ingest_service.quality import Quality
from ingest_service.verdicts import Thresholds, Verdict

Return = Literal["vector", "crop", "thumbnail", "fingerprint"]
EVERYTHING: list[Return] = ["vector", "crop", "thumbnail", "fingerprint"]


class Strict(BaseModel):
    """An unknown field is an error: a misspelt option would otherwise be ignored."""

    model_config = ConfigDict(extra="forbid")


def _nulls_are_left_out(schema: dict[str, Any]) -> None:
    """An answer's optional field is present or absent, never null."""
    for field in schema["properties"].values():
        if "anyOf" in field:
            (kind,) = (kind for kind in field.pop("anyOf") if kind != {"type": "null"})
            field.update(kind)
            del field["default"]


def _whole(value: Any) -> Any:
    """JavaScript may write the integer 2 as 2.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _boxes_are_boxes(schema: dict[str, Any]) -> None:
    """What each box should be. One that isn't is its photo's error, so the model takes anything."""
    side: dict[str, Any] = {"type": "number", "minimum": 0}
    box = {
        "type": "object",
        "properties": dict.fromkeys(("x", "y"), side)
        | dict.fromkeys(("width", "height"), side | {"minimum": drawn_boxes.SHORTEST_SIDE}),
        "required": ["x", "y", "width", "height"],
    }
    schema["properties"]["boxes"] |= {"type": "array", "maxItems": drawn_boxes.MOST, "items": box}


class PhotoOptions(Strict):
    model_config = ConfigDict(json_schema_extra=_boxes_are_boxes)

    max_faces: Annotated[
        int | None,
        Field(strict=True, ge=1, description="keep at most so many, largest first"),
        BeforeValidator(_whole),
    ] = None
    min_confidence: Annotated[
        float, Field(strict=True, ge=0, le=1, description="drop faces of lower confidence")
    ] = 0
    min_quality: Annotated[
        float, Field(strict=True, ge=0, le=1, description="drop faces of a lower quality score")
    ] = 0
    boxes: Annotated[
        Any,
        Field(
            description="boxes that a person drew around faces that the detector misses, in pixels of the "
            "upright photo: the face in each is returned after the others, with `drawn`, whatever the other "
            "options say, unless a detected face that is returned is the same",
        ),
    ] = None


def _image_is_a_string(schema: dict[str, Any]) -> None:
    schema["properties"]["image"] |= {"type": "string"}


class PhotoRequest(Strict):
    model_config = ConfigDict(json_schema_extra=_image_is_a_string)

    # Any, and a default: a photo of a wrong type, or an absent one, fails alone, not the whole request.
    image: Annotated[
        Any,
        Field(
            description="the photo's bytes as base64 or as a data: URI, never a URL or a path; the result of "
            "a photo that is absent or can't be read is an error, and the other photos have theirs",
        ),
    ] = None
    options: PhotoOptions = PhotoOptions()


class FacesRequest(Strict):
    model: Annotated[str | None, Field(description="refuse if another model is served")] = None
    priority: Annotated[
        Literal["ingest", "search"], Field(description="`search`: interactive, skips batching")
    ] = "ingest"
    returns: Annotated[
        list[Return],
        Field(alias="return", description="what to return beside boxes", default=EVERYTHING, fail_fast=True),
    ]
    images: Annotated[list[PhotoRequest], Field(min_length=1, fail_fast=True)]


class VerifyRequest(Strict):
    images: Annotated[list[PhotoRequest], Field(min_length=2, max_length=2, description="two photos")]


class ErrorDetail(BaseModel):
    code: Annotated[str, Field(description="stable")]
    message: Annotated[str, Field(description="what is wrong, and what to do")]

    @classmethod
    def of(cls, error: FaceServiceError) -> ErrorDetail:
        return cls(code=error.code, message=error.message)


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class ModelAnswer(BaseModel):
    id: Annotated[str, Field(description="only vectors of the same id are comparable")]
    digest: Annotated[str, Field(description="SHA-256 over everything that shapes a vector")]
    dims: int
    precision: Annotated[
        Precision, Field(description="that the faces were embedded in; fp32 and bf16 share an id")
    ]

    @classmethod
    def of(cls, model: Model, runtime: Runtime) -> ModelAnswer:
        return cls(id=model.id, digest=model.digest, dims=model.dims, precision=runtime.precision)


class ThresholdsAnswer(BaseModel):
    """Of a profile, for indices that aren't calibrated."""

    strong: Annotated[float, Field(description="the lowest similarity of a strong match, -1 to 1")]
    possible: Annotated[float, Field(description="of a possible match")]

    @classmethod
    def of(cls, thresholds: Thresholds) -> ThresholdsAnswer:
        return cls(strong=thresholds.strong, possible=thresholds.possible)


class Box(BaseModel):
    """In pixels of the upright photo."""

    x: int
    y: int
    width: int
    height: int


class Point(BaseModel):
    x: float
    y: float


class QualityAnswer(BaseModel):
    score: Annotated[
        float, Field(description="0 to 1, the cube root of the three below, size capped at 60 pixels")
    ]
    interocular_distance: Annotated[float, Field(description="pixels between the eyes")]
    sharpness: Annotated[float, Field(description="0 to 1")]
    frontality: Annotated[float, Field(description="0 to 1")]

    @classmethod
    def of(cls, quality: Quality) -> QualityAnswer:
        return cls(
            score=round(quality.score, 4),
            interocular_distance=round(quality.interocular_distance, 2),
            sharpness=round(quality.sharpness, 4),
            frontality=round(quality.frontality, 4),
        )


class FaceAnswer(BaseModel):
    model_config = ConfigDict(json_schema_extra=_nulls_are_left_out)

    box: Box
    confidence: Annotated[
        float, Field(description="the detector's, 0 to 1; 0 in a drawn box in which it finds no face")
    ]
    drawn: Annotated[bool | None, Field(description="true if a person drew the box")] = None
    quality: QualityAnswer
    landmarks: Annotated[dict[str, Point], Field(description="left and right are the person's own")]
    crop: Annotated[str | None, Field(description="base64 JPEG: the face with a margin")] = None
    vector: Annotated[list[float] | None, Field(description="length 1")] = None

    @classmethod
    def of(cls, face: FoundFace, quality: Quality, crop: str | None, drawn: bool) -> FaceAnswer:
        """Without its vector; the box in whole pixels."""
        x, y, width, height = face.detection.box
        points = zip(LANDMARKS, face.detection.landmarks.tolist(), strict=True)
        return cls(
            box=Box(x=round(x), y=round(y), width=max(1, round(width)), height=max(1, round(height))),
            confidence=round(face.detection.confidence, 4),
            drawn=drawn or None,
            quality=QualityAnswer.of(quality),
            landmarks={
                name: Point(x=round(px, 1), y=round(py, 1)) for name, (px, py) in points if isfinite(px)
            },
            crop=crop,
        )


class PhotoAnswer(BaseModel):
    model_config = ConfigDict(json_schema_extra=_nulls_are_left_out)

    width: int
    height: int
    taken: Annotated[str | None, Field(description="EXIF's date, ISO 8601")] = None
    fingerprint: Annotated[str | None, Field(description="64-bit perceptual hash, hex")] = None


class FileAnswer(BaseModel):
    size: int
    mime_type: str
    hash: dict[str, str]

    @classmethod
    def of(cls, photo: Photo) -> FileAnswer:
        return cls(size=photo.size, mime_type=photo.mime_type, hash={"sha256": photo.sha256})


class PhotoResult(BaseModel):
    """Either an error, or faces, photo and file."""

    # No oneOf of the two: several generators of clients then have no type for it.
    model_config = ConfigDict(json_schema_extra=_nulls_are_left_out)

    faces: Annotated[list[FaceAnswer] | None, Field(description="largest first, then the drawn ones")] = None
    photo: PhotoAnswer | None = None
    file: FileAnswer | None = None
    thumbnail: Annotated[str | None, Field(description="base64 JPEG, at most 8,000 bytes")] = None
    error: ErrorDetail | None = None


class FacesAnswer(BaseModel):
    model: ModelAnswer
    results: Annotated[list[PhotoResult], Field(description="one a photo, in order")]


class VerifyAnswer(BaseModel):
    model: ModelAnswer
    similarity: Annotated[float, Field(description="cosine of the two photos' largest faces, -1 to 1")]
    verdict: Verdict
    thresholds: Annotated[ThresholdsAnswer, Field(description="of the verdict: those of the served profile")]
    calibrated: bool
    faces: Annotated[list[FaceAnswer], Field(description="the two faces that were compared")]


class ReadyAnswer(BaseModel):
    status: str
    model: ModelAnswer
    runtime: Annotated[RuntimeName, Field(description="that the faces are embedded in")]
    thresholds: ThresholdsAnswer


class AvailableModel(BaseModel):
    model_config = ConfigDict(json_schema_extra=_nulls_are_left_out)

    name: Annotated[str, Field(description="for FACES_PROFILE")]
    dims: int
    thresholds: ThresholdsAnswer
    licence: Annotated[str, Field(description="of the weights, as far as their authors say")]
    note: str
    weights_present: Annotated[bool, Field(description="and the package that they need")]
    served: bool
    id: Annotated[str | None, Field(description="of the one that is served")] = None
    runtime: Annotated[RuntimeName | None, Field(description="likewise")] = None
    precision: Annotated[Precision | None, Field(description="likewise")] = None


class ModelsAnswer(BaseModel):
    models: list[AvailableModel]


class HealthAnswer(BaseModel):
    status: str
