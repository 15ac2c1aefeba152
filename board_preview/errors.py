"""What can go wrong with a preview; each message says what is wrong."""

from __future__ import annotations

from ingest_service.errors import UserError


class PanelError(UserError):
    """Kibana shows this text in red instead of the panel."""


class RendererError(UserError):
    """Nothing can be drawn; the message says what is missing."""


class SceneError(UserError):
    """The scene can't be loaded: a document wasn't stored, or others are there; the message names them."""
