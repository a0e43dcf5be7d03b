"""The price book: what a call with this usage costs at this provider, model and time.

Owns the order in which prices are looked for (the operator's own first) and the memory of what was
compiled. Unknown stays unknown: a model without a price has a cost of None, never 0. Not safe for
several threads; a gateway worker has one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date

from msgspec import structs

from pointsman.config.price import PriceConfig, PricesConfig, RatesConfig
from pointsman.core.errors import ConfigError, Problem
from pointsman.core.money import NanoUsd, nano_usd_from_text
from pointsman.core.records import Cost
from pointsman.core.usage import Usage
from pointsman.cost.catalogue import Catalogue
from pointsman.cost.rates import (
    DAY_NS,
    ContextBands,
    Period,
    PriceSchedule,
    Rates,
    bill,
    upper_bound,
)

DEFAULT_OUTPUT_TOKENS = 4096
"""Assumed bound of an answer whose request sets none, unless the model's context leaves less."""
MAX_COMPILED = 2048
"""Models kept compiled, unknown ones included; the longest unused goes first."""

_OVERRIDE_FIELDS = {
    "input": "input_usd_per_mtok",
    "output": "output_usd_per_mtok",
    "cache_read": "cache_read_usd_per_mtok",
    "cache_write": "cache_write_usd_per_mtok",
    "cache_write_1h": "cache_write_1h_usd_per_mtok",
    "reasoning": "reasoning_usd_per_mtok",
    "requests": "request_usd_per_kcount",
}
"""Field of `Rates` -> field of `PriceConfig`."""
_UNKNOWN = PriceSchedule((Period(ContextBands((Rates(),))),), "")
"""Of a model for which nobody has a price."""


