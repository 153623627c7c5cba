"""Stored samples out of files: read straight into place where they are uncompressed, decoded where they are not."""

from __future__ import annotations

import bisect
import mmap
import os
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from arviewer.imaging.dicom.elements import DEFLATED, EXPLICIT_BIG, UnreadableHeader, inflate, meta_information
from arviewer.imaging.dicom.source import READ_ERRORS, Source
from arviewer.imaging.dicom.syntaxes import COMPRESSIONS, DamagedFrame, decode
from arviewer.model.study import PixelFormat, StoredPixels
from arviewer.words import _

FREE_BYTES = 64 << 20
"""Pixels of a file up to this size may be packed as tightly as they like: a blank slice is, a thousandfold."""

MAX_COMPRESSION = 300
"""Ratio of pixels to file beyond which a larger file lies about its size: real ones stay under 50."""

MAX_FRAME_BYTES = 128 << 20
"""Largest frame that is decoded: 8192² pixels of 16 bits, with which a decoder needs 0.8 GiB of its own."""

_CHANGED = _("it has changed since it was scanned")

_ITEM, _DELIMITER = 0xFFFEE000, 0xFFFEE0DD


def sample_type(form: PixelFormat) -> np.dtype[Any]:
    """Return the native type of one stored sample."""
    kind = "f" if form.is_float else "i" if form.signed else "u"
    return np.dtype(f"{kind}{form.bits_allocated // 8}")


def require_plausible(stored: StoredPixels) -> None:
    """Check, before anything is allocated, that the file can hold what its header promises.

    Raises
    ------
    DamagedFrame
        When it is too short.
    """
    expected = stored.format.frame_bytes * stored.frames
    packed = stored.transfer_syntax in COMPRESSIONS
    if packed and stored.format.frame_bytes > MAX_FRAME_BYTES:
        raise DamagedFrame(
            _("a frame of it promises {size} MiB of pixels, more than is decoded").format(
                size=stored.format.frame_bytes >> 20
            )
        )
    if packed or stored.transfer_syntax == DEFLATED:
        if expected > max(FREE_BYTES, MAX_COMPRESSION * stored.file_bytes):
            raise DamagedFrame(_("it promises {size} MiB of pixels, which it cannot hold").format(size=expected >> 20))
        if packed:
            return
    if stored.length is None:
        raise DamagedFrame(_("its pixel data has no length"))
    present = stored.length
    if stored.transfer_syntax != DEFLATED:  # there, the place counts in what comes out
        present = max(0, min(present, stored.file_bytes - stored.offset))
    if present < expected:
        raise DamagedFrame(
            _("it is cut short: {present} of {expected} bytes of pixels").format(present=present, expected=expected)
        )


class PixelFile:
    """The pixel data of one file, for one thread: what was unpacked for one frame is kept for the others.

    Parameters
    ----------
    source : Source
    stored : StoredPixels
        Of any of its frames.
    """

    def __init__(self, source: Source, stored: StoredPixels) -> None:
        self._source, self._stored = source, stored
        self._frames: Frames | None = None
        self._plain: bytes | None = None

    def is_of(self, stored: StoredPixels) -> bool:
        """Whether this is the file that `stored` describes, unchanged since."""
        own = self._stored
        return (own.file_bytes, own.changed_ns, own.offset) == (stored.file_bytes, stored.changed_ns, stored.offset)

    def read_into(self, frame: int, out: npt.NDArray[Any]) -> None:
        """Read the stored samples of one frame, meaningless bits removed.

        Parameters
        ----------
        frame : int
        out : ndarray, shape (rows, columns), of `sample_type`, contiguous

        Raises
        ------
        DamagedFrame
            When they cannot be had whole.
        """
        stored = self._stored
        try:
            if stored.transfer_syntax in COMPRESSIONS:
                samples = decode(self._compressed(frame), stored.transfer_syntax, stored.format)
                np.copyto(out, samples, casting="unsafe")
            else:
                self._uncompressed(frame, out)
        except READ_ERRORS as error:
            raise DamagedFrame(_("it cannot be read ({why})").format(why=type(error).__name__)) from error
        remove_unused_bits(out, stored.format)

    def _uncompressed(self, frame: int, out: npt.NDArray[Any]) -> None:
        stored = self._stored
        start = stored.offset + frame * stored.format.frame_bytes
        target = out.reshape(-1).view(np.uint8).data
        if self._source.archive is None and stored.transfer_syntax != DEFLATED:
            read = self._read_file_into(start, target)
        else:
            data = self._whole()
            read = min(len(target), max(0, len(data) - start))
            target[:read] = data[start : start + read]
        if read < len(target):
            raise DamagedFrame(
                _("it is cut short: {present} of {expected} bytes of pixels").format(present=read, expected=len(target))
            )
        if stored.transfer_syntax == EXPLICIT_BIG and np.little_endian:
            _to_little(out, in_words=stored.in_words)

    def _read_file_into(self, start: int, target: memoryview) -> int:
        read = 0
        descriptor = os.open(
            self._source.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        )  # a pipe in its place would wait for ever
        try:
            status = os.fstat(descriptor)
            if (status.st_size, status.st_mtime_ns) != (self._stored.file_bytes, self._stored.changed_ns):
                raise DamagedFrame(_CHANGED)
            while read < len(target):
                count = os.preadv(descriptor, [target[read:]], start + read)
                if not count:
                    break
                read += count
        finally:
            os.close(descriptor)
        return read

    def _require_unchanged(self) -> None:
        if self._source.stamp() != (self._stored.file_bytes, self._stored.changed_ns):
            raise DamagedFrame(_CHANGED)

    def _whole(self) -> bytes:
        """Return the file or member, inflated where its data set is deflated; kept while more frames may ask."""
        if self._plain is not None:
            return self._plain
        self._require_unchanged()
        data = self._source.read()
        if self._stored.transfer_syntax == DEFLATED:
            limit = self._stored.offset + self._stored.format.frame_bytes * self._stored.frames
            try:
                data = inflate(data[meta_information(data)[1] :], limit)
            except UnreadableHeader as error:
                raise DamagedFrame(str(error)) from error
        self._plain = data if self._stored.frames > 1 else None
        return data

    def _compressed(self, frame: int) -> bytes:
        """Return a compressed frame; where the others lie is kept for whoever asks next."""
        stored = self._stored
        if self._frames is None:
            self._require_unchanged()
            frames = Frames(self._bytes(), stored.frames)
            if stored.frames == 1:
                return frames[frame]
            self._frames = frames
        return self._frames[frame]

    def _bytes(self) -> bytes | mmap.mmap:
        """Return the file from its pixel data on: mapped when it holds many frames, so that each is read alone."""
        start = self._stored.offset
        if self._stored.frames == 1 or self._source.archive is not None:
            return self._source.read(offset=start)
        with self._source.path.open("rb") as stream:
            whole = start % mmap.ALLOCATIONGRANULARITY
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ, offset=start - whole)
        mapped.seek(whole)
        return mapped


