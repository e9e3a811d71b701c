//! The `finial` binary: arguments in, a command run, an exit status out.
//!
//! Data goes to standard output, everything else to standard error. The exit status is 0 when
//! all went well, 2 when the input or the command line is at fault, 1 when the machine is.

mod args;
mod commands;
mod error;
mod new_file;
mod printer;
mod progress;
mod text;
mod values;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Command::Train(args) => commands::train::run(args),
        Command::Predict(args) => commands::predict::run(args),
        Command::Explain(args) => commands::explain::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Inspect(args) => commands::inspect::run(args),
        Command::Study(args) => commands::study::run(args),
        Command::Demo(args) => commands::demo::run(args),
        Command::Features(args) => commands::features::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Backbones(args) => commands::backbones::run(args),
        Command::Doctor(args) => commands::doctor::run(args),
        Command::Cache(args) => commands::cache::run(args),
        Command::Rule(args) => commands::rule::run(args),
        // What it finds is no error, but an exit status of its own.
        Command::Check(args) => match commands::check::run(args) {
            Ok(status) => return status,
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => printer::report(&error),
    }
}
