"""The indices that a re-embedding left. `--rollback` goes back to them, so what is erased goes there too."""

from __future__ import annotations

from collections.abc import Collection

from elasticsearch import Elasticsearch

from faces.calibration.indices import listed
from faces.reembedding.standing import Standing, standing_runs
from faces.writable import NotWritable, require_writable
from ingest_service.errors import UserError


class NotErasable(UserError):
    """Something can't be erased from an old index; the message says from which, and what to do. Nothing was
    changed."""


def old_indices(es: Elasticsearch) -> dict[str, Standing]:
    """Each old index, whose place another has taken, with its run."""
    return {index: one for one in standing_runs(es) if one.has_moved for index in one.run.sources}


def require_open(old: dict[str, Standing], closed: Collection[str]) -> None:
    """
    Args:
        closed: indices that can't be read.

    Raises:
        NotErasable: an old index is among them.
    """
    if unread := sorted(old.keys() & set(closed)):
        opened = "; ".join(f"POST /{index}/_open" for index in unread)
        raise NotErasable(
            f"{listed(unread)} stays since `faces reembed`, and is closed, so that nothing can be erased "
            f"there; nothing was changed. `{_finish(old, unread)}` deletes it; or open it ({opened}). Then "
            "run this again"
        )


def require_erasable(es: Elasticsearch, old: dict[str, Standing], holding: Collection[str]) -> None:
    """
    Args:
        holding: indices that hold something that is to be erased.

    Raises:
        NotErasable: one of them is an old index, and takes no changes.
    """
    affected = sorted(old.keys() & set(holding))
    try:
        require_writable(es, affected)
    except NotWritable as error:
        raise NotErasable(
            f"{listed(affected)} stays since `faces reembed`: `{_finish(old, affected)}` deletes it; then "
            f"run this again. Or keep it: {error}"
        ) from None


def _finish(old: dict[str, Standing], indices: list[str]) -> str:
    """A run that isn't settled must be before its old indices can be deleted."""
    runs = [old[index] for index in indices]
    commands = [one.finish if one.is_settled else f"{one.onward} && {one.finish}" for one in runs]
    return " && ".join(dict.fromkeys(commands))
