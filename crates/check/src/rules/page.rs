//! All rules on one page.

use super::{RULES, Rule};

/// The documentation of all rules as one page of Markdown: a table, then each rule. It is
/// `docs/rules.md` of the repository.
pub fn page() -> String {
    let mut page = String::from(TITLE);
    for rule in RULES {
        page.push_str(&format!(
            "| {} | [{}](#{}) | {} |\n",
            rule.code,
            rule.name,
            anchor(rule),
            rule.severity.name()
        ));
    }
    for rule in RULES {
        page.push('\n');
        page.push_str(&lowered(&rule.explanation()));
    }
    page
}

const TITLE: &str = "\
# Rules of `finial check`

What each finding means, why it matters, and what to do instead; `finial rule CODE` shows the same.
An error says that the model cannot work, a warning that it works badly. A note is only a suspicion,
and is not looked for unless it is selected: `--select FIN111`. This page is made from the rules:
`cargo run -p finial-check --example rules > docs/rules.md`.

| code | name | severity |
|---|---|---|
";

/// The name by which a rule's heading is linked to.
fn anchor(rule: &Rule) -> String {
    let code = rule.code.to_ascii_lowercase();
    format!("{}-{code}-{}", rule.name, rule.severity.name())
}

/// Headings one step lower; a comment in a program is none.
fn lowered(markdown: &str) -> String {
    let mut program = false;
    let mut lowered = String::new();
    for line in markdown.lines() {
        program ^= line.starts_with("```");
        if line.starts_with('#') && !program {
            lowered.push('#');
        }
        lowered.push_str(line);
        lowered.push('\n');
    }
    lowered
}
