//! Writes the tables of docs/battery-estimation.md from public measurements.
//!
//! `cargo run --release -p voltwin-estimation --example evidence [dmegc|lgm50]...`
#![allow(clippy::needless_range_loop, clippy::print_stdout, reason = "an example that writes tables")]

mod data;
mod dmegc;
mod lgm50;

fn main() -> data::Outcome<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|w| w == name);
    if wants("dmegc") {
        dmegc::run()?;
    }
    if wants("lgm50") {
        lgm50::run()?;
    }
    Ok(())
}
