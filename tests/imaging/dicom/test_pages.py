"""Encapsulated PDFs: pages as pixels, the right way up and in the right colors; bombs and damage refused by name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian

from arviewer.errors import InputRefused
from arviewer.imaging.dicom import scan
from arviewer.imaging.dicom.pages import MAX_PAGES, MAX_PIXELS, MAX_SIDE, PIXELS_PER_INCH, document_page
from arviewer.imaging.dicom.untrusted import UntrustedReader
from arviewer.model.study import Attachment, AttachmentKind
from tests.imaging.dicom.documents import TWO_RECTANGLES, assembled, encapsulated, pdf, report, write

SCALE = PIXELS_PER_INCH / 72
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture(scope="module")
def reader() -> Iterator[UntrustedReader]:
    """One capped process for the documents of this module."""
    with UntrustedReader() as made:
        yield made


def listed(path: Path) -> Attachment:
    """The document as a scan lists it."""
    (found,) = scan(path).attachments
    assert found.kind is AttachmentKind.PDF
    return found


def wrapped(document: bytes, folder: Path, **elements: object) -> Attachment:
    """A PDF inside a DICOM file, as a scan lists it."""
    return listed(write(encapsulated(document, **elements), folder / "letter.dcm"))


def color_at(pixels: np.ndarray, x_pt: float, y_pt: float, height_pt: float = 100) -> tuple[int, ...]:
    """The color at a place of the page in PDF's points, from the lower left corner."""
    return tuple(int(c) for c in pixels[round((height_pt - y_pt) * SCALE), round(x_pt * SCALE)])


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_page_is_the_right_way_up_and_in_its_colors(reader, tmp_path: Path, syntax: str) -> None:
    """Red low at the left, blue high at the right, dark words low at the right, white elsewhere."""
    page = reader.page(wrapped(pdf(TWO_RECTANGLES), tmp_path, syntax=syntax))

    assert (page.number, page.count) == (1, 1)
    assert page.pixels.shape == (round(100 * SCALE), round(200 * SCALE), 3) or page.pixels.shape[:2] == (209, 417)
    assert page.pixels.dtype == np.uint8
    assert page.size_mm == pytest.approx((70.556, 35.278), abs=0.01)
    assert color_at(page.pixels, 40, 20) == RED
    assert color_at(page.pixels, 165, 75) == BLUE
    assert color_at(page.pixels, 40, 75) == WHITE
    assert color_at(page.pixels, 165, 50) == WHITE
    words = page.pixels[round(64 * SCALE) : round(80 * SCALE), round(100 * SCALE) : round(180 * SCALE)]
    assert 0.05 < (words.max(axis=2) < 100).mean() < 0.6
    elsewhere = page.pixels[: round(25 * SCALE), : round(140 * SCALE)]
    assert (elsewhere == 255).all()


def test_pages_are_counted_and_rotated_as_the_document_says(reader, tmp_path: Path) -> None:
    """Page 2 of 3 is page 2; /Rotate 90 turns the page clockwise."""
    shades = [b"%g g 0 0 200 100 re f" % shade for shade in (0.2, 0.4, 0.8)]
    three = wrapped(pdf(*shades), tmp_path / "three")
    seen = [reader.page(three, number) for number in (1, 2, 3)]
    assert [int(page.pixels[50, 50, 0]) for page in seen] == pytest.approx([51, 102, 204], abs=1)
    assert {page.count for page in seen} == {3}
    with pytest.raises(InputRefused, match="It has 3 pages; page 4 is asked for"):
        reader.page(three, 4)

    turned = reader.page(wrapped(pdf(TWO_RECTANGLES, extra=b"/Rotate 90"), tmp_path / "turned"))
    height, width = turned.pixels.shape[:2]
    assert height > 1.9 * width
    assert tuple(turned.pixels[round(40 * SCALE), round(20 * SCALE)]) == RED  # low left is now high left


def test_it_is_what_another_build_of_the_words_says(reader, tmp_path: Path) -> None:
    """The same content stored packed and plain gives the same picture, to the pixel."""
    plain = reader.page(wrapped(pdf(TWO_RECTANGLES), tmp_path / "plain"))
    packed = reader.page(wrapped(pdf(TWO_RECTANGLES, packed=True), tmp_path / "packed"))

    assert np.array_equal(plain.pixels, packed.pixels)


@pytest.mark.hazard("H22")
@pytest.mark.parametrize("box", [(0, 0, 14_400, 14_400), (0, 0, 1_000_000, 20), (0, 0, 3, 900_000), (0, 0, 5e8, 5e8)])
def test_a_huge_page_is_drawn_coarser(reader, tmp_path: Path, box: tuple[float, ...]) -> None:
    """Five meters and more: never more pixels than the caps allow."""
    page = reader.page(wrapped(pdf(b"1 0 0 rg 0 0 10 10 re f", box=box), tmp_path))

    height, width = page.pixels.shape[:2]
    assert max(height, width) <= MAX_SIDE + 1
    assert height * width <= 1.01 * MAX_PIXELS


@pytest.mark.hazard("H22")
def test_many_pages_cost_no_more_than_the_one_that_is_drawn(reader, tmp_path: Path) -> None:
    """5,000 pages: the first can be seen, one beyond the cap is refused with the cap named."""
    many = wrapped(pdf(*[b"0 g 0 0 9 9 re f"] * 5_000), tmp_path)

    assert reader.page(many).count == 5_000
    with pytest.raises(InputRefused, match=f"Pages 1 to {MAX_PAGES:,} can be seen here"):
        reader.page(many, MAX_PAGES + 1)


