"""The Vercel AI SDK in a Node.js process of its own, asked as the Python clients are."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sdk_clients import IMAGE_URL, QUESTION, Ask, Seen, StatusSeenError, Wish
from vendors.said import DOCUMENT_SCHEMA, WEATHER_SCHEMA

FOLDER = Path(__file__).parent / "vercel_client"


@contextlib.contextmanager
def vercel_client() -> Iterator[Ask]:
    """Start the client; its packages are those of `package-lock.json`, installed once."""
    _install()
    node = shutil.which("node")
    if node is None:
        raise AssertionError("node is not installed")
    with subprocess.Popen(
        [node, "ask.mjs"], cwd=FOLDER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield lambda url, model, wish: _ask(process, url, model, wish)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            process.wait(10)


def _install() -> None:
    lock = FOLDER / "package-lock.json"
    stamp = FOLDER / "node_modules" / ".installed"
    if stamp.exists() and stamp.stat().st_mtime >= lock.stat().st_mtime:
        return
    npm = shutil.which("npm")
    if npm is None:
        raise AssertionError("npm is not installed")
    subprocess.run([npm, "ci", "--silent", "--ignore-scripts"], cwd=FOLDER, check=True, timeout=120)
    stamp.touch()


def _ask(process: "subprocess.Popen[str]", url: str, model: str, wish: Wish) -> Seen:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("the client has no pipes")
    told = {
        "url": url,
        "model": model,
        "question": QUESTION,
        "stream": wish.stream,
        "tools": WEATHER_SCHEMA if wish.tools else None,
        "schema": DOCUMENT_SCHEMA if wish.schema else None,
        "image": IMAGE_URL if wish.image else None,
        "reasoning": wish.reasoning,
    }
    process.stdin.write(json.dumps(told) + "\n")
    process.stdin.flush()
    answer = json.loads(process.stdout.readline())
    if "status" in answer:
        raise StatusSeenError(answer["status"], answer["message"])
    calls = [(name, arguments) for name, arguments in answer.pop("calls")]
    return Seen(calls=calls, **answer)
