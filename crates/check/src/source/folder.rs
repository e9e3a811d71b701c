//! Which files are looked at: those that are named, and programs and notebooks in folders.

use std::path::{Path, PathBuf};

use ignore::WalkBuilder;

/// Folders that hold other people's code.
const FOREIGN: &[&str] = &[
    "site-packages",
    "node_modules",
    "venv",
    "__pypackages__",
    "__pycache__",
];

/// The files under the paths, in order, each once; `.gitignore` is respected in folders. What
/// cannot be read comes with the reason.
pub(crate) fn files(paths: &[PathBuf]) -> (Vec<PathBuf>, Vec<(PathBuf, String)>) {
    let mut files = Vec::new();
    let mut unreadable = Vec::new();
    for path in paths {
        if path.is_dir() && !crate::model::is_folder(path) {
            walk(path, &mut files, &mut unreadable);
        } else if path.exists() {
            files.push(path.clone());
        } else {
            unreadable.push((
                path.clone(),
                "expected a file or folder, found nothing".to_owned(),
            ));
        }
    }
    files.sort();
    files.dedup();
    (files, unreadable)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, unreadable: &mut Vec<(PathBuf, String)>) {
    let walker = WalkBuilder::new(folder)
        .require_git(false)
        .filter_entry(|entry| {
            let foreign = entry
                .file_name()
                .to_str()
                .is_some_and(|name| FOREIGN.contains(&name));
            entry.depth() == 0 || !foreign
        })
        .build();
    for entry in walker {
        match entry {
            Ok(entry) => {
                if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                    if crate::model::is_folder(entry.path()) {
                        files.push(entry.into_path());
                    }
                    continue;
                }
                let ending = entry.path().extension().and_then(|ending| ending.to_str());
                let file = entry.file_type().is_some_and(|kind| kind.is_file());
                let sought = matches!(ending, Some("py" | "ipynb"));
                if file && (sought || crate::model::is_sought(entry.path())) {
                    files.push(entry.into_path());
                }
            }
            Err(error) => unreadable.push((folder.to_owned(), error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_files_and_foreign_code_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for file in [
            "a.py",
            "b.ipynb",
            "c.txt",
            "build/d.py",
            "venv/e.py",
            "models/f.py",
        ] {
            let path = root.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        std::fs::write(root.join(".gitignore"), "build/\n").unwrap();
        let (files, unreadable) =
            files(&[root.to_owned(), root.join("a.py"), root.join("missing.py")]);
        let names: Vec<_> = files
            .iter()
            .map(|file| file.strip_prefix(root).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a.py", "b.ipynb", "models/f.py"]);
        assert_eq!(unreadable.len(), 1);
    }
}
