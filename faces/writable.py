"""Whether indices take changes."""

from __future__ import annotations

from collections.abc import Collection

from elasticsearch import Elasticsearch

from ingest_service.errors import UserError

BLOCKS = ("write", "read_only", "read_only_allow_delete", "metadata")


class NotWritable(UserError):
    """Indices don't take changes; the message says which, and how to lift it."""


def require_writable(es: Elasticsearch, indices: Collection[str]) -> None:
    """Asks before anything is changed, so that nothing is half done.

    Raises:
        NotWritable: one of them is blocked.
    """
    if not indices:
        return
    found = es.indices.get_settings(index=",".join(indices), name="index.blocks.*", flat_settings=True)
    blocked = {
        index: sorted(
            name
            for name, value in facts["settings"].items()
            if name.rpartition(".")[2] in BLOCKS and str(value).lower() == "true"
        )
        for index, facts in found.items()
    }
    blocked = {index: names for index, names in blocked.items() if names}
    if blocked:
        lift = "; ".join(
            f'PUT /{index}/_settings {{"{name}": null}}' for index, names in blocked.items() for name in names
        )
        raise NotWritable(
            f"{', '.join(f'[{index}]' for index in blocked)} can't be changed, so nothing was: lift the "
            f"block ({lift}) and run this again"
        )
