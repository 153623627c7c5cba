"""The views: three linked slices and the 3D picture; the one place where rendering meets Qt.

Slices are numpy pictures under crisp vector lines and letters; 3D is an array that an off-screen view drew. No
OpenGL widget is used, so the views work on every Qt platform, remote ones included.
"""
