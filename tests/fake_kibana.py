"""Answers like Kibana 8.19, by the rules in its source; no real Kibana can run in the tests.

The source of each rule in github.com/elastic/kibana; core's are below src/core/packages/:

- status (starting, available), with the version only after a login:
  status/server-internal/src/routes/status.ts and status_preboot.ts; the plain 503 of other requests:
  http/server-internal/src/http_service.ts
- `kbn-xsrf`: http/server-internal/src/lifecycle_handlers.ts
- only /api/spaces/space/ID reports a missing space; imports into one are accepted:
  x-pack/platform/plugins/shared/spaces/server/lib/request_interceptors/on_post_auth_interceptor.ts
- import: saved-objects/import-export-server-internal/src/import/
  - import_saved_objects.ts: the order of the checks, the answer
  - lib/collect_saved_objects.ts: unsupported types, duplicate ids
  - lib/validate_references.ts, lib/check_reference_origins.ts: only index-pattern and search; copies count
  - lib/check_conflicts.ts, lib/check_origin_conflicts.ts: an id of another space, its copy in this one
  - lib/create_saved_objects.ts: if one error can be resolved, nothing is written, although
    `successResults` lists what would have been
  - resolve_import_errors.ts: retries
- an object newer than Kibana ends the whole import with 422, an older one is migrated to Kibana's version:
  document_migrator.ts, called by saved-objects/api-server-internal/src/lib/apis/bulk_create.ts; a dashboard's
  in 8.19 is 10.3.0, with sections: github.com/elastic/kibana/pull/222103
- export: saved-objects/server-internal/src/routes/export.ts (keys in order, no newline at the end);
  saved-objects/import-export-server-internal/src/export/saved_objects_exporter.ts (400 with all unreadable
  objects, the summary line)
- rules and connectors, 409 for an id in use, fields that an update refuses: below
  x-pack/platform/plugins/shared/, alerting/server/routes/rule/apis/ and actions/server/routes/connector/
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fake_kibana_import import ImportAttempt, Object, Refusal, bare, key_of
from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server


@dataclass
class FakeKibana:
    """
    Args:
        base_path: `server.basePath`, with `server.rewriteBasePath`.
        api_key: asks for it, or for user `elastic` with the same as password; None asks for nothing.
        certificate: (certificate, key), files in PEM; serves https.
        starting: answers to /api/status that say 503 before the first that says 200.
    """

    version: str = "8.19.21"
    base_path: str = ""
    api_key: str | None = None
    certificate: tuple[Path, Path] | None = None
    starting: int = 0
    forbidden: bool = False
    encryption_key: bool = True
    breaks_after: int | None = None
    """The next import breaks the connection after this many objects."""
    spaces: set[str] = field(default_factory=lambda: {"default"})
    stored: dict[tuple[str, str], Object] = field(default_factory=dict)
    rules: dict[tuple[str, str, str], Object] = field(default_factory=dict)
    """Rules and connectors by (kind, space, id)."""
    requests: list[str] = field(default_factory=list)
    """Method and path of each, in order."""
    _clock: int = 0

    def __enter__(self) -> FakeKibana:
        context = None
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
        self._server = make_server("127.0.0.1", 0, self._app(), threaded=True, ssl_context=context)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}{self.base_path}"

    def in_space(self, space: str = "default") -> dict[tuple[str, str], Object]:
        return {key: one for key, one in self.stored.items() if space in one["namespaces"]}

    def edit(self, kind: str, name: str, **attributes: Any) -> None:
        """As a person does in the browser."""
        one = self.stored[kind, name]
        one["attributes"] |= attributes
        one["updated_at"] = self._now()

    def _app(self) -> Flask:
        app = Flask(__name__)
        routes: list[tuple[str, str, Callable[..., Any]]] = [
            ("GET", "/api/status", self._status),
            ("GET", "/api/spaces/space/<name>", self._space),
            ("GET", "/api/data_views", self._data_views),
            ("POST", "/api/saved_objects/_import", self._import),
            ("POST", "/api/saved_objects/_resolve_import_errors", self._resolve),
            ("POST", "/api/saved_objects/_export", self._export),
        ]
        for api, kind in (("alerting", "rule"), ("actions", "connector")):
            routes.append(("POST", f"/api/{api}/{kind}/<name>", self._make(kind)))
            routes.append(("PUT", f"/api/{api}/{kind}/<name>", self._update(kind)))
        for method, path, answer in routes:
            for prefix in ("", "/s/<space>"):
                app.add_url_rule(
                    self.base_path + prefix + path,
                    endpoint=f"{method} {prefix}{path}",
                    view_func=self._guarded(answer),
                    methods=[method],
                )

        @app.before_request
        def note() -> None:
            self.requests.append(f"{request.method} {request.path}")

        @app.errorhandler(404)
        def unknown(_: Exception) -> Response:
            refusal = Refusal(404, "Not Found", "Not Found").response
            assert isinstance(refusal, Response)
            return refusal

        @app.after_request
        def named(response: Response) -> Response:
            response.headers["kbn-name"] = "fake"
            return response

        return app

    def _guarded(self, answer: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(space: str = "default", **arguments: str) -> Any:
            if self.starting and answer != self._status:
                return Response("Kibana server is not ready yet", 503, content_type="text/plain")
            if request.method != "GET" and "kbn-xsrf" not in request.headers:
                raise Refusal(400, "Bad Request", "Request must contain a kbn-xsrf header.")
            if answer != self._status and not self._logged_in():
                raise Refusal(401, "Unauthorized", "Unauthorized")
            if self.forbidden and request.method != "GET":
                raise Refusal(403, "Forbidden", "Unable to bulk_create dashboard")
            return answer(space, **arguments)

        return guarded

    def _logged_in(self) -> bool:
        if self.api_key is None:
            return True
        basic = b64encode(f"elastic:{self.api_key}".encode()).decode()
        return request.headers.get("authorization") in (f"ApiKey {self.api_key}", f"Basic {basic}")

    def _status(self, space: str) -> Any:
        if self.starting:
            self.starting -= 1
            summary = "1 service is unavailable: savedObjects"
            return {"status": {"overall": {"level": "unavailable", "summary": summary}}}, 503
        overall = {"status": {"overall": {"level": "available"}}}
        return overall | ({"version": {"number": self.version}} if self._logged_in() else {})

    def _space(self, space: str, name: str) -> Any:
        if name not in self.spaces:
            raise Refusal(404, "Not Found", "Not Found")
        return {"id": name, "name": name, "disabledFeatures": []}

    def _data_views(self, space: str) -> Any:
        views = [one for key, one in self.in_space(space).items() if key[0] == "index-pattern"]
        return {"data_view": [{"id": one["id"], "title": one["attributes"]["title"]} for one in views]}

    def _import(self, space: str) -> Any:
        overwrite = request.args.get("overwrite") == "true"
        objects = _uploaded()
        attempt = ImportAttempt(self, space, objects)
        attempt.check({key_of(one): {"overwrite": overwrite} for one in objects})
        attempt.write()
        return attempt.answer()

    def _resolve(self, space: str) -> Any:
        retries = {(retry["type"], retry["id"]): retry for retry in json.loads(request.form["retries"])}
        attempt = ImportAttempt(self, space, [one for one in _uploaded() if key_of(one) in retries])
        attempt.check(retries)
        attempt.write()
        return attempt.answer()

    def _export(self, space: str) -> Any:
        body = request.get_json()
        here = self.in_space(space)
        if "type" in body:
            exported = [one for key, one in sorted(here.items()) if key[0] in body["type"]]
        else:
            wanted = [(item["type"], item["id"]) for item in body["objects"]]
            absent = [key for key in wanted if key not in here]
            if absent:
                error = {"statusCode": 404, "error": "Not Found", "message": "Not found"}
                objects = [{"type": kind, "id": name, "error": error} for kind, name in absent]
                raise Refusal(400, "Bad Request", "Error fetching objects to export", {"objects": objects})
            exported = [here[key] for key in wanted]
        missing: list[Object] = []
        if body.get("includeReferencesDeep"):
            for one in exported:
                for ref in map(bare, one["references"]):
                    if key_of(ref) not in here:
                        missing += [ref] if ref not in missing else []
                    elif here[key_of(ref)] not in exported:
                        exported.append(here[key_of(ref)])
        details = {
            "exportedCount": len(exported),
            "missingRefCount": len(missing),
            "missingReferences": missing,
        }
        details |= {"excludedObjectsCount": 0, "excludedObjects": []}
        lines = [{name: one[name] for name in one if name != "namespaces"} for one in exported] + [details]
        text = "\n".join(
            json.dumps(line, sort_keys=True, ensure_ascii=False, separators=(",", ":")) for line in lines
        )
        return Response(text, content_type="application/ndjson")

    def _make(self, kind: str) -> Callable[..., Any]:
        def make(space: str, name: str) -> Any:
            if not self.encryption_key:
                raise Refusal(500, "Internal Server Error", "An internal server error occurred.")
            if any(there[::2] == (kind, name) for there in self.rules):
                raise Refusal(409, "Conflict", f"Saved object [{kind}/{name}] conflict")
            self.rules[kind, space, name] = request.get_json()
            return jsonify(request.get_json() | {"id": name})

        return make

    def _update(self, kind: str) -> Callable[..., Any]:
        def update(space: str, name: str) -> Any:
            body = request.get_json()
            for unknown in ("rule_type_id", "consumer", "enabled", "connector_type_id"):
                if unknown in body:
                    message = f"[request body.{unknown}]: definition for this key is missing"
                    raise Refusal(400, "Bad Request", message)
            self.rules[kind, space, name] |= body
            return jsonify(body | {"id": name})

        return update

    def _now(self) -> str:
        self._clock += 1
        return f"2026-11-24T00:{self._clock // 60:02}:{self._clock % 60:02}.000Z"

    def store(self, one: Object, space: str) -> None:
        if self.breaks_after is not None:
            if self.breaks_after == 0:
                self.breaks_after = None
                connection = request.environ["werkzeug.socket"]
                connection.shutdown(socket.SHUT_RDWR)
                raise Refusal(500, "Internal Server Error", "cut off")
            self.breaks_after -= 1
        now = self._now()
        kept = {"coreMigrationVersion": "8.8.0", "managed": False, "references": []} | deepcopy(one)
        kept |= {"created_at": now, "updated_at": now, "version": f"WzE{self._clock}", "namespaces": [space]}
        self.stored[key_of(one)] = kept


def _uploaded() -> list[Object]:
    file = request.files["file"]
    if not str(file.filename).lower().endswith(".ndjson"):
        raise Refusal(400, "Bad Request", "Invalid file extension ")
    lines = [json.loads(line) for line in file.read().decode().split("\n") if line.strip()]
    return [line for line in lines if "exportedCount" not in line]
