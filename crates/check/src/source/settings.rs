//! `[tool.finial]` in `pyproject.toml`: which rules a project wants.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// What a project says.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Only these rules, if there are any, by code, beginning of a code, or name.
    #[serde(default)]
    pub select: Vec<String>,
    /// Rules that are not wanted.
    #[serde(default)]
    pub ignore: Vec<String>,
}

#[derive(Deserialize)]
struct Project {
    tool: Option<Tools>,
}

#[derive(Deserialize)]
struct Tools {
    finial: Option<Settings>,
}

/// The settings for a path: of the nearest `pyproject.toml` above it, and which that is. The error
/// comes with the file, in words.
pub(crate) fn find(path: &Path) -> Result<(Settings, PathBuf), (PathBuf, String)> {
    let none = (Settings::default(), PathBuf::new());
    let Ok(path) = std::path::absolute(path) else {
        return Ok(none);
    };
    for folder in path.ancestors() {
        let file = folder.join("pyproject.toml");
        if let Ok(text) = std::fs::read_to_string(&file) {
            return match read(&text) {
                Ok(settings) => Ok((settings, file)),
                Err(error) => Err((file, error)),
            };
        }
    }
    Ok(none)
}

fn read(text: &str) -> Result<Settings, String> {
    let project: Project = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    Ok(project
        .tool
        .and_then(|tools| tools.finial)
        .unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_selects_and_ignores() {
        let settings =
            read("[tool.ruff]\nline-length = 100\n[tool.finial]\nignore = [\"FIN301\"]\n").unwrap();
        assert_eq!(settings.ignore, ["FIN301"]);
        assert!(settings.select.is_empty());
        assert_eq!(
            read("[project]\nname = \"x\"\n").unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn a_misspelt_setting_is_an_error() {
        assert!(
            read("[tool.finial]\nignored = []\n")
                .unwrap_err()
                .contains("ignored")
        );
    }
}
