"""What the licence of data or weights says about commercial use."""

import re

NON_COMMERCIAL = re.compile(r"\bNC\b|non-?\s?commercial|research (use )?only|academic", re.IGNORECASE)


def restricted(licences: dict[str, str | None]) -> dict[str, str]:
    """Return those of the licences that do not allow commercial use, as far as their text says so.

    Args:
        licences: text or SPDX name by what it applies to; None if it is not stated.
    """
    return {name: text for name, text in licences.items() if text and NON_COMMERCIAL.search(text)}
