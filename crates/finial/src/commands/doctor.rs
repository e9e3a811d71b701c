//! `finial doctor`: what this machine runs networks with.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use finial::Progress;
use finial::engine::frozen::trial::{Ground, LEAST_COSINE_F32, Outcome, Trial, first_to_agree};
use finial::engine::{Choice, OPENVINO_VARIABLE, device, frozen};
use finial::graph::Shape;
use finial::learn::engine::{processor, why_not};
use finial::learn::pretrained::BackboneOptions;
use finial::learn::{LearnError, Pooling, Pretrained, cache, head};
use finial_kernels::Instructions;
use indicatif::DecimalBytes;
use serde_json::json;

use super::backbone_options;
use crate::args::{DoctorArgs, Format};
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;
use crate::text::{Align, columns, one_line, wrapped};

/// Variables that change what is found or where things are kept.
const VARIABLES: [&str; 9] = [
    "FINIAL_CACHE",
    OPENVINO_VARIABLE,
    "FINIAL_INSTRUCTIONS",
    "OPENVINO_INSTALL_DIR",
    "INTEL_OPENVINO_DIR",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "LD_LIBRARY_PATH",
    "RAYON_NUM_THREADS",
];

pub fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let progress = Terminal::new(args.format == Format::Json);
    device::named(&args.device).map_err(LearnError::from)?;
    let options: BackboneOptions = backbone_options(&args.backbone);
    let backbone = Pretrained::open(&options, &progress)?;
    let graph = head::frozen(&backbone.graph, Pooling::Average).map_err(LearnError::from)?;
    progress.say("trying every engine; this takes a few seconds");
    let ground = Ground::new(&graph, &backbone.weights, &args.device).map_err(LearnError::from)?;
    let choices = Choice::all(&args.device);
    let trials: Vec<Trial> = choices
        .iter()
        .map(|choice| ground.trial(*choice).0)
        .collect();
    let found = Found {
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        openvino: frozen::openvino_library().map(|l| (l.version.clone(), l.path.clone())),
        network: backbone.name.clone(),
        input: graph.input_shape(),
        device: args.device.clone(),
        trials,
    };
    match args.format {
        Format::Text => printer::print(&fitted(&found.text())),
        Format::Json => printer::print_json(&found.json()),
    }
}

/// What was found.
struct Found {
    processor: String,
    cores: usize,
    openvino: Result<(String, PathBuf), String>,
    network: String,
    input: Shape,
    device: String,
    trials: Vec<Trial>,
}

impl Found {
    fn text(&self) -> String {
        let mut text = format!(
            "finial {}, {} {}\n",
            env!("CARGO_PKG_VERSION"),
            env::consts::OS,
            env::consts::ARCH
        );
        let mut line = |name: &str, value: String| {
            text.push_str(&format!("  {name:<13} {value}\n"));
        };
        line(
            "processor",
            format!("{}, {} cores", self.processor, self.cores),
        );
        line("instructions", instructions().in_words());
        line("devices", device::KINDS.join(", "));
        line(
            "openvino",
            match &self.openvino {
                Ok((version, path)) => format!("{version}, {}", path.display()),
                Err(reason) => one_line(reason),
            },
        );
        text.push_str(&format!(
            "\nengines, with {} {} on {}\n{}",
            one_line(&self.network),
            self.input,
            self.device,
            self.table()
        ));
        let reasons = self.trials.iter().filter_map(|trial| match &trial.outcome {
            Outcome::Absent(reason) => Some((trial.choice, reason.clone())),
            Outcome::Ran { .. } => None,
        });
        for reason in why_not(&reasons.collect::<Vec<_>>()) {
            text.push_str(&format!("  not used: {}\n", one_line(&reason)));
        }
        if let Some(best) = first_to_agree(&self.trials) {
            text.push_str(&format!("  --engine auto takes {}\n", best.choice));
        }
        text.push_str("\ncaches\n");
        for (name, folder) in caches() {
            let size = DecimalBytes(size_of(&folder));
            text.push_str(&format!("  {name:<13} {size} in {}\n", folder.display()));
        }
        text.push_str("\nenvironment\n");
        for (name, value) in environment() {
            text.push_str(&format!("  {name}={}\n", one_line(&value)));
        }
        if environment().is_empty() {
            text.push_str("  nothing that matters is set\n");
        }
        text
    }

