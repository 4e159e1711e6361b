"""A tenant and an instance of Azure Digital Twins are kept in agreement by `voltwin azure sync` while both are edited, the
network between breaks all the time, and the synchronisation is killed.

The instance is a server of ours in Azure's dialect, with its limits and rates, entered by a managed identity. Each end has an
editor, who keeps a ledger of what was acknowledged. Values, relationships and twins have owners, so that edits do not conflict:
at the end everything that was acknowledged is at both ends, and nothing else is. Conflicts have a test of their own, where it is
known who must win.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from azure_cloud import DIRECTORY, Cloud
from azure_errors import Plane
from fault_proxy import FaultProxy
from harness import TENANT, Report, Server, arguments, checked, die_with_parent, equal, until

CONTEXT = "dtmi:dtdl:context;2"
SIDES = ("azure", "voltwin")
EDIT_S = 15
KILLS = 4


def interface(name: str, *contents: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"@id": f"dtmi:sync:{name};1", "@type": "Interface", "@context": CONTEXT, "contents": list(contents), **more}


def values(*names: str) -> list[dict[str, Any]]:
    return [{"@type": "Property", "name": name, "schema": "double"} for name in names]


OWNED = [*values("of_azure", "of_voltwin"), {"@type": "Property", "name": "text_azure", "schema": "string"},
         {"@type": "Property", "name": "text_voltwin", "schema": "string"}]
MOTOR = interface("Motor", *values("of_azure", "of_voltwin"))
THING = interface("Thing", *OWNED, *values("shared"),
                  {"@type": "Relationship", "name": "feeds", "properties": values("of_azure", "of_voltwin")},
                  {"@type": "Relationship", "name": "holds"})
PUMP = interface("Pump", {"@type": "Component", "name": "motor", "schema": MOTOR["@id"]}, extends=THING["@id"])
VALVE = interface("Valve", *values("opening"), extends=THING["@id"])
# which end has which models at first
MODELS = {"azure": [THING, MOTOR, PUMP], "voltwin": [THING, VALVE]}


class Instance(Server):
    """A server that believes the issuer of a cloud, whose tenant holds to Azure's dialect."""

    def __init__(self, voltwin: Path, cloud: Cloud) -> None:
        super().__init__(voltwin)
        self.cloud = cloud

    def prepare(self) -> None:
        self.seed("admin")
        self.admin("instance", "directory", "add", DIRECTORY, "--tenant", TENANT)
        self.admin("instance", "dialect", "strict-adt", "--tenant", TENANT)

    def spawn(self, *more: str) -> Any:
        return super().spawn("--oidc-issuer", self.cloud.issuer, *more)


