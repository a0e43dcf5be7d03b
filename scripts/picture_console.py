"""Take the pictures of the console in docs/images: made-up traffic, the system's Chromium.

    PYTHONPATH=tests .venv/bin/python -m scripts.picture_console

Pictures have at most 256 colours: text on flat ground loses nothing that is seen, and a file stays
under 150 kB.
"""

import struct
import tempfile
import zlib
from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import structs
from playwright.sync_api import Browser, sync_playwright

from console_browser import FLAGS, KINDS, log_in
from console_server import ConsoleServer, serving_console
from pointsman.core.clock import SystemClock
from pointsman.core.records import CallRecord
from sample_alerts import sample_alerts
from sample_changes import note_changes
from sample_records import Traffic

FOLDER = Path(__file__).parents[1] / "docs" / "images"
MAX_BYTES = 150_000
OPEN_ALERTS = 2
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def main() -> None:
    """Write every picture anew."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _serving(folder) as console:
        calls = _seed(console)
        failover = calls["failover"]
        pictures = {
            # First: every picture logs in, which the audit shows.
            "console-audit": ("/audit", 1280, 620, "light"),
            "console-requests": ("/requests", 1280, 800, "light"),
            "console-request": (f"/requests/{failover.request_id}", 1280, 1340, "light"),
            "console-trace": (f"/traces/{failover.trace_id}", 1280, 760, "dark"),
            "console-overview": ("/overview", 1280, 900, "dark"),
            "console-costs": ("/costs?by=feature", 1280, 760, "light"),
            "console-alerts": ("/alerts", 1280, 760, "light"),
            "console-narrow": ("/requests", 390, 800, "dark"),
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            for name, (path, width, height, theme) in pictures.items():
                shot = _shoot(browser, console, path, (width, height, theme))
                small = smaller(shot)
                if len(small) > MAX_BYTES:
                    raise SystemExit(f"{name} has {len(small)} bytes")
                (FOLDER / f"{name}.png").write_bytes(small)
            browser.close()


def _serving(folder: str) -> AbstractContextManager[ConsoleServer]:
    return serving_console(Path(folder), open_alerts=lambda: OPEN_ALERTS)


def _seed(console: ConsoleServer) -> dict[str, CallRecord]:
    now = SystemClock().unix_ns()
    traffic = Traffic(now - 90 * 10**9)
    calls = {
        kind: traffic.call(now - (80 - 7 * number) * 10**9, kind)
        for number, kind in enumerate(KINDS)
    }
    console.run(console.settings.store.write_spans(traffic.application(calls["failover"])))
    console.store(*traffic.calls(1_500), *calls.values(), *_priced_retries(traffic))
    alerts = sample_alerts(now)
    shown = structs.replace(alerts, opened=(*alerts.opened[:OPEN_ALERTS], *alerts.opened[3:]))
    console.run(console.settings.store.write_alerts(shown))
    console.run(note_changes(console.settings.audit))
    return calls


def _priced_retries(traffic: Traffic) -> list[CallRecord]:
    """Return requests whose first attempt was charged for too, and some probes."""
    calls = [traffic.call(traffic.end_unix_ns - n * 10**12, "failover") for n in range(40)]
    for call in calls:
        call.attempts[0].cost, call.attempts[0].usage = call.cost, call.usage
    probes = [traffic.call(traffic.end_unix_ns - n * 10**12, "plain") for n in range(20)]
    for probe in probes:
        probe.operation, probe.reason = "probe", "health_probe"
        probe.route = probe.key = probe.tenant = probe.user = probe.feature = None
    return [*calls, *probes]


def _shoot(
    browser: Browser, console: ConsoleServer, path: str, look: tuple[int, int, str]
) -> bytes:
    width, height, theme = look
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        timezone_id="Europe/Berlin",
    )
    log_in(page, console)
    page.goto(console.url + path)
    page.wait_for_load_state("load")
    shot = page.screenshot()
    page.context.close()
    return shot


def smaller(png: bytes) -> bytes:
    """Return a picture of 8-bit RGB anew, with the 256 colours that stand for it best."""
    width, height, pixels = _decode(png)
    counted = Counter(zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True))
    palette = _palette([colour for colour, _ in counted.most_common()])
    places = {
        colour: min(range(len(palette)), key=lambda at: _distance(palette[at], colour))
        for colour in counted
    }
    indexes = bytes(
        places[colour] for colour in zip(pixels[0::3], pixels[1::3], pixels[2::3], strict=True)
    )
    rows = b"".join(b"\0" + indexes[at : at + width] for at in range(0, len(indexes), width))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    flat = b"".join(map(bytes, palette))
    parts = ((b"IHDR", head), (b"PLTE", flat), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in parts)


def _palette(colours: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return at most 256 colours, such that every one has its like: rare marks keep theirs."""
    apart = 0
    while True:
        chosen: list[tuple[int, ...]] = []
        for colour in colours:
            if all(_distance(colour, other) > apart for other in chosen):
                chosen.append(colour)
            if len(chosen) > 256:
                break
        if len(chosen) <= 256:
            return chosen
        apart = apart * 3 // 2 + 12


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _decode(png: bytes) -> tuple[int, int, bytes]:
    """Return width, height and RGB of a picture as Chromium writes it (8 bit, not interlaced)."""
    data, at, head = b"", len(_SIGNATURE), b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        head, data = (body if kind == b"IHDR" else head), data + (body if kind == b"IDAT" else b"")
        at += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", head[:10])
    if depth != 8 or colour not in (2, 6):
        raise SystemExit(f"cannot read a picture of depth {depth} and colour type {colour}")
    size = 3 if colour == 2 else 4
    pixels = _unfilter(zlib.decompress(data), width * size, size)
    return width, height, pixels if size == 3 else _without_alpha(pixels)


def _unfilter(raw: bytes, stride: int, size: int) -> bytes:
    """Undo the filter of each row (https://www.w3.org/TR/png-3/#9Filters)."""
    rows, above = [], bytes(stride)
    for start in range(0, len(raw), stride + 1):
        row = bytearray(raw[start + 1 : start + 1 + stride])
        kind = raw[start]
        for at in range(stride if kind else 0):
            left = row[at - size] if at >= size else 0
            corner = above[at - size] if at >= size else 0
            row[at] = (row[at] + _predicted(kind, left, above[at], corner)) & 255
        above = bytes(row)
        rows.append(above)
    return b"".join(rows)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind < 3:
        return (0, left, up)[kind]
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda each: abs(guess - each))


def _without_alpha(pixels: bytes) -> bytes:
    kept = bytearray(len(pixels) // 4 * 3)
    for channel in range(3):
        kept[channel::3] = pixels[channel::4]
    return bytes(kept)


if __name__ == "__main__":
    main()
