//! A trace as SVG, alone or in a page.

use std::{fmt::Write as _, path::Path};

use voltwin_cell::{Row, Trace};
use voltwin_prognosis::Interval;

use crate::error::CliError;

const WIDTH: f64 = 900.0;
const PANEL: f64 = 200.0;
const LEFT: f64 = 80.0;
const TOP: f64 = 40.0;
const GAP: f64 = 40.0;
/// More points than this are not seen.
const POINTS_MAX: usize = 4000;

/// One quantity over time: name, colour, value of a row.
type Panel = (&'static str, &'static str, fn(&Row) -> f64);

const PANELS: [Panel; 3] = [
    ("voltage, V", "#1f6feb", |row| row.voltage_v),
    ("current, A (charging positive)", "#b35900", |row| row.current_a),
    ("temperature, °C", "#a40e26", |row| row.temperature_k - 273.15),
];

/// The trace of a run.
pub(super) fn write(path: &Path, title: &str, trace: &Trace) -> Result<(), CliError> {
    save(path, title, &svg(title, trace))
}

/// Capacities over days ahead, each with its interval as a band.
pub(super) fn capacity(
    path: &Path,
    title: &str,
    lines: &[(&str, Vec<(f64, Interval)>)],
) -> Result<(), CliError> {
    save(path, title, &bands(title, lines))
}

/// Writes by the ending of the path.
fn save(path: &Path, title: &str, picture: &str) -> Result<(), CliError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let text = match ending {
        "svg" => picture.to_owned(),
        "html" => {
            let title = escaped(title);
            format!(
                "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n{picture}</html>\n"
            )
        }
        _ => {
            return Err(CliError::input(format!(
                "--plot {}: ends in neither .svg nor .html",
                path.display()
            )));
        }
    };
    std::fs::write(path, text).map_err(|error| CliError::input(format!("--plot {}: {error}", path.display())))
}

fn bands(title: &str, lines: &[(&str, Vec<(f64, Interval)>)]) -> String {
    let (panel, right) = (2.0 * PANEL, WIDTH - 20.0);
    let (bottom, height) = (TOP + panel, TOP + panel + GAP);
    let points = || lines.iter().flat_map(|(_, line)| line);
    let end = points().map(|(days, _)| *days).fold(f64::MIN_POSITIVE, f64::max);
    let low = points().map(|(_, i)| i.low).fold(f64::MAX, f64::min);
    let high = points().map(|(_, i)| i.high).fold(f64::MIN, f64::max);
    let (low, high) = if high - low < 1e-6 { (low - 0.5, high + 0.5) } else { (low, high) };
    let at = |days: f64, value: f64| {
        let x = LEFT + (right - LEFT) * days / end;
        format!("{x:.1},{:.1} ", TOP + panel * (1.0 - (value - low) / (high - low)))
    };
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{0}</title>\n<text x=\"{LEFT}\" y=\"20\" \
         font-size=\"15\">{0}</text>\n\
         <rect x=\"{LEFT}\" y=\"{TOP}\" width=\"{1}\" height=\"{panel}\" fill=\"none\" stroke=\"#888\"/>\n\
         <text x=\"{2}\" y=\"{3}\" text-anchor=\"end\">{high:.3}</text>\n\
         <text x=\"{2}\" y=\"{bottom}\" text-anchor=\"end\">{low:.3}</text>\n\
         <text x=\"{right}\" y=\"{4}\" text-anchor=\"end\">{end:.0} days</text>\n",
        escaped(title),
        right - LEFT,
        LEFT - 6.0,
        TOP + 12.0,
        bottom + 16.0,
    );
    for (colour, line) in lines {
        let upper: String = line.iter().map(|(days, i)| at(*days, i.high)).collect();
        let lower: String = line.iter().rev().map(|(days, i)| at(*days, i.low)).collect();
        let mean: String = line.iter().map(|(days, i)| at(*days, i.mean)).collect();
        // writing to a string cannot fail
        let _ = write!(
            out,
            "<polygon fill=\"{colour}\" fill-opacity=\"0.2\" points=\"{upper}{lower}\"/>\n\
             <polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{mean}\"/>\n"
        );
    }
    out.push_str("</svg>\n");
    out
}

fn svg(title: &str, trace: &Trace) -> String {
    let height = TOP + PANELS.len() as f64 * (PANEL + GAP);
    let end_s = trace.end_s().max(f64::MIN_POSITIVE);
    let every = trace.rows.len().div_ceil(POINTS_MAX).max(1);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>{0}</title>\n<text x=\"{LEFT}\" y=\"20\" \
         font-size=\"15\">{0}</text>\n",
        escaped(title)
    );
    for (place, (name, colour, value)) in PANELS.iter().enumerate() {
        let top = TOP + place as f64 * (PANEL + GAP);
        let values = || trace.rows.iter().map(value);
        let (low, high) = values().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
        // a flat line in the middle of its panel
        let (low, high) = if high - low < 1e-6 { (low - 0.5, high + 0.5) } else { (low, high) };
        let mut points = String::new();
        let last = trace.rows.len().saturating_sub(1);
        for (number, row) in trace.rows.iter().enumerate() {
            if number % every == 0 || number == last {
                let x = LEFT + (WIDTH - LEFT - 20.0) * row.time_s / end_s;
                let y = top + PANEL * (1.0 - (value(row) - low) / (high - low));
                // writing to a string cannot fail
                let _ = write!(points, "{x:.1},{y:.1} ");
            }
        }
        let (right, bottom) = (WIDTH - 20.0, top + PANEL);
        let _ = write!(
            out,
            "<rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{PANEL}\" fill=\"none\" stroke=\"#888\"/>\n\
             <text x=\"{LEFT}\" y=\"{}\">{name}</text>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{high:.3}</text>\n\
             <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">{low:.3}</text>\n\
             <text x=\"{right}\" y=\"{}\" text-anchor=\"end\">{end_s:.0} s</text>\n\
             <polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{points}\"/>\n",
            right - LEFT,
            top - 6.0,
            LEFT - 6.0,
            top + 12.0,
            LEFT - 6.0,
            bottom + 16.0,
        );
    }
    out.push_str("</svg>\n");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
