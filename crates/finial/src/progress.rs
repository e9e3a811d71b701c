//! What is said while the work goes on: bars on a terminal only, lines unless asked to be quiet.
//!
//! Everything here goes to standard error. That may be closed or full; there is nobody left to
//! tell then, and the work goes on.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::Duration;

use finial::Progress;
use finial::learn::Stage;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::text;

/// Below this many columns a bar goes without the latest figure.
const ROOM_FOR_NOTES: usize = 60;

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

    /// A heading between stretches of work.
    pub fn heading(&self, title: &str, rest: &str) {
        if !self.quiet {
            self.write(&fitted(&format!("\n\x1b[1m{title}\x1b[0m  {rest}")));
        }
    }

    /// What must not go unnoticed, however quiet it should be.
    pub fn complain(&self, error: &str) {
        self.write(&format!(
            "\x1b[1;31merror\x1b[0m: {}",
            text::printable(error)
        ));
    }

    fn write(&self, line: &str) {
        let write = || {
            let _ = writeln!(anstream::stderr(), "{line}");
        };
        self.with_bar(|bar| match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        });
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
        let bar = ProgressBar::new(total);
        if let Some(style) = style(stage, columns().unwrap_or(80)) {
            bar.set_style(style);
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
        if !self.quiet {
            self.write(&fitted(&text::printable(line)));
        }
    }
}

/// Broken into lines as the terminal is wide; as it is where there is no terminal.
pub fn fitted(line: &str) -> String {
    match columns() {
        Some(columns) => text::wrapped(line, columns),
        None => line.to_owned(),
    }
}

/// The width of standard error, if it is a terminal.
fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stderr())?;
    // Some terminals do not know their width and say 0.
    Some(usize::from(width.0)).filter(|&columns| columns >= 20)
}

/// One line, whatever the width: the bar itself takes what the rest leaves.
fn style(stage: Stage, columns: usize) -> Option<ProgressStyle> {
    let name = match stage {
        Stage::Download => "fetching",
        Stage::Features => "features",
        Stage::Epochs => "training",
        Stage::Predictions => "predicting",
        Stage::Pairings => "pairings",
        Stage::Inspection => "inspecting",
    };
    let note = match stage {
        Stage::Epochs if columns >= ROOM_FOR_NOTES => "  {msg:11.dim}",
        _ => "",
    };
    let counts = match stage {
        Stage::Download => "{decimal_bytes}/{decimal_total_bytes}",
        _ => "{human_pos}/{human_len}",
    };
    let template = format!("  {name:<10} {{wide_bar:.cyan/dim}} {counts} {{left:>11}}{note}");
    let style = ProgressStyle::with_template(&template).ok()?;
    let style = style.with_key("left", |state: &ProgressState, out: &mut dyn fmt::Write| {
        let _ = out.write_str(&match state.pos() {
            0 => String::new(),
            _ => left(state.eta()),
        });
    });
    Some(style.progress_chars("━━─"))
}

/// The time that remains, roughly.
fn left(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..100 => format!("{seconds} s left"),
        100..6000 => format!("{} min left", seconds.div_ceil(60)),
        _ => format!("{} h left", seconds.div_ceil(3600)),
    }
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};

    use super::*;

    #[test]
    fn a_bar_takes_one_line_from_forty_columns_up() {
        for columns in [40u16, 60, 80, 200] {
            let term = InMemoryTerm::new(10, columns);
            assert_eq!(term.width(), columns);
            let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
            let bar = ProgressBar::with_draw_target(Some(100), target);
            bar.set_style(style(Stage::Epochs, columns.into()).unwrap());
            bar.set_message("loss 0.3686");
            bar.inc(34);
            bar.tick();
            let shown = term.contents();
            assert_eq!(shown.lines().count(), 1, "{shown}");
            if columns >= 60 {
                for part in ["training", "34/100", " left", "loss 0.3686", "━━"] {
                    assert!(shown.contains(part), "{shown}");
                }
            }
        }
    }

    #[test]
    fn the_time_left_is_a_number_and_one_unit() {
        assert_eq!(left(Duration::from_secs(3)), "3 s left");
        assert_eq!(left(Duration::from_secs(170)), "3 min left");
        assert_eq!(left(Duration::from_secs(9_000)), "3 h left");
    }
}
