"""How the pages are put together from the files of templates/."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """Return the templates with their filters; what is not given is an error, and text is escaped."""
    made = Environment(
        loader=PackageLoader("img2height.report", "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    made.filters |= {"flat": flat, "pixels": _pixels}
    return made


def flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Return nested mappings as one, with dotted keys."""
    if not isinstance(value, dict) or (not value and prefix):
        return {prefix: value}
    parts = [flat(inner, f"{prefix}.{key}" if prefix else str(key)) for key, inner in value.items()]
    return {key: inner for part in parts for key, inner in part.items() if inner != {}}


def _pixels(count: int) -> str:
    """Return a count of pixels with a thin gap between thousands."""
    return f"{count:,}".replace(",", "\u202f")
