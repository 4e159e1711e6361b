"""Messages made from the official JSON schemas, as the PyPI package `ocpp` installs them; this project keeps none.

From each schema come *good* instances and *faults*: good ones with exactly one thing wrong. Everything is made from a
seed, so that a run can be repeated. What is good and what is not is decided by `jsonschema`, never by this module: an
instance of which the two disagree is a mistake here.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import ocpp

FOLDERS = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}
# 2.0.1, 2.1.1: an integer has 32 bits, and it is a number of metres, seconds or a count everywhere else too.
INTEGERS = (-(2**31), 2**31 - 1)
# Lists of which the schema names no end, or a far one, are this long at most, but where their end itself is tried.
ITEMS = 2
TIMES = ("2026-11-21T08:00:00Z", "2026-11-21T08:00:00.123Z", "2026-11-21T09:30:00.123456+01:30",
         "2026-02-28T23:59:59-08:00")
NO_TIMES = ("yesterday", "", "2026-11-21", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T25:00:00Z",
            "2026-11-21T08:00:00", "1795255200")
# Texts of which the standard's prose says more than its schemas do: times of the day and dates of a tariff's conditions.
FORMS = {"startTimeOfDay": "13:30", "endTimeOfDay": "23:59", "validFromDate": "2026-02-28", "validToDate": "2028-02-29"}
# One of each JSON type, and what is of two types at once to some readers.
WRONG = {"string": "text", "integer": 7, "number": 1.5, "boolean": True, "array": [], "object": {}, "null": None}

Path_ = tuple[Any, ...]


@dataclass(frozen=True)
class Schema:
    """One message of one version."""

    version: str
    action: str
    kind: str  # "request" or "response"
    document: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.version} {self.action} {self.kind}"

    def validator(self) -> Any:
        kind = jsonschema.validators.validator_for(self.document)
        return kind(self.document, format_checker=kind.FORMAT_CHECKER)


@dataclass(frozen=True)
class Good:
    """An instance that the schema allows."""

    what: str
    payload: Any


@dataclass(frozen=True)
class Fault:
    """An instance with one thing wrong, and where."""

    what: str  # missing, long, word, type, float, time, few, many, small, big, step, extra
    path: Path_
    payload: Any

    @property
    def field(self) -> str:
        return spelled(self.path)


def spelled(path: Path_) -> str:
    """As answers and violations spell it: `meterValue[0].timestamp`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def load() -> list[Schema]:
    """Every schema of the three versions, in a fixed order."""
    found = []
    for version, folder in FOLDERS.items():
        for file in sorted((Path(ocpp.__file__).parent / folder / "schemas").glob("*.json")):
            name = file.stem
            kind = "response" if name.endswith("Response") else "request"
            action = name.removesuffix("Response").removesuffix("Request")
            found.append(Schema(version, action, kind, json.loads(file.read_text(encoding="utf-8-sig"))))
    return found


