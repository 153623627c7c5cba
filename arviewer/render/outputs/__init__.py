"""Where pictures are drawn: a window off screen. Lives here: what owns a VTK render window, and how it is let go."""
