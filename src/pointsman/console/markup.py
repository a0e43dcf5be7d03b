"""`Site`: what every page of the console needs, and how templates become markup.

Escaping is on for every template, whatever its name; nothing in this package calls anything safe
that holds a caller's text.
"""

import re
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from pointsman.console import figures
from pointsman.console.settings import ConsoleSettings
from pointsman.console.static_files import StaticFiles
from pointsman.console.viewer import Viewer
from pointsman.core.explain.amounts import duration_text, money_text
from pointsman.state.sessions import ConsoleSession

_MOVING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_FOLDER = Path(__file__).parent / "templates"
_FILTERS = (
    figures.short_duration,
    figures.short_money,
    figures.signed_money,
    figures.short_count,
    figures.full_count,
    figures.short_bytes,
    duration_text,
    money_text,
)


def make_environment(folder: Path = _FOLDER) -> Environment:
    """Return the templates, compiled."""
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=visible,
        cache_size=-1,
    )
    environment.filters |= {each.__name__: each for each in _FILTERS}
    for name in environment.list_templates():
        environment.get_template(name)  # compiled now, so that no first reader waits for it
    return environment


def visible(value: object) -> object:
    """Return a value to be printed, with a mark for each character that would move its neighbours.

    Escaping makes text harmless to the browser; a right-to-left override would still show a reader
    another text than the one that is stored.
    """
    if isinstance(value, str) and not isinstance(value, Markup) and _MOVING.search(value):
        return _MOVING.sub("\ufffd", value)
    return value


class Listeners:
    """Counts the open streams of one console."""

    def __init__(self) -> None:
        self.count = 0


class Site(Struct, frozen=True, kw_only=True):
    """The console of one collector."""

    settings: ConsoleSettings
    templates: Environment
    files: StaticFiles
    listeners: Listeners

    def render(
        self, name: str, viewer: Viewer, session: ConsoleSession | None = None, **values: object
    ) -> str:
        """Return a template as markup.

        Args:
            name: File name of the template.
            viewer: Who looks.
            session: Of the viewer; None before a login.
            values: What the template names.
        """
        return self.templates.get_template(name).render(
            viewer=viewer,
            session=session,
            static=f"/static/{self.files.version}",
            product_version=self.settings.version,
            open_alerts=self.settings.open_alerts(),
            **values,
        )

    def macro(self, template: str, name: str, viewer: Viewer) -> Callable[..., str]:
        """Return a macro of a template, for parts of a page that are sent alone."""
        module = self.templates.get_template(template).make_module({"viewer": viewer})
        part = getattr(module, name)
        return lambda *values: str(part(*values))
