"""Valid files to start from: one small series for each way of storing pixels, made here from known voxels."""

from __future__ import annotations

import functools
import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.sequence import Sequence

SLICES = 5
VICTIM = 2
"""The slice of a series that is damaged; it has neighbours on both sides."""
SHAPE = (44, 38)
"""Rows, columns: small, unequal; large enough that a compressed slice is longer than its headers."""
STEP_MM = 2.5

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
BASELINE, EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
LOSSLESS, LOSSLESS_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEGLS, JPEGLS_NEAR = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"
J2K_LOSSLESS, J2K = "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K = (f"1.2.840.10008.1.2.4.{n}" for n in (201, 202, 203))
RLE = "1.2.840.10008.1.2.5"
SYNTAXES = (
    IMPLICIT, EXPLICIT, DEFLATED, BIG, BASELINE, EXTENDED, LOSSLESS, LOSSLESS_SV1, JPEGLS, JPEGLS_NEAR,
    J2K_LOSSLESS, J2K, HTJ2K_LOSSLESS, HTJ2K_RPCL, HTJ2K, RLE,
)  # fmt: skip
LOSSY = frozenset((BASELINE, EXTENDED, JPEGLS_NEAR, J2K, HTJ2K))

Array = np.ndarray[Any, np.dtype[Any]]


def rle_encoded(plane: Array) -> bytes:
    """Return an RLE frame: bytes split by significance, each plane packed; PS3.5 annex G."""
    planes = plane.astype(plane.dtype.newbyteorder(">")).view(np.uint8).reshape(*plane.shape, -1)
    segments = [_packed(planes[..., n].tobytes(), plane.shape[1]) for n in range(planes.shape[-1])]
    offsets = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    return struct.pack("<16L", len(segments), *offsets, *([0] * (15 - len(segments)))) + b"".join(segments)


def _packed(data: bytes, columns: int) -> bytes:
    """Pack each row as runs of equal bytes and literals."""
    out = bytearray()
    for row in range(0, len(data), columns):
        line = data[row : row + columns]
        place = 0
        while place < len(line):
            run = 1
            while place + run < len(line) and line[place + run] == line[place] and run < 128:
                run += 1
            if run > 2:
                out += bytes((257 - run, line[place]))
                place += run
                continue
            stop = place + 1
            while stop < len(line) and stop - place < 128 and line[stop : stop + 3] != line[stop : stop + 1] * 3:
                stop += 1
            out += bytes((stop - place - 1,)) + line[place:stop]
            place = stop
    return bytes(out) + b"\0" * (len(out) % 2)


def _j2k(plane: Array, **how: Any) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(plane, codecformat="j2k", **how))


def _htj2k(plane: Array, *, reversible: bool) -> bytes:
    return bytes(imagecodecs.htj2k_encode(plane, reversible=reversible))


ENCODERS: dict[str, Callable[[Array], bytes]] = {
    BASELINE: lambda plane: bytes(imagecodecs.jpeg8_encode(plane, level=95)),
    EXTENDED: lambda plane: bytes(imagecodecs.jpeg8_encode(plane, level=95, bitspersample=12)),
    LOSSLESS: lambda plane: bytes(imagecodecs.ljpeg_encode(plane)),
    LOSSLESS_SV1: lambda plane: bytes(imagecodecs.ljpeg_encode(plane)),
    JPEGLS: lambda plane: bytes(imagecodecs.jpegls_encode(plane)),
    JPEGLS_NEAR: lambda plane: bytes(imagecodecs.jpegls_encode(plane, level=2)),
    J2K_LOSSLESS: lambda plane: _j2k(plane, reversible=True, level=0),
    J2K: lambda plane: _j2k(plane, level=90),
    HTJ2K_LOSSLESS: lambda plane: _htj2k(plane, reversible=True),
    HTJ2K_RPCL: lambda plane: _htj2k(plane, reversible=True),
    HTJ2K: lambda plane: _htj2k(plane, reversible=False),
    RLE: rle_encoded,
}
"""By transfer syntax."""


