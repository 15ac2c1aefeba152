"""Whether the client of a request still waits for its answer."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

HUNG_UP = getattr(select, "POLLRDHUP", 0)
"""Linux alone tells without reading what else the client has sent."""


def has_hung_up(environ: WSGIEnvironment) -> bool:
    """Whether the client has closed its side: it may then still read, but hardly any client does. nginx takes
    it for the end, too."""
    socket: Any = environ.get("gunicorn.socket")
    if not hasattr(socket, "fileno"):
        return False
    watched = select.poll()
    watched.register(socket.fileno(), HUNG_UP)
    return any(event & (HUNG_UP | select.POLLHUP | select.POLLERR) for _, event in watched.poll(0))
