"""A `TraceStore` in plain Python: what the contract says, with no engine to hide behind."""

from collections import Counter, defaultdict
from math import ceil
from typing import get_args

import msgspec

from memory_money import MemoryMoney
from pointsman.core.records import SCHEMA
from pointsman.store.checks import check_content, check_span
from pointsman.store.costs import NOBODY
from pointsman.store.cursor import Cursor, read_cursor
from pointsman.store.errors import StoreQueryError, StoreSchemaError, StoreUnavailableError
from pointsman.store.genai import columns_of
from pointsman.store.overview import make_axis, top_series
from pointsman.store.protocol import Rejected, RetentionResult, StoreStats, WriteResult
from pointsman.store.query import MAX_CHOICES, MAX_PAGE, Bucket, Figures, MenuColumn, Overview, Page
from pointsman.store.row_of_call import CRASHED, attempt_rows, call_row, read_record
from pointsman.store.rows import StoredCall, TraceRow
from pointsman.store.spans_of_call import SERVICE, spans_of_call
from pointsman.store.thinning import is_kept, threshold

_EQUAL = {
    "status": "status",
    "outcome": "outcome",
    "failed": "failed",
    "tenant": "tenant",
    "target": "target",
    "provider": "provider",
    "reason": "reason",
    "route": "route",
    "key": "key_name",
    "user": "user_name",
    "feature": "feature",
    "environment": "environment",
    "team": "team",
    "customer": "customer",
    "workload": "workload",
    "endpoint": "dialect",
    "operation": "operation",
    "trace_id": "trace_id",
}


