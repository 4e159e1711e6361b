//! Sets a machine up: demo, test, bench, lint.
fn main() {}