def voxels(kind: str, bits: int, count: int = SLICES) -> Array:
    """Return smooth, asymmetric, everywhere different voxels, shape (slices, rows, columns); none is all zeros."""
    k, j, i = np.meshgrid(*(np.arange(size) for size in (count, *SHAPE)), indexing="ij")
    wave = 0.5 + 0.3 * np.sin(0.31 * i + 0.7 * k) + 0.2 * np.cos(0.23 * j * (1 + 0.1 * k))
    grain = ((i * 7 + j * 13 + k * 29) % 11) / 80
    share = np.clip(wave * 0.8 + grain + 0.02, 0.01, 0.99)
    if kind == "f":
        return (share * 3000 - 1000).astype(f"f{bits // 8}")
    low, span = (-(1 << (bits - 1)), 1 << bits) if kind == "i" else (0, 1 << bits)
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    return (low + np.floor(share * (span - 1))).astype(f"{kind}{size}")


@dataclass(frozen=True)
class SeriesSeed:
    """A valid series.

    Attributes
    ----------
    name : str
    syntax : str
    files : tuple of bytes
        One per slice, or one in all when it is an enhanced object.
    truth : ndarray, shape (slices, rows, columns)
        What loading must give; for lossy syntaxes, what was encoded.
    frames : int
        Frames of each file.
    """

    name: str
    syntax: str
    files: tuple[bytes, ...]
    truth: Array
    frames: int = 1

    @property
    def lossy(self) -> bool:
        """Whether loading gives the truth only nearly."""
        return self.syntax in LOSSY


def _general(syntax: str, name: str, k: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = "1.2.3.4.5"
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    number = sum(map(ord, name))
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}.{k + 1}"
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Fuzz^Jos\xe9", "7", "19700101", "O"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", f"1.2.3.{number}"
    ds.FrameOfReferenceUID = "1.2.3.9"
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "CT", 1, k + 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SeriesDescription, ds.StudyDate, ds.ContentTime = f"seed {name}", "20260102", "090000"
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = ds.SOPClassUID, "1.2.3.8"
    ds.ReferencedImageSequence = Sequence([item, item])
    ds["ReferencedImageSequence"].is_undefined_length = bool(k % 2)
    return ds


def _described(ds: FileDataset, form: Array, stored: tuple[int, int]) -> None:
    """Add the image pixel module."""
    bits, high = stored
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = SHAPE
    ds.BitsAllocated = form.dtype.itemsize * 8
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    if form.dtype.kind == "f":
        return
    ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, high, int(form.dtype.kind == "i")


def _placed(ds: Dataset, k: int) -> None:
    """Add position, orientation (oblique) and spacing."""
    angle = 0.3
    cosine, sine = np.cos(angle), np.sin(angle)
    row, column = (cosine, sine, 0.0), (-sine, cosine, 0.0)
    ds.ImagePositionPatient = [f"{value:.6f}" for value in (-12.5, 30.0, 100 + STEP_MM * k)]
    ds.ImageOrientationPatient = [f"{value:.10f}" for value in (*row, *column)]
    ds.PixelSpacing = ["0.7", "0.9"]


def _stored_bytes(frames: Array, syntax: str) -> bytes:
    order = ">" if syntax == BIG else "<"
    data = frames.astype(frames.dtype.newbyteorder(order)).tobytes()
    return data + b"\0" * (len(data) % 2)


def _add_pixels(ds: FileDataset, frames: Array, syntax: str, fragments: int = 1) -> None:
    """Add the pixels of one or more frames."""
    if syntax in ENCODERS:
        encoded = [ENCODERS[syntax](np.ascontiguousarray(frame)) for frame in frames]
        ds.PixelData = encapsulate(encoded, fragments_per_frame=fragments)
        ds["PixelData"].VR = "OB"
        return
    keyword = {("f", 4): "FloatPixelData", ("f", 8): "DoubleFloatPixelData"}.get(
        (frames.dtype.kind, frames.dtype.itemsize), "PixelData"
    )
    setattr(ds, keyword, _stored_bytes(frames, syntax))
    if keyword == "PixelData":
        ds["PixelData"].VR = "OB" if frames.dtype.itemsize == 1 else "OW"


def _bytes(ds: FileDataset) -> bytes:
    stream = io.BytesIO()
    dcmwrite(stream, ds, enforce_file_format=True)
    return stream.getvalue()


def _series(name: str, syntax: str, kind: str, bits: int, fragments: int = 1, **elements: Any) -> SeriesSeed:
    plain = voxels(kind, bits)
    slope, intercept = elements.get("RescaleSlope", 1), elements.get("RescaleIntercept", 0)
    files = []
    for k, plane in enumerate(plain):
        ds = _general(syntax, name, k)
        _described(ds, plain, (bits, bits - 1))
        _placed(ds, k)
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        _add_pixels(ds, plane[None], syntax, fragments)
        files.append(_bytes(ds))
    return SeriesSeed(name, syntax, tuple(files), plain * float(slope) + float(intercept))


