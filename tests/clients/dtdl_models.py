"""Models for `dtdl_differential.py`: valid ones of every class, version and extension, and what chance makes of them."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Json = Any


def interface(context: Json, name: str, **members: Json) -> dict[str, Json]:
    return {"@context": context, "@id": f"dtmi:example:{name};1", "@type": "Interface", **members}


def plain(version: int) -> list[Json]:
    """Each class that all versions have."""
    context = f"dtmi:dtdl:context;{version}"
    point = {"@type": "Object", "fields": [{"name": "x", "schema": "double"}, {"name": "y", "schema": "double"}]}
    mode = {"@type": "Enum", "valueSchema": "integer",
            "enumValues": [{"name": "off", "enumValue": 0}, {"name": "on", "enumValue": 1}]}
    words = {"@type": "Map", "mapKey": {"name": "key", "schema": "string"}, "mapValue": {"name": "value", "schema": mode}}
    base = interface(context, "Base", contents=[{"@type": "Property", "name": "serial", "schema": "string"}])
    contents = [
        {"@type": "Property", "name": "place", "schema": point, "writable": True},
        {"@type": "Telemetry", "name": "words", "schema": words, "displayName": {"en": "words", "de": "Worte"}},
        {"@type": "Command", "name": "go", "request": {"name": "to", "schema": "dtmi:example:Mode;1"},
         "response": {"name": "at", "schema": "dateTime"}},
        {"@type": "Relationship", "name": "near", "target": "dtmi:example:Base;1", "maxMultiplicity": 4,
         "properties": [{"@type": "Property", "name": "distance", "schema": "double"}]},
        {"@type": "Component", "name": "part", "schema": "dtmi:example:Base;1"},
    ]
    top = interface(context, "Top", extends="dtmi:example:Base;1", contents=contents,
                    schemas=[{"@id": "dtmi:example:Mode;1", **mode}], description="all", comment="of it")
    return [top, base]


def extended(version: int) -> list[Json]:
    """Types and properties of extensions, with the rules about siblings that they bring."""
    names = ["quantitativeTypes", "annotation", "historization", "overriding"]
    context = [f"dtmi:dtdl:context;{version}", *(f"dtmi:dtdl:extension:{name};{version - 2}" for name in names)]
    contents = [
        {"@type": ["Property", "Temperature", "Historized"], "name": "temp", "schema": "double", "unit": "degreeCelsius"},
        {"@type": ["Telemetry", "Velocity"], "name": "speed", "schema": "float", "unit": "kilometrePerHour"},
        {"@type": ["Telemetry", "ValueAnnotation"], "name": "accuracy", "annotates": "speed", "schema": "double"},
        {"@type": ["Property", "ValueAnnotation", "Override"], "name": "unit_of_temp", "annotates": "temp",
         "overrides": "unit", "schema": "TemperatureUnit", "writable": True},
    ]
    return [interface(context, "Extended", contents=contents)]


def ontology(folder: Path) -> list[Json]:
    """All files of a folder as one model."""
    return [json.loads(path.read_text()) for path in sorted(folder.rglob("*.json"))]


def needed(model: Json, among: list[Json]) -> list[Json]:
    """A model with what it extends and what it has as components, directly or not."""
    by_id, found = {one["@id"]: one for one in among}, [model]
    for one in found:
        extends = one.get("extends", [])
        components = [content["schema"] for content in one["contents"] if content["@type"] == "Component"]
        for id_ in [*([extends] if isinstance(extends, str) else extends), *components]:
            if by_id[id_] not in found:
                found.append(by_id[id_])
    return found


def seeds() -> list[Json]:
    hub = ["dtmi:dtdl:context;2", "dtmi:iotcentral:context;2"]
    newest = {"@type": "Array", "elementSchema": {"@type": "Map", "mapKey": {"name": "k", "schema": "string"},
                                                  "mapValue": {"name": "v", "schema": "uuid"}}}
    return [
        *(plain(version) for version in (2, 3, 4)), *(extended(version) for version in (3, 4)),
        interface("dtmi:dtdl:context;2", "Units", contents=[
            {"@type": ["Telemetry", "Distance"], "name": "far", "schema": "double", "unit": "kilometre"}]),
        interface(hub, "Hub", contents=[{"@type": ["Telemetry", "State"], "name": "state", "schema": {
            "@type": "Enum", "valueSchema": "string", "enumValues": [{"name": "a", "enumValue": "A"}]}}]),
        interface("dtmi:dtdl:context;4", "Newest", contents=[
            {"@type": "Property", "name": "table", "schema": newest},
            {"@type": "Command", "name": "ask", "request": {"name": "q", "schema": "bytes", "nullable": True}},
            {"@type": "Telemetry", "name": "where", "schema": "point"}]),
    ]


NAMES = """name schema contents extends @id @type unit displayName description comment enumValues enumValue valueSchema fields
elementSchema mapKey mapValue writable request response properties target minMultiplicity maxMultiplicity schemas commandType
annotates overrides nullable @context @value @language @graph @set other dtmi:example:other;1 dtmi: example:other
dtmi:dtdl:property:name;2 dtmi:dtdl:property:name;4 dtmi:dtdl:property:schema;3 dtmi:dtdl:property:contents;2""".split()

WORDS = """a a_ 1a double boolean string integer long duration uuid point lineString synchronous Interface Property Telemetry Command
Component Relationship Object Array Enum Map Temperature Velocity Historized ValueAnnotation Override State degreeCelsius metre
dtmi:example:Base;1 dtmi:example:Mode;1 dtmi:example:none;1 dtmi:example:Base dtmi:example:Base;0 dtmi:example:Base;1.2
dtmi:example:_Base;1 dtmi:dtdl:none;1 dtmi:dtdl:instance:Schema:double;2 dtmi:dtdl:instance:Schema:double;3
dtmi:dtdl:class:Property;3 dtmi:dtdl:context;2 dtmi:dtdl:context;3 dtmi:dtdl:context;4 dtmi:dtdl:context;5
dtmi:dtdl:context;4#limitless dtmi:dtdl:context;4#limits dtmi:dtdl:extension:quantitativeTypes;1
dtmi:dtdl:extension:quantitativeTypes;9 dtmi:example:extension;1 xsd:string""".split()

VALUES: list[Json] = [
    None, True, False, 0, 1, -1, 3.5, 3.0, 501, 2**31, -2**31 - 1, 1e40, "", "x" * 65, "x" * 513, [], {}, *WORDS,
    {"@value": "x"}, {"@value": 3}, {"@value": True}, {"@value": 3, "@type": "xsd:integer"}, {"@value": "x", "other": 1},
    {"@value": "x", "@language": "en"}, {"en": "x"}, {"en": 1}, {"none-at-all": "x"}, ["x", "y"],
    [{"@value": "x", "@language": "en"}], {"@id": "dtmi:example:Base;1"}, {"@type": "Array", "elementSchema": "double"},
    {"@type": "Interface", "@id": "dtmi:example:inner;1"}, {"@type": "Telemetry", "name": "new", "schema": "double"},
    {"@type": ["Property", "Temperature"], "name": "new", "schema": "double", "unit": "degreeCelsius"},
    {"@type": "Relationship", "name": "new"}, {"@type": "Component", "name": "new", "schema": "dtmi:example:Base;1"},
    {"@type": "Command", "name": "new"}, {"name": "a", "schema": "double"}, {"name": "a", "enumValue": "x"},
]


def places(value: Json, holder: Json = None, key: Json = None) -> Iterator[tuple[Json, Json, Json]]:
    """Every value with what holds it, itself first."""
    yield value, holder, key
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        yield from places(member, value, name)


class Mutator:
    def __init__(self, models: list[Json], seed: int) -> None:
        self.chance = random.Random(seed)
        self.models = models
        self.pieces = [value for value, _, _ in places(models) if isinstance(value, (dict, str))]

    def any_value(self) -> Json:
        return copy.deepcopy(self.chance.choice(VALUES if self.chance.random() < 0.75 else self.pieces))

    def once(self, model: Json) -> None:
        value, holder, key = self.chance.choice(list(places(model))[1:] or [(model, None, None)])
        what = self.chance.random()
        if isinstance(value, dict) and what < 0.35:
            value[self.chance.choice(NAMES)] = self.any_value()
        elif isinstance(value, list) and what < 0.35:
            value.append(copy.deepcopy(self.chance.choice(value)) if value and what < 0.15 else self.any_value())
        elif holder is None:
            return
        elif what < 0.65:
            holder[key] = self.any_value()
        elif what < 0.8:
            del holder[key]
        elif isinstance(holder, dict):
            holder[self.chance.choice(NAMES)] = holder.pop(key)
        else:
            holder[key] = [value]

    def mutant(self) -> str:
        model = copy.deepcopy(self.chance.choice(self.models))
        for _ in range(self.chance.choice([1, 1, 1, 2, 3])):
            self.once(model)
        text = json.dumps(model)
        if self.chance.random() < 0.03:
            # a member twice
            at = text.find('"name":', self.chance.randrange(len(text)))
            text = text if at < 0 else f'{text[:at]}"name": "twice", {text[at:]}'
        return text

    def mutants(self, count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            text = self.mutant()
            if not misread(json.loads(text)):
                found.append(text)
        return found


def misread(value: Json, above: frozenset[str] = frozenset()) -> bool:
    """What the official parser reads wrong (docs/dtdl.md): it loses its place in the text at a list or an object inside `@type`
    or `@value`, and does not see that an element has the identifier of one around it."""
    if isinstance(value, list):
        return any(misread(item, above) for item in value)
    if not isinstance(value, dict):
        return False
    types, id_ = value.get("@type"), value.get("@id")
    lost = isinstance(types, dict) or isinstance(value.get("@value"), (list, dict)) or isinstance(types, list) and any(
        isinstance(item, (list, dict)) for item in types)
    own = frozenset([id_]) if isinstance(id_, str) and len(value) > 1 else frozenset()
    return lost or bool(own & above) or any(misread(item, above | own) for item in value.values())