@pytest.mark.hazard("H22")
def test_a_bomb_in_a_stream_is_drawn_within_the_caps_or_refused(reader, tmp_path: Path) -> None:
    """An image of 4 GB from 4 MB of deflate, and a page of ten million rectangles: a page or a refusal by name."""
    side = 65_535
    packed = zlib.compress(bytes(1 << 27), 9)
    size = b"/Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8" % (side, side)
    kind = b"/Type /XObject /Subtype /Image /Filter /FlateDecode /Length %d" % len(packed)
    image = b"<< %s %s >>\nstream\n%s\nendstream" % (kind, size, packed)
    drawing = b"q 200 0 0 100 0 0 cm /I Do Q"
    bodies = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 200 100] >>",
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing),
        image,
    ]
    bombs = {"image": assembled(bodies), "stream": pdf(b"0 0 9 9 re f " * 10_000_000, packed=True)}
    for name, bomb in bombs.items():
        document = wrapped(bomb, tmp_path / name)
        with suppress(InputRefused):
            assert reader.page(document).pixels.size <= 3.1 * MAX_PIXELS
    assert reader.page(wrapped(pdf(TWO_RECTANGLES), tmp_path / "after")).count == 1, "the next document is drawn"


ENCRYPTED = b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <%s> /U <%s> >>" % (
    b"28BF4E5E4E758A41" * 4,
    b"00" * 32,
)


@pytest.mark.hazard("H22")
def test_what_cannot_be_a_page_is_refused_with_its_reason(reader, tmp_path: Path) -> None:
    """Cut short, encrypted, no PDF, HTML, an empty document, a document without pages: what, why, remedy."""
    good = pdf(TWO_RECTANGLES)
    identity = b"<00112233445566778899AABBCCDDEEFF>"
    encrypted = assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>", ENCRYPTED],
                          b"/Encrypt 3 0 R /ID [%s %s]" % (identity, identity))  # fmt: skip
    nothing = assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 0 >>"])
    for name, document, elements, why in (
        ("cut", good[: len(good) // 2], {}, "cut short"),
        ("lying", good, {"EncapsulatedDocumentLength": 10 * len(good)}, "cut short"),
        ("encrypted", encrypted, {}, "encrypted"),
        ("pageless", nothing, {}, "damaged"),
        ("rubble", b"%PDF-1.7\n" + bytes(range(256)) * 9 + b"%%EOF", {}, "damaged"),
        ("png", b"\x89PNG\r\n\x1a\n" + bytes(600), {}, "does not begin as a PDF"),
        ("html", b"<html><script>alert(1)</script></html>", {"mime": "text/html"}, "text/html"),
    ):
        ds = encapsulated(document, elements.pop("mime", "application/pdf"))
        for keyword, value in elements.items():
            setattr(ds, keyword, value)
        with pytest.raises(InputRefused, match=r"letter\.dcm is not shown") as caught:
            reader.page(listed(write(ds, tmp_path / name / "letter.dcm")))
        assert why in caught.value.why, name
        assert caught.value.remedy
    ds = encapsulated(good)
    del ds.EncapsulatedDocument
    with pytest.raises(InputRefused, match="no document"):
        reader.page(listed(write(ds, tmp_path / "none" / "letter.dcm")))


@pytest.mark.hazard("H22")
def test_scripts_links_and_embedded_files_do_nothing(reader, tmp_path: Path) -> None:
    """A document that would run a script, start a program, call home and save a file when opened: only its picture."""
    proof = tmp_path / "proof"
    action = (
        b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\); this.exportDataObject\\({cName:'x'}\\)) "
        b"/Next << /S /Launch /F (touch %s) /Next << /S /URI /URI (http://127.0.0.1:9/) >> >> >>" % bytes(proof)
    )  # fmt: skip
    page = reader.page(wrapped(pdf(TWO_RECTANGLES, trailer=action), tmp_path))

    assert color_at(page.pixels, 40, 20) == RED
    assert not proof.exists()
    import pypdfium2.version

    assert not pypdfium2.version.PDFIUM_INFO.flags, "a build with JavaScript (V8) or forms (XFA) must not be used"


@pytest.mark.hazard("H22")
def test_every_cut_and_many_changed_bytes_are_a_page_or_a_refusal(reader, tmp_path: Path) -> None:
    """The file ends anywhere, or has a byte changed: only refusals come out, and the reader lives on."""
    path = write(encapsulated(pdf(TWO_RECTANGLES, b"0 g 1 1 5 5 re f", packed=True)), tmp_path / "letter.dcm")
    whole, found = path.read_bytes(), listed(path)
    chance = np.random.default_rng(20260102)
    refused = 0
    for n in range(150):
        data = bytearray(whole)
        if n < 60:
            del data[int(chance.integers(600, len(data))) :]
        else:
            for place in chance.integers(900, len(data), size=3):
                data[place] = int(chance.integers(256))
        path.write_bytes(data)
        try:
            assert reader.page(found).pixels.shape[2] == 3
        except InputRefused:
            refused += 1
    assert refused >= 60, "every cut is refused"


@pytest.mark.hazard("H03")
def test_a_file_exchanged_since_is_not_shown(tmp_path: Path) -> None:
    """The document of another patient, or another object, under the same name is refused."""
    found = wrapped(pdf(TWO_RECTANGLES), tmp_path)
    write(encapsulated(pdf(TWO_RECTANGLES), patient=("Zwei^Bo", "2", "19700101", "M")), tmp_path / "letter.dcm")
    with pytest.raises(InputRefused, match="another patient"):
        document_page(found)
    write(report(), tmp_path / "letter.dcm")
    with pytest.raises(InputRefused, match="another object"):
        document_page(found)
