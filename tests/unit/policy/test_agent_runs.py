"""Agent runs: eight requests, then a clear refusal before any provider is called."""

import pytest

from pointsman.core.errors import BudgetExceededError, InvalidRequestError, RateLimitedError
from pointsman.core.records import ContentRef
from policy_rules import Desk

EIGHT = "agent_runs: {}"


async def test_call_nine_of_a_run_is_refused_and_counts_nowhere():
    """AC-03: the default is eight; a framework that tries again is refused again."""
    desk = Desk(EIGHT)
    iterations = []
    for _ in range(8):
        record = desk.record(key="ci", run_id="r1")
        await desk.admit(record)
        iterations.append(record.iteration)

    for _ in range(3):
        record = desk.record(key="ci", run_id="r1")
        with pytest.raises(BudgetExceededError) as refused:
            await desk.admit(record)
        assert record.iteration == 9
        assert (record.limits[-1].before, record.limits[-1].limit) == (8, 8)

    assert iterations == [1, 2, 3, 4, 5, 6, 7, 8]
    assert refused.value.metadata["reason"] == "agent_iteration_limit"
    assert refused.value.should_retry is False
    await desk.admit(key="ci", run_id="r2")


async def test_a_run_belongs_to_its_tenant_so_a_second_key_is_no_way_around():
    """The same run id of another tenant is another run."""
    desk = Desk("agent_runs: {max_iterations: 1}")
    await desk.admit(tenant="a", key="one", run_id="r")
    await desk.admit(tenant="b", key="one", run_id="r")

    with pytest.raises(BudgetExceededError):
        await desk.admit(tenant="a", key="two", run_id="r")


async def test_the_trace_of_the_caller_names_the_run():
    """AC-04: `runId` is `run_` and the trace id (GW-24)."""
    desk = Desk("agent_runs: {max_iterations: 1}")
    first, second = desk.record(parent="c" * 16), desk.record(parent="c" * 16)
    second.trace_id = first.trace_id
    await desk.admit(first)

    with pytest.raises(BudgetExceededError):
        await desk.admit(second)
    assert first.run_id == f"run_{first.trace_id}"


async def test_strict_mode_asks_for_a_run_id():
    """AC-04: refusal in strict mode, with the words that help."""
    desk = Desk("agent_runs: {without_id: refuse}")

    with pytest.raises(InvalidRequestError, match="x-pointsman-run-id") as refused:
        await desk.admit(key="ci")
    assert refused.value.wire_code == "run_id_required"


async def test_a_growing_conversation_of_one_key_is_guessed_to_be_one_run():
    """AC-04: the heuristic; a conversation no longer than the first begins another run."""
    desk = Desk("agent_runs: {max_iterations: 3}")
    runs = set()
    for messages in (2, 4, 6):
        record = desk.record(key="ci", message_count=messages)
        await desk.admit(record)
        runs.add(record.run_id)
    with pytest.raises(BudgetExceededError):
        await desk.admit(key="ci", message_count=8)

    await desk.admit(key="ci", message_count=2)
    assert len(runs) == 1


async def test_single_questions_of_one_key_are_never_guessed_to_be_a_run():
    """A chat application on the same key must not be capped."""
    desk = Desk("agent_runs: {max_iterations: 2}")

    for _ in range(20):
        await desk.admit(key="ci", message_count=2)


async def test_prompts_and_silence_part_guessed_runs():
    """Two system prompts are two agents; after a pause a longer conversation is a new run."""
    desk = Desk("agent_runs: {max_iterations: 2, idle: 60s}")
    for prompt in ("one", "two"):
        for messages in (2, 4):
            record = desk.record(key="ci", message_count=messages)
            record.content = ContentRef(system_hash=prompt)
            await desk.admit(record)
    desk.clock.advance_s(61)
    record = desk.record(key="ci", message_count=6)
    record.content = ContentRef(system_hash="one")
    await desk.admit(record)


async def test_only_requests_that_match_are_counted():
    """A gateway serves agents and others."""
    desk = Desk("agent_runs: {max_iterations: 1, match: {has_tools: true}}")
    for _ in range(5):
        await desk.admit(run_id="r")
    await desk.admit(run_id="r", tool_count=2)

    with pytest.raises(BudgetExceededError):
        await desk.admit(run_id="r", tool_count=2)


async def test_a_request_that_a_limit_refuses_is_no_iteration():
    """Turned away, it called nobody."""
    desk = Desk("agent_runs: {max_iterations: 2}\nlimits: {rpm: {requests_per_minute: 1}}")
    await desk.admit(key="ci", run_id="r")
    for _ in range(5):
        with pytest.raises(RateLimitedError):
            await desk.admit(key="ci", run_id="r")
    desk.clock.advance_s(60)

    await desk.admit(key="ci", run_id="r")


async def test_a_named_run_that_was_silent_for_long_begins_again():
    """Memory is bounded, and so is how long a run is remembered."""
    desk = Desk("agent_runs: {max_iterations: 1, forget_after: 10m}")
    await desk.admit(run_id="r")
    desk.clock.advance_s(601)

    await desk.admit(run_id="r")