class End(Plane):
    """One end, by bare HTTP and without faults."""

    def do(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Waits where the end says so: editors share its rates with the synchronisation."""
        while True:
            status, answer, _ = self.ask(method, path, body, headers)
            if status != 429:
                return status, answer
            time.sleep(0.3)

    def rows(self, query: str) -> list[dict[str, Any]]:
        rows, body = [], {"query": query}
        while True:
            status, page = self.do("POST", "/query", body)
            assert status == 200, page
            rows += page["value"]
            if not page.get("continuationToken"):
                return rows
            body = {"continuationToken": page["continuationToken"]}

    def graph(self) -> dict[str, dict[str, Any]]:
        """Everything, but for ETags and times."""
        twins = {row["$dtId"]: bare(row) for row in self.rows("SELECT * FROM DIGITALTWINS")}
        links = {f"{row['$sourceId']}/{row['$relationshipId']}": {name: value for name, value in row.items() if name != "$etag"}
                 for row in self.rows("SELECT * FROM RELATIONSHIPS")}
        _, models = self.do("GET", "/models?includeModelDefinition=true")
        models = {model["id"]: (model["decommissioned"], model["model"]) for model in models["value"]
                  if model.get("uploadTime")}
        return {"twins": twins, "links": links, "models": models}


def bare(twin: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in twin.items() if name not in ("$etag", "$metadata")}
    for name, value in kept.items():
        if isinstance(value, dict):
            kept[name] = {inner: held for inner, held in value.items() if inner != "$metadata"}
    return {**kept, "$model": twin["$metadata"]["$model"]}


class Editor:
    """Edits one end at random, and remembers what was acknowledged.

    - A value whose name ends with an end's name is changed there alone.
    - A twin whose id begins with `x` lives at the mercy of the end that made it: there alone it is edited, related and deleted.
    - A relationship is deleted and pointed elsewhere at the end that made it; those whose ids begin with `k` stay.
    """

    def __init__(self, side: str, end: End, seed: int) -> None:
        self.side, self.end, self.dice = side, end, random.Random(seed)
        self.number = 0
        # what was acknowledged: twin or relationship, value, and what it is
        self.written: dict[tuple[str, str], Any] = {}
        # what this end made and what became of it: a document, or None where it was deleted
        self.twins: dict[str, dict[str, Any] | None] = {}
        self.links: dict[str, dict[str, Any] | None] = {}
        self.edits = 0

    def name(self, kind: str) -> str:
        self.number += 1
        return f"{kind}-{self.side}-{self.number}"

    def value(self, of: str = "of") -> Any:
        self.number += 1
        return f"{self.side} {self.number} é~/" if of == "text" else self.number + self.dice.choice([0, 0.5])

    def make_twin(self, kind: str = "t") -> None:
        model = self.dice.choice([model for model in MODELS[self.side] if model is not MOTOR])
        twin: dict[str, Any] = {f"of_{self.side}": self.value(), f"text_{self.side}": self.value("text")}
        if model is PUMP:
            twin["motor"] = {f"of_{self.side}": self.value()}
        body = {**twin, "$metadata": {"$model": model["@id"]}}
        if model is PUMP:
            body["motor"] = {**twin["motor"], "$metadata": {}}
        name = self.name(kind)
        status, answer = self.end.do("PUT", f"/digitaltwins/{name}", body, {"If-None-Match": "*"})
        assert status == 200, answer
        self.twins[name] = {**twin, "$dtId": name, "$model": model["@id"]}

    def mine(self, everything: dict[str, Any], prefix: str = "") -> list[str]:
        return [name for name, held in everything.items() if held is not None and name.split("/")[-1].startswith(prefix)]

    def all_twins(self) -> list[str]:
        """Those that may be related and edited at this end: its own, and of the other what has come and stays."""
        there = [row["$dtId"] for row in self.end.rows("SELECT T.$dtId FROM DIGITALTWINS T WHERE STARTSWITH(T.$dtId, 't-')")]
        return there + self.mine(self.twins, "x")

    def make_link(self, twins: list[str], kind: str = "r") -> None:
        source, target = self.dice.sample(twins, 2)
        # what stays may not hang on what goes
        if kind == "k" and (source.startswith("x") or target.startswith("x")):
            return
        link = {"$relationshipName": "feeds", "$targetId": target, f"of_{self.side}": self.value()}
        name = self.name(kind)
        status, answer = self.end.do("PUT", f"/digitaltwins/{source}/relationships/{name}", link, {"If-None-Match": "*"})
        assert status == 200, answer
        self.links[f"{source}/{name}"] = {**link, "$sourceId": source, "$relationshipId": name}

    def drop_link(self, link: str) -> None:
        source, name = link.split("/")
        status, answer = self.end.do("DELETE", f"/digitaltwins/{source}/relationships/{name}")
        assert status == 204, answer
        self.links[link] = None

    def turn_link(self, link: str, twins: list[str]) -> None:
        """The same id, pointing elsewhere: there is no other way than to delete and make it."""
        held = self.links[link]
        source, name = link.split("/")
        target = self.dice.choice([twin for twin in twins if twin != source])
        self.drop_link(link)
        body = {"$relationshipName": "holds", "$targetId": target}
        status, answer = self.end.do("PUT", f"/digitaltwins/{source}/relationships/{name}", body)
        assert status == 200 and held is not None, answer
        self.links[link] = {**body, "$sourceId": source, "$relationshipId": name}

    def drop_twin(self, twin: str) -> None:
        for link in self.mine(self.links):
            held = self.links[link]
            if held is not None and twin in (held["$sourceId"], held["$targetId"]):
                self.drop_link(link)
        status, answer = self.end.do("DELETE", f"/digitaltwins/{twin}")
        if status != 204:
            rows = self.end.rows(f"SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId = '{twin}' OR R.$targetId = '{twin}'")
            raise AssertionError(f"{answer}: {[(row, self.links.get(row['$sourceId'] + '/' + row['$relationshipId'])) for row in rows]}")
        self.twins[twin] = None

    def patch(self, path: str, place: str, value: Any) -> bool:
        operations = [{"op": "add", "path": f"/{place}", "value": value}]
        status, answer = self.end.do("PATCH", path, operations)
        assert status in (204, 404), answer
        return status == 204

    def edit_twin(self, twin: str) -> None:
        place = self.dice.choice([f"of_{self.side}", f"text_{self.side}", f"motor/of_{self.side}"])
        if place.startswith("motor"):
            status, held = self.end.do("GET", f"/digitaltwins/{twin}")
            if status != 200 or "motor" not in held:
                return
        value = self.value("text" if place.startswith("text") else "of")
        if self.patch(f"/digitaltwins/{twin}", place, value):
            self.written[(twin, place)] = value

    def edit_link(self) -> None:
        links = self.end.rows("SELECT * FROM RELATIONSHIPS R WHERE STARTSWITH(R.$relationshipId, 'k-')")
        if not links:
            return
        link, value = self.dice.choice(links), self.value()
        name = f"{link['$sourceId']}/{link['$relationshipId']}"
        if self.patch(f"/digitaltwins/{link['$sourceId']}/relationships/{link['$relationshipId']}", f"of_{self.side}", value):
            self.written[(name, f"of_{self.side}")] = value

    def fill(self, twins: int, links: int) -> None:
        for number in range(twins):
            self.make_twin("x" if number % 8 == 0 else "t")
        for number in range(links):
            self.make_link(self.mine(self.twins), "k" if number % 3 == 0 else "r")

    def step(self) -> None:
        twins = self.all_twins()
        choice = self.dice.random()
        if choice < 0.45:
            # some are edited all the time: also between a write and its lost answer
            often = sorted(twin for twin in twins if twin.startswith("t-"))[:3]
            self.edit_twin(self.dice.choice(often if self.dice.random() < 0.7 else twins))
        elif choice < 0.55:
            self.edit_link()
        elif choice < 0.70:
            self.make_link(twins, self.dice.choice("rrk"))
        elif choice < 0.78 and (links := self.mine(self.links, "r")):
            self.drop_link(self.dice.choice(links))
        elif choice < 0.84 and (links := self.mine(self.links, "r")):
            self.turn_link(self.dice.choice(links), twins)
        elif choice < 0.94:
            self.make_twin(self.dice.choice("ttx"))
        elif doomed := self.mine(self.twins, "x"):
            self.drop_twin(self.dice.choice(doomed))
        self.edits += 1


class Command:
    """`voltwin azure …` between two addresses."""

    def __init__(self, voltwin: Path, folder: Path, cloud: Cloud, key: str, azure: str, tenant: str) -> None:
        self.voltwin, self.folder = voltwin, folder
        self.environment = {**os.environ, "IDENTITY_ENDPOINT": f"{cloud.url}/msi/token", "IDENTITY_HEADER": "header",
                            "VOLTWIN_KEY": key, "VOLTWIN_AZURE_URL": azure, "VOLTWIN_URL": tenant}
        self.state = folder / "sync.db"
        self.log = folder / "sync.log"

    @property
    def report(self) -> list[dict[str, Any]]:
        path = self.state.with_suffix(".ndjson")
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def line(self, *more: str) -> list[str]:
        state = [] if "--state" in more else ["--state", str(self.state)]
        return [str(self.voltwin), "azure", more[0], *state, *more[1:]]

    def run(self, *more: str, ends_with: int = 0) -> Any:
        done = subprocess.run(self.line(*more), env=self.environment, capture_output=True, text=True, timeout=90)
        if done.returncode != ends_with:
            raise AssertionError(f"{' '.join(more)} ended with {done.returncode}: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return json.loads(done.stdout.splitlines()[-1]) if "--json" in more else done.stdout

    def follow(self) -> subprocess.Popen[str]:
        log = self.log.open("a")
        line = self.line("sync", "--follow", "--poll-s", "1", "--sweep-s", "2", "--lag-s", "5", "--timeout-s", "5", "--json",
                         "--conflicts", "azure")
        return subprocess.Popen(line, env=self.environment, stdout=log, stderr=log, text=True, preexec_fn=die_with_parent)


class World:
    """Both ends, with their editors and what stands between."""

    def __init__(self, given: Any, azure: Instance, tenant: Server, cloud: Cloud) -> None:
        self.given, self.cloud = given, cloud
        self.proxies: dict[str, FaultProxy] = {}
        self.servers = dict(zip(SIDES, (azure, tenant)))
        self.ends = {side: End(server) for side, server in self.servers.items()}
        self.editors = {side: Editor(side, end, given.seed + place) for place, (side, end) in enumerate(self.ends.items())}

    async def start(self) -> "World":
        """With the proxies, which do no harm until they are told to."""
        self.proxies = {side: await FaultProxy(server.port, self.given.seed).start() for side, server in self.servers.items()}
        tenant = self.servers["voltwin"]
        self.command = Command(checked(self.given.voltwin), tenant.folder, self.cloud, tenant.keys["admin"],
                               *(proxy.url for proxy in self.proxies.values()))
        return self

    def differences(self) -> list[str]:
        """What is not the same at both ends, the first of it."""
        one, other = (self.ends[side].graph() for side in SIDES)
        found = []
        for kind in one:
            for name in sorted(one[kind].keys() | other[kind].keys()):
                if one[kind].get(name) != other[kind].get(name):
                    found.append(f"{kind} {name}: azure {one[kind].get(name)}, voltwin {other[kind].get(name)}")
        return found

    def agreed(self, what: str) -> dict[str, Any]:
        """The graph that both ends have."""
        equal(self.differences()[:5], [], f"differences of both ends, {what}")
        return self.ends["azure"].graph()


async def first_time(world: World) -> None:
    """Two graphs that never met: a plan says what there is to do, one run does it, and then there is nothing to do."""
    for side in SIDES:
        world.ends[side].ok("POST", "/models", MODELS[side])
        await asyncio.to_thread(world.editors[side].fill, 75, 150)
    plan = await asyncio.to_thread(world.command.run, "plan", "--json", ends_with=2)
    counts = {(row["end"], row["deed"], row["kind"]): row["count"] for row in plan["counts"]}
    links = {side: len(world.editors[side].mine(world.editors[side].links)) for side in SIDES}
    equal(counts, {("azure", "create", "model"): 1, ("azure", "create", "twin"): 75,
                   ("azure", "create", "relationship"): links["voltwin"],
                   ("voltwin", "create", "model"): 2, ("voltwin", "create", "twin"): 75,
                   ("voltwin", "create", "relationship"): links["azure"]}, "the plan")
    assert "conflicts" in plan and plan["conflicts"] == 0 and plan["left_out"] == 0
    assert not world.command.state.exists(), "a plan leaves nothing behind"
    done = await asyncio.to_thread(world.command.run, "sync", "--once", "--json")
    equal(sum(row["count"] for row in done["writes"]), plan["changes"], "what was done is what was planned")
    one = world.agreed("the first time")
    equal((len(one["twins"]), len(one["links"])), (150, sum(links.values())), "twins and relationships")
    again = await asyncio.to_thread(world.command.run, "plan", "--json")
    equal(again["changes"], 0, "a plan afterwards")
    assert world.cloud.tokens > 0, "the instance was entered by the managed identity"


class Following:
    """`voltwin azure sync --follow`, which can be killed and goes on."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.process = command.follow()

    def __enter__(self) -> "Following":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def kill(self) -> None:
        assert self.process.poll() is None, f"it ended by itself: {self.command.log.read_text()[-2000:]}"
        self.process.kill()
        self.process.wait()
        self.process = self.command.follow()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)


