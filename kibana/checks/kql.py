"""Reads the KQL that boards use: fields with values, ranges, and/or/not, parentheses. The rest is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<sign><=|>=|[():<>])|(?P<word>[^\s():<>"{}]+))"""
)
RANGES = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


class KqlError(ValueError):
    """What of a query isn't understood."""


@dataclass(frozen=True)
class Is:
    """The field has the value, which may hold ``*``; ``*`` alone: it has any. ``quoted``: as a phrase."""

    field: str
    value: str
    quoted: bool = False


@dataclass(frozen=True)
class Within:
    """bound: ``lt``, ``lte``, ``gt`` or ``gte``."""

    field: str
    bound: str
    value: str


@dataclass(frozen=True)
class Not:
    inner: Node


@dataclass(frozen=True)
class And:
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    parts: tuple[Node, ...]


Node = Is | Within | Not | And | Or


def parse(text: str) -> Node | None:
    """The query as a tree; None for an empty one, which matches everything.

    Raises:
        KqlError: it is wrong, or of a kind that no board needs (free text, nested fields).
    """
    reader = _Reader(text)
    if not reader.tokens:
        return None
    found = reader.either()
    if reader.tokens:
        raise KqlError(f"[{text}] isn't understood from [{reader.tokens[0][1]}] on")
    return found


def fields(node: Node | None) -> Iterator[str]:
    """Every field that the query names."""
    if isinstance(node, Is | Within):
        yield node.field
    elif isinstance(node, Not):
        yield from fields(node.inner)
    elif node is not None:
        for part in node.parts:
            yield from fields(part)


class _Reader:
    """Takes tokens off a query, the loosest operator first."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = TOKEN.match(text, at)
            if match is None:
                raise KqlError(f"[{text}] isn't understood from [{text[at:].strip()}] on")
            self.tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
            at = match.end()

    def either(self) -> Node:
        parts = [self.both()]
        while self.word("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def both(self) -> Node:
        parts = [self.one()]
        while self.word("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Node:
        if self.word("not"):
            return Not(self.one())
        if self.sign("("):
            inner = self.either()
            self.close()
            return inner
        field = self.take("word")
        for sign, bound in RANGES.items():
            if self.sign(sign):
                return Within(field, bound, self.value(field).value)
        if not self.sign(":"):
            raise KqlError(f"[{self.text}]: [{field}] is no field with a value")
        return self.values(field) if self.sign("(") else self.value(field)

    def values(self, field: str) -> Node:
        """What stands in ``field: (a or b)``."""
        parts: list[Node] = [self.value(field)]
        while self.word("or"):
            parts.append(self.value(field))
        self.close()
        return Or(tuple(parts))

    def value(self, field: str) -> Is:
        if self.tokens and self.tokens[0][0] == "quoted":
            return Is(field, re.sub(r"\\(.)", r"\1", self.take("quoted")[1:-1]), quoted=True)
        return Is(field, self.take("word"))

    def take(self, kind: str) -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            found = self.tokens[0][1] if self.tokens else "its end"
            raise KqlError(f"[{self.text}] isn't understood at [{found}]")
        return self.tokens.pop(0)[1]

    def word(self, wanted: str) -> bool:
        return self._next(("word", wanted), fold=True)

    def sign(self, wanted: str) -> bool:
        return self._next(("sign", wanted))

    def close(self) -> None:
        if not self.sign(")"):
            raise KqlError(f"[{self.text}] lacks a closing parenthesis")

    def _next(self, wanted: tuple[str, str], fold: bool = False) -> bool:
        if not self.tokens:
            return False
        kind, text = self.tokens[0]
        if (kind, text.lower() if fold else text) != wanted:
            return False
        del self.tokens[0]
        return True
