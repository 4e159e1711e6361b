"""A charging network of any size as files: for an import, and for PostgreSQL's COPY.

In a thousand twins there are a zone, a grid connection, ten sites, a hundred stations with two EVSEs and connectors
each, and 244 vehicles with a battery pack each; and a thousand relationships between them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = 1_000
SITES, STATIONS, EVSES, VEHICLES = 10, 100, 200, 244
Twin = tuple[str, str, dict[str, Any]]
Link = tuple[str, str, str, str]


@dataclass(frozen=True)
class World:
    """Twins are numbered by kind: `V-0` is the first vehicle, `S-0` the first site."""

    twins: int

    @property
    def blocks(self) -> int:
        return max(1, self.twins // BLOCK)

    @property
    def vehicles(self) -> int:
        return self.blocks * VEHICLES

    @property
    def sites(self) -> int:
        return self.blocks * SITES

    def all_twins(self) -> Iterator[Twin]:
        for block in range(self.blocks):
            yield f"Z-{block}", "Zone", {"name": f"Zone {block}"}
            yield f"G-{block}", "GridConnection", {"name": f"Feeder {block}", "max_power_w": 2e6, "power_w": 1.2e5}
            for n in numbers(block, SITES):
                yield f"S-{n}", "Site", {"name": f"Site {n}", "city": "Zürich", "country": "CHE",
                                         "lat_deg": 47 + n % 100 / 100, "lon_deg": 8 + n % 97 / 97}
            for n in numbers(block, STATIONS):
                yield f"C-{n}", "ChargingStation", {"name": f"Station {n}", "vendor": "Example", "model": "DC 150",
                                                    "online": True, "status": "Available", "max_power_w": 150_000.0,
                                                    "power_w": float(n % 150) * 1_000}
            for n in numbers(block, EVSES):
                status = ["Available", "Charging", "Faulted"][n % 3]
                yield f"E-{n}", "EVSE", {"evse_id": n % 2 + 1, "max_power_w": 150_000.0, "power_w": 0.0,
                                         "status": status}
            for n in numbers(block, EVSES):
                yield f"K-{n}", "Connector", {"evse_id": n % 2 + 1, "connector_id": 1, "type": "cCCS2",
                                              "status": "Available", "max_power_w": 150_000.0, "energy_wh": n * 10.0}
            for n in numbers(block, VEHICLES):
                yield f"V-{n}", "Vehicle", {"name": f"Vehicle {n}", "lat_deg": 47 + n % 100 / 100,
                                            "lon_deg": 8 + n % 97 / 97, "speed_mps": 0.0, "soc": n % 1_000 / 1_000,
                                            "status": "Parked", "power_w": 0.0, "odometer_m": n * 1_000.0}
            for n in numbers(block, VEHICLES):
                yield f"P-{n}", "BatteryPack", {"chemistry": "NMC", "capacity_wh": 75_000.0, "soc": n % 1_000 / 1_000,
                                                "soh": 0.97, "voltage_v": 396.0, "temp_c": 21.5}

    def all_links(self) -> Iterator[Link]:
        for block in range(self.blocks):
            yield link("S", block * SITES, "suppliedBy", "G", block)
            yield link("V", block * VEHICLES, "pluggedInto", "K", block * EVSES)
            for n in numbers(block, SITES):
                yield link("Z", block, "contains", "S", n)
            for n in numbers(block, STATIONS):
                yield link("S", n // (STATIONS // SITES), "contains", "C", n)
            for n in numbers(block, EVSES):
                yield link("C", n // (EVSES // STATIONS), "hasEvse", "E", n)
                yield link("E", n, "hasConnector", "K", n)
            for n in numbers(block, VEHICLES):
                yield link("Z", block, "contains", "V", n)
                yield link("V", n, "hasPack", "P", n)

    def write_import(self, path: Path) -> tuple[int, int]:
        """The file of an import job; answers how many twins and relationships it has."""
        twins = links = 0
        with path.open("w") as file:
            file.write('{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"bench","organization":"bench"}\n'
                       '{"Section":"Twins"}\n')
            for id_, model, values in self.all_twins():
                document = {"$dtId": id_, "$metadata": {"$model": f"dtmi:voltwin:{model};1"}, **values}
                file.write(json.dumps(document, ensure_ascii=False) + "\n")
                twins += 1
            file.write('{"Section":"Relationships"}\n')
            for source, id_, name, target in self.all_links():
                document = {"$sourceId": source, "$relationshipId": id_, "$relationshipName": name, "$targetId": target}
                file.write(json.dumps(document) + "\n")
                links += 1
        return twins, links

    def write_copy(self, twins: Path, links: Path) -> None:
        """The same as two files for COPY: nothing in it needs an escape."""
        with twins.open("w") as file:
            for id_, model, values in self.all_twins():
                file.write(f"{id_}\tdtmi:voltwin:{model};1\t{json.dumps(values, ensure_ascii=False)}\n")
        with links.open("w") as file:
            file.writelines("\t".join(one) + "\n" for one in self.all_links())


def numbers(block: int, each: int) -> range:
    return range(block * each, (block + 1) * each)


def link(source: str, of: int, name: str, target: str, to: int) -> Link:
    return f"{source}-{of}", f"{name}-{target}-{to}", name, f"{target}-{to}"
