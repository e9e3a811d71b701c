//! `finial check`

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use finial::task::Request;
use finial_check::{Options, Repaired, Report, check, check_text};

use crate::args::{CheckArgs, CheckFormat};
use crate::error::CliError;
use crate::{printer, text};

pub fn run(args: &CheckArgs) -> Result<ExitCode, CliError> {
    let options = options(args)?;
    let mut report = look(&args.paths, &options)?;
    if args.diff {
        let repaired = report.repaired();
        let diffs: String = repaired.iter().map(Repaired::diff).collect();
        printer::print(&diffs)?;
        tell_skipped(&report);
        eprintln!("{}", report.summary());
        return Ok(ExitCode::from(report.exit_code()));
    }
    if args.fix {
        if args.paths.iter().any(|path| is_standard_input(path)) {
            return Err(CliError::FixStandardInput);
        }
        let mut copied = Vec::new();
        let mut paths = args.paths.clone();
        for repaired in report.repaired() {
            repaired.write()?;
            let target = repaired.target();
            if target != repaired.path {
                eprintln!(
                    "{} is repaired in a copy: {}",
                    repaired.path.display(),
                    target.display()
                );
                copied.push(repaired.path);
                paths.push(target);
            }
        }
        // What is left is what counts: of a model that was copied, in the copy.
        report = check(&paths, &options);
        report.leave_out(&copied);
    }
    print(&report, args.format)?;
    Ok(ExitCode::from(report.exit_code()))
}

fn options(args: &CheckArgs) -> Result<Options, CliError> {
    let options = Options::new(args.select.clone(), args.ignore.clone())?;
    let Some(data) = &args.data else {
        return Ok(options);
    };
    let request = Request {
        kind: args.task,
        label_columns: args.label_column.clone(),
        positive: None,
    };
    let labels = finial::learn::labels(data, &args.image_column, &request)?;
    Ok(options.beside(&labels, &data.display().to_string()))
}

fn look(paths: &[PathBuf], options: &Options) -> Result<Report, CliError> {
    let (standard_input, files): (Vec<PathBuf>, Vec<PathBuf>) = paths
        .iter()
        .cloned()
        .partition(|path| is_standard_input(path));
    let mut report = check(&files, options);
    if !standard_input.is_empty() {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(CliError::StandardInput)?;
        let text = String::from_utf8_lossy(&bytes);
        report.add(check_text("<stdin>", &text, options));
    }
    Ok(report)
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

fn print(report: &Report, format: CheckFormat) -> Result<(), CliError> {
    match format {
        CheckFormat::Text => {
            let out = std::io::stdout();
            let colours = anstream::AutoStream::choice(&out) != anstream::ColorChoice::Never;
            let columns = out.is_terminal().then(text::width);
            printer::print(&report.text_within(colours, columns))
        }
        CheckFormat::Json => {
            tell_skipped(report);
            printer::print_json(&report.json())
        }
        CheckFormat::Sarif => {
            tell_skipped(report);
            printer::print_json(&report.sarif())
        }
        CheckFormat::Github => printer::print(&report.github()),
    }
}

/// What was not looked at, on standard error, where the result has no place for it.
fn tell_skipped(report: &Report) {
    for skipped in report.skipped() {
        eprintln!("{}", text::printable(&skipped.to_string()));
    }
}
