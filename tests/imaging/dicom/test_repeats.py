"""What a scan remembers from header to header makes it faster and changes no answer."""

from __future__ import annotations

import dataclasses
import io
import os
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence

from arviewer.imaging.dicom import elements
from arviewer.imaging.dicom.elements import IMPLICIT_LITTLE, Repeats, meta_information
from arviewer.imaging.dicom.headers import Known, NoImages, images_of
from arviewer.imaging.dicom.obstacles import NO_POSITION
from arviewer.imaging.dicom.source import Source
from arviewer.imaging.dicom.tags import WANTED

SYNTAXES = [elements.IMPLICIT_LITTLE, elements.EXPLICIT_LITTLE, elements.EXPLICIT_BIG]


def header(number, syntax, description="A series", private=b"1234", extra=()):
    """The bytes of slice `number` of a series."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", f"1.2.3.{number}"
    meta.TransferSyntaxUID = syntax
    implicit, little = syntax == elements.IMPLICIT_LITTLE, syntax != elements.EXPLICIT_BIG
    ds = FileDataset("", {}, b"\0" * 128, meta, is_implicit_VR=implicit, is_little_endian=little)
    ds.ImageType, ds.Modality, ds.SOPInstanceUID = ["ORIGINAL", "PRIMARY", "AXIAL"], "CT", f"1.2.3.{number}"
    ds.SOPClassUID, ds.Manufacturer, ds.ManufacturerModelName = "1.2.840.10008.5.1.4.1.1.2", "M", "Model"
    ds.ContentTime, ds.SeriesDescription, ds.ReferringPhysicianName = f"1012{number % 60:02d}", description, "R"
    item = Dataset()
    item.ReferencedSOPClassUID = item.ReferencedSOPInstanceUID = "1.2.3"
    ds.ReferencedImageSequence = Sequence([item])
    ds["ReferencedImageSequence"].is_undefined_length = True
    ds.PatientName, ds.PatientID, ds.KVP, ds.SliceThickness = "Doe^Jane", "7", "120", "1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2", "1.2.3", "1.2.9"
    ds.add_new(0x00091010, "OB", private)
    ds.InstanceNumber, ds.ImagePositionPatient = number, [0, 0, number * 1.5]
    ds.ImageOrientationPatient, ds.PixelSpacing = [1, 0, 0, 0, 1, 0], [0.5, 0.75]
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.Rows, ds.Columns = 1, "MONOCHROME2", 2, 3
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation, ds.RescaleSlope, ds.RescaleIntercept = 15, 1, "1", "-1024"
    ds.WindowCenter, ds.WindowWidth = "40", "400"
    for keyword, value in extra:
        setattr(ds, keyword, value)
    ds.PixelData = bytes(range(12))
    ds["PixelData"].VR = "OW"
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def walked(data, repeats, whole=True):
    """What a walk gives, or how it ends."""
    try:
        syntax, start = meta_information(data)
        known = None if repeats is None else repeats.setdefault(syntax, Repeats())
        return elements._walk(data, start, syntax, WANTED, whole=whole, repeats=known)
    except (elements._NeedMore, elements._Unusual) as reason:
        return type(reason)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_walk_that_remembers_gives_what_one_without_memory_gives(data):
    """Series of headers, mixed, changed, cut, with elements coming and going: every answer and every refusal."""
    repeats: dict[str, Repeats] = {}
    syntax = data.draw(st.sampled_from(SYNTAXES))
    optional = [("PatientAge", "056Y"), ("ProtocolName", "Thorax"), ("AcquisitionNumber", 3), ("RescaleType", "HU")]
    changed = 0
    for number in range(data.draw(st.integers(4, 12))):
        raw = bytearray(
            header(
                number,
                syntax,
                data.draw(st.sampled_from(["A series", "Another", ""])),
                data.draw(st.sampled_from([b"1234", b"", b"\x08\0\x60\0CS\x02\0MR", bytes(300)])),
                data.draw(st.lists(st.sampled_from(optional), max_size=2)),
            )
        )
        if data.draw(st.booleans()):
            raw[data.draw(st.integers(132, len(raw) - 1))] = data.draw(st.integers(0, 255))
        for run in [run for known in repeats.values() for run in known.runs.values()][: data.draw(st.integers(0, 1))]:
            raw = raw.replace(run.data, 2 * run.data)  # elements that come twice are out of order
        cut = data.draw(st.sampled_from([len(raw), len(raw), data.draw(st.integers(0, len(raw)))]))
        whole = data.draw(st.booleans())
        with_memory = walked(bytes(raw[:cut]), repeats, whole)
        assert with_memory == walked(bytes(raw[:cut]), None, whole)
        changed += isinstance(with_memory, elements.Header)


class Counting(Repeats):
    """Remembers how many elements were walked one by one."""

    counts: list[int]

    def met(self, data, end, alone, walk):
        self.counts.append(alone)
        super().met(data, end, alone, walk)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_few_elements_of_a_series_are_walked_one_by_one(syntax):
    """Of forty elements, from the third header on only those that differ, and those alone between them."""
    repeats = Counting()
    repeats.counts = []
    for number in range(10, 18):
        assert walked(header(number, syntax), {syntax: repeats}) == walked(header(number, syntax), None)
    assert repeats.counts[0] >= 35
    assert max(repeats.counts[2:]) < 10


def test_learning_ends_where_there_is_nothing_to_learn():
    """Files that are all different cost no more than a few lessons."""
    repeats = Repeats()
    lessons = 0
    for number in range(200):
        element = struct.pack("<HHL", 8, 0x0060, 2) + b"%2d" % (number % 90)
        steps = [(tag, tag * 10, tag * 10 + 10) for tag in range(1, 21)]
        data = os.urandom(10) + element + os.urandom(400)

        def walk(met, steps=steps):
            nonlocal lessons
            lessons += 1
            met += steps
            return {}

        repeats.met(data, 300, 20, walk)
    assert lessons <= 30


def plain(value):
    """A value that can be compared, arrays included."""
    if dataclasses.is_dataclass(value):
        return [plain(getattr(value, one.name)) for one in dataclasses.fields(value)]
    return value.tolist() if isinstance(value, np.ndarray) else value


def looked_at(path, known):
    """The images in a file, or why there are none."""
    try:
        return [plain(image) for image in images_of(Source(path), known)]
    except NoImages as reason:
        return str(reason)


@settings(max_examples=25, deadline=None)
@given(
    numbers=st.lists(st.integers(0, 99), min_size=2, max_size=6),
    changes=st.lists(
        st.sampled_from(
            [
                ("Rows", 4),
                ("PixelSpacing", [0.5, -1]),
                ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
                ("ImagePositionPatient", [0, 0, 9e9]),
                ("ImagePositionPatient", [0, 0]),
                ("PhotometricInterpretation", "RGB"),
                ("RescaleSlope", "0"),
                ("Modality", "SR"),
                ("PatientName", "Roe^Richard"),
                ("SpecificCharacterSet", "ISO_IR 192"),
                ("NumberOfFrames", 3),
                ("BitsStored", 12),
                ("WindowWidth", "80"),
                ("SOPInstanceUID", "1.2.77"),
                ("AcquisitionTime", "111111"),
                ("LossyImageCompression", "01"),
            ]
        ),
        max_size=6,
    ),
)
def test_images_are_the_same_with_and_without_memory(tmp_path_factory, numbers, changes):
    """Whatever differs from file to file, each image is described as it would be alone."""
    folder = tmp_path_factory.mktemp("images")
    known = Known()
    for n, number in enumerate(numbers):
        extra = changes[n : n + 1]
        path = folder / f"{n}"
        path.write_bytes(header(number, IMPLICIT_LITTLE if n % 3 == 2 else elements.EXPLICIT_LITTLE, extra=extra))
        assert looked_at(path, known) == looked_at(path, None)


@pytest.mark.parametrize(
    ("position", "obstacle"),
    [
        ([0, 0, 100], ""),
        ([0, 0, 2e5], "Image Position (Patient) (0020,0032) is beyond 100 m"),
        ([0, 0], "Image Position (Patient) (0020,0032) is not three numbers"),
        (None, NO_POSITION),
    ],
)
def test_every_position_is_judged(tmp_path, position, obstacle):
    """Also behind a slice of the same series whose position is sound."""
    known = Known()
    for n, one in enumerate(([0, 0, 1], position)):
        path = tmp_path / f"{n}"
        path.write_bytes(header(n, elements.EXPLICIT_LITTLE, extra=[("ImagePositionPatient", one)]))
    assert images_of(Source(tmp_path / "0"), known)[0].obstacle == ""
    assert images_of(Source(tmp_path / "1"), known)[0].obstacle == obstacle


def test_real_files_are_the_same_with_and_without_memory(data):
    """All files at hand, in an order that mixes series of many scanners."""
    known = Known()
    paths = [path for path in sorted(data.rglob("*")) if path.is_file() and path.stat().st_size < 3 << 20]
    random.Random(3).shuffle(paths)
    for path in [*paths[:300], *sorted(paths[300:600])]:
        assert looked_at(path, known) == looked_at(path, None), path
