"""`/openapi.json`, as far as the routes' types don't make it, and the page at `/docs/`."""

from __future__ import annotations

import json
import mimetypes
from importlib.resources import files
from pathlib import Path
from typing import Any

from flask import Response, jsonify
from flask_openapi3 import OpenAPI
from pydantic import BaseModel
from werkzeug.exceptions import NotFound

from ingest_service.keys import authorize_page
from ingest_service.schemas import FacesRequest, VerifyRequest
from ingest_service.settings import Settings

SECURITY: Any = {"key": {"type": "http", "scheme": "bearer", "description": "one of the service's API keys"}}
REFERENCE = "#/components/schemas/{model}"

# A grey square: short, and a picture, so that the example works as it is.
EXAMPLE_PHOTO = (
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAAD0lEQVR42mNoQAIMpHMAAK3zB/mQXfFNAAAAAElFTkSuQmCC"
)
EXAMPLES = {
    "/v1/faces": {"return": ["vector"], "images": [{"image": EXAMPLE_PHOTO}]},
    "/v1/verify": {"images": [{"image": EXAMPLE_PHOTO}, {"image": EXAMPLE_PHOTO}]},
}
# Without an optional parameter, openapi-python-client's code for two kinds of body can't be imported.
REQUEST_ID: Any = {
    "name": "X-Request-Id",
    "in": "header",
    "required": False,
    "description": "1 to 64 letters, digits and `_.:-`, for logs and the answer; default: a new one",
    "schema": {"type": "string"},
}
FILES: Any = {"type": "array", "items": {"type": "string", "format": "binary"}}
# No validator: Swagger's default sends this service's address to validator.swagger.io.
ASSETS = ("css/swagger-ui.css", "images/swagger.svg", "js/swagger-ui-bundle.js")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>ingest-face</title>
<link rel="icon" href="images/swagger.svg">
<link rel="stylesheet" href="css/swagger-ui.css">
<body>
<div id="swagger-ui"></div>
<script src="js/swagger-ui-bundle.js"></script>
<script>
  SwaggerUIBundle({ url: "../openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
</script>
</body>
</html>
"""


class ApiDocument(OpenAPI):
    """flask-openapi3's document, plus the bodies of the routes that read their own."""

    def generate_spec_json(self) -> None:
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        document: dict[str, Any] = self.spec_json
        schemas = document["components"]["schemas"]
        _drop_unused(document)
        bodies: dict[str, type[BaseModel]] = {"/v1/faces": FacesRequest, "/v1/verify": VerifyRequest}
        for path, body in bodies.items():
            schema = body.model_json_schema(ref_template=REFERENCE)
            _describe_defaults(schema)
            schemas.update(schema.pop("$defs", {}))
            schemas[body.__name__] = schema
            document["paths"][path]["post"]["parameters"] = [REQUEST_ID]
            document["paths"][path]["post"]["requestBody"] = {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"$ref": REFERENCE.format(model=body.__name__)},
                        "example": EXAMPLES[path],
                    },
                    "multipart/form-data": {"schema": _form(schema)},
                },
            }


def _describe_defaults(schema: dict[str, Any]) -> None:
    """Says a field's default in its description: generators of clients take a field with ``default`` for one
    that is always there, and so ask for it."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for field in part["properties"].values():
            default = field.pop("default", None)
            if default is not None and "description" in field:
                field["description"] += f"; default: {json.dumps(default)}"


def _drop_unused(document: dict[str, Any]) -> None:
    """flask-openapi3 gives every route a 422, which is a 400 here."""
    for route in document["paths"].values():
        for operation in route.values():
            operation["responses"].pop("422", None)
    document["components"]["schemas"].pop("ValidationErrorModel", None)
    document["components"]["schemas"].pop("UnprocessableEntity", None)


def _form(body: dict[str, Any]) -> dict[str, Any]:
    """The JSON body's fields, but files named ``image`` instead of ``images``."""
    properties = dict(body["properties"])
    count = {
        name: limit for name, limit in properties.pop("images").items() if name in ("minItems", "maxItems")
    }
    if "model" in properties:  # a form has no null
        properties["model"] = {"type": "string", "description": properties["model"]["description"]}
    properties["image"] = {**FILES, **count}
    return {
        "type": "object",
        "properties": properties,
        "required": ["image"],
        "additionalProperties": False,
    }


def add_pages(app: OpenAPI, settings: Settings) -> None:
    """`/openapi.json`, and Swagger's page at `/docs/`, all of it served from here."""

    def authorize_docs() -> None:
        authorize_page("docs", settings)

    def document() -> Response:
        authorize_docs()
        return jsonify(app.api_doc)

    def page() -> str:
        authorize_docs()
        return PAGE

    # In memory once: an answer of 1.5 MB is the same bytes for all who ask for it.
    folder = Path(str(files("flask_openapi3_swagger")), "templates", "swagger")
    assets = {name: (folder / name).read_bytes() for name in ASSETS}

    def asset(name: str) -> Response:
        authorize_docs()
        if name not in assets:
            raise NotFound
        return Response(assets[name], mimetype=mimetypes.guess_type(name)[0])

    app.add_url_rule("/openapi.json", "openapi", document)
    app.add_url_rule("/docs/", "page", page)
    app.add_url_rule("/docs/<path:name>", "asset", asset)