    /// A line for each engine that ran.
    fn table(&self) -> String {
        let titles = ["  engine", "in", "images/s", "ready in", "features"];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        for trial in &self.trials {
            let Outcome::Ran {
                images_per_second,
                seconds_to_prepare,
                deviation,
            } = trial.outcome
            else {
                continue;
            };
            let features = match deviation.cosine {
                _ if trial.choice == Choice::REFERENCE => "reference".to_owned(),
                cosine if cosine >= LEAST_COSINE_F32 => "equal".to_owned(),
                cosine if trial.agrees() => format!("cosine {cosine:.4}"),
                cosine => format!("cosine {cosine:.4}, too far"),
            };
            rows.push(vec![
                format!("  {}", trial.choice.engine),
                trial.choice.precision.to_string(),
                match images_per_second {
                    speed if speed < 10.0 => format!("{speed:.1}"),
                    speed => format!("{speed:.0}"),
                },
                format!("{seconds_to_prepare:.2} s"),
                features,
            ]);
        }
        use Align::{Left, Right};
        columns(&rows, &[Left, Left, Right, Right, Left])
    }

    fn json(&self) -> serde_json::Value {
        let openvino = match &self.openvino {
            Ok((version, path)) => json!({"version": version, "library": path}),
            Err(reason) => json!({"absent": reason}),
        };
        let instructions = instructions();
        let caches: serde_json::Map<_, _> = caches()
            .into_iter()
            .map(|(name, folder)| {
                let bytes = size_of(&folder);
                (name.to_owned(), json!({"folder": folder, "bytes": bytes}))
            })
            .collect();
        let environment: serde_json::Map<_, _> = environment()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect();
        json!({
            "finial": env!("CARGO_PKG_VERSION"),
            "system": env::consts::OS,
            "architecture": env::consts::ARCH,
            "processor": self.processor,
            "cores": self.cores,
            "instructions": {
                "available": instructions.available,
                "used": instructions.used.as_ref().ok(),
                "error": instructions.used.as_ref().err(),
            },
            "devices": device::KINDS,
            "openvino": openvino,
            "network": self.network,
            "device": self.device,
            "engines": self.trials.iter().map(|trial| json!({
                "engine": trial.choice.engine,
                "precision": trial.choice.precision,
                "agrees": trial.agrees(),
                "outcome": trial.outcome,
            })).collect::<Vec<_>>(),
            "auto": first_to_agree(&self.trials).map(|trial| trial.choice),
            "caches": caches,
            "environment": environment,
        })
    }
}

/// The processor's instructions, and those that are used.
struct Set {
    available: Vec<String>,
    used: Result<String, String>,
}

fn instructions() -> Set {
    let used = Instructions::detect();
    Set {
        available: Instructions::available()
            .iter()
            .map(ToString::to_string)
            .collect(),
        used: used
            .map(|set| set.to_string())
            .map_err(|error| error.to_string()),
    }
}

impl Set {
    fn in_words(&self) -> String {
        let available = self.available.join(", ");
        match &self.used {
            Ok(used) if self.available.last() == Some(used) => available,
            Ok(used) => format!("{available}; only {used} is used"),
            Err(error) => format!("{available}; {}", one_line(error)),
        }
    }
}

/// The cache folders.
fn caches() -> Vec<(&'static str, PathBuf)> {
    let mut caches = Vec::new();
    caches.extend(cache::features().ok().map(|folder| ("features", folder)));
    caches.extend(cache::weights().ok().map(|folder| ("weights", folder)));
    caches
}

/// Bytes of the files in a folder and below; 0 if there is none.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// The variables that are set.
fn environment() -> Vec<(&'static str, String)> {
    let value = |name| Some((name, env::var_os(name)?.to_string_lossy().into_owned()));
    VARIABLES.into_iter().filter_map(value).collect()
}

/// Broken into lines as the terminal is wide.
fn fitted(text: &str) -> String {
    let width = terminal_size::terminal_size_of(std::io::stdout());
    match width.map(|(width, _)| usize::from(width.0)) {
        Some(width) if width >= 20 => wrapped(text, width),
        _ => text.to_owned(),
    }
}
