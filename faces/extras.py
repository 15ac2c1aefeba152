"""Packages that only some commands need; an extra of ours installs them."""

from __future__ import annotations

from importlib.util import find_spec

from ingest_service.errors import UserError


class ExtraMissing(UserError):
    """A package isn't installed; the message says how to install it."""


def require(extra: str, *modules: str) -> None:
    """
    Raises:
        ExtraMissing: one of ``modules``, which ``extra`` installs, can't be imported.
    """
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise ExtraMissing(f"missing packages: {', '.join(absent)}; pip install 'ingest-face[{extra}]'")
