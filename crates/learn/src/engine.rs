//! Which engine runs the frozen part: the fastest kind that is there and agrees with the reference.
//!
//! Finding that out takes a second or two, so it is done once for a network on a machine and
//! written down beside the feature store. How an engine runs is the business of `finial-engine`.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use finial_engine::frozen::trial::{Deviation, Ground, Outcome, VERSION};
use finial_engine::{Choice, Engine, EngineError, Frozen, OPENVINO_VARIABLE, Precision};
use finial_graph::{Graph, Parameter, Weights};
use serde::{Deserialize, Serialize};

use crate::model::to_json;
use crate::{LearnError, Progress};

/// The folder beside the feature store in which decisions are kept.
pub const RECORDS: &str = "engines";

/// What the user says about the engine; what is left open is found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EngineOptions {
    /// The engine.
    pub engine: Option<Engine>,
    /// The precision.
    pub precision: Option<Precision>,
}

impl EngineOptions {
    fn admits(self, choice: Choice) -> bool {
        self.engine.is_none_or(|engine| engine == choice.engine)
            && self.precision.is_none_or(|p| p == choice.precision)
    }

    /// The same for a model whose features were once computed so: in f32 they stay in f32, so
    /// that its answers stay what they were.
    #[must_use]
    pub fn for_model(mut self, before: Option<&Decision>) -> Self {
        if self.precision.is_none() && before.is_none_or(|d| d.choice.precision == Precision::F32) {
            self.precision = Some(Precision::F32);
        }
        self
    }
}

impl fmt::Display for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.engine, self.precision) {
            (None, None) => f.write_str("this network"),
            (Some(engine), None) => write!(f, "--engine {engine}"),
            (None, Some(precision)) => write!(f, "--precision {precision}"),
            (Some(engine), Some(p)) => write!(f, "--engine {engine} --precision {p}"),
        }
    }
}

/// What runs a frozen graph, and what is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// Engine and precision.
    #[serde(flatten)]
    pub choice: Choice,
    /// Engine, version, precision, device: what the last bits depend on.
    pub identity: String,
    /// How far its features are from those of the reference; none where it was not compared.
    pub deviation: Option<Deviation>,
    /// Images it ran in a second when it was tried.
    pub images_per_second: Option<f64>,
}

impl Decision {
    fn untried(choice: Choice, identity: String) -> Self {
        let is_reference = choice == Choice::REFERENCE;
        Decision {
            choice,
            identity,
            deviation: is_reference.then_some(Deviation::NONE),
            images_per_second: None,
        }
    }

    /// What ran, in words: `openvino 2026.4.0 bf16, cosine 0.9992 with f32`.
    pub fn in_words(&self) -> String {
        match self.deviation {
            Some(deviation) if self.choice != Choice::REFERENCE => {
                format!("{}, {}", self.identity, agreement(deviation))
            }
            _ => self.identity.clone(),
        }
    }
}

/// How far features are from the reference's, in words.
pub fn agreement(deviation: Deviation) -> String {
    match deviation.cosine {
        cosine if cosine < 0.99999 => format!("cosine {cosine:.5} with the reference"),
        _ => "the same as the reference".to_owned(),
    }
}

/// Decides what runs a graph on a device. `records` is a folder in which decisions are kept. Gives
/// the engine, too, if it was tried just now.
///
/// # Errors
/// Nothing that the options admit is there, or the reference itself fails.
pub fn decide(
    network: &Network,
    options: EngineOptions,
    records: Option<&Path>,
    progress: &dyn Progress,
) -> Result<(Decision, Option<Box<dyn Frozen>>), LearnError> {
    let (decision, frozen) = decided(network, options, records, progress)?;
    let speed = decision.images_per_second;
    let speed = speed.map_or(String::new(), |n| format!(", {n:.0} images a second here"));
    progress.say(&format!("engine: {}{speed}", decision.in_words()));
    if let Some(deviation) = decision.deviation
        && !deviation.agrees(decision.choice.precision)
    {
        progress.say(&format!(
            "note: features of {} deviate: {}",
            decision.choice,
            agreement(deviation)
        ));
    }
    Ok((decision, frozen))
}

