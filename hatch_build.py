"""Adds to a wheel what the workflow and DVC read at the top of the checkout: the recipes and the protocol."""

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SHIPPED = ("config/methods", "params.yaml")


class ShippedSettings(BuildHookInterface):
    """Adds the settings next to the code; an editable installation reads those of the checkout."""

    def initialize(self, version: str, build_data: dict) -> None:
        """Add the files to a wheel, unless it is an editable one."""
        if version == "standard":
            build_data["force_include"] |= {name: f"img2height/{name}" for name in SHIPPED}
