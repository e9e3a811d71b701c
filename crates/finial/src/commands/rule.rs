//! `finial rule`

use finial_check::{OptionsError, RULES, rule};

use crate::args::RuleArgs;
use crate::error::CliError;
use crate::printer;
use crate::text::{Align, columns};

pub fn run(args: &RuleArgs) -> Result<(), CliError> {
    let Some(name) = &args.rule else {
        return printer::print(&list());
    };
    let rule = rule(name).ok_or_else(|| OptionsError::unknown(name))?;
    printer::print(&rule.explanation())
}

/// One line a rule.
fn list() -> String {
    let mut rows = vec![["code", "name", "severity"].map(str::to_owned).to_vec()];
    for rule in RULES {
        rows.push(
            [rule.code(), rule.name(), rule.severity().name()]
                .map(str::to_owned)
                .to_vec(),
        );
    }
    columns(&rows, &[Align::Left, Align::Left, Align::Left])
}
