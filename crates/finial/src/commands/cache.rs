//! `finial cache`

use finial::FeatureStore;
use finial::hub::Hub;
use finial::learn::{LearnError, cache};
use finial::store::DEFAULT_LIMIT_BYTES;
use indicatif::DecimalBytes;

use crate::args::{CacheAction, CacheArgs};
use crate::error::CliError;
use crate::printer;

pub fn run(args: &CacheArgs) -> Result<(), CliError> {
    let folder = cache::features()?;
    let store = FeatureStore::open(&folder, DEFAULT_LIMIT_BYTES)?;
    match args.action {
        CacheAction::Info => {
            let stats = store.stats()?;
            printer::print(&format!(
                "{}\n  images    {}\n  on disk   {}\n  at most   {}\n{}",
                folder.display(),
                stats.entries,
                DecimalBytes(stats.file_bytes),
                DecimalBytes(stats.limit_bytes),
                weights()?,
            ))
        }
        CacheAction::Clear => {
            let stats = store.stats()?;
            store.clear()?;
            // Which engine runs which network is found out again, too; there may be no notes of it.
            let _ = std::fs::remove_dir_all(folder.join(finial::learn::engine::RECORDS));
            printer::print(&format!(
                "removed the features of {} images\n",
                stats.entries
            ))
        }
    }
}

/// The folder of fetched weights and what is in it, if there is something.
fn weights() -> Result<String, CliError> {
    let hub = Hub::new(cache::weights()?);
    let kept = hub.kept().map_err(LearnError::from)?;
    if kept.is_empty() {
        return Ok(String::new());
    }
    let mut text = format!("{}\n", hub.folder().display());
    for (path, bytes) in kept {
        let path = path.strip_prefix(hub.folder()).unwrap_or(&path);
        text += &format!("  {}  {}\n", path.display(), DecimalBytes(bytes));
    }
    Ok(text)
}
