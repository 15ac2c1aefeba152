"""The requests and answers, as pydantic models: what is checked, and what OpenAPI shows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Return = Literal["vector", "crop", "thumbnail", "fingerprint"]
EVERYTHING: list[Return] = ["vector", "crop", "thumbnail", "fingerprint"]


class Strict(BaseModel):
    """A field that isn't known is an error: a misspelt option would otherwise do nothing."""

    model_config = ConfigDict(extra="forbid")


def _nulls_are_left_out(schema: dict[str, Any]) -> None:
    """An answer's field is there, or isn't; it is never null."""
    for field in schema["properties"].values():
        if "anyOf" in field:
            (kind,) = (kind for kind in field.pop("anyOf") if kind != {"type": "null"})
            field.update(kind)
            del field["default"]


def _one_of_both(schema: dict[str, Any]) -> None:
    _nulls_are_left_out(schema)
    schema["oneOf"] = [{"required": ["faces", "photo", "file"]}, {"required": ["error"]}]


def _whole(value: Any) -> Any:
    """2.0 is an integer in JSON, where JavaScript may have written it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


class PhotoOptions(Strict):
    max_faces: Annotated[
        int | None,
        Field(strict=True, ge=1, description="keep so many, largest first"),
        BeforeValidator(_whole),
    ] = None
    min_confidence: Annotated[
        float, Field(strict=True, ge=0, le=1, description="drop faces of which the detector is less sure")
    ] = 0
    min_quality: Annotated[
        float, Field(strict=True, ge=0, le=1, description="drop faces of a lower quality score")
    ] = 0


def _image_is_a_string(schema: dict[str, Any]) -> None:
    schema["required"] = ["image"]
    schema["properties"]["image"] |= {"type": "string"}
    del schema["properties"]["image"]["default"]


class PhotoRequest(Strict):
    model_config = ConfigDict(json_schema_extra=_image_is_a_string)

    # Any, and a default: a photo of a wrong type, or none, fails in its own slot, not the whole request.
    image: Annotated[
        Any,
        Field(
            description="the photo's bytes as base64, or as a base64 data: URI; never a URL or a path; what "
            "can't be read is an error in the photo's own slot of the answer",
        ),
    ] = None
    options: PhotoOptions = PhotoOptions()


class FacesRequest(Strict):
    model: Annotated[str | None, Field(description="refuse if another model is served")] = None
    priority: Annotated[
        Literal["ingest", "search"], Field(description="`search`: a person waits; doesn't linger for a batch")
    ] = "ingest"
    returns: Annotated[
        list[Return], Field(alias="return", description="what is wanted beside boxes", default=EVERYTHING)
    ]
    images: Annotated[list[PhotoRequest], Field(min_length=1)]


class VerifyRequest(Strict):
    images: Annotated[list[PhotoRequest], Field(min_length=2, max_length=2, description="two photos")]


class ErrorDetail(BaseModel):
    code: Annotated[str, Field(description="stable")]
    message: Annotated[str, Field(description="what is wrong, and what to do")]


class ErrorAnswer(BaseModel):
    error: ErrorDetail


class ModelAnswer(BaseModel):
    id: Annotated[str, Field(description="vectors are comparable within one id only")]
    digest: Annotated[str, Field(description="SHA-256 over everything that shapes a vector")]
    dims: int


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


class FaceAnswer(BaseModel):
    model_config = ConfigDict(json_schema_extra=_nulls_are_left_out)

    box: Box
    confidence: float
    quality: QualityAnswer
    landmarks: Annotated[dict[str, Point], Field(description="left and right are the person's own")]
    vector: Annotated[list[float] | None, Field(description="length 1")] = None
    crop: Annotated[str | None, Field(description="base64 JPEG: the face with a margin")] = None


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


class PhotoResult(BaseModel):
    """Faces, largest first; or an error."""

    model_config = ConfigDict(json_schema_extra=_one_of_both)

    faces: list[FaceAnswer] | None = None
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
    verdict: Literal["strong", "possible", "unlikely"]
    calibrated: bool
    faces: Annotated[list[FaceAnswer], Field(description="the two faces that were compared")]


class ReadyAnswer(BaseModel):
    status: str
    model: ModelAnswer


class AvailableModel(BaseModel):
    name: Annotated[str, Field(description="for FACES_PROFILE")]
    dims: int
    licence: Annotated[str, Field(description="of the weights, as far as their authors say")]
    note: str
    weights_present: Annotated[bool, Field(description="and the package that they need")]
    served: bool
    id: Annotated[str | None, Field(description="of the one that is served")] = None


class ModelsAnswer(BaseModel):
    models: list[AvailableModel]


class HealthAnswer(BaseModel):
    status: str
