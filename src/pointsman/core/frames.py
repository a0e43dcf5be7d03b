"""Errors that have been dealt with, and what they keep alive.

An error keeps its traceback, that the frames it came through, and those their locals: the body of
the request, and mostly the error itself. Such a cycle is freed by the garbage collector alone,
which counts objects and not bytes, so that requests that fail would pile up with their bodies.
"""


def release_frames(error: BaseException) -> None:
    """Cut an error, and those that it came from, off the frames it passed; log it before."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        current.__traceback__ = None
        current = current.__cause__ or current.__context__
