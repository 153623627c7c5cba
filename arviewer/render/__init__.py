"""Pictures of a scene: slices, 3D, stereo.

Lives here: slice pictures (numpy), the 3D stage and its props (VTK), eyes and frusta (numpy), outputs. May import:
VTK's rendering modules, pyvista, ``arviewer.imaging`` and what is below. Must not know: Qt, documents, files.
Nothing here changes state: a picture is a function of a scene, a camera and a size.
"""
