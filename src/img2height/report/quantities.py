"""Which methods meet in one table: those whose errors are the same thing."""

METRES, BUILDINGS, RELATIVE = "heights", "building_height", "relative"

# By group, in the order of the table: why its methods are not ranked with those of the first, empty for the first.
REASONS = {
    METRES: "",
    BUILDINGS: "building heights, 0 m outside footprints: ranked with the others on buildings alone",
    RELATIVE: "relative heights, fitted to the reference before they are scored: not ranked with heights in metres",
}
TITLES = {METRES: "Heights in metres", BUILDINGS: "Heights of buildings alone", RELATIVE: "Relative heights"}


def group_of(quantity: str) -> str:
    """Return the group of a predicted quantity; ndsm, dsm and dem leave the same residuals and meet.

    Args:
        quantity: of scores.json.
    """
    return quantity if quantity in (BUILDINGS, RELATIVE) else METRES
