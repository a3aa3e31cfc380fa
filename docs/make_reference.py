"""Write docs/reference: a page for each kind of settings file, made from the models that check it. `make reference`."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from img2height.cli.importing import load_adapter
from img2height.importing.adapter import Adapter
from img2height.published.table import Figure, Table
from img2height.settings.dataset import Dataset
from img2height.settings.experiment import Experiment
from img2height.settings.installed import adapter_modules
from img2height.settings.protocol import Params
from img2height.settings.recipe import Recipe
from img2height.studies.study import Study

PAGES: dict[str, tuple[str, tuple[type[BaseModel], ...]]] = {
    "protocol": ("`params.yaml`", (Params,)),
    "experiments": ("`config/experiments/*.yaml`", (Experiment,)),
    "methods": ("`config/methods/*.yaml`", (Recipe,)),
    "datasets": ("`config/datasets/*.yaml`", (Dataset,)),
    "published": ("`config/tables/*.yaml` and `config/figures/*.yaml`", (Table, Figure)),
    "studies": ("`config/studies/*.yaml`", (Study,)),
}
OWN = {path.stem for path in (Path(__file__).parents[1] / "src/img2height/adapters").glob("[!_]*.py")}
NOTE = "<!-- Made by `make reference` from the descriptions in src/img2height/; edit those. -->"
COLUMNS = ("key", "type", "default", "unit", "bounds", "meaning")
UNITS = {"_m2": "m²", "_m": "m", "_px": "px", "_deg": "°"}
TYPES = {"string": "text", "number": "number", "integer": "whole number", "boolean": "true or false", "null": "null"}
BOUNDS = {
    "exclusiveMinimum": "> {}", "minimum": "≥ {}", "exclusiveMaximum": "< {}", "maximum": "≤ {}",
    "multipleOf": "multiple of {}", "minItems": "{} or more", "maxItems": "at most {}", "minProperties": "{} or more",
}  # fmt: skip
Node = dict[str, Any]  # of a JSON schema


def page(title: str, models: tuple[type[BaseModel], ...]) -> str:
    """Return a page: a table of each model, and of each nested model in order of appearance."""
    parts = [f"# {title}", NOTE]
    for model in models:
        schema = model.model_json_schema()
        inner = schema.pop("$defs", {})
        parts += [section(node) for node in (schema, *(inner[name] for name in met(schema, inner)))]
    return "\n\n".join(parts) + "\n"


def met(node: Any, inner: dict[str, Node], seen: tuple[str, ...] = ()) -> list[str]:
    """Return the names of the models that a schema refers to, each once, nested ones after their parents."""
    names: list[str] = []
    for name in references(node):
        if name not in (*seen, *names):
            names += [name, *met(inner[name], inner, (*seen, *names, name))]
    return names


def references(node: Any) -> Iterator[str]:
    """Yield the names of the models that a part of a schema refers to."""
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"].rsplit("/", 1)[1]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def section(model: Node) -> str:
    """Return heading, description and table of one model."""
    rows = [COLUMNS, ("---",) * len(COLUMNS)]
    rows += [row(key, node, key in model.get("required", [])) for key, node in model["properties"].items()]
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in rows)
    return f"## {model['title']}\n\n{model['description']}\n\n{table}"


def row(key: str, node: Node, required: bool) -> tuple[str, ...]:
    """Return the cells of one key."""
    default = "required" if required else f"`{json.dumps(node['default'])}`" if "default" in node else "see meaning"
    own = next((unit for ending, unit in UNITS.items() if key.endswith(ending)), None)
    return f"`{key}`", kind(node), default, own or find_unit(node), ", ".join(bounds(node)), node["description"]


def kind(node: Node) -> str:
    """Return the type of a value as text."""
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(kind(branch) for branch in node["anyOf"]))
    if "enum" in node or "const" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if node.get("type") == "array":
        return (
            f"[{', '.join(map(kind, node['prefixItems']))}]"
            if "prefixItems" in node
            else f"list: {kind(node['items'])}"
        )
    if node.get("type") == "object":
        values = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
        inner = next((value for value in values if isinstance(value, dict)), None)
        return f"mapping: {kind(inner)}" if inner else "mapping"
    return TYPES.get(node.get("type", ""), "any")


def find_unit(node: Node) -> str:
    """Return the unit that a schema names; empty if it has none."""
    return node.get("unit") or next((unit for part in inside(node) if (unit := find_unit(part))), "")


def inside(node: Node) -> list[Node]:
    """Return the schemas of the alternatives and items of a value."""
    return [*node.get("anyOf", []), *node.get("prefixItems", []), *([node["items"]] if node.get("items") else [])]


def bounds(node: Node) -> list[str]:
    """Return the bounds of a value, each once."""
    own = {name: node[name] for name in BOUNDS if name in node}
    if "exclusiveMinimum" in own:
        own.pop("minimum", None)
    if "prefixItems" in node:  # a tuple, whose length its type says
        own = {}
    found = [BOUNDS[name].format(f"{limit:,}".removesuffix(".0")) for name, limit in own.items()]
    return list(dict.fromkeys([*found, *(bound for part in inside(node) for bound in bounds(part))]))


def adapters() -> str:
    """Return the page of the adapters, from what they declare."""
    intro = (
        "`img2height import-dataset ADAPTER FOLDER` describes a folder of one of these kinds in "
        "`config/datasets/<name>.yaml`. Names in `<>` stand for any text; files may lie in any subfolder unless one is "
        "shown. Licences and citations are those that the publishers state: check them before use."
    )
    sections = [f"## {name}\n\n{described(load_adapter(name))}" for name in adapter_modules() if name in OWN]
    return "\n\n".join(["# Adapters", NOTE, intro, *sections]) + "\n"


def described(adapter: Adapter) -> str:
    """Return the description of one adapter."""
    facts = {
        "source": adapter.source, "licence": adapter.licence, "heights": adapter.vertical_reference,
        "pixels": f"{adapter.gsd_m:g} m" if adapter.gsd_m else "those of the image", "cite": adapter.citation,
    }  # fmt: skip
    rows = [f"- {name}: {text}" for name, text in facts.items() if text]
    layout = f"```text\n{adapter.layout}\n```"
    return "\n\n".join([adapter.title, layout, "\n".join([*rows, *(f"- {note}" for note in adapter.notes)])])


def main() -> None:
    """Write all pages into a folder."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--out", type=Path, default=Path(__file__).parent / "reference", help="folder of the pages")
    out = flags.parse_args().out
    out.mkdir(exist_ok=True)
    for name, (title, models) in PAGES.items():
        (out / f"{name}.md").write_text(page(title, models), encoding="utf-8")
    (out / "adapters.md").write_text(adapters(), encoding="utf-8")


if __name__ == "__main__":
    main()
