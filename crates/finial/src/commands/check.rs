//! `finial check`

use std::process::ExitCode;

use finial_check::{Options, Report, check};

use crate::args::{CheckArgs, CheckFormat};
use crate::error::CliError;
use crate::printer;

pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let options = Options::new(args.select.clone(), args.ignore.clone())?;
    let mut report = check(&args.paths, &options);
    if args.diff {
        let diffs: String = report
            .repaired()
            .iter()
            .map(|repaired| repaired.diff())
            .collect();
        printer::print(&diffs)?;
        return Ok(ExitCode::from(report.exit_code()));
    }
    if args.fix {
        for repaired in report.repaired() {
            repaired.write()?;
        }
        // What is left is what counts.
        report = check(&args.paths, &options);
    }
    print(&report, args.format)?;
    Ok(ExitCode::from(report.exit_code()))
}

fn print(report: &Report, format: CheckFormat) -> Result<(), CliError> {
    match format {
        CheckFormat::Text => {
            let choice = anstream::AutoStream::choice(&std::io::stdout());
            printer::print(&report.text(choice != anstream::ColorChoice::Never))
        }
        CheckFormat::Json => printer::print_json(&report.json()),
        CheckFormat::Sarif => printer::print_json(&report.sarif()),
        CheckFormat::Github => printer::print(&report.github()),
    }
}
