//! Where finial keeps what it need not do or fetch twice.
//!
//! The feature store and the hub take the folder that they are given; which one that is on this
//! machine is decided here.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::LearnError;

/// The variable that names another folder.
const VARIABLE: &str = "FINIAL_CACHE";

/// The folder of features, and of what is known of engines: `features` in the cache folder, which
/// is the one that the environment variable `FINIAL_CACHE` names, else `finial` in the user's
/// cache folder (`$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches`, `%LOCALAPPDATA%`).
///
/// # Errors
/// [`LearnError::NoCacheFolder`] if there is neither.
pub fn features() -> Result<PathBuf, LearnError> {
    Ok(folder()?.join("features"))
}

/// The folder of fetched weights: `weights` in the cache folder, beside [`features`].
///
/// # Errors
/// As [`features`].
pub fn weights() -> Result<PathBuf, LearnError> {
    Ok(folder()?.join("weights"))
}

fn folder() -> Result<PathBuf, LearnError> {
    if let Some(named) = std::env::var_os(VARIABLE).filter(|named| !named.is_empty()) {
        return Ok(PathBuf::from(named));
    }
    match etcetera::base_strategy::choose_native_strategy() {
        Ok(native) => Ok(native.cache_dir().join("finial")),
        Err(_) => Err(LearnError::NoCacheFolder),
    }
}
