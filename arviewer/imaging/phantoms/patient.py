"""The synthetic patient: layers of tissue painted over one another, and the truth about them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from arviewer.imaging.phantoms import abdomen, chest, skeleton, trunk
from arviewer.imaging.phantoms.csg import Difference, Grown, Union, union
from arviewer.imaging.phantoms.layered import Layer, paint_layers
from arviewer.imaging.phantoms.raster import Sampling, patches
from arviewer.imaging.phantoms.shapes import Array, Shape
from arviewer.model.volume import VolumeGeometry
from arviewer.workers.progress import Progress, silent

AIR_HU = -1000.0

HU: Mapping[str, float] = {
    "air": AIR_HU,
    "skin": 40.0,
    "fat": -100.0,
    "muscle": 55.0,
    "cortical bone": 480.0,
    "trabecular bone": 255.0,
    "disc": 85.0,
    "spinal canal": 30.0,
    "cartilage": 95.0,
    "pin": 1800.0,
    "lung": -850.0,
    "lung vessels": 40.0,
    "airways": -1000.0,
    "myocardium": 110.0,
    "right heart": 140.0,
    "aorta": 320.0,
    "left heart": 320.0,
    "arteries": 320.0,
    "vessel wall": 60.0,
    "veins": 130.0,
    "liver": 105.0,
    "liver vessels": 290.0,
    "tumor": 60.0,
    "gallbladder": 12.0,
    "spleen": 125.0,
    "kidney": 158.0,
    "kidney medulla": 146.0,
    "renal sinus": -60.0,
    "pancreas": 90.0,
    "stomach wall": 65.0,
    "stomach fluid": 15.0,
    "gas": -980.0,
    "bowel wall": 70.0,
    "bowel content": 28.0,
}
"""Mean HU of each tissue."""

TRABECULAR_SWING_HU = 72.0
"""Trabecular bone varies smoothly by this much to both sides of its mean."""


def _layer(name: str, tissue: str, shape: Shape, swing_hu: float = 0.0, wavelength_mm: float = 40.0) -> Layer:
    return Layer(name, shape, HU[tissue], swing_hu, wavelength_mm)


@cache
def layers() -> tuple[Layer, ...]:
    """Return all tissues in the order of painting."""
    return (*_wall(), *_chest(), *_abdomen(), *_vessels(), *_bones())


def _wall() -> list[Layer]:
    table = [Layer(name, shape, hu) for name, shape, hu in trunk.table()]
    return [
        *table,
        _layer("skin", "skin", trunk.body()),
        _layer("fat", "fat", Grown(trunk.body(), -2.0), 7.0, 30.0),
        *(_layer("glands", "muscle", gland, 25.0, 16.0) for gland in trunk.breast_glands()),
        _layer("muscle", "muscle", trunk.muscle(), 6.0, 22.0),
        *(_layer("fat planes", "fat", sheet, 6.0, 20.0) for sheet in trunk.muscle_planes()),
        _layer("visceral fat", "fat", trunk.cavity(), 7.0, 30.0),
        _layer("back muscles", "muscle", trunk.back_muscles(), 8.0, 14.0),
        _layer("loin muscles", "muscle", trunk.loin_muscles(), 6.0, 14.0),
    ]


def _chest() -> list[Layer]:
    return [
        _layer("diaphragm", "muscle", chest.diaphragm()),
        _layer("cartilages", "cartilage", skeleton.cartilages(), 15.0, 12.0),
        _layer("esophagus", "muscle", chest.esophagus()),
        _layer("airway walls", "muscle", Grown(chest.airways(), 1.8)),
        *(_layer("veins", "veins", vein) for vein in chest.veins()),
        _layer("heart", "myocardium", chest.heart(), 5.0, 30.0),
        _layer("right heart", "right heart", chest.right_chambers(), 8.0, 25.0),
        _layer("airways", "airways", chest.airways()),
        *(_layer("lungs", "lung", lung, 22.0, 50.0) for lung in chest.lungs().values()),
        _layer("lung vessels", "lung vessels", chest.lung_vessels()),
    ]


def _abdomen() -> list[Layer]:
    fluid, air = abdomen.stomach_content()
    organs = [
        *(_layer("bowel", "bowel wall", loop, 8.0, 9.0) for loop in _clear(abdomen.small_bowel())),
        *(_layer("bowel content", "bowel content", Grown(loop, -3.5)) for loop in _clear(abdomen.small_bowel())),
        _layer("colon", "bowel wall", abdomen.colon()),
        _layer("colon content", "bowel content", Grown(abdomen.colon(), -3.0), 22.0, 11.0),
        _layer("colon gas", "gas", abdomen.colon_gas()),
        _layer("stomach", "stomach wall", abdomen.stomach()),
        _layer("stomach fluid", "stomach fluid", fluid, 6.0, 20.0),
        _layer("stomach gas", "gas", air),
        _layer("pancreas", "pancreas", abdomen.pancreas(), 10.0, 10.0),
        _layer("gallbladder", "gallbladder", abdomen.gallbladder()),
        _layer("liver", "liver", abdomen.liver(), 4.0, 30.0),
        _layer("tumor", "tumor", abdomen.tumor(), 6.0, 9.0),
        _layer("spleen", "spleen", abdomen.spleen(), 5.0, 20.0),
    ]
    for name, shape in abdomen.kidneys().items():
        organs.append(_layer(name, "kidney", shape))
        organs.append(_layer("medulla", "kidney medulla", abdomen.medullae(name)))
    return organs


def _clear(loops: list[Shape]) -> list[Shape]:
    """Keep bowel out of the muscles and off the large vessels and organs."""
    solid = union(
        [trunk.loin_muscles(), abdomen.colon(), abdomen.liver(), abdomen.kidneys_filled(), abdomen.gallbladder()]
    )
    vessels = Union((*abdomen.iliac_arteries().values(), abdomen.abdominal_aorta(), *chest.veins()[2:]))
    spared = union(
        [Grown(solid, 2.0), Grown(vessels, 3.5), Grown(skeleton.all_bones(), 4.0), Grown(abdomen.stomach(), 2.0)]
    )
    room = Grown(trunk.CAGE, -12.0)
    return [Difference(loop, union([spared, Difference(loop, room)])) for loop in loops]


@cache
def arteries() -> dict[str, Shape]:
    """Return every contrast-filled artery but the aorta."""
    named: dict[str, Shape] = {"arch branches": chest.arch_branches(), "gut arteries": abdomen.gut_arteries()}
    return {**named, **abdomen.iliac_arteries(), **abdomen.renal_arteries()}


@cache
def opacified() -> Shape:
    """Return all contrast-filled lumen: aorta, arteries, left heart, liver vessels."""
    parts = [abdomen.aorta(), *arteries().values(), *chest.left_chambers(), abdomen.liver_vessels()]
    return Difference(union(parts), skeleton.all_bones())


def _vessels() -> list[Layer]:
    bones = skeleton.all_bones()
    walled = union([chest.thoracic_aorta(), abdomen.abdominal_aorta(), *arteries().values(), abdomen.portal_veins()])
    lumen = Difference(union([abdomen.aorta(), *arteries().values()]), bones)
    organs = union([abdomen.liver(), *abdomen.kidneys().values(), chest.heart()])
    return [
        _layer("vessel walls", "vessel wall", Difference(Grown(walled, 2.2), organs)),
        _layer("left heart", "left heart", union(chest.left_chambers())),
        _layer("arteries", "arteries", lumen),
        _layer("liver vessels", "liver vessels", abdomen.liver_vessels()),
    ]


def _bones() -> list[Layer]:
    bones = skeleton.all_bones()
    coat = Difference(Grown(bones, 2.8), union([Grown(opacified(), 0.0), union(chest.lungs().values())]))
    return [
        _layer("periosteum", "muscle", coat),
        _layer("discs", "disc", Difference(skeleton.discs(), opacified()), 5.0, 15.0),
        _layer("spinal canal", "spinal canal", skeleton.canal()),
        _layer("cortical bone", "cortical bone", bones),
        Layer("trabecular bone", skeleton.marrow(), HU["trabecular bone"], TRABECULAR_SWING_HU, 26.0),
        _layer("pin", "pin", skeleton.fracture_pin()),
    ]


def paint(
    geometry: VolumeGeometry,
    slices: range,
    sampling: Sampling,
    progress: Progress = silent,
) -> tuple[Array, Array]:
    """Return noise-free HU and the coverage of the body for some slices.

    Parameters
    ----------
    geometry : VolumeGeometry
        In the patient's own frame (see `trunk`).
    slices : range
        Must start at a multiple of ``CHUNK_KJI[0]``.

    Returns
    -------
    hu, body : ndarray of float32, shape (len(slices), rows, columns)
    """
    shape = (len(slices), *geometry.shape_kji[1:])
    hu, body = np.full(shape, np.float32(AIR_HU)), np.zeros(shape, dtype=np.float32)
    paint_layers(hu, layers(), geometry, slices, sampling, progress)
    for patch in patches(trunk.body(), geometry, slices, sampling):
        k, j, i = patch.slices
        body[k.start - slices.start : k.stop - slices.start, j, i] = patch.coverage
    return hu, body
