"""The overview: how many requests, how they went, what they cost, and how the collector is."""

import asyncio
from collections.abc import Callable, Sequence

from litestar import Response, get
from litestar.params import FromQuery
from msgspec import Struct

from pointsman.console import answers
from pointsman.console.charts import Bar, Chart, frame_of, lines, sparks, stacked
from pointsman.console.figures import percent, short_count, short_duration, short_money
from pointsman.console.given import TheSession, TheSite, TheViewer
from pointsman.console.request_filters import link
from pointsman.console.viewer import Viewer
from pointsman.core.explain import reason_sentence
from pointsman.store.query import EVERYTHING, Bucket, Overview, Series

_SPANS = {
    "1h": ("1 h", 3_600, 60),
    "6h": ("6 h", 21_600, 72),
    "24h": ("24 h", 86_400, 96),
    "7d": ("7 days", 604_800, 84),
    "30d": ("30 days", 2_592_000, 90),
}
"""Value in the address -> words, seconds, steps of the charts."""
_DEFAULT = "24h"
_S = 1_000_000_000


class Ranked(Struct, frozen=True):
    """One value of a column, and how often it occurred."""

    name: str
    title: str
    place: str
    count: str
    share: str
    sparks: list[Bar]


@get("/overview")
async def overview_page(
    site: TheSite, viewer: TheViewer, session: TheSession, span: FromQuery[str] = _DEFAULT
) -> Response[bytes]:
    """Show the figures of a span of time that ends now."""
    chosen = span if span in _SPANS else _DEFAULT
    start, end, steps = axis_of(chosen, viewer.now_unix_ns)
    store = site.settings.store
    overview, stats = await asyncio.gather(
        store.overview(start, end, steps, EVERYTHING), store.stats()
    )
    totals, reasons = overview.totals, site.settings.extra_reasons
    markup = site.render(
        "overview.html",
        viewer,
        session,
        spans=[(value, words) for value, (words, _, _) in _SPANS.items()],
        chosen=chosen,
        totals=totals,
        error_share=percent(totals.errors, totals.requests),
        fallback_share=percent(totals.fallbacks, totals.requests),
        charts=charts_of(overview, viewer),
        rows=[
            (viewer.moment(each.start_unix_ns), each.figures)
            for each in overview.buckets
            if each.figures.requests
        ],
        reasons=ranked(
            overview.reasons, "reason", totals.requests, lambda code: reason_sentence(code, reasons)
        ),
        models=ranked(overview.models, "model", totals.requests),
        targets=ranked(overview.targets, "target", totals.requests),
        failures=link("/requests", **{"from": chosen, "failed": "true"}),
        pipeline=site.settings.pipeline(),
        stats=stats,
    )
    return answers.page(markup)


def axis_of(span: str, now_unix_ns: int) -> tuple[int, int, int]:
    """Return start, end and number of steps; steps begin at round moments."""
    _, seconds, steps = _SPANS[span]
    step_ns = seconds * _S // steps
    end = -(-now_unix_ns // step_ns) * step_ns
    return end - steps * step_ns, end, steps


def charts_of(overview: Overview, viewer: Viewer) -> dict[str, Chart]:
    """Return the drawings of the page."""
    buckets, step = overview.buckets, overview.bucket_ns

    def told(bucket: Bucket) -> str:
        each = bucket.figures
        return (
            f"{each.requests} requests, {each.errors} errors, {short_money(each.cost_nano_usd)}, "
            f"p95 {short_duration(each.p95_ns)}"
        )

    frame = frame_of(buckets, step, viewer, told)
    errors = ("bad", lambda bucket: bucket.figures.errors)
    others = ("ok", lambda bucket: bucket.figures.requests - bucket.figures.errors)
    money = ("money", lambda bucket: bucket.figures.cost_nano_usd)
    latencies = [
        ("p99", lambda bucket: bucket.figures.p99_ns),
        ("p95", lambda bucket: bucket.figures.p95_ns),
        ("p50", lambda bucket: bucket.figures.p50_ns),
    ]
    return {
        "requests": stacked(buckets, [errors, others], short_count, frame),
        "cost": stacked(buckets, [money], short_money, frame),
        "latency": lines(buckets, latencies, short_duration, frame),
    }


def ranked(
    series: Sequence[Series],
    column: str,
    total: int,
    sentence: Callable[[str], str] | None = None,
) -> list[Ranked]:
    """Return the most frequent values of a column, with links to their requests."""
    return [
        Ranked(
            name=each.name,
            title=sentence(each.name) if sentence else each.name,
            place=link("/requests", **{column: each.name}),
            count=short_count(each.total),
            share=percent(each.total, total),
            sparks=sparks(each),
        )
        for each in series
    ]
