"""The units in which heights may be delivered, and their spellings in files."""

METRES = {"metre": 1.0, "foot": 0.3048, "us_survey_foot": 1200 / 3937, "decimetre": 0.1, "centimetre": 0.01}
SPELLINGS = {
    "metre": ("metre", "metres", "meter", "meters", "m"),
    "foot": ("foot", "feet", "ft", "international foot"),
    "us_survey_foot": ("us survey foot", "us survey feet", "foot_us", "ftus", "us-ft", "ft-us"),
    "decimetre": ("decimetre", "decimeter", "dm"),
    "centimetre": ("centimetre", "centimeter", "cm"),
}
UNIT_OF = {spelling: unit for unit, spellings in SPELLINGS.items() for spelling in spellings}