def _with_table(name: str, syntax: str) -> SeriesSeed:
    """Return a series with a Modality LUT: measured value = 3 × stored value + 5."""
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType, item.LUTData = [256, 0, 16], "US", [3 * n + 5 for n in range(256)]
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    seed = _series(name, syntax, "u", 8, ModalityLUTSequence=Sequence([item]))
    return SeriesSeed(name, syntax, seed.files, 3 * seed.truth + 5)


def _group(k: int) -> Dataset:
    """Return the functional groups of one frame; PS3.3 C.7.6.16."""
    group, content, position = Dataset(), Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber, content.TemporalPositionIndex = "1", k + 1, 1
    content.FrameAcquisitionNumber = 1
    placed = Dataset()
    _placed(placed, k)
    position.ImagePositionPatient = placed.ImagePositionPatient
    group.FrameContentSequence, group.PlanePositionSequence = Sequence([content]), Sequence([position])
    return group


def _enhanced(
    name: str, syntax: str, kind: str, bits: int, fragments: int = 1, *, extended: bool = False
) -> SeriesSeed:
    plain = voxels(kind, bits)
    ds = _general(syntax, name, 0)
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    _described(ds, plain, (bits, bits - 1))
    ds.NumberOfFrames = len(plain)
    shared, measures, orientation, transform = Dataset(), Dataset(), Dataset(), Dataset()
    placed = Dataset()
    _placed(placed, 0)
    measures.PixelSpacing, orientation.ImageOrientationPatient = placed.PixelSpacing, placed.ImageOrientationPatient
    transform.RescaleSlope, transform.RescaleIntercept, transform.RescaleType = 1, 0, "HU"
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([orientation])
    shared.PixelValueTransformationSequence = Sequence([transform])
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence([_group(k) for k in range(len(plain))])
    if extended:
        encoded = [ENCODERS[syntax](np.ascontiguousarray(frame)) for frame in plain]
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(encoded)
        ds["PixelData"].VR = "OB"
    else:
        _add_pixels(ds, plain, syntax, fragments)
    return SeriesSeed(name, syntax, (_bytes(ds),), plain.astype(np.float64), len(plain))


@functools.cache
def series() -> dict[str, SeriesSeed]:
    """Return every seed by its name."""
    made = []
    for syntax in (IMPLICIT, EXPLICIT, DEFLATED, BIG):
        last = syntax.removeprefix("1.2.840.10008.1.2") or "0"
        made += [_series(f"plain {last} u16", syntax, "u", 16), _series(f"plain {last} i16", syntax, "i", 16)]
        made += [_enhanced(f"enhanced {last} u16", syntax, "u", 16)]
    for kind, bits in (("u", 8), ("i", 8), ("u", 12), ("i", 12), ("u", 32), ("i", 32), ("f", 32), ("f", 64)):
        made.append(_series(f"plain {kind}{bits}", EXPLICIT, kind, bits))
    made.append(_series("plain rescaled", EXPLICIT, "u", 12, RescaleSlope="1", RescaleIntercept="-1024"))
    made.append(_series("plain sloped", EXPLICIT, "i", 16, RescaleSlope="0.5", RescaleIntercept="3"))
    made += [_with_table("plain table", EXPLICIT), _with_table("plain deflated table", DEFLATED)]
    made.append(_series("plain padded", EXPLICIT, "u", 16, PixelPaddingValue=7))
    for syntax in ENCODERS:
        last = syntax.removeprefix("1.2.840.10008.1.2.")
        made.append(_series(f"{last} u8", syntax, "u", 12 if syntax == EXTENDED else 8))
        if syntax in (BASELINE, EXTENDED):
            continue
        made += [
            _series(f"{last} u16", syntax, "u", 16),
            _series(f"{last} u12 rescaled", syntax, "u", 12, RescaleIntercept=-1024, RescaleSlope=1),
        ]
        made += [_enhanced(f"enhanced {last}", syntax, "u", 16)]
    for syntax in (J2K_LOSSLESS, RLE):
        made.append(_series(f"{syntax[18:]} i16", syntax, "i", 16))
    made += [_series("fragments", JPEGLS, "u", 16, fragments=3), _enhanced("enhanced fragments", JPEGLS, "u", 16, 2)]
    made += [_enhanced("enhanced extended offsets", J2K_LOSSLESS, "u", 16, extended=True)]
    return {seed.name: seed for seed in made}
