"""Sends requests as Kibana's Console does, and refuses what it refuses.

The rules are those of Kibana 8.19: of the parser of kbn-monaco's console language, and of the console plugin,
which splits, fills in and sends requests. Also refused, as some versions don't accept them: triple quotes,
comments in a body, and a blank line before a body.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from kibana.lz_string import ALPHABET

BETWEEN = re.compile(r"(?:\s+|(?:#|//)[^\n]*|/\*.*?\*/)*", re.DOTALL)
LINE = re.compile(r"(GET|POST|PUT|DELETE|HEAD|PATCH)[ \t]+(\S+)[ \t]*(?:\n|$)")
SEVERAL_BODIES = re.compile(r"(_bulk|_msearch)(\?|$)")
MAX_PAYLOAD = 1024 * 1024
"""Kibana's `server.maxPayload`, in bytes."""


@dataclass(frozen=True)
class Request:
    """One request in Console's editor; ``bodies`` are its JSON objects as written."""

    method: str
    path: str
    bodies: tuple[str, ...]


def requests(text: str) -> list[Request]:
    """All requests of a text. There may be only comments between them."""
    found = []
    at = BETWEEN.match(text).end()
    while at < len(text):
        line = LINE.match(text, at)
        assert line, f"not a method and a path: {text[at : at + 60]!r}"
        bodies, at = _bodies(text, line.end())
        found.append(Request(line[1], line[2], bodies))
        assert len(bodies) < 2 or SEVERAL_BODIES.search(line[2]), f"{line[2]} takes one body"
        at = BETWEEN.match(text, at).end()
    return found


def _bodies(text: str, at: int) -> tuple[tuple[str, ...], int]:
    """The objects after a request's first line, each starting on its own line, and the end's position."""
    bodies = []
    while text[at : at + 1] == "{":
        _, end = json.JSONDecoder(object_pairs_hook=_once).raw_decode(text, at)
        bodies.append(text[at:end])
        rest = re.compile(r"[ \t]*(?:\n|$)").match(text, end)
        assert rest, f"text after a body: {text[end : end + 60]!r}"
        at = rest.end()
    return tuple(bodies), at


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key is repeated in {keys}"
    return dict(pairs)


def console(es: Elasticsearch, text: str, **variables: object) -> list[dict]:
    """Sends all requests of a text with these values of Console's variables; returns the answers."""
    return [send(es, request, **variables) for request in requests(text)]


def send(es: Elasticsearch, request: Request, **variables: object) -> dict:
    path = re.sub(r"\$\{(\w+)\}", lambda name: str(variables[name[1]]), request.path)
    # In a body Console fills in a variable only where it is a whole string.
    bodies = [
        re.sub(r'"\$\{(\w+)\}"', lambda name: json.dumps(variables[name[1]]), body) for body in request.bodies
    ]
    sent = "".join(body.replace("\n", "") + "\n" for body in bodies)
    assert "${" not in path + sent, "a variable has no value, or is not a whole string"
    assert len(sent.encode()) < MAX_PAYLOAD, "Kibana refuses bodies of more than 1 MiB"
    headers = {"accept": "application/json", "content-type": "application/json"}
    answer = es.perform_request(
        request.method, "/" + path.removeprefix("/"), headers=headers, body=sent or None
    )
    return answer.body


def decompressed(packed: str) -> str:
    """The text that Console loads from a link, decompressed as lz-string does."""
    bits = iter("".join(f"{ALPHABET.index(character):06b}" for character in packed))

    def number(width: int) -> int:
        return int("".join(next(bits) for _ in range(width))[::-1], 2)

    phrases: list[str] = ["", "", ""]
    text, last, width, room = "", "", 2, 2
    while (code := number(width)) != 2:
        new = code == 0
        if new:
            phrases.append(chr(number(8)))
            code = len(phrases) - 1
        phrase = phrases[code] if code < len(phrases) else last + last[0]
        text += phrase
        if last:
            phrases.append(last + phrase[0])
        last = phrase
        for _ in range(2 if new else 1):
            room -= 1
            if room == 0:
                room, width = 2**width, width + 1
    return text
