"""The cell models beside PyBaMM with its compiled solver (IDAKLU), in one run, as Markdown for docs/battery.md.

    cargo build --release -p voltwin-cell --example speed
    python tests/clients/bench_battery.py [--speed target/release/examples/speed]

Needs `pip install pybamm`. PyBaMM solves with its default mesh and tolerances, warm: the model is built and solved
before the clock starts, and the least CPU time of many solves counts. Ours are whole runs on refined physics, the least
of many; the time to make a model from its set is not in it, as PyBaMM's is not.
"""

import argparse
import json
import pathlib
import subprocess
import time

import pybamm

CASES = [
    ("Chen2020", "dis1C", 1.0),
    ("Prada2013", "dis1C", 1.0),
    ("Chen2020", "cccv0.5C", 0.05),
    ("Prada2013", "cccv1C", 0.1),
]


def peer(set_name, model_name, protocol, soc):
    """Least CPU time of a warm solve, in µs."""
    values = pybamm.ParameterValues(set_name)
    one_c = float(values["Nominal cell capacity [A.h]"])
    model = getattr(pybamm.lithium_ion, model_name)()
    solver = pybamm.IDAKLUSolver()
    if protocol.startswith("dis"):
        values["Current function [A]"] = float(protocol[3:-1]) * one_c
        sim = pybamm.Simulation(model, parameter_values=values, solver=solver)

        def solve():
            sim.solve([0, 5000], initial_soc=soc)
    else:
        top = float(values["Upper voltage cut-off [V]"])
        steps = [f"Charge at {protocol[4:-1]}C until {top} V", f"Hold at {top} V until C/20"]
        sim = pybamm.Simulation(
            model, parameter_values=values, solver=solver, experiment=pybamm.Experiment([tuple(steps)])
        )

        def solve():
            sim.solve(initial_soc=soc, calc_esoh=False)
    solve()
    least = float("inf")
    began = time.monotonic()
    while time.monotonic() - began < 4:
        start = time.process_time()
        solve()
        least = min(least, time.process_time() - start)
    return 1e6 * least


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed", type=pathlib.Path, default=root / "target/release/examples/speed")
    options = parser.parse_args()
    ours = json.loads(subprocess.run([options.speed], check=True, capture_output=True, text=True).stdout)
    print("| run | PyBaMM IDAKLU, µs | Voltwin, µs | ratio | steps |")
    print("|---|---|---|---|---|")
    for set_name, protocol, soc in CASES:
        for model in ("SPM", "SPMe"):
            theirs = peer(set_name, model, protocol, soc)
            own = ours[f"{set_name} {model} {protocol}"]
            ratio = theirs / own["us"]
            print(f"| {set_name} {model} {protocol} | {theirs:.0f} | {own['us']:.1f} | {ratio:.0f} | {own['steps']} |")
    for name, figures in ours.items():
        if "ns_per_cell_step" in figures:
            print(f"| {name} | | {figures['ns_per_cell_step']:.0f} ns per cell and step | | |")


if __name__ == "__main__":
    main()
