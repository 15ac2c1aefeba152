"""Packages that only some commands need, and that come with an extra of ours."""

from __future__ import annotations

from importlib.util import find_spec

from ingest_service.errors import UserError


class ExtraMissing(UserError):
    """A package isn't installed; the message says how to get it."""


def require(extra: str, *modules: str) -> None:
    """
    Raises:
        ExtraMissing: one of ``modules`` can't be imported.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise ExtraMissing(f"this needs {', '.join(absent)}: pip install 'ingest-face[{extra}]'")
