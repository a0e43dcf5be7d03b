"""The one error of this package: a condition that cannot be used, found when it is loaded."""

from pointsman.core.errors import ConfigError, Problem


class ConditionError(ConfigError):
    """A condition is wrong. Never raised while a request is served.

    Attributes:
        path: Where in the configuration, as in `routes.auto.rules[0].when.AND[1].chars`.
        hint: How to write it instead; None when there is nothing to propose.
    """

    def __init__(self, message: str, path: str, hint: str | None = None) -> None:
        super().__init__([Problem(message, path, hint=hint)])
        self.path = path
        self.hint = hint
