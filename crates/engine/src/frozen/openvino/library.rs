//! Where the OpenVINO library is, and loading it.
//!
//! Nothing is linked and nothing is run to look for it: only folders are read.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The environment variable that names the library, a folder with it, or `off`.
pub const VARIABLE: &str = "FINIAL_OPENVINO";

/// A library that was loaded.
#[derive(Debug)]
pub struct Library {
    /// Its file.
    pub path: PathBuf,
    /// Its version, as `2026.4.0`.
    pub version: String,
}

/// The library of this process, loaded when it is first asked for.
///
/// # Errors
/// Why there is none.
pub fn library() -> Result<&'static Library, String> {
    static LIBRARY: OnceLock<Result<Library, String>> = OnceLock::new();
    LIBRARY.get_or_init(find).as_ref().map_err(Clone::clone)
}

fn find() -> Result<Library, String> {
    // The bindings call functions with a variable number of arguments as if it were fixed, which
    // is another thing there.
    if cfg!(all(target_vendor = "apple", target_arch = "aarch64")) {
        return Err("it is not used on Apple's processors".to_owned());
    }
    let named = env::var_os(VARIABLE).filter(|value| !value.is_empty());
    let candidates = match &named {
        Some(value) if value == "off" => return Err(format!("{VARIABLE} is off")),
        Some(value) => in_or_below(Path::new(value)),
        None => usual(),
    };
    if candidates.is_empty() {
        return Err(match named {
            Some(value) => format!(
                "{VARIABLE} is {}: no OpenVINO library there",
                Path::new(&value).display()
            ),
            None => "not installed: no OpenVINO library in the active Python or the usual places"
                .to_owned(),
        });
    }
    let mut failures = Vec::new();
    for path in candidates {
        match load(&path) {
            Ok(version) => return Ok(Library { path, version }),
            Err(reason) => failures.push(format!("{}: {reason}", path.display())),
        }
    }
    Err(failures.join("; "))
}

/// Loads the file; gives its version.
fn load(path: &Path) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    if bytes.is_empty() {
        return Err("the file is empty".to_owned());
    }
    // The bindings panic when they come to a function that is not there, and cannot let go of a
    // library. Its names are in the file.
    let missing = CALLED.iter().find(|name| {
        let name = name.as_bytes();
        memchr::memmem::find(&bytes, name).is_none()
    });
    drop(bytes);
    if let Some(name) = missing {
        return Err(format!(
            "no OpenVINO library of 2025.1 or later: it has no function {name}"
        ));
    }
    let loaded = catch_unwind(|| {
        openvino_sys::library::load_from(path)?;
        Ok(openvino::version().build_number)
    });
    let build: Result<String, String> =
        loaded.unwrap_or_else(|_| Err("its version cannot be read".to_owned()));
    // The bindings' own words begin with the path.
    let build = build.map_err(|error| match error.split_once("could not be opened: ") {
        Some((_, reason)) => reason
            .trim_start_matches(&*path.to_string_lossy())
            .to_owned(),
        None => error,
    });
    let build = build.map_err(|error| error.trim_start_matches(": ").to_owned())?;
    Ok(build.split('-').next().unwrap_or_default().to_owned())
}

/// Functions of the library that are called, all of those that are.
const CALLED: &[&str] = &[
    "ov_get_openvino_version",
    "ov_version_free",
    "ov_get_last_err_msg",
    "ov_core_create",
    "ov_core_free",
    "ov_core_set_property",
    "ov_core_get_property",
    "ov_core_read_model_from_memory_buffer",
    "ov_core_compile_model",
    "ov_partial_shape_create_static",
    "ov_partial_shape_free",
    "ov_model_reshape_single_input",
    "ov_model_free",
    "ov_compiled_model_get_property",
    "ov_compiled_model_create_infer_request",
    "ov_compiled_model_inputs_size",
    "ov_compiled_model_outputs_size",
    "ov_compiled_model_free",
    "ov_infer_request_get_input_tensor",
    "ov_infer_request_get_input_tensor_by_index",
    "ov_infer_request_get_output_tensor",
    "ov_infer_request_get_output_tensor_by_index",
    "ov_infer_request_start_async",
    "ov_infer_request_wait_for",
    "ov_infer_request_free",
    "ov_tensor_data",
    "ov_tensor_get_byte_size",
    "ov_tensor_get_element_type",
    "ov_tensor_free",
];

/// Libraries where OpenVINO's installers put them, those first that are nearer to the user.
fn usual() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for variable in ["OPENVINO_INSTALL_DIR", "INTEL_OPENVINO_DIR"] {
        if let Some(folder) = folder_of(variable) {
            found.extend(in_or_below(&folder));
        }
    }
    for variable in ["VIRTUAL_ENV", "CONDA_PREFIX"] {
        if let Some(prefix) = folder_of(variable) {
            found.extend(in_or_below(&prefix));
        }
    }
    if let Some(prefix) = python_on_path() {
        found.extend(in_or_below(&prefix));
    }
    if let Some(home) = folder_of("HOME") {
        found.extend(in_or_below(&home.join(".local")));
    }
    let of_loader = match env::consts::OS {
        "windows" => "PATH",
        "macos" => "DYLD_LIBRARY_PATH",
        _ => "LD_LIBRARY_PATH",
    };
    if let Some(path) = env::var_os(of_loader) {
        found.extend(env::split_paths(&path).flat_map(|folder| libraries_in(&folder)));
    }
    for folder in SYSTEM {
        found.extend(in_or_below(Path::new(folder)));
    }
    let mut distinct: Vec<PathBuf> = Vec::new();
    for path in found {
        if !distinct.contains(&path) {
            distinct.push(path);
        }
    }
    distinct
}