async def edits_and_faults(world: World) -> None:
    """Both ends are edited while everything between breaks and the synchronisation is killed."""
    command, proxies = world.command, world.proxies
    dice, over, meddled = random.Random(world.given.seed), asyncio.Event(), 0

    async def edit(side: str) -> None:
        editor = world.editors[side]
        while not over.is_set():
            await asyncio.to_thread(editor.step)
            await asyncio.sleep(editor.dice.uniform(0, 0.06))

    async def meddle(method: str, path: str) -> None:
        """Right before a write arrives, what it is about becomes something else: it must get 412."""
        nonlocal meddled
        twin = path.split("?")[0].removeprefix("/digitaltwins/")
        if method == "PATCH" and twin.startswith("t-") and "/" not in twin and dice.random() < 0.1 and not over.is_set():
            await asyncio.to_thread(world.editors["azure"].edit_twin, twin)
            meddled += 1

    proxies["azure"].meddle = meddle
    for proxy in proxies.values():
        proxy.faults = True
    with Following(command) as following:
        editing = [asyncio.create_task(edit(side)) for side in SIDES]
        for _ in range(KILLS):
            await asyncio.sleep(EDIT_S / (KILLS + 1) * dice.uniform(0.7, 1.1))
            following.kill()
        await asyncio.sleep(EDIT_S / (KILLS + 1))
        over.set()
        await asyncio.gather(*editing)
        try:
            await until(lambda: not world.differences(), "agreement", within_s=40, every_s=1)
        except AssertionError as error:
            raise AssertionError(f"{error}: {world.differences()[:5]}") from None
        equal(await asyncio.to_thread(following.stop), 0, "the end by Ctrl-C")
    for proxy in proxies.values():
        for fault in ("429", "503", "reset", "lost", "slow"):
            assert proxy.seen[fault] > 0, f"no {fault} in {sum(proxy.seen.values())} requests"
        proxy.faults = False
    edits = {side: world.editors[side].edits for side in SIDES}
    faults = {side: dict(proxy.seen) for side, proxy in proxies.items()}
    print(f"   {edits} edits, {meddled} in between, {KILLS} kills; requests {faults}")
    check_ledgers(world)
    equal([line for line in command.report if line["what"] == "conflict"], [], "edits that do not conflict")
    plan = await asyncio.to_thread(command.run, "plan", "--json")
    equal(plan["changes"], 0, "a plan afterwards")