class MemoryStore(MemoryMoney):
    """Everything in dictionaries, every question a loop."""

    def __init__(self):
        super().__init__()
        self._rows, self._calls, self._spans, self._contents = {}, {}, {}, {}
        self._batches, self._configs = set(), {}
        self._position = 0
        self._is_closed = False

    async def write_batch(self, batch):
        self._check_open()
        if batch.schema > SCHEMA:
            raise StoreSchemaError("newer")
        if batch.batch_id in self._batches:
            return WriteResult(is_new=False, last_position=self._position)
        parsed, rejected, known = _parse(batch)
        stored = replaced = 0
        for request_id, (row, record, json) in parsed.items():
            old = self._rows.get(request_id)
            if old is not None and not _replaces(row, old):
                known += 1
                continue
            replaced += old is not None
            stored += 1
            self._position += 1
            row.position = self._position
            self._rows[request_id] = row
            if old is not None:
                self._uncharge(request_id)
            self._charge(record)
            self._calls[request_id] = StoredCall(self._position, record, json)
        for index, content in enumerate(batch.contents):
            try:
                check_content(content)
                self._contents.setdefault(content.request_id, content)
            except ValueError as error:
                rejected.append(Rejected(index, str(error), "contents"))
        self._batches.add(batch.batch_id)
        return WriteResult(
            stored=stored,
            replaced=replaced,
            known=known,
            rejected=tuple(rejected),
            last_position=self._position,
        )

    async def write_spans(self, spans):
        self._check_open()
        stored, known, rejected = 0, 0, []
        for index, span in enumerate(spans):
            try:
                check_span(span)
                msgspec.json.encode(span)
            except ValueError as error:
                rejected.append(Rejected(index, str(error), "spans"))
                continue
            key = (span.trace_id, span.span_id)
            known += key in self._spans
            stored += key not in self._spans
            self._spans.setdefault(key, span)
        return WriteResult(
            stored=stored,
            known=known,
            rejected=tuple(rejected),
            last_position=self._position,
        )

    async def write_config_version(self, version):
        self._configs.setdefault(version.hash, version)

    async def requests(self, wanted, scope, *, cursor=None, limit=50):
        self._check_open()
        after = read_cursor(cursor)
        rows = [
            row
            for row in self._seen_rows(scope)
            if _matches(row, wanted)
            and self._called(row, "model", wanted.called_model)
            and self._called(row, "target", wanted.called_target)
            and self._called(row, "kind", wanted.called_kind)
        ]
        rows.sort(key=lambda row: (row.started_unix_ns, row.request_id), reverse=True)
        if after is not None:
            rows = [row for row in rows if (row.started_unix_ns, row.request_id) < after]
        size = max(1, min(limit, MAX_PAGE))
        more = len(rows) > size
        rows = rows[:size]
        last = rows[-1] if more else None
        text = Cursor(last.started_unix_ns, last.request_id).text() if last else None
        return Page(tuple(rows), text)

    async def request(self, request_id, scope):
        row = self._rows.get(request_id)
        return self._calls[request_id] if row is not None and _is_seen(row, scope) else None

    async def requests_of_trace(self, trace_id, scope):
        rows = [row for row in self._seen_rows(scope) if row.trace_id == trace_id]
        rows.sort(key=lambda row: (row.started_unix_ns, row.request_id))
        return [self._calls[row.request_id] for row in rows][:MAX_PAGE]

    async def spans_of_trace(self, trace_id, scope):
        spans = [
            span
            for span in self._spans.values()
            if span.trace_id == trace_id and _is_seen(span, scope)
        ]
        for call in await self.requests_of_trace(trace_id, scope):
            spans.extend(spans_of_call(call.record))
        return sorted(spans, key=lambda span: (span.start_unix_ns, -span.end_unix_ns))

    async def traces(self, wanted, scope, *, cursor=None, limit=50):
        after = read_cursor(cursor)
        items = defaultdict(list)
        for item in self._items(scope):
            items[item["trace_id"]].append(item)
        keys = []
        for trace, members in items.items():
            starts = [item["started"] for item in members if _item_matches(item, wanted)]
            if starts:
                keys.append(Cursor(max(starts), trace))
        keys.sort(reverse=True)
        if after is not None:
            keys = [key for key in keys if key < after]
        size = max(1, min(limit, MAX_PAGE))
        rows = [_rolled_up(key, items[key.id]) for key in keys[:size]]
        return Page(tuple(rows), keys[size - 1].text() if len(keys) > size else None)

    async def content(self, request_id, scope):
        content = self._contents.get(request_id)
        return content if content is not None and _is_seen(content, scope) else None

    async def overview(self, from_unix_ns, to_unix_ns, buckets, scope):
        axis = make_axis(from_unix_ns, to_unix_ns, buckets)
        steps = [[] for _ in range(buckets)]
        columns = Counter(), Counter(), Counter()
        for row in self._seen_rows(scope):
            if not from_unix_ns <= row.started_unix_ns < to_unix_ns:
                continue
            number = (row.started_unix_ns - from_unix_ns) // axis.bucket_ns
            steps[number].append(row)
            names = row.reason, row.served_model or row.requested_model, row.target
            for column, name in zip(columns, names, strict=True):
                if name is not None:
                    column[name, number] += 1
        reasons, models, targets = (top_series(column, axis) for column in columns)
        return Overview(
            from_unix_ns=from_unix_ns,
            bucket_ns=axis.bucket_ns,
            totals=_figures([row for step in steps for row in step]),
            buckets=tuple(
                Bucket(start_unix_ns=axis.start_of(number), figures=_figures(step))
                for number, step in enumerate(steps)
            ),
            reasons=reasons,
            models=models,
            targets=targets,
        )

    async def distinct(self, column, scope):
        if column not in get_args(MenuColumn):
            raise StoreQueryError("no such column")
        values = {getattr(row, column) for row in self._seen_rows(scope)} - {None}
        return sorted(values)[:MAX_CHOICES]

    async def since(self, position, scope, *, limit=100):
        rows = [row for row in self._seen_rows(scope) if row.position > position]
        return sorted(rows, key=lambda row: row.position)[: max(1, min(limit, MAX_PAGE))]

    async def config_version(self, config_hash):
        return self._configs.get(config_hash)

    async def config_versions(self, *, limit=50):
        found = sorted(self._configs.values(), key=lambda one: one.hash)
        found.sort(key=lambda one: one.first_seen_unix_ns, reverse=True)
        return found[:limit]

    async def retention(self, policy, now_unix_ns):
        calls, spans = self._drop_old(policy, now_unix_ns)
        thinned_calls, thinned_spans = self._thin(policy, now_unix_ns)
        before = len(self._contents)
        self._drop_contents(policy, now_unix_ns)
        return RetentionResult(
            calls=calls + thinned_calls,
            spans=spans + thinned_spans,
            contents=before - len(self._contents),
        )

    async def stats(self):
        rows = {"calls": len(self._rows), "spans": len(self._spans)}
        rows |= {"contents": len(self._contents), "batches": len(self._batches)}
        rows["attempts"] = sum(len(call.record.attempts) for call in self._calls.values())
        prompts = {(one.tenant, one.system_hash) for one in self._contents.values() if one.system}
        rows["system_prompts"] = len(prompts)
        rows["config_versions"] = len(self._configs)
        return StoreStats(
            engine="memory",
            schema=1,
            rows=rows,
            bytes_on_disk=0,
            last_position=self._position,
        )

    async def close(self):
        self._is_closed = True

    def _check_open(self):
        if self._is_closed:
            raise StoreUnavailableError("closed")

    def _called(self, row, name, value):
        attempts = self._calls[row.request_id].record.attempts
        return value is None or any(getattr(each, name) == value for each in attempts)

    def _seen_rows(self, scope):
        return [row for row in self._rows.values() if _is_seen(row, scope)]

    def _items(self, scope):
        for row in self._seen_rows(scope):
            yield {
                "trace_id": row.trace_id,
                "started": row.started_unix_ns,
                "ended": row.started_unix_ns + (row.duration_ns or 0),
                "failed": row.failed,
                "tenant": row.tenant,
                "service": SERVICE,
                "name": f"{row.operation} {row.requested_model or ''}",
                "model": row.served_model or row.requested_model,
                "cost": row.cost_nano_usd,
                "input": row.input_tokens,
                "output": row.output_tokens,
                "is_call": True,
                "is_root": False,
            }
        for span in self._spans.values():
            columns = columns_of(span.attributes)
            if _is_seen(span, scope):
                yield {
                    "trace_id": span.trace_id,
                    "started": span.start_unix_ns,
                    "ended": span.end_unix_ns,
                    "failed": span.status == "ERROR",
                    "tenant": span.tenant,
                    "service": span.service,
                    "name": span.name,
                    "model": columns.model,
                    "cost": columns.cost_nano_usd,
                    "input": columns.input_tokens,
                    "output": columns.output_tokens,
                    "is_call": False,
                    "is_root": span.parent_span_id is None,
                }

    def _remove(self, requests, spans):
        for request_id in requests:
            del self._rows[request_id], self._calls[request_id]
        for key in spans:
            del self._spans[key]
        return len(requests), len(spans)

    def _older(self, moment):
        rows = [row for row in self._rows.values() if row.started_unix_ns < moment]
        return rows, [span for span in self._spans.values() if span.start_unix_ns < moment]

    def _drop_old(self, policy, now_unix_ns):
        if policy.drop_after_s is None:
            return 0, 0
        moment = now_unix_ns - round(policy.drop_after_s * 1e9)
        rows, spans = self._older(moment)
        self._charges = [row for row in self._charges if row.started_unix_ns >= moment]
        return self._remove(
            [row.request_id for row in rows], [(span.trace_id, span.span_id) for span in spans]
        )

    def _thin(self, policy, now_unix_ns):
        if policy.thin_after_s is None:
            return 0, 0
        whole = {row.trace_id for row in self._rows.values() if row.outcome != "success"}
        whole |= {span.trace_id for span in self._spans.values() if span.status == "ERROR"}
        limit = threshold(policy.thin_keep_ratio)
        rows, spans = self._older(now_unix_ns - round(policy.thin_after_s * 1e9))

        def goes(row):
            return row.trace_id not in whole and not is_kept(row.trace_id, limit)

        return self._remove(
            [row.request_id for row in rows if goes(row)],
            [(span.trace_id, span.span_id) for span in spans if goes(span)],
        )

    def _drop_contents(self, policy, now_unix_ns):
        def age_s(content):
            return now_unix_ns / 1e9 - int(content.request_id[4:16], 16) / 1e3

        kept = {}
        total = 0
        for content in sorted(self._contents.values(), key=lambda one: one.request_id)[::-1]:
            total += sum(len((text or "").encode()) for text in (content.prompt, content.response))
            orphan = content.request_id not in self._rows and age_s(content) > 3_600
            too_old = policy.content_after_s is not None and age_s(content) > policy.content_after_s
            beyond = policy.content_max_bytes is not None and total > policy.content_max_bytes
            if not (orphan or too_old or beyond):
                kept[content.request_id] = content
        self._contents = kept


