"""Small pictures without letters: text in SVG is drawn unjoined and mirrored in Arabic, so labels stand beside them."""

from collections.abc import Sequence

from mithaq.brief.html import Html

_THEN, _NOW, _GROUND, _INK = (
    "#a39c8b",
    "#0b635d",
    "#d8d3c6",
    "#1b4b99",
)  # here, for PDFs take none of the page's style
_HIGH, _WIDE, _MOST = 22.0, 128.0, 64  # of a sparkline, and how many bars it has at most
_LONG, _THICK = 48.0, 6.0  # of a bar


def sparkline(daily: Sequence[int], period: int, *, mirrored: bool) -> Html:
    """Return claims by day: the baseline pale, the period dark; time runs as the language reads.

    Args:
        period: how many of the last days are the period.
    """
    size = max(1, -(-len(daily) // _MOST))
    before, now = daily[: len(daily) - period], daily[len(daily) - period :]
    heaps = [*_heaped(before, size), *_heaped(now, min(size, len(now)))]
    late = len(_heaped(now, min(size, len(now))))
    top, step = max([*heaps, 1]), _WIDE / len(heaps)
    bars: list[str] = []
    for at, count in enumerate(heaps):
        if not count:
            continue
        high = max(1.2, _HIGH * count / top)
        left = _WIDE - (at + 1) * step if mirrored else at * step
        kind, colour = ("now", _NOW) if at >= len(heaps) - late else ("then", _THEN)
        bars.append(
            f'<rect class="{kind}" fill="{colour}" x="{left:.2f}" y="{_HIGH - high:.2f}" '
            f'width="{step * 0.78:.2f}" height="{high:.2f}"/>'
        )
    ground = f'<path class="ground" stroke="{_GROUND}" d="M0 {_HIGH + 0.5}H{_WIDE}"/>'
    return Html(
        f'<svg class="spark" viewBox="0 0 {_WIDE:g} {_HIGH + 1:g}" width="{_WIDE:g}" height="{_HIGH + 1:g}" '
        f'aria-hidden="true" focusable="false">{ground}{"".join(bars)}</svg>'
    )


def _heaped(daily: Sequence[int], size: int) -> list[int]:
    """Sum days, the last heap whole."""
    first = len(daily) % size
    heaps = [sum(daily[:first])] if first else []
    return heaps + [sum(daily[at : at + size]) for at in range(first, len(daily), size)]


def bar(count: int, most: int, *, mirrored: bool) -> Html:
    """Return a figure as a bar, as long as its share of the largest."""
    wide = max(1.0, _LONG * count / most)
    left = _LONG - wide if mirrored else 0.0
    return Html(
        f'<svg class="bar" viewBox="0 0 {_LONG:g} {_THICK:g}" width="{_LONG:g}" height="{_THICK:g}" '
        f'aria-hidden="true" focusable="false"><rect class="now" fill="{_NOW}" x="{left:.2f}" y="0" '
        f'width="{wide:.2f}" height="{_THICK:g}"/></svg>'
    )


def star() -> Html:
    """Return the eight-pointed star of two squares: two parties, one covenant."""
    square = '<path d="M4 4H20V20H4Z"/>'
    turned = '<path d="M12 .7 23.3 12 12 23.3 .7 12Z"/>'
    return Html(
        f'<svg class="star" viewBox="0 0 24 24" width="28" height="28" '
        f'fill="none" stroke="{_INK}" stroke-width="1.5" aria-hidden="true">{square}{turned}</svg>'
    )