def check_ledgers(world: World) -> None:
    """Everything that was acknowledged is at both ends, and nothing else is there."""
    for side in SIDES:
        graph = world.ends[side].graph()
        made, linked = set(), set()
        for editor in world.editors.values():
            for name, twin in editor.twins.items():
                equal(name in graph["twins"], twin is not None, f"whether {name} is at {side}")
                made |= {name} if twin is not None else set()
            for name, link in editor.links.items():
                equal(name in graph["links"], link is not None, f"whether {name} is at {side}")
                if link is not None:
                    linked.add(name)
                    for member in ("$relationshipName", "$targetId"):
                        equal(graph["links"][name][member], link[member], f"{member} of {name} at {side}")
            for (name, place), value in editor.written.items():
                held = graph["links"].get(name) if "/" in name else graph["twins"].get(name)
                if held is None:
                    continue
                for part in place.split("/"):
                    held = held[part]
                equal(held, value, f"{place} of {name} at {side}")
        equal((set(graph["twins"]), set(graph["links"])), (made, linked), f"what is at {side}")


async def conflicts(world: World) -> None:
    """Both ends change one thing while nobody looks: the policy decides, and the report has both values."""
    command = world.command
    await asyncio.to_thread(command.run, "sync", "--once")
    twins = [name for name in world.editors["azure"].mine(world.editors["azure"].twins, "t")][:6]
    bodies = {"$metadata": {"$model": THING["@id"]}, "shared": 1}
    for turn, policy in enumerate(("azure", "voltwin", "newest")):
        def said(number: int, side: str, turn: int = turn) -> float:
            return 100 * turn + number + (0.25 if side == "azure" else 0.75)

        doomed = {side: f"doomed-{policy}-{side}" for side in SIDES}
        for name in doomed.values():
            world.ends["azure"].ok("PUT", f"/digitaltwins/{name}", bodies)
        await asyncio.to_thread(command.run, "sync", "--once")
        before = len(command.report)
        # the later one of the two is Azure's for every second twin
        for number, twin in enumerate(twins):
            for side in SIDES if number % 2 else reversed(SIDES):
                world.editors[side].patch(f"/digitaltwins/{twin}", "shared", said(number, side))
                await asyncio.sleep(0.01)
        # deleted at one end, edited at the other
        for side, name in doomed.items():
            other = SIDES[1 - SIDES.index(side)]
            world.ends[side].ok("DELETE", f"/digitaltwins/{name}")
            assert world.editors[other].patch(f"/digitaltwins/{name}", "shared", 2)
        await asyncio.to_thread(command.run, "plan", "--conflicts", policy, ends_with=2)
        done = await asyncio.to_thread(command.run, "sync", "--conflicts", policy, "--json")
        equal(done["conflicts"], len(twins) + 2, f"conflicts by {policy}")
        one = world.agreed(f"by {policy}")
        for number, twin in enumerate(twins):
            winner = policy if policy in SIDES else "voltwin" if number % 2 else "azure"
            equal(one["twins"][twin]["shared"], said(number, winner), f"{twin} by {policy}")
        for side, name in doomed.items():
            equal(name in one["twins"], policy != side, f"whether {name} lives by {policy}")
        told = [line for line in command.report[before:] if line["what"] == "conflict"]
        equal(len(told), len(twins) + 2, "conflicts in the report")
        first = next(line for line in told if line["id"] == twins[0])
        equal((first["place"], first["azure"], first["voltwin"]), ("/shared", said(0, "azure"), said(0, "voltwin")), "both values")


