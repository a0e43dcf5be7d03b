"""Money of one request: the upper bound before, the cost after, and what others would have cost.

Joins the price book with the record. Usage comes normalised from the providers; what no provider
reported is estimated from characters and marked so.
"""

from msgspec.structs import replace

from pointsman.core.money import NanoUsd
from pointsman.core.records import Attempt, CallRecord, Cost
from pointsman.core.target import Target
from pointsman.core.usage import Usage
from pointsman.cost.prices import PriceBook
from pointsman.cost.token_estimator import TokenEstimator


class Accountant:
    """Prices attempts with one price book.

    Args:
        prices: Of one configuration version.
        estimator: Shared by all versions; learns from every measured call.
    """

    __slots__ = ("_estimator", "_prices")

    def __init__(self, prices: PriceBook, estimator: TokenEstimator | None = None) -> None:
        self._prices = prices
        self._estimator = estimator or TokenEstimator()

    def upper_bound(self, target: Target, record: CallRecord) -> NanoUsd | None:
        """Return the most this request can cost at `target`; None when its price is unknown."""
        facts = record.facts
        if facts is None:
            return None
        bound = self._prices.upper_bound(
            target.provider,
            target.model,
            max(
                facts.estimated_input_tokens,
                self._estimator.input_tokens(target.model, facts.characters),
            ),
            # Embeddings have no output, and most of their models no price for one.
            0 if record.operation == "embeddings" else facts.max_output_tokens,
            record.started_unix_ns,
        )
        # Every choice may use its whole output; charging the input as often errs to the safe side.
        return bound if bound is None else bound * max(1, facts.choice_count)

    def charge(
        self, record: CallRecord, attempt: Attempt, usage: Usage | None, output_characters: int
    ) -> NanoUsd:
        """Write usage and cost into the attempt and the record.

        Returns:
            What to settle the attempt's reservation at: its cost, or, when the price is unknown,
            nothing, because nothing was held for it either.
        """
        if usage is None or usage.output_tokens is None:
            usage = self._estimated(record, attempt, usage, output_characters)
        elif record.facts is not None and not record.facts.image_count:
            characters = record.facts.characters
            self._estimator.observe(attempt.model, characters, output_characters, usage)
        attempt.usage = usage
        attempt.cost = self._cost(attempt.provider, attempt.model, usage, record.started_unix_ns)
        record.usage = usage
        record.cost = self._total(record, attempt.cost)
        self._price_alternatives(record, attempt, usage)
        return attempt.cost.total_nano_usd or 0

    def _total(self, record: CallRecord, last: Cost) -> Cost:
        """Return what the request cost: an answer that was repaired was paid for as well."""
        parts = [each.cost for each in record.attempts if each.cost is not None]
        if len(parts) <= 1:
            return last
        totals = [each.total_nano_usd for each in parts]
        known = [total for total in totals if total is not None]
        return Cost(
            total_nano_usd=sum(known) if len(known) == len(totals) else None,
            lines=[line for each in parts for line in each.lines],
            price_version=last.price_version,
            estimated=any(each.estimated for each in parts),
        )

    def _estimated(
        self,
        record: CallRecord,
        attempt: Attempt,
        reported: Usage | None,
        output_characters: int,
    ) -> Usage:
        """Complete what was not reported; a stream that was left knows its input at best."""
        characters = record.facts.characters if record.facts is not None else 0
        estimator = self._estimator
        output_tokens = estimator.output_tokens(attempt.model, output_characters)
        if reported is not None:
            return replace(reported, output_tokens=output_tokens, estimated=True)
        input_tokens = estimator.input_tokens(attempt.model, characters)
        return Usage(input_tokens=input_tokens, output_tokens=output_tokens, estimated=True)

    def _price_alternatives(self, record: CallRecord, served: Attempt, usage: Usage) -> None:
        """Price the same usage on every candidate, so that prompt and model can be told apart."""
        for candidate in record.candidates:
            if candidate.target == served.target and served.cost is not None:
                candidate.cost_nano_usd = served.cost.total_nano_usd
            else:
                cost = self._cost(
                    candidate.provider, candidate.model, usage, record.started_unix_ns
                )
                candidate.cost_nano_usd = cost.total_nano_usd

    def _cost(self, provider: str, model: str, usage: Usage, at_unix_ns: int) -> Cost:
        return self._prices.cost_of(provider, model, usage, at_unix_ns)
