"""Fewer triangles by edge collapse, many at once in whole-array operations.

In each round vertices that are no neighbours of each other each merge into the neighbour where the surface changes
least by the quadric error (M. Garland, P. Heckbert, "Surface simplification using quadric error metrics", SIGGRAPH
1997, https://doi.org/10.1145/258734.258849). What a merge would spoil is found before it counts: a triangle that
turns over, an edge with more than two triangles, a cap that leaves its plane. Vertices do not move, so a simplified
mesh is the first mesh with some of its vertices merged: one array says it all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Single = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

ELIGIBLE = 0.35
"""Share of the vertices that may merge in one round, the cheapest: a smaller one would be better and slower."""

TURN_COS = np.float32(0.2)
"""Least cosine of the angle between a new triangle and what it replaces."""

SHAPE = np.float32(0.005)
"""Least ratio of twice a new triangle's area to its longest edge squared; 0.87 for an equilateral one."""

STALLED = 0.01
"""A round that merges a smaller share of the vertices is the last one."""

ROUNDS = 40

STIFF = np.float32(1e-3)
"""How much a vertex is held along its surface, where its quadric says nothing, as a share of the quadric."""

PENALTY = np.float32(1.3)
"""Factor on the cost of a vertex for each merge that came to nothing."""


@dataclass
class Part:
    """Vertices and triangles to simplify, as rows: whole-array operations read them several times as fast.

    Attributes
    ----------
    points : ndarray, shape (3, N), float32
    triangles : ndarray, shape (3, M), int32
    quadrics : ndarray, shape (10, N), float32
        Of each vertex, about itself: xx, xy, xz, yy, yz, zz, x, y, z, 1; mm².
    stays : ndarray of bool, shape (N,)
        Vertices that neither merge nor move, nor is any merged into them: not all round them may be known.
    caps : ndarray of uint8, shape (N,)
        A vertex merges only into one that lies on its planes too.
    """

    points: Single
    triangles: Ids
    quadrics: Single
    stays: Flags
    caps: npt.NDArray[np.uint8]


def quadrics_of(points: Single, triangles: Ids, unit_mm2: float) -> Single:
    """Return per vertex the squared distances to the planes of its triangles, each times its area in `unit_mm2`."""
    normals, lengths = _normals(points, triangles)
    scale = np.sqrt(np.float32(0.5 / unit_mm2) / np.maximum(lengths, np.float32(1e-12)))
    x, y, z = (n * scale for n in normals)
    count = points.shape[1]
    out = np.zeros((10, count), np.float32)
    for row, form in zip(out, (x * x, x * y, x * z, y * y, y * z, z * z), strict=False):
        row += sum(np.bincount(corner, weights=form, minlength=count) for corner in triangles)
    return out


