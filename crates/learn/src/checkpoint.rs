//! A training on disk, so that a run that was killed goes on where it was.
//!
//! A checkpoint is one file: what run it is of, how far that has come, and the weights and means
//! of the optimiser as safetensors, with a digest over all of it at its end. It is written beside,
//! down to the disk, and then renamed; so there is always a whole one, whenever the power fails.
//! Nothing random is in it: what is drawn follows from the place of a step.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use finial_engine::AdamState;
use finial_graph::Weights;
use serde::{Deserialize, Serialize};

use crate::course::{Phase, Place, State, Way};
use crate::fit::{Epoch, Fit};
use crate::{LearnError, Progress};

const MAGIC: &[u8; 16] = b"finial training\x01";
/// A write may take this share of the time between two.
const SHARE: u32 = 20;

/// Where a training is kept while it runs, and how often.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckpointOptions {
    /// The file.
    pub path: PathBuf,
    /// The time between two writes, at the least.
    pub every: Duration,
    /// Go on from the file, if there is one.
    pub resume: bool,
}

impl CheckpointOptions {
    /// Between two writes unless the user says otherwise.
    pub const EVERY: Duration = Duration::from_secs(60);

    /// Beside a model folder: its name with `.checkpoint` behind it.
    pub fn beside(model: &Path) -> Self {
        let mut path = model.as_os_str().to_owned();
        path.push(".checkpoint");
        CheckpointOptions {
            path: path.into(),
            every: Self::EVERY,
            resume: false,
        }
    }
}

/// What a run is: two runs of the same make the same model, bit for bit.
pub(crate) type Identity = BTreeMap<String, String>;

/// Keeps the checkpoints of one run.
pub(crate) struct Keeper {
    options: Option<CheckpointOptions>,
    identity: Identity,
    /// What was read, until the phase that it is of takes it.
    read: Option<(Phase, State)>,
    /// A head whose training is over.
    head: Option<Fit>,
    last: Instant,
    took: Duration,
    failed: bool,
}

#[derive(Serialize, Deserialize)]
struct Record {
    identity: Identity,
    head: Option<Finished>,
    phase: Phase,
    place: Place,
    steps: u64,
    has_best: bool,
}

#[derive(Serialize, Deserialize)]
struct Finished {
    curve: Vec<Epoch>,
    best_epoch: usize,
    best_loss: f64,
    stopped: String,
    batch: usize,
}

impl Keeper {
    /// One that keeps nothing.
    pub(crate) fn none() -> Self {
        Keeper::new(None)
    }

    fn new(options: Option<CheckpointOptions>) -> Self {
        Keeper {
            options,
            identity: Identity::new(),
            read: None,
            head: None,
            last: Instant::now(),
            took: Duration::ZERO,
            failed: false,
        }
    }