async def a_twin_that_is_held(world: World) -> None:
    """A twin is deleted at one end while it is given a relationship at the other: an edit against a deletion."""
    command = world.command
    bodies = {"$metadata": {"$model": THING["@id"]}}
    for policy in ("azure", "voltwin"):
        for name in ("held", "holder"):
            world.ends["azure"].ok("PUT", f"/digitaltwins/{name}-{policy}", bodies)
        await asyncio.to_thread(command.run, "sync", "--once")
        link = {"$relationshipName": "holds", "$targetId": f"held-{policy}"}
        world.ends["azure"].ok("PUT", f"/digitaltwins/holder-{policy}/relationships/new", link)
        world.ends["voltwin"].ok("DELETE", f"/digitaltwins/held-{policy}")
        await asyncio.to_thread(command.run, "sync", "--once", "--conflicts", policy)
        one = world.agreed(f"by {policy}")
        lives = policy == "azure"
        equal((f"held-{policy}" in one["twins"], f"holder-{policy}/new" in one["links"]), (lives, lives), f"by {policy}")


async def models_and_their_lives(world: World) -> None:
    """Models are decommissioned together, brought back when one end deletes one, and deleted when that is wanted."""
    command, azure, tenant = world.command, *world.ends.values()
    old = interface("Old")
    azure.ok("POST", "/models", [old])
    path = f"/models/{quote(old['@id'])}"
    run = lambda *more, **how: asyncio.to_thread(command.run, "sync", "--once", *more, **how)
    await run()
    tenant.ok("PATCH", path, [{"op": "replace", "path": "/decommissioned", "value": True}])
    await run()
    equal(azure.ok("GET", path)["decommissioned"], True, "decommissioned at the other end")
    azure.ok("DELETE", path)
    await run()
    equal(azure.ok("GET", path)["decommissioned"], True, "brought back as it was")
    azure.ok("DELETE", path)
    await run("--delete-models")
    tenant.refused("models.get", "ModelNotFound", "GET", path)
    # a model that Voltwin has by itself is in no list of the instance, which has it by itself too
    tenant.ok("PUT", "/digitaltwins/car", {"$metadata": {"$model": "dtmi:voltwin:Vehicle;1"}, "soc": 0.5})
    await run()
    equal(world.agreed("with a vehicle")["twins"]["car"]["soc"], 0.5, "the vehicle")
    plan = await asyncio.to_thread(command.run, "plan", "--json")
    equal(plan["changes"], 0, "a plan afterwards")


