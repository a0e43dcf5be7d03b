"""What was spent, under `/api/v1/costs`: by any columns, for any span, for whoever may see it."""

from dataclasses import dataclass
from typing import Annotated

from litestar import get
from litestar.openapi.spec import Operation, Schema
from litestar.openapi.spec import Parameter as ParameterSpec
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import QueryParameter

from pointsman.collector.desk import WebRequest, desk_of
from pointsman.store.cost_parameters import read_cost_question
from pointsman.store.costs import COST_GROUPS, GROUP_COLUMNS, MAX_ROWS, NOBODY, Costs

_PARAMETERS = {
    "group_by": f"1 to 3 of {', '.join(COST_GROUPS)}, with commas between; `model` by default.",
    "from": "First moment, inclusive: RFC 3339, nanoseconds, or `7d` before now; `24h` by default.",
    "to": "Last moment, exclusive; now by default.",
    "own": "`true`: only calls that the gateway made for itself; `false`: only those of callers.",
} | {name: f"Only of this {name}; `{NOBODY}` finds those without." for name in GROUP_COLUMNS}


@dataclass
class _CostOperation(Operation):
    """Describes the filters, which the handler reads from the query itself."""

    def __post_init__(self) -> None:
        described = [
            ParameterSpec(
                name=name,
                param_in="query",
                description=description,
                schema=Schema(type=OpenAPIType.STRING),
            )
            for name, description in _PARAMETERS.items()
        ]
        self.parameters = [*(self.parameters or ()), *described]


@get("/api/v1/costs", operation_class=_CostOperation, tags=["money"])
async def costs(
    request: WebRequest,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_ROWS, description="Most groups.")] = 100,
) -> Costs:
    """Return what was spent, in integer nano-USD; the unknown is counted, never taken for 0."""
    desk = desk_of(request)
    reader = await desk.reader(request)
    query = request.query_params
    given = {name: query[name] for name in query if name != "limit"}
    asked = read_cost_question(given, desk.clock.unix_ns())
    return await desk.store.costs(
        asked.group_by,
        asked.from_unix_ns,
        asked.to_unix_ns,
        asked.wanted,
        reader.scope,
        limit=limit,
    )


COST_ROUTES = [costs]
