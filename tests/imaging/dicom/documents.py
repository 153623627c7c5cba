"""Reports and PDFs made by hand, for the tests that read them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
COMPREHENSIVE_3D_SR = "1.2.840.10008.5.1.4.1.1.88.34"
ENCAPSULATED_PDF = "1.2.840.10008.5.1.4.1.1.104.1"
PATIENT = ("Probe^Ada", "ID-Probe^Ada", "19800229", "F")


def blank(sop_class: str, modality: str, patient: Sequence[str] = PATIENT, **elements: Any) -> FileDataset:
    """Return an object without content."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, elements.pop("syntax", ExplicitVRLittleEndian)
    ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=meta)
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID = generate_uid()
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = patient
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", generate_uid()
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber = modality, 9, 1
    ds.ContentDate, ds.ContentTime = "20260102", "143005"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def code(value: str, scheme: str, meaning: str) -> list[Dataset]:
    """Return a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, scheme
    if meaning:
        item.CodeMeaning = meaning
    return [item]


def content(kind: str, name: str, *children: Dataset, relationship: str = "CONTAINS", **elements: Any) -> Dataset:
    """Return a content item of a report."""
    item = Dataset()
    item.RelationshipType, item.ValueType = relationship, kind
    item.ConceptNameCodeSequence = code("121071", "DCM", name)
    if kind == "CONTAINER":
        item.ContinuityOfContent = "SEPARATE"
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    if children:
        item.ContentSequence = list(children)
    return item


def measured(value: str, unit: str, scheme: str = "UCUM", meaning: str = "") -> list[Dataset]:
    """Return a measured value sequence."""
    item = Dataset()
    item.NumericValue = value
    item.MeasurementUnitsCodeSequence = code(unit, scheme, meaning or unit)
    return [item]


def reference(sop_class: str, uid: str, **elements: Any) -> list[Dataset]:
    """Return a referenced SOP sequence."""
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


def report(*children: Dataset, title: str = "Chest CT Report", **elements: Any) -> FileDataset:
    """Return a structured report."""
    ds = blank(COMPREHENSIVE_3D_SR, "SR", **elements)
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = code("18748-4", "LN", title)
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ContentSequence = list(children)
    return ds


def pdf(
    *streams: bytes, box: Sequence[float] = (0, 0, 200, 100), extra: bytes = b"", trailer: bytes = b"",
    objects: Sequence[bytes] = (), packed: bool = False,
) -> bytes:  # fmt: skip
    """Return a PDF with a page for each content stream; `extra` goes into each page's dictionary.

    `objects` follow the pages, the first of them has number 4 + 2 * pages.
    """
    count = len(streams)
    kids = b" ".join(b"%d 0 R" % (4 + 2 * n) for n in range(count))
    media = b" ".join(b"%g" % value for value in box)
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R %s >>" % trailer,
        b"<< /Type /Pages /Kids [%s] /Count %d /MediaBox [%s] >>" % (kids, count, media),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for n, stream in enumerate(streams):
        bodies.append(
            b"<< /Type /Page /Parent 2 0 R /Contents %d 0 R /Resources << /Font << /F 3 0 R >> >> %s >>"
            % (5 + 2 * n, extra)
        )
        filter_ = b"/Filter /FlateDecode " if packed else b""
        stream = zlib.compress(stream, 9) if packed else stream
        bodies.append(b"<< %s/Length %d >>\nstream\n%s\nendstream" % (filter_, len(stream), stream))
    return assembled([*bodies, *objects])


def assembled(bodies: Sequence[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF file of these objects; the first one is the catalog."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(bodies, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(bodies) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(bodies) + 1, trailer, start)
    return bytes(out)


TWO_RECTANGLES = b"1 0 0 rg 10 10 60 20 re f 0 0 1 rg 150 70 30 10 re f BT /F 18 Tf 0 g 100 20 Td (Left hip) Tj ET"
"""Red low at the left, blue high at the right, black words low at the right."""


def encapsulated(document: bytes, mime: str = "application/pdf", **elements: Any) -> FileDataset:
    """Return an encapsulated document."""
    ds = blank(ENCAPSULATED_PDF, "DOC", **elements)
    ds.DocumentTitle = elements.get("DocumentTitle", "Surgical letter")
    ds.BurnedInAnnotation, ds.MIMETypeOfEncapsulatedDocument = "YES", mime
    ds.EncapsulatedDocumentLength = len(document)
    ds.EncapsulatedDocument = document + b"\0" * (len(document) % 2)
    return ds


def write(ds: FileDataset, path: Path) -> Path:
    """Write an object to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    dcmwrite(path, ds, enforce_file_format=True)
    return path
