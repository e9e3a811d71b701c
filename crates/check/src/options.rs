//! Which rules are wanted.

use std::sync::Arc;

use finial_task::Inference;

use crate::program::data::Data;
use crate::rules::{RULES, Rule, Severity};
use crate::source::settings::Settings;

/// Which rules are looked for. The usual ones are all but notes.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Only these, if there are any: codes, beginnings of codes, names, or `ALL`.
    select: Vec<String>,
    ignore: Vec<String>,
    /// The labels that programs and models are compared with.
    data: Option<Arc<Data>>,
}

/// A rule that does not exist.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("expected a rule's code or name, found `{name}`")]
#[diagnostic(help("{near}codes begin with FIN, as FIN001 does; `finial rule` lists all"))]
pub struct OptionsError {
    /// What was given.
    pub name: String,
    /// Rules that are spelt nearly so, as the beginning of a sentence.
    near: String,
}

impl OptionsError {
    /// What is wrong, and rules that are spelt nearly so, in one line.
    pub(crate) fn words(&self) -> String {
        match self.near.trim_end() {
            "" => self.to_string(),
            near => format!("{self}: {near}"),
        }
    }

    /// No rule has this code or name.
    pub fn unknown(name: &str) -> Self {
        let names = RULES.iter().flat_map(|rule| [rule.code(), rule.name()]);
        let near = finial_task::near_names(name, names);
        Self {
            name: name.to_owned(),
            near: match &near[..] {
                [] => String::new(),
                near => format!("did you mean {}? ", near.join(" or ")),
            },
        }
    }
}

impl Options {
    /// Only the rules in `select` if there are any, without those in `ignore`: codes (`FIN001`),
    /// beginnings of codes (`FIN1`), names (`softmax-on-one-unit`) or `ALL`.
    ///
    /// # Errors
    /// If no rule is meant by one of them.
    pub fn new(select: Vec<String>, ignore: Vec<String>) -> Result<Self, OptionsError> {
        for name in select.iter().chain(&ignore) {
            known(name)?;
        }
        Ok(Self {
            select,
            ignore,
            data: None,
        })
    }

    /// Compares programs and models with these labels too, which are at `place`.
    #[must_use]
    pub fn beside(mut self, labels: &Inference, place: &str) -> Self {
        self.data = Some(Arc::new(Data::of_labels(labels, place)));
        self
    }

    /// The labels that programs and models are compared with.
    pub(crate) fn data(&self) -> Option<Arc<Data>> {
        self.data.clone()
    }

    /// With what the project says, where these options say nothing.
    pub(crate) fn with(&self, settings: Settings) -> Result<Self, OptionsError> {
        let select = if self.select.is_empty() {
            settings.select
        } else {
            self.select.clone()
        };
        let mut ignore = self.ignore.clone();
        // What was asked for by name is not silenced by the project.
        ignore.extend(
            settings
                .ignore
                .into_iter()
                .filter(|_| self.select.is_empty()),
        );
        let mut options = Self::new(select, ignore)?;
        options.data.clone_from(&self.data);
        Ok(options)
    }

    /// Whether a rule is looked for.
    pub(crate) fn wants(&self, rule: &Rule) -> bool {
        let selected = match self.select.is_empty() {
            true => rule.severity() != Severity::Note,
            false => self.select.iter().any(|name| means(name, rule)),
        };
        selected && !self.ignore.iter().any(|name| means(name, rule))
    }
}

/// Whether any rule is meant by a name.
pub(crate) fn known(name: &str) -> Result<(), OptionsError> {
    match RULES.iter().any(|rule| means(name, rule)) {
        true => Ok(()),
        false => Err(OptionsError::unknown(name.trim())),
    }
}

/// Whether a rule is meant by its code, the beginning of it, its name, or `ALL`.
pub(crate) fn means(name: &str, rule: &Rule) -> bool {
    let name = name.trim();
    let code = name.to_ascii_uppercase();
    code == "ALL"
        || (code.starts_with("FIN") && rule.code().starts_with(&code))
        || rule.name() == name.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::rule;

    #[test]
    fn notes_are_off_unless_selected() {
        let note = rule("FIN111").unwrap();
        assert!(!Options::default().wants(note));
        assert!(
            Options::new(vec!["ALL".to_owned()], Vec::new())
                .unwrap()
                .wants(note)
        );
    }

    #[test]
    fn a_beginning_of_a_code_means_all_rules_under_it() {
        let options = Options::new(vec!["fin1".to_owned()], vec!["FIN106".to_owned()]).unwrap();
        assert!(options.wants(rule("FIN101").unwrap()));
        assert!(!options.wants(rule("FIN106").unwrap()));
        assert!(!options.wants(rule("FIN001").unwrap()));
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        assert!(Options::new(vec!["FIN999".to_owned()], Vec::new()).is_err());
    }
}
