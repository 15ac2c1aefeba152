"""Every reference of a saved object leads to another one of ours.

Kibana itself reports only missing data views. It silently imports a reference to a missing tag or dashboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kibana.saved_object import SavedObject


def problems(saved: list[SavedObject]) -> Iterator[str]:
    keys = Counter((one["type"], one["id"]) for one in saved)
    for (kind, key), count in keys.items():
        if count > 1:
            yield f"{count} objects are {kind} [{key}]: give each its own id"
    for one in saved:
        at = f"{one['type']} [{one['id']}]"
        for name, count in Counter(reference["name"] for reference in one["references"]).items():
            if count > 1:
                yield f"{at}: {count} references have the name [{name}]: keep one"
        for reference in one["references"]:
            if (reference["type"], reference["id"]) not in keys:
                yield (
                    f"{at}: the reference [{reference['name']}] leads to {reference['type']} "
                    f"[{reference['id']}], which isn't there: add that, or drop the reference"
                )
