//! All datasets of a file, and those of numbers as a checkpoint.

use std::collections::{HashSet, VecDeque};
use std::path::Path;
use std::sync::Arc;

use super::{Dataset, File, Object};
use crate::checkpoint::{Numbers, StoredTensor};
use crate::{Checkpoint, FormatError, Source};

/// The datasets of numbers in a file, each named by its path.
///
/// # Errors
/// As [`File::datasets`].
pub(crate) fn checkpoint(source: &Source, path: &Path) -> Result<Checkpoint, FormatError> {
    let file = File::read(source.clone(), path)?;
    let at: Arc<Path> = path.into();
    let tensors = file.datasets()?.into_iter().filter_map(|dataset| {
        let name = dataset.path().trim_start_matches('/').to_owned();
        let shape = dataset.shape().to_vec();
        let kind = dataset.kind()?;
        Some(StoredTensor::new(
            &at,
            name,
            shape,
            kind,
            Numbers::Hdf5(dataset),
        ))
    });
    Checkpoint::new(path, source.len(), tensors.collect())
}

impl File {
    /// Every dataset, by path. What is a link to another place is passed over, and what can be
    /// reached on several ways is listed once.
    ///
    /// # Errors
    /// A group is damaged, or the datasets together hold more numbers than a file of this size
    /// can.
    pub fn datasets(&self) -> Result<Vec<Dataset>, FormatError> {
        let mut found: Vec<Dataset> = Vec::new();
        let mut seen = HashSet::new();
        // The shortest path is the one that counts.
        let mut groups = VecDeque::from([self.root()?]);
        while let Some(group) = groups.pop_front() {
            for (name, address) in group.objects() {
                if seen.insert(address) {
                    match group.get(name)? {
                        Some(Object::Group(inner)) => groups.push_back(inner),
                        Some(Object::Dataset(dataset)) => found.push(dataset),
                        None => {}
                    }
                }
            }
        }
        found.sort_by(|a, b| a.path().cmp(b.path()));
        self.check_total(&found)?;
        Ok(found)
    }

    /// Checks that datasets, which may lie over each other, are together no more than a file of
    /// this size can hold.
    pub(crate) fn check_total<'a>(
        &self,
        datasets: impl IntoIterator<Item = &'a Dataset>,
    ) -> Result<(), FormatError> {
        let count = |total: u64, dataset: &Dataset| total.saturating_add(dataset.count() as u64);
        let total = datasets.into_iter().fold(0, count);
        self.reader.check_expansion("all datasets", total)
    }
}
