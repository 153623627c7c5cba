"""Messages between two processes: a JSON document and the blocks it speaks of, over a Unix socket."""

from __future__ import annotations

import json
import select
import socket
import struct
from typing import Any

from arviewer.workers import wire
from arviewer.workers.memory import Block

MAX_BLOCKS = 200
"""The kernel passes at most 253 descriptors in one message (SCM_MAX_FD)."""

_HEADER = struct.Struct("<QI")


class Channel:
    """One end of a socket pair; values of ``arviewer.model`` go in and come out."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    def fileno(self) -> int:
        """Return the descriptor, for ``select`` and for inheriting."""
        return self._socket.fileno()

    def send(self, kind: str, value: object = None) -> None:
        """Send a value under a kind; raises OSError when the other end is gone."""
        packer = wire.Packer()
        body = json.dumps([kind, packer.pack(value)]).encode()
        fds = [block.fd for block in packer.blocks]
        if len(fds) > MAX_BLOCKS:
            raise ValueError(f"{len(fds)} blocks in one message; at most {MAX_BLOCKS} can travel")
        socket.send_fds(self._socket, [_HEADER.pack(len(body), len(fds))], fds)
        self._socket.sendall(body)

    def receive(self) -> tuple[str, Any]:
        """Wait for a message; raises EOFError when the other end is gone."""
        header, fds, _, _ = socket.recv_fds(self._socket, _HEADER.size, MAX_BLOCKS)
        blocks = [Block.adopt(fd) for fd in fds]
        header += self._read(_HEADER.size - len(header)) if header else b""
        if len(header) < _HEADER.size:
            raise EOFError
        length, _count = _HEADER.unpack(header)
        kind, tree = json.loads(self._read(length))
        return kind, wire.unpack(tree, blocks)

    def poll(self, seconds: float) -> bool:
        """Return whether a message (or the end) can be received within `seconds`."""
        return bool(select.select([self._socket], [], [], seconds)[0])

    def close(self) -> None:
        """Close this end; the other one sees the end of the stream."""
        self._socket.close()

    def _read(self, length: int) -> bytes:
        parts = bytearray()
        while len(parts) < length:
            chunk = self._socket.recv(min(length - len(parts), 1 << 20))
            if not chunk:
                raise EOFError
            parts += chunk
        return bytes(parts)
