"""What every 3D picture says about itself: side letters, orientation cube, scale bar.

Lives here: their pixels and their places, drawn by VTK so that window, eye and file carry the same.
"""
