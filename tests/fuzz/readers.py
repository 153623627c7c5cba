"""The readers beside the images: segmentations, structure sets, NIfTI, NRRD, reports; the header view of any file."""

from __future__ import annotations

import atexit
import functools
import gzip
import json
import shutil
import struct
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from random import Random

from arviewer.errors import ArviewerError
from arviewer.formats import reading, structures
from arviewer.imaging.dicom import describe
from arviewer.imaging.dicom.dump import as_lines, header_rows
from arviewer.imaging.dicom.report import report_text
from arviewer.model.study import Attachment, AttachmentKind, Series
from tests.fuzz.cases import Case, mutated
from tests.fuzz.targets import Known, Outcome, note_refusal

SHORTS = (0, 1, 2, -1, 3, 7, 8, 16, 64, 255, 512, 768, 1024, 32767, -32768)
FLOATS = (0.0, -1.0, 1e-30, 1e30, float("inf"), float("-inf"), float("nan"), 1.0, 352.0, 1e9)
TEXTS = (
    b"nan", b"-1", b"0", b"1e99", b"99999999999", b"", b"raw", b"gzip", b"bzip2", b"hex", b"../../etc/passwd", b"int64",
)  # fmt: skip

NIFTI_FIELDS = (
    ("<h", range(40, 56, 2), SHORTS),
    ("<h", (70, 72, 252, 254), SHORTS),
    ("<f", (*range(76, 120, 4), *range(256, 328, 4)), FLOATS),
)
"""Code, places and values: the dimensions, type and transforms, then the spacings, offsets and affine; NIfTI-1."""

_lock = threading.Lock()


@functools.cache
def _images() -> tuple[Path, Series]:
    """Write the images that the structures belong to; in each process the same ones."""
    from tests.structure_files import grid, write_images

    folder = Path(tempfile.mkdtemp(prefix="arviewer-fuzz-images-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, write_images(folder, grid())


@functools.cache
def _seeds() -> dict[str, bytes]:
    from tests.formats.structures.test_hostile import SEEDS
    from tests.structure_files import CENTER, chiral, coverage_on, grid
    from tests.structure_files import Case as Phantom

    folder, series = _images()
    phantom = Phantom(folder, series, grid(), chiral(CENTER).parts, coverage_on(grid()))
    with tempfile.TemporaryDirectory() as place:
        return {name: write(phantom, Path(place) / name).read_bytes() for name, write in SEEDS.items()}


def seeds() -> dict[str, bytes]:
    """Return a sound file of each kind, by name; their UIDs are new in each run, all else is the same."""
    with _lock:
        return _seeds()


def case(seed: int, number: int) -> Case:
    """Return the input of a number: one damaged file."""
    rng = Random(f"readers/{seed}/{number}")
    name = rng.choice(list(seeds()))
    data = seeds()[name]
    if name.endswith(".dcm"):
        data, story = mutated(rng, data)
    elif name.endswith(".gz"):
        data, story = _zipped(rng, gzip.decompress(data))
    else:
        data, story = (_nrrd if name.endswith(".nrrd") else _nifti)(rng, data)
    return Case(number, name.partition(".")[2], {name: data}, name, (name, *story))


def _zipped(rng: Random, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    data, story = _nifti(rng, data)
    packed = bytearray(gzip.compress(data, 1))
    if rng.random() < 0.3:
        packed[rng.randrange(len(packed))] = rng.randrange(256)
        story += ("damaged gzip",)
    return bytes(packed), story


def _nifti(rng: Random, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    changed = bytearray(data)
    for _n in range(rng.choice((1, 2, 3))):
        code, places, values = rng.choice(NIFTI_FIELDS)
        struct.pack_into(code, changed, rng.choice(list(places)), rng.choice(values))
    if rng.random() < 0.2:
        del changed[rng.randrange(len(changed)) :]
    return bytes(changed), ("nifti fields",)


def _nrrd(rng: Random, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    head, blank, body = data.partition(b"\n\n")
    lines = head.split(b"\n")
    for _n in range(rng.choice((1, 2))):
        n = rng.randrange(len(lines))
        key, colon, value = lines[n].partition(b": ")
        words = value.split(b" ")
        words[rng.randrange(len(words))] = rng.choice(TEXTS)
        lines[n] = rng.choice((key + colon + b" ".join(words), lines[n] + b"\n" + lines[n], b"", rng.randbytes(20)))
    if rng.random() < 0.2:
        body = body[: rng.randrange(len(body))]
    return b"\n".join(lines) + blank + body, ("nrrd lines",)


def read(path: Path, known: Known) -> Outcome:
    """Open one file as the window does when it lies beside images: list it, look into it, read it, show its header."""
    outcome = Outcome()
    try:
        found = reading.scan(path)
    except ArviewerError as error:
        note_refusal(error, outcome)
        _show_header(path, outcome)
        return outcome
    outcome.stage = "listed"
    json.dumps(describe(found), allow_nan=False).encode()
    for series in found.series[:4]:
        _attempt(functools.partial(reading.load, series), outcome)
    for one in found.attachments or _label_maps(path, outcome):
        if one.kind in structures.KINDS:
            _attempt(functools.partial(structures.contents, one), outcome, decodes=False)
            _attempt(functools.partial(structures.read, one, _images()[1], 0.5, []), outcome)
        elif one.kind is AttachmentKind.REPORT:
            _attempt(functools.partial(report_text, one), outcome)
    _show_header(path, outcome)
    return outcome


def _label_maps(path: Path, outcome: Outcome) -> list[Attachment]:
    try:
        return [structures.attachment_at(path)]
    except ArviewerError as error:
        note_refusal(error, outcome)
        return []


def _show_header(path: Path, outcome: Outcome) -> None:
    def show() -> None:
        "\n".join(as_lines(header_rows(path))).encode()

    _attempt(show, outcome, decodes=False)


def _attempt(work: Callable[[], object], outcome: Outcome, *, decodes: bool = True) -> None:
    """Do it; what comes out must be one of our errors."""
    outcome.decoded = outcome.decoded or decodes
    try:
        work()
    except ArviewerError as error:
        note_refusal(error, outcome)
        if outcome.stage == "listed" and decodes:
            outcome.stage = "refused at load"
        return
    if decodes:
        outcome.stage = "loaded"