def _to_little(samples: npt.NDArray[Any], *, in_words: bool) -> None:
    """Turn big endian samples round, in place; of 8-bit samples in words (OW), pairs are swapped (PS3.5 8.1.2)."""
    if samples.itemsize > 1:
        samples.byteswap(inplace=True)
    elif in_words:
        flat = samples.reshape(-1)
        pairs = flat[: len(flat) // 2 * 2].reshape(-1, 2)
        pairs[...] = pairs[:, ::-1].copy()


class Frames:
    """The compressed frames of an encapsulated *Pixel Data* value; PS3.5 A.4.

    Parameters
    ----------
    data : bytes or mmap
        From the value's first item on (a mapping: from its position on).
    count : int
        Frames there must be.

    Raises
    ------
    DamagedFrame
        When the items are cut short, or cannot be told apart into so many frames.
    """

    def __init__(self, data: bytes | mmap.mmap, count: int) -> None:
        self._data = data
        offsets, items = _items(data, data.tell() if isinstance(data, mmap.mmap) else 0)
        if count == 1:
            self._places = [items]
        elif len(items) == count:
            self._places = [[item] for item in items]
        elif len(offsets) == count:
            self._places = _by_offsets(offsets, items)
        else:
            raise DamagedFrame(_("it holds {found} fragments for {count} frames").format(found=len(items), count=count))

    def __getitem__(self, frame: int) -> bytes:
        return b"".join(self._data[start:stop] for start, stop in self._places[frame])


def _items(data: bytes | mmap.mmap, place: int) -> tuple[tuple[int, ...], list[tuple[int, int]]]:
    """Return the basic offset table and the place of each fragment."""
    found: list[tuple[int, int]] = []
    end = len(data)
    while place + 8 <= end:
        group, element, length = struct.unpack_from("<HHL", data, place)
        tag = group << 16 | element
        if tag == _DELIMITER and found:
            break
        if tag != _ITEM:
            raise DamagedFrame(_("its compressed pixel data is damaged"))
        if place + 8 + length > end:
            raise DamagedFrame(_("its compressed pixel data is cut short"))
        found.append((place + 8, place + 8 + length))
        place += 8 + length
    if len(found) < 2:
        raise DamagedFrame(_("it holds no compressed frame"))
    start, stop = found[0]
    table = struct.unpack_from(f"<{(stop - start) // 4}L", data, start)
    return table, found[1:]


def _by_offsets(offsets: tuple[int, ...], items: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Return the fragments of each frame by the basic offset table: offsets from the first fragment's item on."""
    first = items[0][0] - 8
    ends = (*offsets[1:], items[-1][1])
    starts = [start - 8 - first for start, _stop in items]
    frames = [
        items[bisect.bisect_left(starts, low) : bisect.bisect_left(starts, high)]
        for low, high in zip(offsets, ends, strict=True)
    ]
    if not all(frames):
        raise DamagedFrame(_("its offset table is damaged"))
    return frames


def remove_unused_bits(samples: npt.NDArray[Any], form: PixelFormat) -> None:
    """Keep *Bits Stored* up to *High Bit* of each sample, in place; whatever else is there means nothing.

    PS3.5 section 8.1.1: the bits above once held overlays and still hold garbage in real files.
    """
    if form.is_float or form.bits_stored == form.bits_allocated:
        return
    low_bit = form.high_bit + 1 - form.bits_stored
    if form.signed:
        samples <<= form.bits_allocated - 1 - form.high_bit
        samples >>= form.bits_allocated - form.bits_stored
        return
    if low_bit:
        samples >>= low_bit
    samples &= (1 << form.bits_stored) - 1