def merged(part: Part, ceiling_mm: float, least: int, seed: int = 0) -> Ids:
    """Merge vertices until no merge costs less than the ceiling, or `least` triangles are left.

    `part` changes: its triangles become those that are left, its vertices move to where they fit best.

    Returns
    -------
    ndarray, shape (N,)
        The vertex that each one is merged into; itself where it is left.
    """
    rng = np.random.default_rng(seed)
    count = part.points.shape[1]
    into = np.arange(count, dtype=np.int32)
    effort = np.ones(count, np.float32)
    avoid = np.full(count, -1, np.int32)
    used = np.zeros(count, np.bool_)
    used[part.triangles.reshape(-1)] = True
    alive = int(np.count_nonzero(used & ~part.stays))
    for _round in range(ROUNDS):
        too_many = part.triangles.shape[1] - least
        if too_many <= 1:
            break
        cost, target = _best(part, effort, avoid)
        limit = _limit(cost, ceiling_mm)
        leaving = _independent(part.triangles, cost <= limit, rng)
        leaving = leaving[np.argsort(cost[leaving], kind="stable")[: max(1, too_many // 2)]]
        leaving = _one_each(leaving, target, count)
        if len(leaving) == 0:
            break
        failed = _failed(part, leaving, target)
        effort[failed] *= PENALTY
        avoid[failed] = target[failed]
        leaving = leaving[~failed[leaving]]
        to = target[leaving]
        step = np.arange(count, dtype=np.int32)
        step[leaving] = to
        corners = step.take(part.triangles)
        keep = (corners[0] != corners[1]) & (corners[1] != corners[2]) & (corners[2] != corners[0])
        part.triangles = np.ascontiguousarray(corners[:, keep])
        into = step.take(into)
        part.quadrics[:, to] += _about(part.quadrics[:, leaving], part.points[:, to] - part.points[:, leaving])
        _fit(part, to)
        if len(leaving) < min(STALLED * alive, too_many / 4):
            break
        alive -= len(leaving)
    return into


def _limit(cost: Single, ceiling_mm: float) -> float:
    """Return the highest cost that may be paid in this round: the cheapest share goes first."""
    finite = cost[np.isfinite(cost)]
    if len(finite) == 0:
        return -1.0
    at = int(ELIGIBLE * (len(finite) - 1))
    return min(float(np.partition(finite, at)[at]), ceiling_mm * ceiling_mm)


def _best(part: Part, effort: Single, avoid: Ids) -> tuple[Single, Ids]:
    """Return for each vertex what its cheapest merge costs (mm²; infinite where there is none), and into which."""
    count = part.points.shape[1]
    best = np.full(count, np.inf, np.float32)
    target = np.arange(count, dtype=np.int32)
    edges = []
    for n in range(3):
        a, b = part.triangles[n], part.triangles[(n + 1) % 3]
        cost = _cost(part, a, b) * effort.take(a)
        cost[
            part.stays.take(a)
            | part.stays.take(b)
            | (avoid.take(a) == b)
            | ((part.caps.take(a) & ~part.caps.take(b)) != 0)
        ] = np.inf
        np.minimum.at(best, a, cost)
        edges.append((a, b, cost))
    for a, b, cost in edges:
        is_best = cost == best.take(a)
        target[a[is_best]] = b[is_best]
    return best, target


def _cost(part: Part, a: Ids, b: Ids) -> Single:
    """Return the value of the quadrics of `a` and `b` at `b`."""
    x, y, z = (row.take(b) - row.take(a) for row in part.points)
    q = [row.take(a) for row in part.quadrics]
    value = x * (q[0] * x + 2 * (q[1] * y + q[2] * z + q[6]))
    value += y * (q[3] * y + 2 * (q[4] * z + q[7]))
    value += z * (q[5] * z + 2 * q[8])
    value += q[9]
    value += part.quadrics[9].take(b)
    return np.asarray(np.maximum(value, 0), dtype=np.float32)


def _independent(triangles: Ids, may: Flags, rng: np.random.Generator) -> Ids:
    """Return some of the vertices that may leave, of which no two are neighbours; which ones is left to chance."""
    rank = rng.random(len(may), dtype=np.float32)
    rank[~may] = np.inf
    chosen = np.zeros(len(may), np.bool_)
    for turn in range(2):
        least = np.full(len(may), np.inf, np.float32)
        for n in range(3):
            np.minimum.at(least, triangles[n], rank.take(triangles[(n + 1) % 3]))
        new = rank < least
        chosen |= new
        if turn == 0:
            beside = new.take(triangles)
            for n in range(3):
                rank[triangles[n][beside[(n + 1) % 3]]] = np.inf
            rank[new] = np.inf
    return np.flatnonzero(chosen).astype(np.int32)


def _one_each(leaving: Ids, target: Ids, count: int) -> Ids:
    """Return those that leave, with one at most for each target: the first."""
    owner = np.full(count, -1, np.int32)
    owner[target[leaving[::-1]]] = leaving[::-1]
    return np.asarray(leaving[owner[target[leaving]] == leaving])


def _failed(part: Part, leaving: Ids, target: Ids) -> Flags:
    """Return which of those that leave must stay after all, as a flag of each vertex."""
    failed = np.zeros(part.points.shape[1], np.bool_)
    leaves = failed.copy()
    leaves[leaving] = True
    rows = [np.flatnonzero(leaves.take(corner)) for corner in part.triangles]  # no two neighbours leave
    own, following, last = (
        np.concatenate([part.triangles[(n + turn) % 3].take(rows[n]) for n in range(3)]) for turn in range(3)
    )
    _find_turned(part, np.stack((own, following, last)), target, failed)
    _find_doubled(part, own, following, leaving, target, failed)
    return failed


def _find_turned(part: Part, stars: Ids, target: Ids, failed: Flags) -> None:
    """Mark as failed what would turn a triangle over, or make one without a shape; what leaves is the first corner."""
    old, old_length = _normals(part.points, stars)
    leaver, to = stars[0], target.take(stars[0])
    facing = [np.bincount(leaver, weights=n, minlength=len(failed)).astype(np.float32) for n in old]
    # A sliver's own normal says little: the leaving vertex's says where outside is.
    sliver = np.float32(0.1) * old_length.mean() / np.maximum(_length(*facing), np.float32(1e-20))
    changed = np.flatnonzero((stars[1] != to) & (stars[2] != to))
    leaver = leaver.take(changed)
    corners = np.stack((to.take(changed), stars[1].take(changed), stars[2].take(changed)))
    new, new_length = _normals(part.points, corners)
    scale = sliver.take(leaver)
    reference = [o.take(changed) + scale * f.take(leaver) for o, f in zip(old, facing, strict=True)]
    dot = _dot(new, reference)
    longest = _longest(part.points, corners)
    bad = ~(dot > TURN_COS * new_length * _length(*reference)) | ~(new_length > SHAPE * longest)
    failed[leaver[bad]] = True


def _find_doubled(part: Part, leaver: Ids, following: Ids, leaving: Ids, target: Ids, failed: Flags) -> None:
    """Mark as failed what would give an edge more than two triangles.

    A merge is sound when the two vertices have two neighbours in common, and no other merge makes the same new edge.
    """
    count = len(failed)
    ring = _Pairs(leaver, following, count)
    failed[leaver[ring.lost]] = True
    owner = np.full(count, -1, np.int32)
    owner[target[leaving]] = leaving
    common = np.zeros(len(leaver), np.bool_)
    for n in range(3):
        by = owner.take(part.triangles[n])
        row = np.flatnonzero(by >= 0)
        at = ring.find(by.take(row), part.triangles[(n + 1) % 3].take(row))
        common[at[at >= 0]] = True
    shared = np.bincount(leaver, weights=common, minlength=count)
    failed[leaving[shared[leaving] != 2]] = True
    other = owner.take(following)
    row = np.flatnonzero((other >= 0) & (other != leaver))
    at = ring.find(other.take(row), target.take(leaver.take(row)))
    failed[leaver[row[at >= 0]]] = True


class _Pairs:
    """Finds pairs of numbers in a list of pairs by hashing.

    Attributes
    ----------
    lost : ndarray of bool
        The few pairs that are not found although they are there.
    """

    def __init__(self, first: Ids, second: Ids, count: int) -> None:
        self._count = np.int64(count)
        self._bits = max(8, len(first).bit_length() + 2)
        self._keys = first * self._count + second
        self._tables = []
        lost = np.arange(len(first), dtype=np.int32)
        for turn in range(2):
            table = np.full(1 << self._bits, -1, np.int32)
            slot = self._slot(self._keys[lost], turn)
            table[slot] = lost
            lost = lost[table[slot] != lost]
            self._tables.append(table)
        self.lost = np.zeros(len(first), np.bool_)
        self.lost[lost] = True

    def _slot(self, keys: npt.NDArray[np.int64], turn: int) -> npt.NDArray[np.int64]:
        product = keys.view(np.uint64) * np.uint64((0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)[turn])
        return (product >> np.uint64(64 - self._bits)).view(np.int64)

    def find(self, first: Ids, second: Ids) -> Ids:
        """Return the place of each pair in the list, −1 where it is not."""
        keys = first * self._count + second
        found = np.full(len(keys), -1, np.int32)
        for turn, table in enumerate(self._tables):
            at = table.take(self._slot(keys, turn))
            np.copyto(found, at, where=(at >= 0) & (self._keys.take(at) == keys))
        return found


def _about(quadrics: Single, moves: Single) -> Single:
    """Return the quadrics about points that lie elsewhere."""
    x, y, z = moves
    q = quadrics.copy()
    ax, ay, az = q[0] * x + q[1] * y + q[2] * z, q[1] * x + q[3] * y + q[4] * z, q[2] * x + q[4] * y + q[5] * z
    q[9] += x * (ax + 2 * q[6]) + y * (ay + 2 * q[7]) + z * (az + 2 * q[8])
    q[6] += ax
    q[7] += ay
    q[8] += az
    return q


def _fit(part: Part, at: Ids) -> None:
    """Move vertices to where their quadrics are least, unless a triangle would turn over."""
    at = at[(part.caps[at] == 0) & ~part.stays[at]]
    q = part.quadrics[:, at]
    moves = np.zeros_like(part.points)
    moves[:, at] = _least(q)
    moved = np.zeros(moves.shape[1], np.bool_)
    moved[at] = True
    touched = moved.take(part.triangles)
    rows = np.ascontiguousarray(part.triangles[:, touched[0] | touched[1] | touched[2]])
    old, old_length = _normals(part.points, rows)
    for _turn in range(4):
        new, new_length = _normals(part.points + moves, rows)
        bad = ~(_dot(old, new) > np.float32(0.5) * old_length * new_length)
        if not bad.any():
            break
        moves[:, rows[:, bad].reshape(-1)] = 0
    else:
        moves[:] = 0
    part.quadrics[:, at] = _about(q, moves[:, at])
    part.points += moves


def _least(q: Single) -> Single:
    """Return where, from its point, each quadric is least, shape (3, N)."""
    soft = STIFF * (q[0] + q[3] + q[5]) + np.float32(1e-12)
    a, b, c, d, e, f = q[0] + soft, q[1], q[2], q[3] + soft, q[4], q[5] + soft
    u, v, w = d * f - e * e, c * e - b * f, b * e - c * d
    over = np.float32(-1) / (a * u + b * v + c * w)
    x, y, z = q[6:9]
    be = b * c - a * e
    best = (u * x + v * y + w * z, v * x + (a * f - c * c) * y + be * z, w * x + be * y + (a * d - b * b) * z)
    return np.asarray(np.stack(best) * over)


def _normals(points: Single, triangles: Ids) -> tuple[tuple[Single, Single, Single], Single]:
    """Return the area vectors times two, by axis, and their lengths."""
    ux, uy, uz = (row.take(triangles[1]) - row.take(triangles[0]) for row in points)
    vx, vy, vz = (row.take(triangles[2]) - row.take(triangles[0]) for row in points)
    x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    return (x, y, z), _length(x, y, z)


def _longest(points: Single, triangles: Ids) -> Single:
    """Return the square of each triangle's longest edge."""
    edges = [[row.take(triangles[(n + 1) % 3]) - row.take(triangles[n]) for row in points] for n in range(3)]
    a, b, c = (_dot(edge, edge) for edge in edges)
    return np.asarray(np.maximum(np.maximum(a, b), c))


def _dot(a: Sequence[Single], b: Sequence[Single]) -> Single:
    return np.asarray(a[0] * b[0] + a[1] * b[1] + a[2] * b[2])


def _length(x: Single, y: Single, z: Single) -> Single:
    return np.asarray(np.sqrt(x * x + y * y + z * z))
