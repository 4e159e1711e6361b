//! Steps with a title, a time and a count of tests, and the one line at the end that says how it went.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{counts::Counts, shell::Cmd};

/// What has happened so far.
#[derive(Debug)]
pub(crate) struct Report {
    started: Instant,
    total: Counts,
    times: Vec<(String, Duration)>,
}

/// A step that failed; its reason is already printed.
#[derive(Debug)]
pub(crate) struct Failed;

impl Report {
    /// An empty report.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), total: Counts::default(), times: Vec::new() }
    }

    /// Runs a command; its tests are counted, or the step as one when it prints no count.
    pub(crate) async fn run(&mut self, title: &str, command: &Cmd) -> Result<(), Failed> {
        self.run_as(title, command, &command.to_string()).await
    }

    /// Like [`Report::run`], with another text for how to repeat it.
    pub(crate) async fn run_as(&mut self, title: &str, command: &Cmd, again: &str) -> Result<(), Failed> {
        let started = begin(title);
        let mut counts = Counts::default();
        let outcome = command
            .run(|line| {
                println!("{line}");
                counts.read(line);
            })
            .await;
        self.close(title, started, counts, outcome, again)
    }

    /// Runs a check that is code of ours.
    pub(crate) fn check(
        &mut self,
        title: &str,
        again: &str,
        check: impl FnOnce() -> Result<()>,
    ) -> Result<(), Failed> {
        let started = begin(title);
        let outcome = check();
        self.close(title, started, Counts::default(), outcome, again)
    }

    /// Makes ready what later steps need.
    pub(crate) async fn prepare(
        &mut self,
        title: &str,
        work: impl Future<Output = Result<()>>,
    ) -> Result<(), Failed> {
        let started = begin(title);
        let outcome = work.await;
        self.close(title, started, Counts::default(), outcome, "cargo xtask test")
    }

    /// Says that a step is left out and why.
    pub(crate) fn skip(&self, title: &str, reason: &str) {
        println!("\n== {title}: skipped, {reason}");
    }

    fn close(
        &mut self,
        title: &str,
        started: Instant,
        mut counts: Counts,
        outcome: Result<()>,
        again: &str,
    ) -> Result<(), Failed> {
        let took = started.elapsed();
        self.times.push((title.to_owned(), took));
        match &outcome {
            Ok(()) if counts == Counts::default() => counts.passed = 1,
            Ok(()) => {}
            Err(_) => counts.failed = counts.failed.max(1),
        }
        self.total.passed += counts.passed;
        self.total.failed += counts.failed;
        match outcome {
            Ok(()) if counts.failed == 0 => {
                println!("== {title}: ok, {:.1} s", took.as_secs_f64());
                Ok(())
            }
            Ok(()) => self.refuse(title, took, "a test failed", again),
            Err(error) => self.refuse(title, took, &format!("{error:#}"), again),
        }
    }

    fn refuse(&self, title: &str, took: Duration, reason: &str, again: &str) -> Result<(), Failed> {
        println!("== {title}: FAILED after {:.1} s: {reason}", took.as_secs_f64());
        println!("   repeat it with: {again}");
        Err(Failed)
    }

    /// Prints the times and the summary line.
    pub(crate) fn finish(self, outcome: &Result<(), Failed>) -> ExitCode {
        println!("\n== times");
        for (title, took) in &self.times {
            println!("{:>8.1} s  {title}", took.as_secs_f64());
        }
        println!("{:>8.1} s  in all", self.started.elapsed().as_secs_f64());
        println!("{} passed, {} failed", self.total.passed, self.total.failed);
        if outcome.is_ok() && self.total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn begin(title: &str) -> Instant {
    println!("\n== {title}");
    Instant::now()
}
