"""Edges that are not paired are found, whatever the order of the triangles."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from arviewer.imaging.meshing import quality


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_unpaired_edges_are_found_one_by_one(monkeypatch, seed, chunk):
    """The edges found are those that counting finds, also where their triangles lie in different chunks."""
    monkeypatch.setattr(quality, "EDGE_CHUNK", chunk)
    rng = np.random.default_rng(seed)
    triangles = np.array([rng.choice(14, 3, replace=False) for _ in range(int(rng.integers(1, 60)))], dtype=np.int32)
    if seed % 2:  # as a contour orders them, or not at all
        triangles = triangles[np.argsort(triangles.min(axis=1))]
    along = Counter((int(t[n]), int(t[(n + 1) % 3])) for t in triangles for n in range(3))
    expected = sorted({(min(e), max(e)) for e in along if along[e] != 1 or along[e[::-1]] != 1})
    assert [tuple(edge) for edge in quality.bad_edges(triangles)] == expected


def test_a_closed_surface_is_closed_in_any_chunks(monkeypatch):
    """A tetrahedron is closed however it is cut, open along three edges without any one of its triangles."""
    monkeypatch.setattr(quality, "EDGE_CHUNK", 1)
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]], dtype=np.int32)
    assert len(quality.bad_edges(tetrahedron)) == 0
    for n in range(4):
        assert len(quality.bad_edges(np.delete(tetrahedron, n, axis=0))) == 3
