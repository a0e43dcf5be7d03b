"""What route handlers are given, by the names that Litestar hands them over under."""

from typing import TypeAlias

from litestar.di import NamedDependency

from pointsman.console.markup import Site
from pointsman.console.viewer import Viewer
from pointsman.state.sessions import ConsoleSession

TheSite: TypeAlias = NamedDependency[Site]
TheViewer: TypeAlias = NamedDependency[Viewer]
TheSession: TypeAlias = NamedDependency[ConsoleSession]
