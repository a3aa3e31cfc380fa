"""Validate an RO-Crate without a network: rocrate-validator reads the JSON-LD context from a file.

Run by `test_crate.py` in an environment of its own, because the validator needs an older `rich`. The given context is
the one that the library of our archives brings, of RO-Crate 1.3; one of the terms that we use has another URL in 1.1.
"""

import json
import sys
from pathlib import Path

from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils import document_loader

CONTEXT = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
CONTEXT["@context"]["ComputationalWorkflow"] = "https://bioschemas.org/ComputationalWorkflow"
DOWNLOADS = ["ro-crate-1.1_3.1", "ro-crate-1.1_3.2"]  # checks that the context can be downloaded
document_loader._fetch_json_ld = lambda url: CONTEXT

for profile in sys.argv[3:]:
    settings = ValidationSettings(
        rocrate_uri=sys.argv[1],
        profile_identifier=profile,
        requirement_severity=Severity.REQUIRED,
        skip_availability_check=True,
        skip_checks=DOWNLOADS,
    )
    found = services.validate(settings)
    print(profile, "passed" if found.passed() else [issue.message for issue in found.get_issues()])
