//! DMEGC INR18650, 2.6 Ah: a circuit of one cell predicts the other, and its filter finds the other's state of charge.

use std::sync::Arc;

use voltwin_battery::ecm::{EcmModel, EcmParameters};
use voltwin_estimation::{
    Record,
    identify::{CircuitForm, Identification, OpenCircuit, Weights, identify, misfits, overall_rms_v},
    least_squares::Limits,
    live::{Estimator, LiveConfig, Reading},
};

use crate::data::{self, Outcome};

const TESTS: [&str; 6] = ["random", "pulse_1C", "cc_0.5C", "cc_1C", "cc_2C", "ocv_C20"];

/// Fits on every sixth random run, the pulses and the constant currents of `cells`.
fn fit(cells: &[&str]) -> Outcome<Identification> {
    let mut records = Vec::new();
    let mut slow = None;
    for cell in cells {
        for (key, record) in data::dmegc(cell)? {
            let chosen = key[0] != "random" || key[1].parse::<usize>()? % 6 == 1;
            if key[0] == "ocv_C20" {
                slow.get_or_insert(record);
            } else if chosen {
                records.push(record);
            }
        }
    }
    let slow = slow.ok_or("no slow discharge")?;
    let (open, capacity_ah) = OpenCircuit::from_slow_discharge(&slow, 201)?;
    let limits = Limits { iterations: 25, relative_cost: 1e-4 };
    Ok(identify("DMEGC INR18650", CircuitForm::new(capacity_ah), open, &records, Weights::default(), limits)?)
}

pub(crate) fn run() -> Outcome<()> {
    println!("## DMEGC INR18650 2.6 Ah\n");
    println!("Misfit of voltage above 2.8 V in mV rms, and of the peak temperature in K (worst run).\n");
    println!("| fitted on | tested on | {} | peak temperature |", TESTS.join(" | "));
    println!("| --- | --- |{}", " ---: |".repeat(TESTS.len() + 1));
    let mut soc_rows = Vec::new();
    for (on, others) in [(&["R1"][..], "R2"), (&["R2"][..], "R1")] {
        let found = fit(on)?;
        let model = EcmModel::new(found.parameters.clone())?;
        for cell in [on[0], others] {
            let tests = data::dmegc(cell)?;
            let mut cells = Vec::new();
            let mut peak_k: f64 = 0.0;
            for test in TESTS {
                let records: Vec<Record> = tests
                    .iter()
                    .filter(|(key, _)| key[0] == test)
                    .map(|(_, record)| record.clone())
                    .collect();
                let misfits = misfits(&model, &records, Weights::default())?;
                peak_k = misfits.iter().fold(peak_k, |most, m| most.max(m.peak_temp_k.abs()));
                cells.push(format!("{:.1}", 1e3 * overall_rms_v(&misfits)));
            }
            let name = if cell == others { format!("**{cell}** (held out)") } else { cell.to_owned() };
            println!("| {} | {name} | {} | {peak_k:.1} |", on[0], cells.join(" | "));
        }
        soc_rows.extend(soc(&found.parameters, others)?);
    }
    println!(
        "\nState of charge of the held-out cell along its 50 random runs, from the tenth minute on. Truth: counted charge over the capacity of the slow discharge.\n"
    );
    println!(
        "| cell | start | current bias | rms | largest error | inside the 95 % interval | mean half width |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    soc_rows.iter().for_each(|row| println!("{row}"));
    Ok(())
}

/// The filter along the random runs of `cell` for several starts and biases.
fn soc(parameters: &EcmParameters, cell: &str) -> Outcome<Vec<String>> {
    let model = Arc::new(EcmModel::new(parameters.clone())?);
    let estimator = Estimator::new(Arc::clone(&model), LiveConfig::default())?;
    let tests = data::dmegc(cell)?;
    let slow = tests.iter().find(|(key, _)| key[0] == "ocv_C20").ok_or("no slow discharge")?;
    let (_, capacity_ah) = OpenCircuit::from_slow_discharge(&slow.1, 201)?;
    let mut rows = Vec::new();
    for (start, bias_a) in [(1.0, 0.0), (0.8, 0.0), (0.5, 0.0), (0.5, 0.05), (0.5, -0.05)] {
        let (mut squares, mut largest, mut inside, mut count, mut width) = (0.0, 0.0_f64, 0, 0, 0.0);
        for (_, record) in tests.iter().filter(|(key, _)| key[0] == "random") {
            let mut memory = estimator.start(Some((start, 0.3)));
            let mut charge_as = 0.0;
            for k in 0..record.t_s.len() {
                let dt_s = if k == 0 { 0.0 } else { record.t_s[k] - record.t_s[k - 1] };
                charge_as += record.current_a[k] * dt_s;
                // The bias is on the discharge current, as the data count it.
                let reading = Reading {
                    t_s: record.t_s[k],
                    current_a: Some(record.current_a[k] - bias_a),
                    voltage_v: Some(record.voltage_v[k]),
                    temp_c: Some(record.temp_c[k]),
                    ..Reading::default()
                };
                let estimate = estimator.update(&mut memory, &reading);
                if record.t_s[k] - record.t_s[0] >= 600.0 {
                    let truth = 1.0 + charge_as / (3_600.0 * capacity_ah);
                    let off = estimate.soc.value - truth;
                    squares += off * off;
                    largest = largest.max(off.abs());
                    inside += usize::from(estimate.soc.low <= truth && truth <= estimate.soc.high);
                    width += 0.5 * (estimate.soc.high - estimate.soc.low);
                    count += 1;
                }
            }
        }
        let n = f64::from(u32::try_from(count)?);
        let share = 100.0 * f64::from(u32::try_from(inside)?) / n;
        rows.push(format!(
            "| {cell} | {start} | {:+.0} mA | {:.2} % | {:.1} % | {share:.0} % | {:.2} % |",
            1e3 * bias_a,
            100.0 * (squares / n).sqrt(),
            100.0 * largest,
            100.0 * width / n
        ));
    }
    Ok(rows)
}
