//! Reads the public measurements: <https://github.com/Silencefrog9305/Digital-Twins-for-Battery-Using-CTA-MTL> (DMEGC)
//! and <https://github.com/pybop-team/PyBOP> (LG M50). Their current is positive while discharging.

use std::{
    collections::BTreeMap,
    error::Error,
    path::{Path, PathBuf},
};

use voltwin_estimation::Record;

pub(crate) type Outcome<T> = Result<T, Box<dyn Error>>;

/// The folder of measured batteries.
pub(crate) fn folder() -> Outcome<PathBuf> {
    let from_env = std::env::var_os("VOLTWIN_SHARED").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|up| up.join("../shared"));
    from_env
        .into_iter()
        .chain(beside)
        .map(|shared| shared.join("data/battery"))
        .find(|folder| folder.join("dmegc18650_R1.csv").exists())
        .ok_or_else(|| "no folder data/battery with the measurements: set VOLTWIN_SHARED".into())
}

/// Records by key in the order of the file; `columns` are time, current, voltage, temperature (or none).
pub(crate) fn read(
    path: &Path,
    key: &[&str],
    columns: [&str; 4],
    ambient_c: &dyn Fn(&[String]) -> f64,
) -> Outcome<Vec<(Vec<String>, Record)>> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let place =
        |name: &str| headers.iter().position(|h| h == name).ok_or_else(|| format!("no column {name}"));
    let keys = key.iter().map(|k| place(k)).collect::<Result<Vec<_>, _>>()?;
    let [t, i, v] = [place(columns[0])?, place(columns[1])?, place(columns[2])?];
    let temp = if columns[3].is_empty() { None } else { Some(place(columns[3])?) };
    let mut order: Vec<(Vec<String>, Record)> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for row in reader.records() {
        let row = row?;
        let number = |place: usize| -> Outcome<f64> { Ok(row.get(place).unwrap_or_default().parse()?) };
        let name: Vec<String> = keys.iter().map(|k| row.get(*k).unwrap_or_default().to_owned()).collect();
        let index = *known.entry(name.clone()).or_insert_with(|| {
            let record = Record {
                name: name.join(" "),
                t_s: vec![],
                current_a: vec![],
                voltage_v: vec![],
                temp_c: vec![],
                soc: 1.0,
                ambient_c: ambient_c(&name),
            };
            order.push((name, record));
            order.len() - 1
        });
        let record = &mut order[index].1;
        record.t_s.push(number(t)?);
        record.current_a.push(-number(i)?);
        record.voltage_v.push(number(v)?);
        if let Some(temp) = temp {
            record.temp_c.push(number(temp)?);
        }
    }
    Ok(order)
}

/// Tests of a DMEGC cell: key is the test and its run.
pub(crate) fn dmegc(cell: &str) -> Outcome<Vec<(Vec<String>, Record)>> {
    let path = folder()?.join(format!("dmegc18650_{cell}.csv"));
    let mut tests =
        read(&path, &["test", "run"], ["t_s", "current_A", "voltage_V", "temperature_C"], &|_| 25.0)?;
    for (key, record) in &mut tests {
        record.name = format!("{cell} {}", key.join(" "));
        // The cell stands in moving air of the chamber that warms it a little: its first reading is its surroundings.
        record.ambient_c = record.temp_c.first().copied().unwrap_or(25.0);
    }
    Ok(tests)
}
