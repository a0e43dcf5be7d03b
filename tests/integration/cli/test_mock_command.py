"""`pointsman mock` as a process: serves, counts, and ends when told."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request

RUN = "import sys; from pointsman.cli.main import main; sys.exit(main(['mock', *sys.argv[1:]]))"


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", RUN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ask(url: str, body: object = None) -> tuple[int, bytes]:
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urllib.request.urlopen(url, data, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def test_the_command_serves_its_script_until_it_is_terminated(tmp_path):
    """GW-10 over a socket: answers, models, health, counters, and exit code 0."""
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{match: {model: broken}, steps: [{status: 503}]}]")
    process = start("--port", "0", "--script", str(script))
    try:
        assert process.stdout is not None
        base = process.stdout.readline().split()[3].removesuffix("/v1")
        messages = [{"role": "user", "content": "hi"}]

        status, answer = ask(f"{base}/v1/chat/completions", {"model": "m", "messages": messages})
        failed, _ = ask(f"{base}/v1/chat/completions", {"model": "broken", "messages": messages})
        wrong, _ = ask(f"{base}/v1/chat/completions", {})
        lost, _ = ask(f"{base}/nowhere")

        assert status == 200
        assert json.loads(answer)["choices"][0]["message"]["content"].endswith("from m: hi")
        assert (failed, wrong, lost) == (503, 400, 404)
        assert json.loads(ask(f"{base}/health")[1]) == {"status": "ok"}
        assert json.loads(ask(f"{base}/v1/models")[1])["object"] == "list"
        assert json.loads(ask(f"{base}/_calls")[1]) == {"requests": 3, "chunks": 0, "aborted": 0}
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=10)
    assert (process.returncode, errors) == (0, "")


def test_a_wrong_script_is_one_clear_line(tmp_path):
    """Exit code 2, and nothing listens."""
    script = tmp_path / "script.yaml"
    script.write_text("rules: [{steps: [{statsu: 1}]}]")
    process = start("--script", str(script))

    _, errors = process.communicate(timeout=10)

    assert process.returncode == 2
    assert "statsu" in errors
    assert "Traceback" not in errors


def test_a_taken_port_is_one_clear_line():
    """Exit code 3."""
    first = start("--port", "0")
    try:
        assert first.stdout is not None
        port = first.stdout.readline().split()[3].removesuffix("/v1").rsplit(":", 1)[1]
        second = start("--port", port)

        _, errors = second.communicate(timeout=10)

        assert second.returncode == 3
        assert port in errors
        assert "Traceback" not in errors
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)
    assert first.returncode == 0
