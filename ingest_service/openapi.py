"""What `/openapi.json` says beyond what the routes' types say, and the page at `/docs`."""

from __future__ import annotations

from typing import Any

from flask_openapi3 import OpenAPI
from pydantic import BaseModel

from ingest_service.schemas import FacesRequest, VerifyRequest

SECURITY: Any = {"key": {"type": "http", "scheme": "bearer", "description": "one of the service's API keys"}}
REFERENCE = "#/components/schemas/{model}"

# A grey square: small enough to read, and a picture, so that the example works as it stands.
EXAMPLE_PHOTO = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAD0lEQVR42mNoQAIMpHMAAK3zB/mQXfFNAAAAAElFTkSuQmCC"
)
EXAMPLES = {
    "/v1/faces": {"return": ["vector"], "images": [{"image": EXAMPLE_PHOTO}]},
    "/v1/verify": {"images": [{"image": EXAMPLE_PHOTO}, {"image": EXAMPLE_PHOTO}]},
}
FORM = {
    "type": "object",
    "properties": {"image": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    "required": ["image"],
}


class ApiDocument(OpenAPI):
    """flask-openapi3's document, with the bodies of the routes that read their own."""

    @property
    def api_doc(self) -> dict[str, Any]:
        document: dict[str, Any] = super().api_doc
        bodies: dict[str, type[BaseModel]] = {"/v1/faces": FacesRequest, "/v1/verify": VerifyRequest}
        schemas = document["components"].setdefault("schemas", {})
        for path, body in bodies.items():
            schema = body.model_json_schema(ref_template=REFERENCE)
            schemas.update(schema.pop("$defs", {}))
            schemas[body.__name__] = schema
            reference = {"$ref": REFERENCE.format(model=body.__name__)}
            document["paths"][path]["post"]["requestBody"] = {
                "required": True,
                "content": {
                    "application/json": {"schema": reference, "example": EXAMPLES[path]},
                    "multipart/form-data": {"schema": FORM},
                },
            }
        return document