/// A frozen graph with its weights, and where it is to run.
#[derive(Clone, Copy)]
pub struct Network<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Its weights.
    pub weights: &'a Weights,
    /// The device, by name.
    pub device: &'a str,
    /// What tells the graph and its weights from others.
    pub fingerprint: &'a [u8; 32],
}

impl Network<'_> {
    /// The engine for it.
    ///
    /// # Errors
    /// As [`Choice::prepare`].
    pub fn prepare(&self, choice: Choice) -> Result<Box<dyn Frozen>, EngineError> {
        choice.prepare(self.graph, self.weights, self.device)
    }
}

/// What tells a graph with its weights from others: a digest of both. Tensors that are not the
/// graph's do not count.
///
/// # Errors
/// The graph cannot be written.
pub(crate) fn fingerprint(graph: &Graph, weights: &Weights) -> Result<[u8; 32], LearnError> {
    let mut digest = blake3::Hasher::new();
    digest.update(&to_json(graph, Path::new("graph"))?);
    let mut own = Weights::new();
    for Parameter { name, .. } in graph.parameters() {
        if let Some(tensor) = weights.get(&name) {
            own.insert(name, tensor.clone());
        }
    }
    digest.update(&own.fingerprint());
    Ok(*digest.finalize().as_bytes())
}

fn decided(
    network: &Network,
    options: EngineOptions,
    records: Option<&Path>,
    progress: &dyn Progress,
) -> Result<(Decision, Option<Box<dyn Frozen>>), LearnError> {
    let device = network.device;
    finial_engine::device::named(device)?;
    let mut candidates = Choice::all(device);
    candidates.retain(|choice| options.admits(*choice));
    // What was asked for by name and is not even thought of: say why.
    if candidates.is_empty() {
        candidates.push(Choice {
            engine: options.engine.unwrap_or(Engine::Burn),
            precision: options.precision.unwrap_or_default(),
        });
    }
    let (mut there, mut reasons) = (Vec::new(), Vec::new());
    for choice in candidates {
        match choice.identity(device) {
            Ok(identity) => there.push((choice, identity)),
            Err(error) => reasons.push((choice, error.reason())),
        }
    }
    if options.engine.is_none() {
        complain_of_environment(&reasons, progress);
    }
    match &there[..] {
        [] => return Err(none(options, reasons)),
        [(Choice::REFERENCE, identity)] => {
            let decision = Decision::untried(Choice::REFERENCE, identity.clone());
            return Ok((decision, None));
        }
        _ => {}
    }
    let record = records.map(|folder| record_of(folder, network, options, &there));
    if let Some(found) = record.as_deref().and_then(read) {
        return Ok((found, None));
    }
    let ground = Ground::new(network.graph, network.weights, device)?;
    let forced = options.engine.is_some() && options.precision.is_some();
    for (choice, identity) in there {
        let (trial, frozen) = ground.trial(choice);
        let agrees = trial.agrees();
        let reason = match trial.outcome {
            Outcome::Ran {
                deviation,
                images_per_second,
                ..
            } if agrees || forced => {
                let decision = Decision {
                    deviation: Some(deviation),
                    images_per_second: Some(images_per_second),
                    ..Decision::untried(choice, identity)
                };
                if let Some(record) = record {
                    // Without it, the next run finds out again.
                    let _ = write(&record, &decision);
                }
                return Ok((decision, frozen));
            }
            Outcome::Ran { deviation, .. } => agreement(deviation),
            Outcome::Absent(reason) => reason,
        };
        reasons.push((choice, reason));
    }
    Err(none(options, reasons))
}

/// What is ready soonest, for a few images: not tried beforehand, and exact unless bf16 will do.
pub(crate) fn soonest(
    network: &Network,
    precision: Precision,
) -> Result<Box<dyn Frozen>, EngineError> {
    let own = |precision| Choice {
        engine: Engine::Finial,
        precision,
    };
    let prepared = network.prepare(own(precision));
    let prepared = prepared.or_else(|_| network.prepare(own(Precision::F32)));
    prepared.or_else(|_| network.prepare(Choice::REFERENCE))
}

/// Why choices are not used, an engine at a time: what holds for both precisions is said once.
pub fn why_not(reasons: &[(Choice, String)]) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    for (choice, reason) in reasons {
        let same =
            |(other, words): &&(Choice, String)| other.engine == choice.engine && words == reason;
        let sentence = match reasons.iter().filter(same).count() {
            1 => format!("{choice}: {reason}"),
            _ => format!("{}: {reason}", choice.engine),
        };
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
    }
    sentences
}

