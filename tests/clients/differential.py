"""The official schemas against our judge: what they allow is taken, each single fault is found.

The schemas come from the PyPI package `ocpp`, the instances from `schemas.py`, the truth from `jsonschema`. First every
instance goes through `voltwin ocpp check --stream` in strict; then every fault in a message of a station goes over a
socket to a server in lenient, which answers each, files each with its field, and keeps the connection.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import lenient
from harness import Report, arguments, checked
from schemas import Fault, Good, Maker, Schema, load

# There is no list of exceptions: where the schemas and the types of our judge differ, our judge follows the schemas
# (`crates/connect/ocpp/src/messages/errata.rs`). Of texts whose form stands only in the standard's prose, `schemas.FORMS`
# makes those that the prose allows.
# Of each kind of disagreement so many are shown.
LINES = 25


@dataclass(frozen=True)
class Case:
    schema: Schema
    instance: Good | Fault

    @property
    def good(self) -> bool:
        return isinstance(self.instance, Good)

    def line(self, number: int) -> str:
        message = {"id": number, "version": self.schema.version, "action": self.schema.action,
                   "kind": self.schema.kind, "payload": self.instance.payload, "validation": "strict"}
        return json.dumps(message) + "\n"


def cases(schema: Schema, seed: int, rounds: int) -> list[Case]:
    maker = Maker(schema, seed)
    return [Case(schema, instance) for instance in [*maker.good(rounds), *maker.faults(rounds)]]


def first_disagreement(schema: Schema, seed: int, rounds: int) -> str | None:
    """The first instance of a schema that is not what it was made to be."""
    validator = schema.validator()
    for case in cases(schema, seed, rounds):
        why = disagreement(case, validator)
        if why:
            return f"{schema.name}: {case.instance.what} {getattr(case.instance, 'path', '')}: {why}"
    return None


def disagreement(case: Case, validator: Any) -> str | None:
    """Why an instance is not what it was made to be, by `jsonschema`."""
    wrong = list(validator.iter_errors(case.instance.payload))
    if case.good:
        return wrong[0].message[:120] if wrong else None
    if not wrong:
        return "nothing is wrong with it"
    # what is of another type is also none of the words: one place, two errors
    found = {tuple(error.absolute_path) for error in wrong}
    at = case.instance.path[:-1] if case.instance.what in ("missing", "extra") else case.instance.path
    return None if found == {at} else f"the error is at {found}"


def judged(voltwin: Path, all_cases: list[Case]) -> list[dict[str, Any]]:
    stream = "".join(case.line(number) for number, case in enumerate(all_cases))
    done = subprocess.run([str(voltwin), "ocpp", "check", "--stream"], input=stream, capture_output=True, text=True,
                          timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"the judge ended with {done.returncode}: {done.stderr[-400:]}")
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert [verdict["id"] for verdict in verdicts] == list(range(len(all_cases))), "verdicts in order"
    return verdicts


class Differential:
    """All instances of a seed with what `jsonschema` and our judge say of them."""

    def __init__(self, voltwin: Path, seed: int, rounds: int) -> None:
        self.voltwin = voltwin
        self.seed, self.rounds = seed, rounds
        self.schemas = load()
        self.all = [case for schema in self.schemas for case in cases(schema, seed, rounds)]

    async def oracle(self) -> None:
        """By all cores, each of which makes the same instances again: they are large to hand over."""
        check = partial(first_disagreement, seed=self.seed, rounds=self.rounds)
        with ProcessPoolExecutor() as pool:
            found = await asyncio.to_thread(lambda: list(pool.map(check, self.schemas, chunksize=8)))
        problems = [problem for problem in found if problem]
        assert not problems, "\n  ".join(problems[:LINES])
        print(f"   {len(self.schemas)} schemas: {self.count(True)} good instances, {self.count(False)} faults")

    def count(self, good: bool) -> int:
        return sum(case.good == good for case in self.all)

    async def judge(self) -> None:
        verdicts = judged(self.voltwin, self.all)
        problems: dict[str, list[str]] = defaultdict(list)
        for case, verdict in zip(self.all, verdicts, strict=True):
            problem = self.problem(case, verdict)
            if problem:
                problems[problem[0]].append(problem[1])
        kinds = Counter(case.instance.what for case in self.all if not case.good)
        print(f"   found in strict: {dict(sorted(kinds.items()))}")
        assert not problems, "\n".join(
            f"{kind}: {len(lines)}\n  " + "\n  ".join(lines[:LINES]) for kind, lines in problems.items())

    def problem(self, case: Case, verdict: dict[str, Any]) -> tuple[str, str] | None:
        told = f"{verdict.get('code')} at {verdict.get('field')!r}: {verdict.get('detail')}"
        if case.good:
            return None if verdict["valid"] else ("good and refused", f"{case.schema.name} {case.instance.what}: {told}")
        fault = case.instance
        told = f"{case.schema.name} {fault.what} at {fault.field}: {told}"
        if verdict["valid"]:
            return "wrong and taken", told
        if verdict["field"] != fault.field:
            return "found elsewhere", told
        if verdict["code"] not in codes(case.schema.version, fault.what):
            return "another code", told
        return None


def codes(version: str, what: str) -> set[str]:
    """The error codes that the standard has for a kind of fault; where its words fit two, both."""
    occurrence = "OccurenceConstraintViolation" if version == "1.6" else "OccurrenceConstraintViolation"
    format_ = "FormationViolation" if version == "1.6" else "FormatViolation"
    return {
        "missing": {occurrence},
        "few": {occurrence},
        "many": {occurrence},
        "extra": {format_},
        "type": {"TypeConstraintViolation"},
        "float": {"TypeConstraintViolation"},
    }.get(what, {"PropertyConstraintViolation", "TypeConstraintViolation"})


def options() -> Any:
    parser = arguments(__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=16_201_21)
    parser.add_argument("--rounds", type=int, default=6, help="instances by chance of each schema")
    parser.add_argument("--no-socket", action="store_true", help="the judge only")
    return parser.parse_args()


async def main() -> int:
    given = options()
    voltwin = checked(given.voltwin)
    report = Report()
    started = time.monotonic()
    work = Differential(voltwin, given.seed, given.rounds)
    await report.run("jsonschema agrees with how the instances were made", work.oracle, within_s=400)
    await report.run("the judge in strict against the official schemas", work.judge, within_s=400)
    if not given.no_socket:
        await lenient.run(report, voltwin, [(case.schema, case.instance) for case in work.all if not case.good])
    print(f"seed {given.seed}, {time.monotonic() - started:.0f} s")
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
