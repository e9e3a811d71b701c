//! How long work tells where it is.

/// A stretch of work that is worth a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Bytes of a file fetched; a total of 0 is not known.
    Download,
    /// Images decoded and run through the frozen part.
    Features,
    /// Epochs of the head.
    Epochs,
    /// Images predicted.
    Predictions,
    /// Trainings of a study.
    Pairings,
    /// Parts of a data set that are asked about.
    Inspection,
}

/// Who wants to know.
pub trait Progress: Sync {
    /// A stage of `total` steps begins.
    fn begin(&self, stage: Stage, total: u64);
    /// So many more steps are done; `note` is the latest figure, or empty.
    fn advance(&self, steps: u64, note: &str);
    /// The stage is over.
    fn end(&self);
    /// A line worth reading between stages.
    fn say(&self, line: &str);
}

/// A stage under way; it ends when this is dropped, however the work ends.
pub(crate) struct Running<'a>(&'a dyn Progress);

impl<'a> Running<'a> {
    pub(crate) fn begin(progress: &'a dyn Progress, stage: Stage, total: usize) -> Self {
        progress.begin(stage, total as u64);
        Running(progress)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Progress for Quiet {
    fn begin(&self, _: Stage, _: u64) {}
    fn advance(&self, _: u64, _: &str) {}
    fn end(&self) {}
    fn say(&self, _: &str) {}
}