def _parse(batch):
    parsed, rejected, repeated = {}, [], 0
    for index, json in enumerate(batch.calls):
        try:
            record = read_record(json)
            row = call_row(record, 0)
            attempt_rows(record)
        except ValueError as error:
            rejected.append(Rejected(index, str(error)))
            continue
        earlier = parsed.get(record.request_id)
        repeated += earlier is not None
        if earlier is None or _replaces(row, earlier[0]):
            parsed[record.request_id] = (row, record, json)
    return parsed, rejected, repeated


def _is_seen(row, scope):
    return scope.tenant is None or row.tenant == scope.tenant


def _replaces(row, earlier):
    return earlier.outcome == CRASHED and row.outcome != CRASHED


def _matches(row, wanted):
    for name, column in _EQUAL.items():
        value = getattr(wanted, name)
        if value is not None and getattr(row, column) != (None if value == NOBODY else value):
            return False
    return (
        _within(row.started_unix_ns, wanted)
        and wanted.model in (None, row.requested_model, row.served_model)
        and _at_least(row.cost_nano_usd, wanted.min_cost_nano_usd)
        and _at_least(row.duration_ns, wanted.min_duration_ns)
        and (wanted.error_text is None or wanted.error_text.lower() in _lower(row.error_text))
    )


def _within(moment, wanted):
    return (wanted.from_unix_ns is None or moment >= wanted.from_unix_ns) and (
        wanted.to_unix_ns is None or moment < wanted.to_unix_ns
    )


