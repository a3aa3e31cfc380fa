"""The Jinja environment of the pages."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """Return the templates and their filters; text is escaped, and an undefined variable is an error."""
    made = Environment(
        loader=PackageLoader("img2height.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters |= {"flat": flat, "pixels": _pixels}
    return made


def flat(value: object, prefix: str = "") -> dict[str, object]:
    """Return nested mappings as a single one with dotted keys."""
    if not isinstance(value, dict) or (not value and prefix):
        return {prefix: value}
    parts = [flat(inner, f"{prefix}.{key}" if prefix else str(key)) for key, inner in value.items()]
    return {key: inner for part in parts for key, inner in part.items() if inner != {}}


def _pixels(count: int) -> str:
    """Return a number of pixels with narrow spaces between thousands."""
    return f"{count:,}".replace(",", "\u202f")