async def one_way(world: World) -> None:
    """With one direction the source is left alone, and holds where both changed one thing."""
    command, azure, tenant = world.command, *world.ends.values()
    twin, other = [name for name in world.editors["azure"].mine(world.editors["azure"].twins, "t")][:2]
    for place, at_azure, at_tenant in ((twin, 11.5, 12.5), (other, 21.5, None)):
        world.editors["azure"].patch(f"/digitaltwins/{place}", "shared", at_azure)
        if at_tenant:
            world.editors["voltwin"].patch(f"/digitaltwins/{place}", "shared", at_tenant)
    tenant.ok("PUT", "/digitaltwins/alone", {"$metadata": {"$model": THING["@id"]}})
    run = lambda direction: asyncio.to_thread(command.run, "sync", "--direction", direction, "--json")
    before = azure.graph()
    done = await run("to-voltwin")
    equal(done["conflicts"], 1, "conflicts")
    equal(azure.graph(), before, "the source")
    graph = tenant.graph()
    equal([graph["twins"][name]["shared"] for name in (twin, other)], [11.5, 21.5], "what was carried over")
    assert "alone" in graph["twins"]
    await asyncio.to_thread(command.run, "plan", "--direction", "to-voltwin")
    await run("both")
    assert "alone" in azure.graph()["twins"]