def _lower(text):
    return "" if text is None else text.lower()


def _at_least(value, bound):
    return bound is None or (value is not None and value >= bound)


def _item_matches(item, wanted):
    return (
        _within(item["started"], wanted)
        and wanted.tenant in (None, item["tenant"])
        and wanted.service in (None, item["service"])
        and wanted.model in (None, item["model"])
        and wanted.failed in (None, item["failed"])
        and _at_least(item["ended"] - item["started"], wanted.min_duration_ns)
    )


def _rolled_up(key, items):
    first = min(items, key=lambda item: (not item["is_root"], item["started"]))
    calls = [item for item in items if item["is_call"]]

    def total(name):
        values = [item[name] for item in calls or items if item[name] is not None]
        return sum(values) if values else None

    return TraceRow(
        trace_id=key.id,
        name=first["name"],
        service=first["service"],
        started_unix_ns=min(item["started"] for item in items),
        ended_unix_ns=max(item["ended"] for item in items),
        last_start_unix_ns=key.started_unix_ns,
        call_count=len(calls),
        span_count=len(items) - len(calls),
        error_count=sum(item["failed"] for item in items),
        cost_nano_usd=total("cost"),
        input_tokens=total("input"),
        output_tokens=total("output"),
        models=tuple(sorted({item["model"] for item in items} - {None})),
    )


def _figures(rows):
    durations = sorted(row.duration_ns for row in rows if row.duration_ns is not None)

    def quantile(share):
        return durations[max(1, ceil(share * len(durations))) - 1] if durations else None

    return Figures(
        requests=len(rows),
        errors=sum(row.failed for row in rows),
        fallbacks=sum(row.fell_back for row in rows),
        cost_nano_usd=sum(row.cost_nano_usd or 0 for row in rows),
        unknown_costs=sum(row.cost_nano_usd is None for row in rows),
        input_tokens=sum(row.input_tokens or 0 for row in rows),
        output_tokens=sum(row.output_tokens or 0 for row in rows),
        p50_ns=quantile(0.5),
        p95_ns=quantile(0.95),
        p99_ns=quantile(0.99),
    )