class Maker:
    """Makes instances of one schema."""

    def __init__(self, schema: Schema, seed: int) -> None:
        self.root = schema.document
        self.random = random.Random(f"{seed} {schema.name}")

    def resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            target: Any = self.root
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    # --- good instances

    def good(self, rounds: int) -> Iterator[Good]:
        """The least, the most, each place alone and some left out, each word, each limit, and some by chance."""
        most = self.make(self.root, "maximal")
        yield Good("minimal", self.make(self.root, "minimal"))
        yield Good("maximal", most)
        places = list(self.places(self.root))
        for path, node in places:
            least = self.grown(path)
            yield Good(f"with {spelled(path)}", least)
            yield from self.varied(least, path, node)
        optional = [(*path, name) for path, node in places for name in node.get("properties", {})
                    if name not in node.get("required", [])]
        for path in self.random.sample(optional, min(len(optional), rounds)):
            yield Good(f"without {spelled(path)}", removed(most, path))
        for number in range(rounds):
            yield Good(f"by chance {number}", self.make(self.root, "chance"))

    def varied(self, least: Any, path: Path_, node: dict[str, Any]) -> Iterator[Good]:
        at = spelled(path)
        for word in node.get("enum", []):
            yield Good(f"{at} is {word}", replaced(least, path, word))
        if node.get("type") == "object":
            if node.get("additionalProperties", True) is not False and "properties" in node:
                yield Good(f"{at} with more", replaced(least, (*path, "more"), {"any": [None, 1]}))
        elif node.get("type") == "array":
            count = node.get("maxItems")
            if count and count > ITEMS:
                yield Good(f"{at} has {count}", replaced(least, path, self.items(node, count)))
        elif node.get("type") in ("integer", "number"):
            for number in self.limits(node):
                yield Good(f"{at} is {number}", replaced(least, path, number))
        elif node.get("format") == "date-time":
            for time in TIMES:
                yield Good(f"{at} is {time}", replaced(least, path, time))
        elif node.get("type") == "string" and "enum" not in node and "format" not in node and path[-1] not in FORMS:
            yield Good(f"{at} is empty", replaced(least, path, ""))
            # the limit counts characters, whatever they take on the wire
            yield Good(f"{at} is in Greek", replaced(least, path, "λ" * node.get("maxLength", 40)))

    def places(self, node: dict[str, Any], path: Path_ = ()) -> Iterator[tuple[Path_, dict[str, Any]]]:
        """Each place at which an instance may have a value, with its schema; of a list the first item."""
        node = self.resolved(node)
        yield path, node
        if node.get("type") == "object":
            for name, child in node.get("properties", {}).items():
                yield from self.places(child, (*path, name))
        elif node.get("type") == "array":
            yield from self.places(node["items"], (*path, 0))

    def grown(self, path: Path_) -> Any:
        """The least instance that has a value at `path`."""
        root = self.make(self.root, "minimal")
        node, value = self.root, root
        for step in path:
            node = self.resolved(node)
            if isinstance(step, int):
                node = node["items"]
                if not value:
                    value.append(self.make(node, "minimal"))
            else:
                node = node["properties"][step]
                if step not in value:
                    value[step] = FORMS[step] if step in FORMS else self.make(node, "minimal")
            value = value[step]
        return root

    def make(self, node: dict[str, Any], how: str) -> Any:
        node = self.resolved(node)
        kind = node.get("type")
        chance = how == "chance"
        if "enum" in node:
            return self.random.choice(node["enum"]) if chance else node["enum"][0 if how == "minimal" else -1]
        if kind == "object":
            return self.object(node, how)
        if kind == "array":
            least, most = node.get("minItems", 0), min(node.get("maxItems", ITEMS), ITEMS)
            count = {"minimal": least, "maximal": max(most, least)}.get(how)
            count = self.random.randint(least, max(most, least)) if count is None else count
            return [self.make(node["items"], how) for _ in range(count)]
        if kind == "boolean":
            return self.random.random() < 0.5 if chance else how == "maximal"
        if kind in ("integer", "number"):
            limits = self.limits(node)
            # numbers of connectors and the like: the least that means something, not the least that may be written
            least = 1 if node.get("minimum", 0) <= 1 <= node.get("maximum", 1) else limits[0]
            return self.random.choice(limits) if chance else least if how == "minimal" else limits[-1]
        if kind == "string":
            return self.text(node, how)
        return self.random.choice([{"any": ["thing", 1.5]}, "text", 7, True, []]) if chance else "text"

    def object(self, node: dict[str, Any], how: str) -> dict[str, Any]:
        required = node.get("required", [])
        made = {}
        for name, child in node.get("properties", {}).items():
            if name in required or how == "maximal" or (how == "chance" and self.random.random() < 0.5):
                made[name] = FORMS[name] if name in FORMS else self.make(child, how)
        return made

    def items(self, node: dict[str, Any], count: int) -> list[Any]:
        one = self.make(node["items"], "minimal")
        return [copy.deepcopy(one) for _ in range(count)]

    def limits(self, node: dict[str, Any]) -> list[Any]:
        """Numbers that are allowed, the least first."""
        if node["type"] == "integer":
            low, high = node.get("minimum", INTEGERS[0]), node.get("maximum", INTEGERS[1])
            return sorted({int(low), max(int(low), 1), int(high)})
        low, high = node.get("minimum", -12.5), node.get("maximum", 1_000_000.5)
        numbers = {low, max(low, 0), high} if "multipleOf" in node else {low, min(low + 0.001, high), high}
        return sorted(numbers)

    def text(self, node: dict[str, Any], how: str) -> str:
        if node.get("format") == "date-time":
            return self.random.choice(TIMES) if how == "chance" else TIMES[0]
        if node.get("format") == "uri":
            return "ftp://files.example/a" if how == "minimal" else "https://user:secret@files.example:8443/a?b=c#d"
        longest = node.get("maxLength", 60)
        length = {"minimal": min(1, longest), "maximal": longest}.get(how)
        length = self.random.randint(0, longest) if length is None else length
        letters = "abcXYZ019 -_:/'\"\\é√" if how == "chance" else "x"
        return "".join(self.random.choice(letters) for _ in range(length))

    # --- faults

    def faults(self, rounds: int) -> Iterator[Fault]:
        """Every kind of fault at every place of the least instance that has it, and some of the fullest one."""
        most = self.make(self.root, "maximal")
        places = list(self.places(self.root))
        for path, node in places:
            for what, where, payload in self.faults_at(self.grown(path), path, node):
                yield Fault(what, where, payload)
        for path, node in self.random.sample(places, min(len(places), rounds)):
            for what, where, payload in self.faults_at(most, path, node):
                yield Fault(what, where, payload)

    def faults_at(self, most: Any, path: Path_, node: dict[str, Any]) -> Iterator[tuple[str, Path_, Any]]:
        kind = node.get("type")
        if kind == "object":
            # readers that are written by machines may take the values of an object without their names
            yield "type", path, replaced(most, path, list(self.make(node, "minimal").values()))
        if kind:
            for other in self.other_types(kind):
                # a whole number's neighbour is named apart: it is what languages with one kind of number send
                what = "float" if (kind, other) == ("integer", "number") else "type"
                yield what, path, replaced(most, path, WRONG[other])
        if kind == "object":
            for name in node.get("required", []):
                yield "missing", (*path, name), removed(most, (*path, name))
            if node.get("additionalProperties") is False:
                yield "extra", (*path, "notInTheSchema"), replaced(most, (*path, "notInTheSchema"), 1)
        elif kind == "array":
            if node.get("minItems"):
                yield "few", path, replaced(most, path, self.items(node, node["minItems"] - 1))
            if "maxItems" in node:
                yield "many", path, replaced(most, path, self.items(node, node["maxItems"] + 1))
        elif "enum" in node:
            for word in ("NoSuchWord", "", node["enum"][0].swapcase()):
                if word not in node["enum"]:
                    yield "word", path, replaced(most, path, word)
        elif kind in ("integer", "number"):
            if "minimum" in node:
                yield "small", path, replaced(most, path, int(node["minimum"]) - 1)
            if "maximum" in node:
                yield "big", path, replaced(most, path, int(node["maximum"]) + 1)
            if "multipleOf" in node:
                yield "step", path, replaced(most, path, 16.04)
        elif kind == "string":
            if "maxLength" in node:
                yield "long", path, replaced(most, path, "x" * (node["maxLength"] + 1))
                yield "long", path, replaced(most, path, "λ" * (node["maxLength"] + 1))
            for bad in NO_TIMES if node.get("format") == "date-time" else ():
                yield "time", path, replaced(most, path, bad)


    def other_types(self, kind: str) -> list[str]:
        """Types that are not `kind`: `null`, numbers for numbers, and one of the others by chance."""
        others = [other for other in WRONG if other != kind and (kind, other) != ("number", "integer")]
        always = [other for other in others if other == "null" or (kind, other) == ("integer", "number")]
        return [*always, self.random.choice([other for other in others if other not in always])]


def replaced(value: Any, path: Path_, new: Any) -> Any:
    """A copy with something else at `path`."""
    if not path:
        return new
    changed = copy.copy(value)
    step, rest = path[0], path[1:]
    changed[step] = replaced(value[step], rest, new) if rest else new
    return changed


def removed(value: Any, path: Path_) -> Any:
    """A copy without the property at `path`."""
    changed = copy.copy(value)
    if len(path) == 1:
        del changed[path[0]]
    else:
        changed[path[0]] = removed(value[path[0]], path[1:])
    return changed
