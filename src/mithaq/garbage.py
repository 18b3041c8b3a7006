"""Circles of garbage: how often a process looks for them."""

import gc


def collect_seldom() -> None:
    """Look for circles of garbage a hundred times less often than Python does, in this process.

    An import or a release makes millions of small values that stay until its unit ends. Looking through all of them
    again and again took a quarter of the time (`./mithaq bench`); what is in no circle is freed at once all the same.
    """
    gc.set_threshold(700_000, 20, 20)
