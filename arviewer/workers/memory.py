"""Arrays that two processes see at once, without a copy and without a name on any disk.

A block is an anonymous memory file (``memfd_create``); its descriptor travels over the socket between the
processes. Nothing can be left behind: the kernel frees a block when the last process that holds it is gone,
however that process ended. Linux only.
"""

from __future__ import annotations

import mmap
import os
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

ALIGNMENT = 64
"""Bytes; arrays in a block start on a cache line."""


class Block(mmap.mmap):
    """A mapped memory file that knows its descriptor.

    Attributes
    ----------
    fd : int
        Open as long as the mapping lives.
    """

    fd: int

    @staticmethod
    def create(size: int) -> Block:
        """Return a new zeroed block of at least `size` bytes."""
        fd = os.memfd_create("arviewer", os.MFD_CLOEXEC)
        os.truncate(fd, max(size, 1))
        return Block.adopt(fd)

    @staticmethod
    def adopt(fd: int) -> Block:
        """Map a descriptor that was created here or received, and own it from now on."""
        block = Block(fd, 0)
        block.fd = fd
        weakref.finalize(block, os.close, fd)
        return block


def empty(shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Return a new zeroed array that can be sent to another process without a copy.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype_like
    """
    kind = np.dtype(dtype)
    return view(Block.create(int(np.prod(shape)) * kind.itemsize), 0, shape, kind)


def view(block: Block, offset: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return an array over part of a block; the block lives as long as the array.

    Raises
    ------
    ValueError
        When the array would reach beyond the block.
    """
    return np.frombuffer(block, dtype=dtype, count=int(np.prod(shape)), offset=offset).reshape(shape)


def put(array: Array, index: int, part: Array) -> None:
    """Store ``array[index] = part``, in half the time where `array` lies in a block and these pages are still empty.

    The kernel copies into the memory file itself: no page is zeroed first, and none is mapped one fault at a time.

    Parameters
    ----------
    part : ndarray, contiguous, of the shape and dtype of ``array[index]``
    """
    place = locate(array)
    if place is None:
        array[index] = part
        return
    block, offset = place
    left = part.data.cast("B")
    start = offset + index * part.nbytes
    while left:
        written = os.pwrite(block.fd, left, start)
        left, start = left[written:], start + written


def locate(array: npt.NDArray[Any]) -> tuple[Block, int] | None:
    """Return the block a contiguous array lies in and its offset there; None for ordinary memory."""
    if not array.flags.c_contiguous or array.size == 0:
        return None
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, memoryview):
        owner = owner.obj
    if not isinstance(owner, Block):
        return None
    start = np.frombuffer(owner, dtype=np.uint8).__array_interface__["data"][0]
    return owner, array.__array_interface__["data"][0] - start


def available_bytes() -> int | None:
    """Return the memory that can be had without swapping; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable")), None)
