"""Progress of a step of a longer work."""

from arviewer.workers.progress import part


def test_part_maps_a_step_to_its_share() -> None:
    """A step from 0 to 1 moves the whole from its start to its stop, and hands on the words."""
    seen = []
    step = part(lambda fraction, what="": seen.append((round(fraction, 6), what)), 0.2, 0.6)

    step(0.0, "begin")
    step(0.5, "half")
    step(1.0, "end")

    assert seen == [(0.2, "begin"), (0.4, "half"), (0.6, "end")]
