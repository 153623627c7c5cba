"""The volumes of a 4D series: which belong together, and those that are kept in memory for going to and fro."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from arviewer.model.study import Series
from arviewer.model.volume import Volume

MAX_KEPT_BYTES = 2 << 30
"""Volumes that are kept beside the one on show; the least recently seen goes first."""


def volumes_beside(series: Series, found: Sequence[Series]) -> tuple[Series, ...]:
    """Return the volumes that share the series and the grid of `series`, itself included, in their order.

    Only volumes of one patient, one frame of reference and one grid are gone through without opening anew: the same
    voxel is then the same place in all of them.
    """
    if series.phase is None or series.geometry is None:
        return ()
    return tuple(other for other in found if _is_beside(other, series))


def _is_beside(other: Series, series: Series) -> bool:
    if other.geometry is None or series.geometry is None or other.phase is None:
        return False
    same = (other.uid, other.study_uid, other.patient.key) == (series.uid, series.study_uid, series.patient.key)
    return same and other.geometry.same_grid(series.geometry)


def belongs_to(now: Volume | None, volume: Volume) -> bool:
    """Whether what was made of `volume` belongs to what is on show: to it, or to another volume on its grid."""
    if now is None or now is volume:
        return now is volume
    same_series = (now.series.uid, now.series.study_uid) == (volume.series.uid, volume.series.study_uid)
    return same_series and now.geometry.same_grid(volume.geometry)


class KeptVolumes:
    """Volumes that have been read, up to a number of bytes."""

    def __init__(self, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._volumes: OrderedDict[Series, Volume] = OrderedDict()

    def __len__(self) -> int:
        return len(self._volumes)

    def keep(self, volume: Volume) -> None:
        """Keep a volume; the least recently seen ones go when there is no room."""
        self._volumes[volume.series] = volume
        self._volumes.move_to_end(volume.series)
        while len(self._volumes) > 1 and sum(one.voxels.nbytes for one in self._volumes.values()) > self._max_bytes:
            self._volumes.popitem(last=False)

    def find(self, series: Series) -> Volume | None:
        """Return the volume of a series when it is kept."""
        found = self._volumes.get(series)
        if found is not None:
            self._volumes.move_to_end(series)
        return found

    def clear(self) -> None:
        """Let all go."""
        self._volumes.clear()
