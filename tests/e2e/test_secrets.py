"""Planted secrets are searched for everywhere the product writes (invariants 12 and 13)."""

from pathlib import Path

import msgspec

from pointsman.journal.reader import JournalReader

from running_gateway import get, post, run_command, running_gateway

PROVIDER_KEY = "planted-provider-credential-7f3a9c"
GATEWAY_KEY = "planted-gateway-credential-51be20"
HEADER_VALUE = "planted-header-credential-c0ffee"
EMAIL = "someone.private@example.org"
CARD = "4111 1111 1111 1111"

CONFIG = """
providers:
  mock:
    kind: mock
    api_key: "${PROVIDER_KEY}"
    headers: {x-extra: "${HEADER_VALUE}"}
    default: true
  dead: {kind: openai, base_url: "http://127.0.0.1:9/v1", api_key: "${PROVIDER_KEY}"}
targets:
  small: {provider: mock, model: gpt-4o-mini}
  dead: {provider: dead, model: gpt-4o}
keys:
  ci: {key: "${GATEWAY_KEY}", tenant: acme, scopes: [call, explain]}
"""


def test_a_planted_secret_is_nowhere(tmp_path: Path):
    """Logs, journal, records, answers, metrics, check, why: none holds a key or the raw prompt."""
    environment = {
        "PROVIDER_KEY": PROVIDER_KEY,
        "GATEWAY_KEY": GATEWAY_KEY,
        "HEADER_VALUE": HEADER_VALUE,
    }
    auth = {"authorization": f"Bearer {GATEWAY_KEY}", "x-pointsman-explain": "true"}
    prompt = f"My address is {EMAIL} and my card is {CARD}."
    seen: list[bytes] = []
    request_ids: list[str] = []
    with running_gateway(tmp_path, config=CONFIG, environment=environment) as gateway:
        url = f"{gateway.url}/v1/chat/completions"
        for model in ("small", "dead", "unknown/model"):
            for stream in (False, True):
                body = msgspec.json.encode(
                    {
                        "model": model,
                        "stream": stream,
                        "messages": [{"role": "user", "content": prompt}],
                    }
                )
                _, headers, answer = post(url, body, auth)
                request_ids.append(headers["x-pointsman-request-id"])
                seen.append(str(headers).encode())
                if model == "dead":
                    seen.append(answer)
        seen.append(post(url, b"{}", {"authorization": "Bearer wrong"})[2])
        seen.append(get(f"{gateway.url}/metrics")[2])
        seen.append(get(f"{gateway.url}/ready")[2])
        data_dir = gateway.data_dir
        why = run_command("why", "last", "--data-dir", data_dir)
        check = run_command("check", tmp_path / "pointsman.yaml", environment=environment)
        seen += [why.stdout.encode(), check.stdout.encode(), check.stderr.encode()]

    files = [file for file in data_dir.rglob("*") if file.is_file()]
    seen += [file.read_bytes() for file in files]
    seen.append((tmp_path / "output.txt").read_bytes())
    # Contents lie encoded in the journal: searched as whoever reads them would see them.
    journal = JournalReader(data_dir / "journal")
    seen += [part.body for each in request_ids for part in journal.content(each)]

    for secret in (PROVIDER_KEY, GATEWAY_KEY, HEADER_VALUE, EMAIL, CARD):
        assert not any(secret.encode() in text for text in seen), secret
    assert any(b"[redacted: email]" in text for text in seen)
    assert all(file.stat().st_mode & 0o077 == 0 for file in files)
