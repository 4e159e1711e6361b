"""Plans of random fleets beside independent solvers: optimum, CPU seconds and memory, in one run.

    pip install highspy cvxpy clarabel numpy scipy
    python tests/clients/bench_plan.py --voltwin target/release/voltwin --sizes 25,250,2500,25000
    python tests/clients/bench_plan.py --voltwin target/release/voltwin --check 200     # optimum only, odd instances

Every solver reads the same instance file in a process of its own, so that CPU seconds (user and system) and the
highest resident memory are those of the whole job.
"""

import argparse
import json
import math
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

# ---------------------------------------------------------------- instances


def day_prices(rng, slots, style):
    prices = []
    for slot in range(slots):
        hour = 24 * slot / slots
        price = 0.11 + 0.04 * math.sin((hour - 9) / 24 * 4 * math.pi) + 0.02 * math.cos(hour / 24 * 2 * math.pi)
        prices.append(price + rng.gauss(0, 0.004))
    if style == "negative":
        begin = rng.randrange(slots // 4, slots // 2)
        for slot in range(begin, min(slots, begin + slots // 4)):
            prices[slot] = -rng.choice([0.02, 0.1, 0.3])
    return prices


def make(rng, count, slots=96, style="usual"):
    """A depot: arrivals over the day, a cap that binds, generation at noon."""
    evs = []
    for _ in range(count):
        arrive = rng.randrange(0, slots // 3)
        depart = min(slots, arrive + rng.randrange(slots // 8, 2 * slots // 3))
        cap = rng.choice([40.0, 52.0, 60.0, 77.0, 82.0])
        power = rng.choice([7.4, 11.0, 11.0, 22.0])
        begin = cap * rng.uniform(0.2, 0.6)
        target = 0.8 * cap
        if style != "infeasible":
            reach = begin + 0.25 * 0.93 * power * (depart - arrive)
            target = min(target, reach)
        evs.append({
            "a": arrive, "d": depart, "cap": cap, "e0": begin, "et": max(target, begin if style != "low" else 0.0),
            "emin": 0.1 * cap, "pc": power, "pd": rng.choice([0.0, min(power, 11.0)]),
        })
    wish = sum(ev["pc"] for ev in evs)
    share = {"usual": 0.32, "negative": 0.4, "tight": 0.08, "infeasible": 0.2, "low": 0.3}[style]
    cap = round(max(share * wish, 5.0), 1)
    load = [0.2 * cap * (1 + 0.3 * math.sin(slot / slots * 2 * math.pi)) for slot in range(slots)]
    pv = [0.25 * cap * max(0.0, math.sin((slot / slots - 0.25) * 2 * math.pi)) for slot in range(slots)]
    return {
        "N": count, "T": slots, "dt": 24 / slots, "eta": rng.choice([0.9, 0.93, 0.95]),
        "price": day_prices(rng, slots, style), "fee": rng.choice([0.0, 0.05, 0.1]),
        "wear": rng.choice([0.001, 0.03, 0.06]), "cap": cap, "exp": round(0.7 * cap, 1),
        "peak": rng.choice([0.0, 0.08, 0.5]), "load": load, "pv": pv, "evs": evs, "slack": rng.choice([2.0, 5.0]),
    }


# ---------------------------------------------------------------- peers (each in a process of its own)


def matrices(instance, exclusive=False):
    import numpy as np
    from scipy import sparse

    slots, evs = len(instance["price"]), instance["evs"]
    dt, eta = instance["dt"], instance["eta"]
    offsets, total = [], 2 * slots + 1
    for ev in evs:
        offsets.append(total)
        total += 3 * (ev["d"] - ev["a"]) + 1
    cost, low, high = np.zeros(total), np.zeros(total), np.full(total, np.inf)
    price = np.array(instance["price"])
    cost[:slots] = dt * (price + instance["fee"])
    cost[slots:2 * slots] = -dt * np.array(instance.get("sell", price))
    cost[2 * slots] = instance["peak"]
    high[:slots], high[slots:2 * slots] = instance["cap"], instance["exp"]
    rows, cols, values, lower, upper = [], [], [], [], []
    base = np.array(instance["load"]) - np.array(instance["pv"])
    row = 0
    for slot in range(slots):
        rows += [row, row]; cols += [slot, slots + slot]; values += [-1.0, 1.0]
        lower.append(-base[slot]); upper.append(-base[slot])
        row += 1
    for slot in range(slots):
        rows += [row, row]; cols += [slot, 2 * slots]; values += [1.0, -1.0]
        lower.append(-np.inf); upper.append(0.0)
        row += 1
    pairs = []
    for ev, at in zip(evs, offsets):
        stay = ev["d"] - ev["a"]
        c, d, e, u = at, at + stay, at + 2 * stay, at + 3 * stay
        high[c:d], high[d:e] = ev["pc"], ev["pd"]
        low[e:u], high[e:u] = ev["emin"], ev["cap"]
        cost[d:e], cost[u] = dt * instance["wear"], instance["slack"]
        for k in range(stay):
            slot = ev["a"] + k
            rows += [slot, slot]; cols += [c + k, d + k]; values += [1.0, -1.0]
            rows += [row, row, row]; cols += [e + k, c + k, d + k]; values += [1.0, -dt * eta, dt / eta]
            begin = ev["e0"] if k == 0 else 0.0
            if k:
                rows.append(row); cols.append(e + k - 1); values.append(-1.0)
            lower.append(begin); upper.append(begin)
            row += 1
            if ev["pd"] > 0:
                pairs.append((c + k, ev["pc"], d + k, ev["pd"]))
        rows.append(row); cols.append(u); values.append(1.0)
        if stay:
            rows.append(row); cols.append(u - 1); values.append(1.0)
        lower.append(ev["et"] - (0 if stay else ev["e0"])); upper.append(np.inf)
        row += 1
    if exclusive:
        begin = total
        total += len(pairs)
        cost = np.append(cost, np.zeros(len(pairs)))
        low, high = np.append(low, np.zeros(len(pairs))), np.append(high, np.ones(len(pairs)))
        for index, (c, pc, d, pd) in enumerate(pairs):
            rows += [row, row]; cols += [c, begin + index]; values += [1.0, -pc]
            lower.append(-np.inf); upper.append(0.0); row += 1
            rows += [row, row]; cols += [d, begin + index]; values += [1.0, pd]
            lower.append(-np.inf); upper.append(pd); row += 1
    matrix = sparse.csc_matrix((values, (rows, cols)), shape=(row, total))
    return cost, low, high, matrix, np.array(lower), np.array(upper), len(pairs)


def highs(instance, solver, exclusive=False, limit=900.0):
    import highspy
    import numpy as np

    cost, low, high, matrix, lower, upper, pairs = matrices(instance, exclusive)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = cost, low, high
    lp.row_lower_, lp.row_upper_ = lower, upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if exclusive:
        lp.integrality_ = [highspy.HighsVarType.kContinuous] * (len(cost) - pairs) + [
            highspy.HighsVarType.kInteger] * pairs
    engine = highspy.Highs()
    engine.setOptionValue("output_flag", False)
    for key, value in (("solver", solver), ("threads", 1), ("time_limit", limit),
                       ("mip_rel_gap", 1e-4)):
        engine.setOptionValue(key, value)
    engine.passModel(lp)
    engine.run()
    info = engine.getInfo()
    bound = info.mip_dual_bound if exclusive else info.objective_function_value
    return {"objective": info.objective_function_value, "bound": bound,
            "status": engine.modelStatusToString(engine.getModelStatus())}


def by_cvxpy(instance):
    import cvxpy as cp
    import numpy as np

    slots, dt, eta = len(instance["price"]), instance["dt"], instance["eta"]
    price = np.array(instance["price"])
    grid_in, grid_out, top = cp.Variable(slots, nonneg=True), cp.Variable(slots, nonneg=True), cp.Variable(nonneg=True)
    flow = np.array(instance["load"]) - np.array(instance["pv"])
    held = [grid_in <= instance["cap"], grid_out <= instance["exp"], grid_in <= top]
    total = dt * (price + instance["fee"]) @ grid_in - dt * price @ grid_out + instance["peak"] * top
    for ev in instance["evs"]:
        stay = ev["d"] - ev["a"]
        if not stay:
            total += instance["slack"] * max(0.0, ev["et"] - ev["e0"])
            continue
        c, d, u = cp.Variable(stay, nonneg=True), cp.Variable(stay, nonneg=True), cp.Variable(nonneg=True)
        energy = ev["e0"] + cp.cumsum(dt * eta * c - dt / eta * d)
        held += [c <= ev["pc"], d <= ev["pd"], energy >= ev["emin"], energy <= ev["cap"], energy[-1] + u >= ev["et"]]
        total += dt * instance["wear"] * cp.sum(d) + instance["slack"] * u
        place = np.zeros((slots, stay))
        place[np.arange(ev["a"], ev["d"]), np.arange(stay)] = 1.0
        flow = flow + place @ (c - d)
    held.append(flow == grid_in - grid_out)
    problem = cp.Problem(cp.Minimize(total), held)
    problem.solve(solver=cp.CLARABEL)
    return {"objective": float(problem.value), "status": problem.status}


def peer(name, path):
    with open(path) as file:
        instance = json.load(file)
    if name == "cvxpy":
        return by_cvxpy(instance)
    if name == "milp":
        return highs(instance, "choose", exclusive=True)
    return highs(instance, {"simplex": "simplex", "ipm": "ipm"}[name])


# ---------------------------------------------------------------- the run


def measured(command):
    """CPU seconds, wall seconds and peak memory (MiB) of one process, with what it printed."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - before
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {err[-500:]}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024, out


def ours(voltwin, path, out):
    cpu, wall, memory, _ = measured([voltwin, "plan", path, "--out", out])
    with open(out) as file:
        return cpu, wall, memory, json.load(file)


def judge(instance, plan):
    """Recomputes a plan from its powers alone: its cost, and the worst breach of any limit."""
    dt, eta = instance["dt"], instance["eta"]
    slots = len(instance["price"])
    flow = [instance["load"][t] - instance["pv"][t] for t in range(slots)]
    cost, breach, both = 0.0, 0.0, 0
    for ev, own in zip(instance["evs"], plan["schedule"]["evs"]):
        energy = ev["e0"]
        for slot in range(slots):
            c, d = own["charge_kw"][slot], own["discharge_kw"][slot]
            if not ev["a"] <= slot < ev["d"]:
                breach = max(breach, c, d)
                continue
            flow[slot] += c - d
            energy += dt * eta * c - dt / eta * d
            cost += instance["wear"] * dt * d
            breach = max(breach, c - ev["pc"], d - ev["pd"], ev["emin"] - energy, energy - ev["cap"], -c, -d)
            both += min(c, d) > 1e-9
        cost += instance["slack"] * max(0.0, ev["et"] - energy)
    top = 0.0
    for slot in range(slots):
        price = instance["price"][slot]
        bought, sold = max(flow[slot], 0.0), max(-flow[slot], 0.0)
        breach = max(breach, bought - instance["cap"], sold - instance["exp"])
        cost += dt * ((price + instance["fee"]) * bought - price * sold)
        top = max(top, bought)
    return cost + instance["peak"] * top, breach, both


def check(args):
    rng = random.Random(args.seed)
    worst, over_bound, over_milp, milps = 0.0, 0.0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "instance.json"), os.path.join(folder, "plan.json")
        for number in range(args.check):
            style = ["usual", "negative", "tight", "infeasible", "low"][number % 5]
            instance = make(rng, rng.randrange(1, 26), rng.choice([24, 48, 96]), style)
            with open(path, "w") as file:
                json.dump(instance, file)
            plan = ours(args.voltwin, path, out)[3]
            optimum = highs(instance, "simplex")
            assert optimum["status"] == "Optimal", optimum
            cost, breach, both = judge(instance, plan)
            scale = max(1.0, abs(optimum["objective"]))
            bound_error = abs(plan["bound"] - optimum["objective"]) / scale
            cost_error = abs(cost - plan["objective"]) / scale
            gap = (cost - optimum["objective"]) / scale
            worst, over_bound = max(worst, bound_error, cost_error), max(over_bound, gap)
            if bound_error > 1e-6 or cost_error > 1e-6 or breach > 1e-6 or both:
                raise SystemExit(f"instance {number} ({style}): bound {plan['bound']} against {optimum}, cost {cost} "
                                 f"against {plan['objective']}, breach {breach}, both {both}: {instance}")
            if gap > 1e-6:
                exact = highs(instance, "choose", exclusive=True, limit=args.milp_limit)
                milps += 1
                relative = (cost - exact["objective"]) / max(1.0, abs(exact["objective"]))
                over_milp = max(over_milp, relative)
                print(f"instance {number} ({style}, {len(instance['evs'])} vehicles): {100 * gap:.3f} % above the LP, "
                      f"{100 * relative:.3f} % above the MILP ({exact['status']})", flush=True)
    print(f"{args.check} instances: worst relative difference of optimum and cost {worst:.2e}; {milps} where directions "
          f"had to be fixed, at most {100 * over_milp:.3f} % above the MILP")


def bench(args):
    rng = random.Random(args.seed)
    print(f"{'vehicles':>8} {'solver':>8} {'CPU s':>9} {'wall s':>9} {'MiB':>8}  objective")
    with tempfile.TemporaryDirectory() as folder:
        for size in [int(size) for size in args.sizes.split(",")]:
            path, out = os.path.join(folder, f"{size}.json"), os.path.join(folder, "plan.json")
            with open(path, "w") as file:
                json.dump(make(rng, size), file)
            peers = {25: ["cvxpy", "simplex"], 250: ["simplex", "ipm"], 2500: ["ipm"]}.get(size, [])
            runs = [ours(args.voltwin, path, out) for _ in range(args.repeat if size <= 2500 else 1)]
            cpu, wall, memory, plan = min(runs, key=lambda run: run[0])
            print(f"{size:>8} {'voltwin':>8} {cpu:>9.3f} {wall:>9.3f} {memory:>8.1f}  {plan['objective']:.6f}", flush=True)
            for name in peers:
                found = measured([sys.executable, __file__, "--peer", name, path])
                answer = json.loads(found[3].strip().splitlines()[-1])
                print(f"{size:>8} {name:>8} {found[0]:>9.3f} {found[1]:>9.3f} {found[2]:>8.1f}  {answer['objective']:.6f}"
                      f"   ours: 1/{found[0] / cpu:.1f} of CPU, 1/{found[2] / memory:.1f} of memory", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voltwin", default="target/release/voltwin")
    parser.add_argument("--sizes", default="25,250,2500,25000")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--check", type=int)
    parser.add_argument("--milp-limit", type=float, default=60.0)
    parser.add_argument("--peer", nargs=2, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        print(json.dumps(peer(*args.peer)))
    elif args.check:
        check(args)
    else:
        bench(args)


if __name__ == "__main__":
    main()
