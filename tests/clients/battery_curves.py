"""Makes reference curves for the cell models: PyBaMM on refined meshes, in the form that the accuracy table reads.

    python tests/clients/battery_curves.py FOLDER [--sets S ...] [--celsius T ...] [--models M ...]
    cargo run --release -p voltwin-cell --example accuracy FOLDER/index.json

Needs `pip install pybamm`. Every run uses IDAKLU at rtol 1e-6, atol 1e-8. A default mesh of PyBaMM is no reference:
under pulses it is 2 to 95 mV off, so the meshes here are several times finer.
"""

import argparse
import json
import pathlib

import numpy as np
import pybamm

MESH = {"x_n": 30, "x_s": 20, "x_p": 30, "r_n": 200, "r_p": 200}
FINE = {**MESH, "r_n": 400, "r_p": 400}
DFN = {"x_n": 20, "x_s": 12, "x_p": 20, "r_n": 100, "r_p": 100}


def simulate(set_name, model_name, case, celsius, lumped):
    """One run; gives its rows and what the index says of it."""
    values = pybamm.ParameterValues(set_name)
    kelvin = celsius + 273.15
    values["Ambient temperature [K]"] = kelvin
    values["Initial temperature [K]"] = kelvin
    entry = {"model": model_name, "params": set_name, "T": kelvin}
    if lumped:
        entry["h"] = float(values["Total heat transfer coefficient [W.m-2.K-1]"])
        entry["thermal"] = "lumped"
    model = getattr(pybamm.lithium_ion, model_name)({"thermal": "lumped"} if lumped else {})
    one_c = float(values["Nominal cell capacity [A.h]"])
    mesh = DFN if model_name == "DFN" else FINE if set_name == "ORegan2022" else MESH
    solver = pybamm.IDAKLUSolver(rtol=1e-6, atol=1e-8)
    common = {"var_pts": mesh, "solver": solver}
    if case.startswith("dis"):
        rate = float(case[3:-1])
        entry |= {"mode": "discharge", "C": rate}
        values["Current function [A]"] = rate * one_c
        sim = pybamm.Simulation(model, parameter_values=values, **common)
        solution = sim.solve([0, 3600 / rate * 1.4], initial_soc=1.0)
        instants = [np.linspace(0, float(solution.t[-1]), 241)]
        pieces = [solution]
    else:
        if case.startswith("cccv"):
            rate, soc = float(case[4:-1]), 0.1
            top = float(values["Upper voltage cut-off [V]"])
            steps = [f"Charge at {rate}C until {top} V", f"Hold at {top} V until C/20"]
            entry |= {"mode": "cccv", "C": rate, "soc": soc}
            period = 20
        else:
            soc = 0.8
            entry |= {"mode": "pulses", "soc": soc}
            steps = [
                f"Discharge at {1.5 * one_c} A for 30 seconds",
                "Rest for 60 seconds",
                f"Charge at {0.5 * one_c} A for 120 seconds",
                f"Discharge at {0.7 * one_c} A for 600 seconds",
                "Rest for 300 seconds",
            ]
            period = 5
        sim = pybamm.Simulation(model, parameter_values=values, experiment=pybamm.Experiment(steps), **common)
        solution = sim.solve(initial_soc=soc)
        pieces = [cycle for cycle in solution.cycles if cycle is not None]
        pieces = [step for cycle in pieces for step in cycle.steps]
        instants = []
        for piece in pieces:
            start, end = float(piece.t[0]), float(piece.t[-1])
            inner = np.arange(start, end, period)
            instants.append(np.concatenate([inner[inner < end - 1e-6], [end]]))
    rows = []
    for piece, times in zip(pieces, instants):
        current = np.atleast_1d(piece["Current [A]"](times))
        voltage = np.atleast_1d(piece["Voltage [V]"](times))
        kelvins = np.atleast_1d(piece["Volume-averaged cell temperature [K]"](times))
        rows += list(zip(times, current, voltage, kelvins))
    return rows, entry


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sets", nargs="+", default=["Chen2020", "ORegan2022", "Prada2013", "NCA_Kim2011", "Marquis2019"])
    parser.add_argument("--celsius", nargs="+", type=float, default=[5, 25, 45])
    parser.add_argument("--models", nargs="+", default=["SPM", "SPMe"])
    parser.add_argument("--cases", nargs="+", default=["dis0.5C", "dis1.5C", "cccv1C", "pulses"])
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    index = []
    for set_name in options.sets:
        for celsius in options.celsius:
            for model in options.models:
                for case in options.cases:
                    # half of the runs with heat, where the set has thermal data
                    lumped = set_name != "Prada2013" and model == "SPMe" and case != "dis0.5C"
                    name = f"{case}_T{celsius:g}" + ("_lumped" if lumped else "")
                    try:
                        rows, entry = simulate(set_name, model, case, celsius, lumped)
                    except (pybamm.SolverError, ValueError) as error:
                        print(f"{set_name} {model} {name}: {str(error)[:100]}", flush=True)
                        continue
                    file = f"{set_name}_{model}_{name}.csv"
                    with (options.folder / file).open("w") as out:
                        out.write("t_s,current_A,voltage_V,temperature_K\n")
                        out.writelines(f"{t:.6f},{i:.9f},{v:.9f},{k:.6f}\n" for t, i, v, k in rows)
                    index.append({**entry, "case": name, "file": file})
                    (options.folder / "index.json").write_text(json.dumps(index, indent=1))
                    print(set_name, model, name, len(rows), flush=True)


if __name__ == "__main__":
    main()
