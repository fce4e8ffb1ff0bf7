"""The benchmark's plots: small SVGs whose text is text, and which are the same for the same figures."""

from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from loadtest.lines import CALL, GET_CALL, HOLD_SETS, HTTP, INSERT, LARGEST, Figures, Point, in_sets
from loadtest.measure import Round, median
from loadtest.results import Results

STYLE: Mapping[str, object] = {
    "svg.fonttype": "none",
    # Without a salt each run makes up other ids.
    "svg.hashsalt": "flashsale",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "axes.spines.top": False,
    "axes.spines.right": False,
}
COLOURS = ("#444444", "#1b6ca8", "#d1495b", "#2a9d5c", "#8a5fbf", "#e09f3e")


class Series(NamedTuple):
    """A line of a plot: its rounds at each x."""

    label: str
    rounds: Mapping[float, Sequence[Round]]


def write(results: Results, folder: Path) -> list[Path]:
    """Write all of them; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    plots: Mapping[str, tuple[str, Sequence[Series], str]] = {
        "clients.svg": ("clients, no added commit latency", _by_clients(results.clients), "log2"),
        "latency.svg": ("added commit latency, ms; 32 clients unless said", _by_latency(results.latency), "linear"),
        "stripes.svg": ("stripes of the product, 32 clients", _by_stripes(results.stripes), "log2"),
        "history.svg": ("rows of history, 32 clients", _by_history(results), "symlog"),
    }
    for name, (label, series, scale) in plots.items():
        (folder / name).write_text(draw(label, series, scale), encoding="utf-8")
    return [folder / name for name in plots]


def draw(label: str, series: Sequence[Series], scale: str) -> str:
    """Throughput and p99 side by side, as an SVG document. scale: log2, linear or symlog, of the x axis."""
    with matplotlib.rc_context(dict(STYLE)):  # type: ignore[arg-type]
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        left, right = figure.subplots(1, 2)
        for axes, what, title in ((left, "rate", "a second"), (right, "p99", "p99, ms")):
            for colour, (name, rounds) in zip(COLOURS, series, strict=False):
                xs = sorted(rounds)
                axes.plot(xs, [median(rounds[x], what) for x in xs], "o-", color=colour, markersize=3.5, label=name)
            axes.set_title(title, loc="left")
            axes.set_xlabel(label)
            axes.set_ylim(bottom=0)
            _SCALES[scale](axes, sorted({x for _, rounds in series for x in rounds}))
        left.legend(frameon=False)
        return _svg(figure)


def _svg(figure: Figure) -> str:
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib ends some lines with a blank.
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _ticks(axes: Axes, xs: Sequence[float]) -> None:
    axes.set_xticks(xs, [f"{x:,g}" if x < 1000 else f"{x / 1e6:g}M" for x in xs])
    axes.minorticks_off()


def _log2(axes: Axes, xs: Sequence[float]) -> None:
    axes.set_xscale("log", base=2)
    _ticks(axes, xs)


def _symlog(axes: Axes, xs: Sequence[float]) -> None:
    """Logarithmic, and with a place for 0."""
    least = max(min((x for x in xs if x), default=1), 1)
    axes.set_xscale("symlog", linthresh=least)
    axes.set_xlim(left=-least / 10)
    _ticks(axes, xs)


_SCALES: Mapping[str, Callable[[Axes, Sequence[float]], None]] = {"log2": _log2, "linear": _ticks, "symlog": _symlog}


def _by(label: str, figures: Figures, x: Callable[[Point], float], **belongs: float | str) -> Series:
    """The points that have these values, by their x."""
    chosen = {p: rounds for p, rounds in figures.items() if all(getattr(p, name) == v for name, v in belongs.items())}
    return Series(label, {x(point): rounds for point, rounds in chosen.items()})


def _by_clients(figures: Figures) -> list[Series]:
    names = {line: line for line in (INSERT, CALL, HTTP)} | {HOLD_SETS: f"{HOLD_SETS}, sets of half, {LARGEST} at most"}
    return [_by(name, figures, lambda point: point.clients, line=line) for line, name in names.items()]


def _by_latency(figures: Figures) -> list[Series]:
    points = {line: Point(line) for line in (INSERT, CALL, HTTP)}
    points |= {f"{HTTP}, 128 clients": Point(HTTP, 128)}
    points |= {point.label: point for point in (in_sets(HOLD_SETS), Point(CALL, stripes=1))}
    return [
        _by(name, figures, _delay_ms, line=point.line, clients=point.clients, stripes=point.stripes)
        for name, point in points.items()
    ]


def _delay_ms(point: Point) -> float:
    return point.delay / 1000


def _by_stripes(figures: Figures) -> list[Series]:
    return [
        _by(f"{CALL}, +{delay / 1000:g} ms", figures, lambda point: point.stripes, delay=delay)
        for delay in sorted({point.delay for point in figures})
    ]


def _by_history(results: Results) -> list[Series]:
    history = results.history
    return [
        Series(f"{line}{extra}", {each.rows: (each.beside if beside else each.without)[line] for each in history})
        for line in (CALL, GET_CALL)
        for beside, extra in ((True, ""), (False, ", without history"))
    ]
