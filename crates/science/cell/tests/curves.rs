//! The models beside refined PyBaMM curves: voltage, temperature and end time, per protocol.

mod reference;

#[test]
fn the_models_keep_to_the_reference_curves() {
    let Some(folder) = reference::folder() else {
        eprintln!("SKIPPED: no reference data; set VOLTWIN_SHARED");
        return;
    };
    let mut compared = 0;
    for case in reference::cases(&folder.join("index_open.json")) {
        if case.model == "DFN" {
            continue;
        }
        let curve = reference::curve(&case);
        let times: Vec<f64> = curve.iter().map(|row| row[0]).collect();
        let trace = reference::simulate(&case, &times, f64::INFINITY).unwrap();
        let distance = reference::distance(&trace, &curve);
        let (rms_mv, max_mv) = reference::limits(&case);
        let name = format!("{} {} {}: {distance:?}", case.set, case.model, case.name);
        assert!(distance.rows + 2 >= curve.len(), "{name} of {}", curve.len());
        assert!(distance.rms_mv <= rms_mv && distance.max_mv <= max_mv, "{name}");
        assert!(distance.end_percent <= 0.1, "{name}");
        assert!(distance.temperature_k <= 0.15, "{name}");
        compared += 1;
    }
    assert!(compared >= 28, "{compared} curves");
}
