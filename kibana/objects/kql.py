"""Queries in Kibana's query language (KQL), with the fields that they name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kql:
    text: str = ""
    fields: tuple[str, ...] = ()

    def as_json(self) -> dict[str, str]:
        return {"query": self.text, "language": "kuery"}


EVERYTHING = Kql()


def equals(field: str, value: str) -> Kql:
    return Kql(f"{field} : {value}", (field,))


def exists(field: str) -> Kql:
    return equals(field, "*")


def below(field: str, limit: float) -> Kql:
    return Kql(f"{field} < {limit:g}", (field,))


def between(field: str, low: float, high: float) -> Kql:
    """From ``low`` (included) to ``high`` (excluded)."""
    return Kql(f"{field} >= {low:g} and {field} < {high:g}", (field,))


def without(query: Kql) -> Kql:
    return Kql(f"not {query.text}", query.fields)


def both(one: Kql, other: Kql) -> Kql:
    return Kql(f"{one.text} and {other.text}", (*one.fields, *other.fields))
