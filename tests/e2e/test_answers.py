"""What every answer tells, and what a caller can ask about a decision."""

import msgspec

from running_gateway import RunningGateway, get, post, run_command

BODY = msgspec.json.encode({"model": "auto", "messages": [{"role": "user", "content": "Hello"}]})


def chat(gateway: RunningGateway, body: object, headers: dict[str, str] | None = None):
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    status, answer_headers, answer = post(f"{gateway.url}/v1/chat/completions", encoded, headers)
    return status, answer_headers, msgspec.json.decode(answer)


def test_every_answer_carries_the_headers_errors_included(mock_gateway: RunningGateway):
    """Request id, trace id, target, reason, attempts, config version: on 200, 400 and 404."""
    names = {
        f"x-pointsman-{name}"
        for name in ("request-id", "trace-id", "target", "reason", "attempts", "config")
    }
    for body in (BODY, b"{}", b"not json"):
        _, headers, _ = chat(mock_gateway, body)
        assert names <= set(headers)
    _, headers, _ = get(f"{mock_gateway.url}/nowhere")
    assert names <= set(headers)


def test_the_trace_of_the_caller_is_continued(mock_gateway: RunningGateway):
    """GW-24: `traceId` is `trc_` and the digits of `traceparent`."""
    trace_id = "0af7651916cd43dd8448eb211c80319c"

    _, headers, answer = chat(
        mock_gateway, BODY, {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    )

    assert headers["x-pointsman-trace-id"] == trace_id
    assert answer["pointsman"]["traceId"] == f"trc_{trace_id}"
    assert answer["pointsman"]["runId"] == f"run_{trace_id}"


def test_prompts_at_the_threshold_stay_small_and_one_more_is_large(mock_gateway: RunningGateway):
    """GW-03, GW-04, GW-05: 1000 characters and 1001; the threshold is in /health."""
    reasons = []
    for length in (1000, 1001):
        _, headers, answer = chat(
            mock_gateway,
            {"model": "auto", "messages": [{"role": "user", "content": "x" * length}]},
        )
        reasons.append((answer["pointsman"]["routing"]["sizeClass"], answer["model"]))
        assert headers["x-pointsman-reason"] == answer["pointsman"]["routing"]["routeReason"]

    assert reasons == [("small", "gpt-4o-mini"), ("large", "gpt-4o")]
    assert msgspec.json.decode(get(f"{mock_gateway.url}/health")[2])["smallMaxCharacters"] == 1000


def test_wrong_bodies_get_the_openai_error_object(mock_gateway: RunningGateway):
    """GW-15: invalid JSON and missing messages are 400 without an upstream call."""
    for body in (b"{", b"[]", b'{"model":"auto"}', b'{"messages":[]}', b'{"messages":"hi"}'):
        status, headers, answer = chat(mock_gateway, body)
        assert status == 400
        assert set(answer["error"]) >= {"message", "type", "param", "code"}
        assert answer["error"]["type"] == "invalid_request_error"
        assert headers["x-pointsman-attempts"] == "0"


def test_a_web_page_may_not_call_a_gateway_without_keys(mock_gateway: RunningGateway):
    """Loopback is not a boundary: foreign origins, rebound hosts and simple posts are refused."""
    url = f"{mock_gateway.url}/v1/chat/completions"

    assert post(url, BODY, {"origin": "https://evil.example"})[0] == 403
    assert post(url, BODY, {"host": "rebound.example"})[0] == 403
    assert post(url, BODY, {"content-type": "text/plain"})[0] == 415
    assert post(url, BODY, {"sec-fetch-site": "cross-site"})[0] == 403


def test_the_whole_record_comes_with_the_answer_when_asked(mock_gateway: RunningGateway):
    """`x-pointsman-explain: true` adds candidates, rules and attempts."""
    _, headers, answer = chat(mock_gateway, BODY, {"x-pointsman-explain": "true"})

    decision = answer["pointsman"]["decision"]
    assert decision["request_id"] == headers["x-pointsman-request-id"]
    assert decision["rules_evaluated"][0]["matched"] is True
    assert decision["candidates"][0]["target"] == "small"
    assert decision["attempts"][0]["model"] == "gpt-4o-mini"


def test_a_dry_run_decides_and_touches_nothing(mock_gateway: RunningGateway):
    """`POST /v1/route`: the decision as a record, no attempt, no counter."""
    before = get(f"{mock_gateway.url}/metrics")[2].count(b"pointsman_requests_total{")

    status, _, body = post(f"{mock_gateway.url}/v1/route", BODY)

    record = msgspec.json.decode(body)
    assert status == 200
    assert record["outcome"] == "preview"
    assert [candidate["target"] for candidate in record["candidates"]] == ["small", "large"]
    assert "attempts" not in record
    after = get(f"{mock_gateway.url}/metrics")[2].count(b"pointsman_requests_total{")
    assert after == before


def test_why_and_route_explain_on_the_command_line(mock_gateway: RunningGateway, tmp_path):
    """The paragraph and the tree name target, reason and the two values compared."""
    _, headers, _ = chat(mock_gateway, BODY)
    file = tmp_path / "body.json"
    file.write_bytes(BODY)

    why = run_command("why", headers["x-pointsman-request-id"], "--data-dir", mock_gateway.data_dir)
    route = run_command("route", file, "--gateway", mock_gateway.url)

    for output in (why, route):
        assert output.returncode == 0, output.stderr
        assert "small" in output.stdout
        assert "1000" in output.stdout


def test_metrics_count_requests_tokens_and_durations(mock_gateway: RunningGateway):
    """Prometheus text with the GenAI names and buckets."""
    chat(mock_gateway, BODY)

    text = get(f"{mock_gateway.url}/metrics")[2].decode()

    assert 'pointsman_requests_total{outcome="success",reason="short_prompt_default"' in text
    assert "gen_ai_client_operation_duration_seconds_bucket{" in text
    assert 'le="81.92"' in text
    assert 'gen_ai_token_type="input"' in text
    assert 'le="6.7108864e+07"' in text