    /// Looks for the checkpoint before any work is done.
    ///
    /// # Errors
    /// There is one that the run is not to go on from, or it cannot be read.
    pub(crate) fn open(
        options: Option<&CheckpointOptions>,
        progress: &dyn Progress,
    ) -> Result<Self, LearnError> {
        let mut keeper = Keeper::new(options.cloned());
        let Some(options) = options else {
            return Ok(keeper);
        };
        let bytes = match fs::read(&options.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if options.resume {
                    let path = options.path.display();
                    progress.say(&format!(
                        "there is no {path}: training starts from the start"
                    ));
                }
                return Ok(keeper);
            }
            Err(error) => return Err(LearnError::file(&options.path)(error)),
        };
        if !options.resume {
            return Err(LearnError::CheckpointExists(options.path.clone()));
        }
        let damaged = |reason: String| LearnError::Checkpoint {
            path: options.path.clone(),
            reason,
        };
        let (record, state, head) = read(&bytes).map_err(damaged)?;
        let place = &record.place;
        progress.say(&format!(
            "going on with {}, epoch {}, after {} of its steps",
            record.phase.name(),
            place.epoch,
            place.step
        ));
        keeper.identity = record.identity;
        keeper.read = Some((record.phase, state));
        keeper.head = head;
        Ok(keeper)
    }

    /// Says what run this is; a checkpoint that was read must be of the same.
    ///
    /// # Errors
    /// It is of another one: says in what they differ.
    pub(crate) fn identify(&mut self, identity: Identity) -> Result<(), LearnError> {
        let before = std::mem::replace(&mut self.identity, identity);
        let (Some(options), true) = (&self.options, self.read.is_some()) else {
            return Ok(());
        };
        let now = &self.identity;
        let names = before.keys().chain(now.keys());
        let differs = names
            .into_iter()
            .find(|name| before.get(*name) != now.get(*name));
        let Some(name) = differs else {
            return Ok(());
        };
        let said = |of: &Identity| of.get(name).cloned().unwrap_or("nothing".to_owned());
        Err(LearnError::OtherRun {
            path: options.path.clone(),
            difference: Box::new([name.clone(), said(&before), said(now)]),
        })
    }

    /// The state that a phase goes on from; `None` to begin it.
    pub(crate) fn resume(&mut self, phase: Phase) -> Option<State> {
        let read = self.read.take_if(|(of, _)| *of == phase);
        read.map(|(_, state)| state)
    }

    /// The head, if its training is over.
    pub(crate) fn head(&self) -> Option<Fit> {
        self.head.clone()
    }

    /// Keeps the finished head with all that follows.
    pub(crate) fn set_head(&mut self, head: &Fit) {
        self.head = Some(head.clone());
    }

    /// Writes a checkpoint if the last one is long enough ago. One that cannot be written is said,
    /// once; the training goes on.
    pub(crate) fn keep_if_due(&mut self, phase: Phase, way: &Way, progress: &dyn Progress) {
        let Some(options) = &self.options else {
            return;
        };
        let wait = options.every.max(match options.every.is_zero() {
            true => Duration::ZERO,
            false => self.took * SHARE,
        });
        if self.failed || self.last.elapsed() < wait {
            return;
        }
        let started = Instant::now();
        if let Err(error) = self.write(phase, way, &options.path) {
            progress.say(&format!("note: no checkpoints are kept: {error}"));
            self.failed = true;
        }
        self.took = started.elapsed();
        self.last = Instant::now();
    }

    fn write(&self, phase: Phase, way: &Way, path: &Path) -> Result<(), LearnError> {
        let state = way.state()?;
        let head = self.head.as_ref();
        let record = Record {
            identity: self.identity.clone(),
            head: head.map(|head| Finished {
                curve: head.curve.clone(),
                best_epoch: head.best_epoch,
                best_loss: head.best_loss,
                stopped: head.stopped.clone(),
                batch: head.batch,
            }),
            phase,
            place: state.place,
            steps: state.adam.steps,
            has_best: state.best.is_some(),
        };
        let mut tensors = Weights::new();
        let mut add = |part: &str, weights: Weights| {
            let named = |(name, tensor)| (format!("{part}/{name}"), tensor);
            tensors.extend(weights.into_iter().map(named));
        };
        add("now", state.weights);
        add("best", state.best.unwrap_or_default());
        add("first", state.adam.first);
        add("second", state.adam.second);
        if let Some(head) = head {
            add("head", head.weights.clone());
        }
        let json = serde_json::to_vec(&record).map_err(|e| LearnError::file(path)(e.into()))?;
        write_beside(path, |out| {
            out.write_all(MAGIC)?;
            out.write_all(&(json.len() as u64).to_le_bytes())?;
            out.write_all(&json)?;
            tensors.write_safetensors(out).map_err(io::Error::other)
        })
        .map_err(LearnError::file(path))
    }

    /// Removes the file: the model is there.
    pub(crate) fn finish(&self) {
        if let Some(options) = &self.options {
            // What cannot be removed is refused, with a reason, by the next run of that name.
            let _ = fs::remove_file(&options.path);
            let _ = fs::remove_file(unfinished(&options.path));
        }
    }
}

/// Writes a file and its digest beside `path`, down to the disk, and moves it there.
fn write_beside(
    path: &Path,
    write: impl FnOnce(&mut Digested) -> io::Result<()>,
) -> io::Result<()> {
    let beside = unfinished(path);
    let mut out = Digested {
        file: BufWriter::new(File::create(&beside)?),
        digest: blake3::Hasher::new(),
    };
    write(&mut out)?;
    let Digested { mut file, digest } = out;
    file.write_all(digest.finalize().as_bytes())?;
    let file = file.into_inner().map_err(|error| error.into_error())?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    // The new name is on the disk only once its folder is.
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

/// A name of its own, always the same, so that a killed run leaves one such file at the most.
fn unfinished(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".unfinished");
    beside.into()
}

