//! Progress on a terminal, silence elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;

use anstream::eprintln;
use finial::Progress;
use finial::learn::Stage;
use indicatif::{ProgressBar, ProgressStyle};

/// Bars on standard error if it is a terminal, and lines unless asked to be quiet.
pub struct Terminal {
    quiet: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Terminal {
    pub fn new(quiet: bool) -> Self {
        Terminal {
            quiet,
            bar: Mutex::new(None),
        }
    }

    fn with_bar(&self, change: impl FnOnce(&mut Option<ProgressBar>)) {
        if let Ok(mut bar) = self.bar.lock() {
            change(&mut bar);
        }
    }
}

impl Progress for Terminal {
    fn begin(&self, stage: Stage, total: u64) {
        if self.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        let (name, unit) = match stage {
            Stage::Features => ("features", "images"),
            Stage::Epochs => ("training", "epochs"),
            Stage::Predictions => ("predicting", "images"),
        };
        let template = format!(
            "  {name:<10} {{bar:28.cyan/dim}} {{human_pos}}/{{human_len}} {unit} {{eta:>4}} {{msg:.dim}}"
        );
        let bar = ProgressBar::new(total);
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.progress_chars("━━─"));
        }
        self.with_bar(|shown| *shown = Some(bar));
    }

    fn advance(&self, steps: u64, note: &str) {
        self.with_bar(|bar| {
            if let Some(bar) = bar {
                bar.inc(steps);
                bar.set_message(note.to_owned());
            }
        });
    }

    fn end(&self) {
        self.with_bar(|bar| {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn say(&self, line: &str) {
        if self.quiet {
            return;
        }
        self.with_bar(|bar| match bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        });
    }
}
