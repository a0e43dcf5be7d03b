"""What can go wrong between a worker and Redis: all of it is the same to who asked."""

from pointsman.core.errors import PointsmanError


class SharedLostError(PointsmanError):
    """Redis does not answer, or not what it should; what was asked may or may not have happened.

    Raised at once while Redis is away, and within `shared.timeout` when it goes. Whoever counts
    must not rely on what a lost session was told: the next one begins with the absolute figures.
    """

    code = "shared_state_unavailable"
    http_status = 503