/// Where distributions, archives and Homebrew install.
const SYSTEM: &[&str] = &[
    "/opt/intel/openvino",
    "/usr/local",
    "/usr",
    "/opt/homebrew",
    "C:\\Program Files (x86)\\Intel\\openvino",
    "C:\\Program Files\\Intel\\openvino",
];

/// Folders below a prefix, an archive or a Python package that hold the library.
const BELOW: &[&str] = &[
    "",
    "libs",
    "openvino/libs",
    "lib",
    "lib64",
    "lib/x86_64-linux-gnu",
    "lib/aarch64-linux-gnu",
    "runtime/lib/intel64",
    "runtime/lib/arm64",
    "runtime/lib/aarch64",
    "runtime/bin/intel64/Release",
    "Lib/site-packages/openvino/libs",
    "Library/bin",
    "lib/python3/dist-packages/openvino/libs",
];

/// The libraries that a path stands for: itself, or those in the folders where it may have them.
fn in_or_below(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    // A virtual environment or a system's Python: lib/python3.12/site-packages.
    for lib in ["lib", "lib64"] {
        let mut pythons = entries(&path.join(lib), |name| name.starts_with("python3."));
        pythons.sort();
        for python in pythons.iter().rev() {
            for packages in ["site-packages", "dist-packages"] {
                found.extend(libraries_in(&python.join(packages).join("openvino/libs")));
            }
        }
    }
    found.extend(
        BELOW
            .iter()
            .flat_map(|below| libraries_in(&path.join(below))),
    );
    found
}

/// The libraries in a folder, the newest first.
fn libraries_in(folder: &Path) -> Vec<PathBuf> {
    let mut found = entries(folder, |name| match env::consts::OS {
        "windows" => name.eq_ignore_ascii_case("openvino_c.dll"),
        "macos" => name.starts_with("libopenvino_c.") && name.ends_with(".dylib"),
        _ => name == "libopenvino_c.so" || name.starts_with("libopenvino_c.so."),
    });
    found.sort();
    found.reverse();
    found
}

/// What is in a folder and is called so; nothing if it is none.
fn entries(folder: &Path, called: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let entries = entries.flatten();
    let named = entries.filter(|entry| entry.file_name().to_str().is_some_and(&called));
    named.map(|entry| entry.path()).collect()
}

/// The folder above the one in which the shell would find Python.
fn python_on_path() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let names: [&OsStr; 3] = ["python3", "python", "python.exe"].map(OsStr::new);
    let holds = |folder: &PathBuf| names.iter().any(|name| folder.join(name).is_file());
    let folder = env::split_paths(&path).find(holds)?;
    folder.parent().map(Path::to_owned)
}

fn folder_of(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable)?;
    Some(PathBuf::from(value)).filter(|folder| folder.is_dir())
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    fn touch(path: &Path) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"x").unwrap();
    }

    #[test]
    fn a_library_is_found_in_a_virtual_environment_in_an_archive_and_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        let pip = "lib/python3.11/site-packages/openvino/libs/libopenvino_c.so.2640";
        touch(&at("venv").join(pip));
        touch(&at("archive/runtime/lib/intel64/libopenvino_c.so"));
        touch(&at("archive/runtime/lib/intel64/libopenvino.so"));
        assert_eq!(in_or_below(&at("venv")), [at("venv").join(pip)]);
        let package = at("venv/lib/python3.11/site-packages/openvino");
        assert_eq!(in_or_below(&package), [at("venv").join(pip)]);
        let archive = at("archive/runtime/lib/intel64/libopenvino_c.so");
        assert_eq!(in_or_below(&at("archive")), in_or_below(&archive));
        assert_eq!(in_or_below(&archive), [archive]);
        assert!(in_or_below(&at("nothing")).is_empty());
    }

    #[test]
    fn the_newest_of_several_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for version in ["2540", "2640", "2600"] {
            touch(&folder.path().join(format!("libopenvino_c.so.{version}")));
        }
        let first = libraries_in(folder.path()).first().cloned().unwrap();
        assert!(first.ends_with("libopenvino_c.so.2640"));
    }

    #[test]
    fn a_file_that_is_no_openvino_library_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libopenvino_c.so");
        fs::write(&path, b"").unwrap();
        assert_eq!(load(&path), Err("the file is empty".to_owned()));
        fs::write(&path, b"ELF of something else").unwrap();
        assert!(load(&path).unwrap_err().contains("ov_get_openvino_version"));
        let names = CALLED.join("\0");
        fs::write(&path, names).unwrap();
        // It has the names, but the system does not take it.
        let reason = load(&path).unwrap_err();
        assert!(!reason.contains("no function"), "{reason}");
    }
}
