"""The service's certificate, read again when its files change."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path

from gunicorn.config import Config
from gunicorn.sock import ssl_context

log = logging.getLogger("ingest_service")


class Certificate:
    """
    Args:
        config: with ``certfile`` and ``keyfile``.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._files = [Path(name) for name in (config.certfile, config.keyfile) if name]
        self._version = self._versions()
        self._context: ssl.SSLContext = ssl_context(config)

    def context(self) -> ssl.SSLContext:
        """For the next connection; the last one while the files can't be read, as amid a renewal."""
        version = self._versions()
        if version != self._version:
            self._version = version
            try:
                self._context = ssl_context(self._config)
            except (OSError, ssl.SSLError):
                log.warning("the files of FACES_TLS_CERTIFICATE and FACES_TLS_KEY can't be read any more")
        return self._context

    def _versions(self) -> list[tuple[int, int, int]]:
        try:
            found = [path.stat() for path in self._files]
        except OSError:
            return []
        return [(one.st_mtime_ns, one.st_size, one.st_ino) for one in found]