fn none(options: EngineOptions, reasons: Vec<(Choice, String)>) -> LearnError {
    LearnError::NoEngine {
        wanted: options.to_string(),
        reasons: why_not(&reasons),
    }
}

/// Whoever sets a variable that names an engine's library wants to know that it does not serve.
fn complain_of_environment(reasons: &[(Choice, String)], progress: &dyn Progress) {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "off");
    for (variable, engine) in [
        (OPENVINO_VARIABLE, Engine::OpenVino),
        ("FINIAL_INSTRUCTIONS", Engine::Finial),
    ] {
        // Without f32, it is without the other, too.
        let of_engine = |(choice, _): &&(Choice, String)| {
            choice.engine == engine && choice.precision == Precision::F32
        };
        if set(variable)
            && let Some((_, reason)) = reasons.iter().find(of_engine)
        {
            progress.say(&format!("note: {engine} is not used: {reason}"));
        }
    }
}

/// Where the decision for this network, these options and this machine is kept.
fn record_of(
    folder: &Path,
    network: &Network,
    options: EngineOptions,
    there: &[(Choice, String)],
) -> PathBuf {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut digest = blake3::Hasher::new();
    // The processor, too: a cache folder may be shared by machines.
    let text = format!(
        "finial {} trial {VERSION} {options} {} {cores} {}",
        env!("CARGO_PKG_VERSION"),
        network.device,
        processor()
    );
    digest.update(text.as_bytes());
    for (_, identity) in there {
        digest.update(&[0]);
        digest.update(identity.as_bytes());
    }
    digest.update(network.fingerprint);
    folder.join(format!("{}.json", &digest.finalize().to_hex()[..32]))
}

/// The processor's name, as far as the system says it, or its kind.
pub fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(':'));
    name.map_or(std::env::consts::ARCH, |(_, name)| name.trim())
        .to_owned()
}

fn read(path: &Path) -> Option<Decision> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write(path: &Path, decision: &Decision) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&serde_json::to_vec_pretty(decision)?)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(precision: Precision) -> Decision {
        let engine = Engine::OpenVino;
        Decision {
            deviation: Some(Deviation {
                cosine: 0.99917,
                largest: 0.03,
            }),
            ..Decision::untried(Choice { engine, precision }, "openvino 1.2 bf16".to_owned())
        }
    }

    #[test]
    fn a_decision_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("engines/a.json");
        assert_eq!(read(&path), None);
        write(&path, &decision(Precision::Bf16)).unwrap();
        assert_eq!(read(&path), Some(decision(Precision::Bf16)));
        fs::write(&path, "{").unwrap();
        assert_eq!(read(&path), None);
    }

    #[test]
    fn a_model_of_features_in_f32_stays_with_them() {
        let auto = EngineOptions::default();
        let f32 = Some(Precision::F32);
        assert_eq!(auto.for_model(None).precision, f32);
        assert_eq!(
            auto.for_model(Some(&decision(Precision::F32))).precision,
            f32
        );
        assert_eq!(auto.for_model(Some(&decision(Precision::Bf16))), auto);
        let asked = EngineOptions {
            precision: Some(Precision::Bf16),
            ..auto
        };
        assert_eq!(asked.for_model(None), asked);
    }

    #[test]
    fn what_keeps_an_engine_out_altogether_is_said_once() {
        let all = Choice::all("cpu");
        let words = |which: usize, text: &str| (all[which], text.to_owned());
        let reasons = [words(0, "off"), words(1, "no bf16"), words(2, "off")];
        assert_eq!(
            why_not(&reasons),
            ["openvino: off", "finial in bf16: no bf16"]
        );
    }

    #[test]
    fn a_decision_says_what_ran_and_how_well_it_agrees() {
        let words = decision(Precision::Bf16).in_words();
        assert_eq!(
            words,
            "openvino 1.2 bf16, cosine 0.99917 with the reference"
        );
        let burn = Decision::untried(Choice::REFERENCE, "burn cpu f32".to_owned());
        assert_eq!(burn.in_words(), "burn cpu f32");
    }
}