class PriceBook:
    """Prices of every model that was asked for.

    Args:
        overrides: Rates of the configuration; `provider/model` wins over a plain model name, and
            both over the bundled data.
        config_version: Named as the price version of costs from overrides.
        telemetry_names: Configured provider name -> its `telemetry_name`, so that prices can be
            asked for, and overridden, by either.
        match_any_provider: Whether a provider that the price data does not know is charged as the
            vendor whose naming the model follows. Off: its models are unknown.
        max_compiled: Bound of the memory of compiled models.

    Raises:
        ConfigError: An override is not an amount of US dollars.
    """

    __slots__ = (
        "_any", "_catalogue", "_compiled", "_max", "_overrides", "_telemetry_names", "_version",
    )  # fmt: skip

    def __init__(
        self,
        overrides: PricesConfig,
        config_version: str,
        *,
        telemetry_names: Mapping[str, str] | None = None,
        match_any_provider: bool = False,
        max_compiled: int = MAX_COMPILED,
    ) -> None:
        self._version = f"config {config_version}"
        self._overrides = _compile_overrides(overrides, self._version)
        self._telemetry_names = dict(telemetry_names or {})
        self._any = match_any_provider
        self._max = max_compiled
        self._catalogue: Catalogue | None = None
        self._compiled: OrderedDict[tuple[str, str], PriceSchedule | None] = OrderedDict()

    @property
    def version(self) -> str:
        """Return which prices these are: the operator's and the bundled ones."""
        return f"{self._version}, {self._loaded_catalogue().version}"

    def warm(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Read the price data and compile these (provider, model) pairs.

        Call it at start, before requests are taken: the first read of the data costs 0.1 to 0.3 s
        and blocks. A model that was not named here costs well under a millisecond on first use.
        """
        self._loaded_catalogue()
        for provider, model in pairs:
            self._schedule_of(provider, model)

    def cost_of(self, provider: str, model: str, usage: Usage, at_unix_ns: int) -> Cost:
        """Price one call.

        Args:
            provider: A `telemetry_name`, or a configured name (see `telemetry_names`).
            model: The model that served, as the provider names it.
            usage: What it used. A count of None is unknown.
            at_unix_ns: When it was called; prices have dates and hours.

        Returns:
            The cost with a line per unit. `total_nano_usd` is None when the model, a rate or a
            count is unknown.
        """
        schedule = self._schedule_of(provider, model)
        if schedule is None:
            return Cost(estimated=usage.estimated)
        if schedule.earlier is not None:
            schedule = schedule.at(at_unix_ns)
        return bill(schedule.bands_at(at_unix_ns), usage, schedule.price_version)

    def upper_bound(
        self,
        provider: str,
        model: str,
        input_tokens: int,
        max_output_tokens: int | None,
        at_unix_ns: int,
    ) -> NanoUsd | None:
        """Return the most that a call may cost, to be held before it is made.

        Nothing is taken as cached, and each token at the dearest rate of its side.

        Args:
            provider: As for `cost_of`.
            model: The model that will be called.
            input_tokens: Estimated or counted.
            max_output_tokens: The bound that the request sets, over all choices. None takes
                `DEFAULT_OUTPUT_TOKENS`, or what the model's context leaves if that is less.
            at_unix_ns: When it is called.

        Returns:
            Nano-USD; None when the price is unknown.
        """
        schedule = self._schedule_of(provider, model)
        if schedule is None:
            return None

        if schedule.earlier is not None:
            schedule = schedule.at(at_unix_ns)
        output_tokens = max_output_tokens
        if output_tokens is None:
            output_tokens = DEFAULT_OUTPUT_TOKENS
            if schedule.context_tokens is not None:
                output_tokens = max(0, min(output_tokens, schedule.context_tokens - input_tokens))
        return upper_bound(schedule.bands_at(at_unix_ns), input_tokens, output_tokens)

    def _schedule_of(self, provider: str, model: str) -> PriceSchedule | None:
        key = (provider, model)
        compiled = self._compiled
        if key in compiled:
            compiled.move_to_end(key)
            return compiled[key]

        schedule = self._compile(provider, model)
        compiled[key] = schedule
        if len(compiled) > self._max:
            compiled.popitem(last=False)
        return schedule

    def _compile(self, provider: str, model: str) -> PriceSchedule | None:
        telemetry_name = self._telemetry_names.get(provider, provider)
        for name in (f"{provider}/{model}", f"{telemetry_name}/{model}", model):
            override = self._overrides.get(name)
            if override is not None and override.periods[-1].from_unix_ns is None:
                return override
            if override is not None:
                bundled = self._bundled(telemetry_name, model) or _UNKNOWN
                return structs.replace(
                    override, earlier=bundled, context_tokens=bundled.context_tokens
                )
        return self._bundled(telemetry_name, model)

    def _bundled(self, telemetry_name: str, model: str) -> PriceSchedule | None:
        return self._loaded_catalogue().schedule_of(telemetry_name, model, any_provider=self._any)

    def _loaded_catalogue(self) -> Catalogue:
        if self._catalogue is None:
            self._catalogue = Catalogue()
        return self._catalogue


def _compile_overrides(overrides: PricesConfig, version: str) -> dict[str, PriceSchedule]:
    problems: list[Problem] = []
    schedules = {
        name: PriceSchedule(_periods(f"prices.models.{name}", price, problems), version)
        for name, price in overrides.models.items()
    }
    if problems:
        raise ConfigError(problems)
    return schedules


def _periods(path: str, price: PriceConfig, problems: list[Problem]) -> tuple[Period, ...]:
    """Return the rates of a model, the newest first; what always holds comes last."""
    written = [(path, price), *((f"{path}.earlier[{n}]", e) for n, e in enumerate(price.earlier))]
    periods = [
        Period(ContextBands((_rates(at, each, problems),)), _first_moment(at, each, problems))
        for at, each in written
    ]
    return tuple(sorted(periods, key=lambda period: -(period.from_unix_ns or 0)))


def _first_moment(path: str, price: RatesConfig, problems: list[Problem]) -> int | None:
    if price.valid_from is None:
        return None
    try:
        day = date.fromisoformat(price.valid_from)
    except ValueError:
        problems.append(
            Problem(f"{price.valid_from!r} is not a day such as 2026-11-01", f"{path}.valid_from")
        )
        return None
    return (day - date(1970, 1, 1)).days * DAY_NS


def _rates(path: str, price: RatesConfig, problems: list[Problem]) -> Rates:
    rates: dict[str, int | None] = {}
    for field, config_field in _OVERRIDE_FIELDS.items():
        written = getattr(price, config_field)
        if written is None:
            continue
        try:
            nano_usd = nano_usd_from_text(str(written))
        except ValueError as error:
            problems.append(Problem(str(error), f"{path}.{config_field}"))
        else:
            rates[field] = nano_usd * 1000 if field == "requests" else nano_usd
    return Rates(**rates)
