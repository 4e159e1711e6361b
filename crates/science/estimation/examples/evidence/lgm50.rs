//! LG M50 21700, 5 Ah: a circuit of tests at 10 and 25 °C.

use voltwin_battery::ecm::EcmModel;
use voltwin_estimation::{
    Record,
    identify::{CircuitForm, Identification, OpenCircuit, Weights, identify, misfits},
    least_squares::Limits,
};

use crate::data::{self, Outcome};

const WEIGHTS: Weights = Weights { voltage_v: 0.01, temp_k: 0.5, above_v: 3.0 };

/// The rate tests at `ambient_c`, from full to the end of the recharge.
fn rates(ambient_c: &[&str]) -> Outcome<Vec<Record>> {
    let path = data::folder()?.join("lgm50_rate_tests.csv");
    let columns = ["t_s", "current_A_dis_positive", "voltage_V", "cell_temp_mid_C"];
    let tests = data::read(&path, &["chamber_C", "c_rate"], columns, &|key| key[0].parse().unwrap_or(25.0))?;
    Ok(tests
        .into_iter()
        .filter(|(key, _)| ambient_c.contains(&key[0].as_str()))
        .map(|(key, mut record)| {
            record.name = format!("{} °C {}C", key[0], key[1]);
            record
        })
        .collect())
}

/// The pulses of the first cell of each temperature.
fn pulses(ambient_c: &[&str]) -> Outcome<Vec<Record>> {
    let path = data::folder()?.join("lgm50_pulses.csv");
    let columns = ["t_s", "current_A_dis_positive", "voltage_V", ""];
    let tests = data::read(&path, &["chamber_C", "soc_tenths", "cell"], columns, &|key| {
        key[0].parse().unwrap_or(25.0)
    })?;
    let mut chosen = Vec::new();
    for (key, mut record) in tests {
        if ambient_c.contains(&key[0].as_str()) && ["1", "13"].contains(&key[2].as_str()) {
            record.soc = key[1].parse::<f64>()? / 10.0;
            record.name = format!("{} °C pulse at {} tenths", key[0], key[1]);
            chosen.push(record);
        }
    }
    Ok(chosen)
}

fn open_circuit() -> Outcome<OpenCircuit> {
    let mut reader = csv::Reader::from_path(data::folder()?.join("lgm50_ocv_25C.csv"))?;
    let mut open = OpenCircuit { soc: vec![], voltage_v: vec![], current_a: 0.0, temp_c: 25.0 };
    for row in reader.records() {
        let row = row?;
        open.soc.push(row.get(0).unwrap_or_default().parse::<f64>()? / 100.0);
        open.voltage_v.push(row.get(1).unwrap_or_default().parse()?);
    }
    Ok(open)
}

fn fit(ambient_c: &[&str]) -> Outcome<Identification> {
    let records = rates(ambient_c)?;
    let mut form = CircuitForm::new(4.9);
    form.temperatures = ambient_c.len() > 1;
    form.ocv_spread_v = 0.02;
    // The slowest discharge counts the charge between the voltage limits.
    if let Some(slow) = records.iter().find(|r| r.name.ends_with(" 0.1C") && r.ambient_c == 25.0) {
        let moved_as: f64 = (1..slow.t_s.len())
            .map(|k| (-slow.current_a[k]).max(0.0) * (slow.t_s[k] - slow.t_s[k - 1]))
            .sum();
        form.capacity_ah = moved_as / 3_600.0 * 1.01;
    }
    let all: Vec<Record> = records.into_iter().chain(pulses(ambient_c)?).collect();
    let limits = Limits { iterations: 25, relative_cost: 1e-4 };
    Ok(identify("LG M50", form, open_circuit()?, &all, WEIGHTS, limits)?)
}

pub(crate) fn run() -> Outcome<()> {
    println!("\n## LG M50 5 Ah\n");
    println!(
        "Misfit of voltage above 3.0 V and of the peak temperature over discharge, rest and recharge.\n"
    );
    println!("| fitted on | test | voltage rms | largest | peak temperature |");
    println!("| --- | --- | ---: | ---: | ---: |");
    for on in [&["10", "25"][..], &["25"][..]] {
        let found = fit(on)?;
        let model = EcmModel::new(found.parameters.clone())?;
        for misfit in misfits(&model, &rates(&["10", "25"])?, WEIGHTS)? {
            let held_out = !on.iter().any(|t| misfit.record.starts_with(t));
            println!(
                "| {} °C | {}{} | {:.1} mV | {:.0} mV | {:+.1} K |",
                on.join(" and "),
                misfit.record,
                if held_out { " (held out)" } else { "" },
                1e3 * misfit.voltage_rms_v,
                1e3 * misfit.voltage_max_v,
                misfit.peak_temp_k
            );
        }
    }
    Ok(())
}