struct Digested {
    file: BufWriter<File>,
    digest: blake3::Hasher,
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or(bytes));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The parts of a checkpoint, or why it is none.
fn read(bytes: &[u8]) -> Result<(Record, State, Option<Fit>), String> {
    let short = || "it is shorter than it should be".to_owned();
    let (content, digest) = bytes
        .split_last_chunk::<{ blake3::OUT_LEN }>()
        .ok_or_else(short)?;
    let rest = content.strip_prefix(MAGIC);
    let rest = rest.ok_or("it does not begin as a checkpoint of this version")?;
    if blake3::hash(content).as_bytes() != digest {
        return Err("its digest is not that of its content".to_owned());
    }
    let (length, rest) = rest.split_first_chunk::<8>().ok_or_else(short)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
    let (json, tensors) = rest.split_at_checked(length).ok_or_else(short)?;
    let record: Record = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let tensors = Weights::from_safetensors(tensors).map_err(|error| error.to_string())?;
    let mut parts: BTreeMap<String, Weights> = BTreeMap::new();
    for (name, tensor) in tensors {
        let (part, name) = name.split_once('/').ok_or("a tensor of no part")?;
        parts
            .entry(part.to_owned())
            .or_default()
            .insert(name, tensor);
    }
    let mut take = |part: &str| parts.remove(part).unwrap_or_default();
    let state = State {
        place: record.place.clone(),
        weights: take("now"),
        best: record.has_best.then(|| take("best")),
        adam: AdamState {
            steps: record.steps,
            first: take("first"),
            second: take("second"),
        },
    };
    let head = record.head.as_ref().map(|head| Fit {
        weights: take("head"),
        curve: head.curve.clone(),
        best_epoch: head.best_epoch,
        best_loss: head.best_loss,
        start_loss: None,
        stopped: head.stopped.clone(),
        batch: head.batch,
    });
    Ok((record, state, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.checkpoint");
        let record = Record {
            identity: Identity::from([("seed".to_owned(), "1".to_owned())]),
            head: None,
            phase: Phase::Head,
            place: Place {
                epoch: 3,
                step: 2,
                total: [0.1 + 0.2, 1.0 / 3.0],
                curve: Vec::new(),
                best: Some((2, 1.0 / 7.0)),
                start: None,
            },
            steps: 17,
            has_best: true,
        };
        let json = serde_json::to_vec(&record).unwrap();
        write_beside(&path, |out| {
            out.write_all(MAGIC)?;
            out.write_all(&(json.len() as u64).to_le_bytes())?;
            out.write_all(&json)?;
            let none = Weights::new();
            none.write_safetensors(out).map_err(io::Error::other)
        })
        .unwrap();
        let bytes = fs::read(&path).unwrap();
        let (again, state, head) = read(&bytes).unwrap();
        assert_eq!(again.place, record.place);
        assert_eq!((state.adam.steps, head.is_none()), (17, true));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{cut}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(read(&changed).is_err(), "{at}");
        }
    }

    #[test]
    fn a_checkpoint_of_another_run_is_refused_with_the_difference() {
        let options = CheckpointOptions::beside(Path::new("model"));
        assert_eq!(options.path, Path::new("model.checkpoint"));
        let mut keeper = Keeper::new(Some(options));
        let identity = |seed: &str| Identity::from([("seed".to_owned(), seed.to_owned())]);
        // Nothing was read: any run is the one.
        keeper.identify(identity("1")).unwrap();
        let state = State {
            place: Place::default(),
            weights: Weights::new(),
            best: None,
            adam: AdamState::default(),
        };
        keeper.read = Some((Phase::Head, state));
        keeper.identify(identity("1")).unwrap();
        let said = keeper.identify(identity("2")).unwrap_err().to_string();
        assert!(
            said.contains("seed") && said.contains('1') && said.contains('2'),
            "{said}"
        );
    }
}
