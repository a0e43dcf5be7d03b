"""Names that hide each other: a model name resolves as route, target, provider/model, model."""

from pointsman.config.checks.subject import Subject
from pointsman.config.findings import quoted
from pointsman.config.root import Config


def check_names(subject: Subject) -> None:
    """Warn of every name that clients may send and that means something else than it could."""
    for path, message in shadowed_names(subject.config):
        subject.warn(path, message)


def shadowed_names(config: Config) -> list[tuple[str, str]]:
    """Return path and sentence for each name that is hidden by an earlier step of resolution."""
    return [*_routes_over_targets(config), *_names_over_models(config), *_names_over_paths(config)]


def _routes_over_targets(config: Config) -> list[tuple[str, str]]:
    return [
        (f"routes.{name}", f"the route {quoted(name)} hides the target of the same name")
        for name in config.routes
        if name in config.targets
    ]


def _names_over_models(config: Config) -> list[tuple[str, str]]:
    """Find models of targets that clients cannot name, because the name is a route or target."""
    found = []
    for name, target in config.targets.items():
        model = target.model
        holder = config.targets.get(model)
        if model in config.routes:
            found.append((f"routes.{model}", f"the route hides the model of target {quoted(name)}"))
        elif holder is not None and holder.model != model:
            sentence = f"the target hides the model of target {quoted(name)}"
            found.append((f"targets.{model}", sentence))
    return found


def _names_over_paths(config: Config) -> list[tuple[str, str]]:
    """Find routes and targets whose names look like `provider/model` of a declared provider."""
    found = []
    for section, names in (("routes", config.routes), ("targets", config.targets)):
        for name in names:
            provider, slash, model = name.partition("/")
            if slash and provider in config.providers:
                sentence = f"hides the model {quoted(model)} of provider {quoted(provider)}"
                found.append((f"{section}.{name}", sentence))
    return found
