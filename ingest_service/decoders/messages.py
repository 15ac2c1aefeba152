"""Messages over a socket between the service and its decoders: JSON, with file descriptors and bytes."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

LENGTH = struct.Struct(">I")


def send(to: socket.socket, message: dict[str, Any], file: int | None = None) -> None:
    """
    Args:
        file: a descriptor that the receiver gets its own copy of.
    """
    text = json.dumps(message).encode()
    data = LENGTH.pack(len(text)) + text
    if file is None:
        to.sendall(data)
    else:
        sent = socket.send_fds(to, [data], [file])
        to.sendall(data[sent:])


def receive(source: socket.socket) -> tuple[dict[str, Any], int | None]:
    """A message, and the descriptor that came with it.

    Raises:
        EOFError: the other side has ended.
    """
    start, files, _, _ = socket.recv_fds(source, LENGTH.size, 1)
    start += exactly(source, LENGTH.size - len(start)) if start else b""
    if not start:
        raise EOFError
    return json.loads(exactly(source, *LENGTH.unpack(start))), files[0] if files else None


def exactly(source: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: the other side has ended.
    """
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        read = source.recv_into(rest)
        if not read:
            raise EOFError
        rest = rest[read:]
    return bytes(data)