async def mistakes(world: World) -> None:
    """What is wrong is named, and an instance that is gone does not empty the other end."""
    command = world.command

    def fails(code: int, says: str, *more: str, **environment: str) -> None:
        known = {**command.environment, **environment}
        done = subprocess.run(command.line(*more), env=known, capture_output=True, text=True, timeout=60)
        assert done.returncode == code and says in done.stderr, f"{more}: {done.returncode} {done.stderr}"
        for secret in (known["VOLTWIN_KEY"], "header-secret"):
            assert secret not in done.stderr + done.stdout, "a secret is shown"

    for code, says, more, environment in (
        (2, "--azure-url", ("sync",), {"VOLTWIN_AZURE_URL": "http://twins.example"}),
        (2, "not one of", ("sync", "--azure-rates", "speed=1"), {}),
        (2, "IDENTITY_HEADER", ("sync", "--azure-auth", "managed-identity"), {"IDENTITY_HEADER": ""}),
        (2, "AZURE_CLIENT_SECRET", ("sync", "--azure-auth", "client-secret"), {}),
        (2, "--azure-key", ("sync", "--azure-auth", "key"), {}),
        (2, "--state", ("sync",), {"VOLTWIN_URL": f"{command.environment['VOLTWIN_URL']}/t/demo"}),
        (1, "no token", ("sync",), {"IDENTITY_HEADER": "header-secret"}),
        (1, "401", ("plan", "--state", str(command.folder / "other.db")), {"VOLTWIN_KEY": "vw_wrong_key"}),
        (1, "there is no instance", ("plan", "--state", str(command.folder / "other.db")),
         {"VOLTWIN_URL": f"{command.environment['VOLTWIN_URL']}/t/nobody"}),
    ):
        await asyncio.to_thread(fails, code, says, *more, **environment)
    azure, tenant = world.ends.values()
    before = len(tenant.graph()["twins"])
    azure.ok("POST", "/jobs/deletions", None, {"operation-id": "all"})
    await until(lambda: azure.ok("GET", "/jobs/deletions/all")["status"] == "succeeded", "the deletion", within_s=30)
    await asyncio.to_thread(fails, 1, "--deletes-max", "sync", "--deletes-max", "100")
    equal(len(tenant.graph()["twins"]), before, "twins of the tenant")


async def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--seed", type=int, default=20261127)
    given = parser.parse_args()
    report, cloud = Report(), Cloud()
    # programs that end break their connections
    cloud.http.handle_error = lambda *_: None
    with Instance(checked(given.voltwin), cloud) as azure, Server(checked(given.voltwin)) as tenant:
        azure.prepare()
        tenant.seed("admin")
        azure.start()
        tenant.start()
        world = await World(given, azure, tenant, cloud).start()
        for story in (first_time, edits_and_faults, conflicts, a_twin_that_is_held, models_and_their_lives, one_way, mistakes):
            await report.run(story.__name__.replace("_", " "), lambda story=story: story(world), tenant, within_s=180)
        if report.failed and (tenant.folder / "sync.log").exists():
            print("--- the last words of the synchronisation\n" + (tenant.folder / "sync.log").read_text()[-3000:])
        for proxy in world.proxies.values():
            await proxy.close()
        cloud.close()
    return report.finish()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
