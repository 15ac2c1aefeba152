"""Types, versions and ids: what Kibana looks at first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kibana.checks.reading import Export, Json, named
from kibana.objects.saved_object import CORE_VERSION, VERSIONS


def check(export: Export) -> None:
    counts = Counter((one["type"], str(one["id"])) for one in export.objects)
    for (kind, key), count in counts.items():
        if count > 1:
            export.problems.append(f"{kind} [{key}] is there {count} times: an id is for one object")
    for one in export.objects:
        export.guarded(named(one), _one, one)


def _one(one: Json) -> Iterator[str]:
    kind, where = one["type"], named(one)
    if kind not in VERSIONS:
        yield f"{where}: not of a type that we ship ({', '.join(VERSIONS)}): put it into its panel, by value"
        return
    if not one["attributes"].get("name" if kind == "tag" else "title"):
        yield f"{where} has no title: give it one"
    if kind == "dashboard" and not one["attributes"].get("timeRestore"):
        yield f"{where} opens on the last 15 minutes, which hide older photos: timeRestore must be true"
    for name, newest in (("typeMigrationVersion", VERSIONS[kind]), ("coreMigrationVersion", CORE_VERSION)):
        if name not in one:
            yield f"{where} has no {name}: write {newest}"
        elif _numbers(one[name]) > _numbers(newest):
            yield f"{where}: {name} {one[name]} is newer than Kibana from 8.19 on takes: write {newest}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
