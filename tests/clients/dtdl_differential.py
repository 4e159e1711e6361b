"""The official DTDL parser against ours: the same verdict on every model, by the same rules.

The official parser is the one of .NET, which npm `@digicatapult/dtdl-parser` brings along. Models of `dtdl_models.py` and our own
ontology go through it and through `voltwin dtdl check --stream`, as they are and as chance changes them; so do models at the
limits of each version.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dtdl_models import Mutator, interface, needed, ontology, seeds
from harness import Report, arguments, checked

ROOT = Path(__file__).resolve().parents[2]
# Of each kind of disagreement so many are shown.
LINES = 15
MISSING = "undefinedIdentifier"


@dataclass(frozen=True)
class Judgement:
    valid: bool
    # None: the parser broke down, and only the verdict counts
    rules: frozenset[str] | None


def lines(command: list[str], given: list[Any]) -> list[Any]:
    text = "".join(json.dumps(line) + "\n" for line in given)
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        raise AssertionError(f"{command[0]} ended with {done.returncode}: {done.stderr[-400:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def official(modules: Path, texts: list[str]) -> list[Judgement]:
    script = Path(__file__).parent / "node/dtdl_oracle.mjs"
    given = [{"id": number, "text": text} for number, text in enumerate(texts)]
    found = lines(["node", str(script), str(modules)], given)
    return [Judgement(one["valid"], None if one["rules"] is None else
                      frozenset([*one["rules"], *([MISSING] if one["missing"] else [])])) for one in found]


def ours(voltwin: Path, texts: list[str]) -> list[Judgement]:
    given = [{"id": number, "options": [], "input": [text]} for number, text in enumerate(texts)]
    found = lines([str(voltwin), "dtdl", "check", "--stream"], given)
    return [Judgement(one["valid"], frozenset(error["validationId"].rsplit(":", 1)[1] for error in one["errors"]))
            for one in found]


async def compare(voltwin: Path, modules: Path, texts: list[str], valid: bool | None = None) -> None:
    theirs, our = await asyncio.gather(asyncio.to_thread(official, modules, texts),
                                       asyncio.to_thread(ours, voltwin, texts))
    if not len(texts) == len(theirs) == len(our):
        raise AssertionError(f"{len(texts)} models, {len(theirs)} and {len(our)} judgements")
    apart: dict[str, list[str]] = defaultdict(list)
    for text, official_, own in zip(texts, theirs, our, strict=True):
        if official_.valid != own.valid or valid not in (None, own.valid):
            apart[f"official {official_}, ours {own}"].append(text)
        elif official_.rules is not None and official_.rules != own.rules:
            apart[f"official {sorted(official_.rules)}, ours {sorted(own.rules or ())}"].append(text)
    for kind, found in list(apart.items())[:LINES]:
        print(f"{len(found)} times {kind}\n  {min(found, key=len)[:1500]}")
    if apart:
        raise AssertionError(f"{sum(map(len, apart.values()))} of {len(texts)} models are judged differently")
    print(f"{len(texts)} models, {sum(one.valid for one in our)} of them valid")


def at_the_limits() -> list[str]:
    """Just within, and just beyond."""
    models: list[Any] = []
    for version in (2, 3, 4):
        make = partial(interface, f"dtmi:dtdl:context;{version}")
        for length in (64, 65, 512, 513):
            models.append(make("I", displayName="x" * length))
            models.append(make("I", comment="x" * length, contents=[{"@type": "Telemetry", "name": "n" * length, "schema": "double"}]))
        for depth in (4, 5, 6, 7, 8, 9):
            schema: Any = "double"
            for _ in range(depth):
                schema = {"@type": "Object", "fields": [{"name": "f", "schema": schema}]}
            models.append(make("I", contents=[{"@type": "Telemetry", "name": "t", "schema": schema}]))
        for depth in (9, 10, 11, 12, 13):
            chain = [make(f"I{at}", extends=f"dtmi:example:I{at + 1};1") for at in range(depth)]
            models.append([*chain, make(f"I{depth}")])
        for count in (2, 3, 100, 101):
            bases = [make(f"I{at}") for at in range(count)]
            models.append([make("I", extends=[base["@id"] for base in bases]), *bases])
        for count in (30, 31, 100, 101, 300, 301):
            fields = [{"name": f"f{at}", "schema": "double"} for at in range(count)]
            models.append(make("I", contents=[{"@type": "Telemetry", "name": "t", "schema": {"@type": "Object", "fields": fields}}]))
            models.append(make("I", contents=[{"@type": "Telemetry", **field} for field in fields]))
        for circle in (1, 2, 3):
            models.append([make(f"I{at}", extends=f"dtmi:example:I{(at + 1) % circle};1") for at in range(circle)])
            models.append([make(f"I{at}", contents=[{"@type": "Component", "name": "c", "schema": f"dtmi:example:I{(at + 1) % circle};1"}])
                           for at in range(circle)])
        for below in (2, 3, 4):
            models.append([make("I", extends="dtmi:example:J;1"), interface(f"dtmi:dtdl:context;{below}", "J")])
    return [json.dumps(model) for model in models]


def contexts() -> list[str]:
    """Contexts and definitions of terms of every form, at the top and on an element within."""
    extension = "dtmi:dtdl:extension:quantitativeTypes"
    forms: list[Any] = [
        None, True, 0, 1.5, "", "x", "dtmi:example:y;1", "http://example.org/c", f"{extension};1", extension, f"{extension};9",
        f"{extension};1#limits", [], {}, ["x"], {"foo": {"@id": "dtmi:example:b;1"}}, {"foo": {}}, {"foo": {"@id": 3}},
        *({"foo": value} for value in (3, None, "x", "dtmi:example:b;1", "http://example.org/c", [{"@id": "x"}])),
        *({name: "dtmi:example:b;1"} for name in ("@id", "@vocab", "Telemetry", "foo:bar", "")), {"@context": True}, {"@graph": 3},
        *({"foo": value} for value in (
            {"@context": True}, {"@graph": 1}, {"x": {"@context": [1]}}, {"@id": "dtmi:example:b;1", "@context": True},
            {"@id": 3, "x": {"@context": True}}, {"@id": "dtmi:example:b;1", "@type": "@id"})),
        {"a": {}, "b": 3}, {"b": 3, "a": {"@context": True}},
    ]
    models: list[Any] = []
    for core in (f"dtmi:dtdl:context;{version}" for version in (2, 3, 4)):
        for form in forms:
            for context in (form, [core, form], [form, core], [core, f"{extension};1", form], [core, form, form]):
                models.append(interface(context, "I"))
                models.append(interface(core, "I", contents=[
                    {"@context": context, "@type": "Telemetry", "name": "t", "schema": "double"}]))
    twice = '{"@context": ["dtmi:dtdl:context;3", %s], "@id": "dtmi:example:I;1", "@type": "Interface"}'
    doubled = ['{"a": {"@id": "x", "@id": "y"}}', '{"a": "x", "a": "y"}', '{"a": {"@type": "x", "@type": "y"}}']
    return [*map(json.dumps, models), *(twice % definitions for definitions in doubled)]


async def main() -> int:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--modules", type=Path, required=True, help="node_modules with the packages of node/package-lock.json")
    parser.add_argument("--seed", type=int, default=4321)
    parser.add_argument("--count", type=int, default=8_000, help="models by chance")
    given = parser.parse_args()
    judge = partial(compare, checked(given.voltwin), given.modules.resolve())
    own, models = ontology(ROOT / "ontology"), seeds()
    report = Report()
    await report.run("models of every class, version and extension", partial(judge, [json.dumps(model) for model in models], True))
    await report.run("our ontology, as one and file by file", partial(judge, [json.dumps(own), *(
        json.dumps(needed(model, own)) for model in own)], True))
    await report.run("models at the limits", partial(judge, at_the_limits()))
    await report.run("contexts of every form", partial(judge, contexts()))
    mutants = Mutator([*models, *own], given.seed).mutants(given.count)
    await report.run(f"models changed by chance, seed {given.seed}", partial(judge, mutants), within_s=280)
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
