//! The only place that knows how to set a machine up.
//!
//! Every command that people and continuous integration need is one word after `cargo xtask`. A step prints a titled
//! line with its time; the first one that fails ends the run and says how to repeat it alone. Nothing outlives the
//! run: each child is a process group of its own that is ended with it.
#![expect(clippy::print_stdout, reason = "a command line talks on standard output")]

mod bench;
mod clients;
mod codegen;
mod counts;
mod debian;
mod demo;
mod layering;
mod licences;
mod lint;
mod metamodel;
mod report;
mod shell;
mod test;
mod tidy;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Builds, checks and runs Voltwin.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Build everything and run the demonstration until Ctrl-C.
    Demo(demo::Options),
    /// Run every check and every test, from formatting to a real browser.
    Test(test::Options),
    /// Run the checks that need no running server: format, layers, tidiness, licences, clippy.
    Lint,
    /// Write again what is generated: reference of the ontology, wire vectors, OpenAPI document, TypeScript types, schemas of forms.
    Codegen,
    /// Write again the tables of the DTDL metamodel from its published digest.
    Metamodel,
    /// Measure release builds and print the tables of docs/benchmarks.md.
    Bench(bench::Options),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Demo(options) => demo::run(&options).await,
        Command::Test(options) => return test::run(&options).await,
        Command::Lint => return lint::run().await,
        Command::Codegen => codegen::run().await,
        Command::Metamodel => metamodel::run(),
        Command::Bench(options) => bench::run(&options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
