//! The frozen part, once per image.
//!
//! Decoders and the network work at the same time, with a short queue between them, so that no
//! more than a few batches of pixels are in memory whatever the size of the data. What an image
//! gives is kept in the feature store under the image's content and everything that was done to
//! it; a second run, or ten more images, computes only what is new. Beside the features stands what
//! a glance at the image tells, so that nothing has to be decoded for it again.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use finial_data::{ContentHash, DECODING, ImageFit, Look, Pixels, content_hash, read_file};
use finial_engine::Frozen;
use finial_graph::{Graph, Weights};
use finial_store::{
    DEFAULT_MEMORY_BUDGET_BYTES, FeatureMatrix, FeatureMatrixBuilder, FeatureStore, PipelineHash,
};
use rayon::prelude::*;

use crate::augment::Augmentation;
use crate::chance::{Draw, generator};
use crate::decoder::Decoder;
use crate::engine::{Decision, EngineOptions, Network, RECORDS, decide, fingerprint};
use crate::feed::content;
use crate::model::to_json;
use crate::progress::Running;
use crate::{LearnError, Progress, Stage};

/// Images that decoders hand over together; each commit to the store holds as many.
const CHUNK: usize = 64;
/// Chunks that may wait for the network.
const QUEUE: usize = 1;

/// The features of the images that could be read.
pub struct Features {
    /// One row per readable image, in the order of the paths.
    pub matrix: FeatureMatrix,
    /// For each row, which of the paths it belongs to.
    pub kept: Vec<usize>,
    /// For each row, the content of its file.
    pub hashes: Vec<ContentHash>,
    /// For each row, its image at a glance.
    pub looks: Vec<Look>,
    /// The others.
    pub unreadable: Vec<Unreadable>,
    /// Rows that came from the store.
    pub reused: usize,
    /// Images decoded in this run of whose pages or frames only the first was used.
    pub pages_left_out: usize,
}

/// An image that cannot be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Which of the paths.
    pub index: usize,
    /// Why, in words.
    pub reason: String,
}

/// The frozen part; its engine is made ready for the first image that the store does not know.
pub struct Extractor<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    device: &'a str,
    decision: Decision,
    /// The engine, if it was tried just now, until it is asked for.
    tried: Mutex<Option<Box<dyn Frozen>>>,
    decoder: Decoder,
    width: usize,
    pipeline: PipelineHash,
    store: Option<&'a FeatureStore>,
    view: Option<View<'a>>,
}

/// One of several ways to see the training images.
pub(crate) struct View<'a> {
    pub augmentation: &'a Augmentation,
    /// Which of them.
    pub number: usize,
    pub seed: u64,
}

impl<'a> Extractor<'a> {
    /// The frozen part `graph` with its weights, on a device; features are kept in `store`, if
    /// one is given, apart for each engine and version of finial, whose last bits may differ.
    ///
    /// # Errors
    /// The device is not there, no engine is as the options ask, or the weights do not fit the
    /// graph.
    pub fn new(
        graph: &'a Graph,
        weights: &'a Weights,
        fit: ImageFit,
        store: Option<&'a FeatureStore>,
        device: &'a str,
        options: EngineOptions,
        progress: &dyn Progress,
    ) -> Result<Self, LearnError> {
        let fit_text = to_json(&fit, Path::new("image size"))?;
        let fingerprint = fingerprint(graph, weights)?;
        let network = Network {
            graph,
            weights,
            device,
            fingerprint: &fingerprint,
        };
        let records = store.map(|store| store.folder().join(RECORDS));
        let (decision, tried) = decide(&network, options, records.as_deref(), progress)?;
        let pipeline = PipelineHash::of(&[
            concat!("finial ", env!("CARGO_PKG_VERSION")).as_bytes(),
            decision.identity.as_bytes(),
            &DECODING.to_le_bytes(),
            b"then the look",
            &fit_text,
            &fingerprint,
        ]);
        Ok(Extractor {
            graph,
            weights,
            device,
            decision,
            tried: Mutex::new(tried),
            decoder: Decoder::new(fit),
            width: graph.output_shape().len(),
            pipeline,
            store,
            view: None,
        })
    }

    /// The same for images changed as one of several views; their features are kept apart.
    pub(crate) fn viewed(&self, view: View<'a>) -> Result<Self, LearnError> {
        let kind = to_json(view.augmentation, Path::new("augmentation"))?;
        let number = (view.number as u64).to_le_bytes();
        let seed = view.seed.to_le_bytes();
        Ok(Extractor {
            decision: self.decision.clone(),
            tried: Mutex::new(self.take_tried()),
            decoder: Decoder::new(self.decoder.fit()),
            pipeline: PipelineHash::of(&[&self.pipeline.0, &kind, &number, &seed]),
            view: Some(view),
            ..*self
        })
    }

    /// The frozen part, ready to run.
    pub(crate) fn frozen(&self) -> Result<Box<dyn Frozen>, LearnError> {
        let choice = self.decision.choice;
        match self.take_tried() {
            Some(frozen) => Ok(frozen),
            None => Ok(choice.prepare(self.graph, self.weights, self.device)?),
        }
    }

    /// The engine, if it was tried just now and nobody has it yet.
    fn take_tried(&self) -> Option<Box<dyn Frozen>> {
        let tried = self.tried.lock();
        tried.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What runs it.
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// Features of the images at `paths`, of which one in ten may be unreadable, or any number
    /// if `allow_unreadable`.
    ///
    /// # Errors
    /// Too many unreadable images, no readable one, or a store or device that failed.
    pub fn run(
        &self,
        paths: &[PathBuf],
        allow_unreadable: bool,
        progress: &dyn Progress,
    ) -> Result<Features, LearnError> {
        let _stage = Running::begin(progress, Stage::Features, paths.len());
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(QUEUE);
            scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().build();
                for chunk in paths.chunks(CHUNK) {
                    let one = |path: &PathBuf| self.prepare(path);
                    let prepared: Vec<Prepared> = match &pool {
                        Ok(pool) => pool.install(|| chunk.par_iter().map(one).collect()),
                        Err(_) => chunk.iter().map(one).collect(),
                    };
                    // The receiver is gone when the run has failed: stop as well.
                    if sender.send(prepared).is_err() {
                        break;
                    }
                }
            });
            self.collect(receiver, paths, allow_unreadable, progress)
        })
    }

    /// Reads one image: from the store if its content is known, else its pixels.
    fn prepare(&self, path: &Path) -> Prepared {
        let bytes = match read_file(path) {
            Ok(bytes) => bytes,
            Err(error) => return Prepared::Unreadable(error.to_string()),
        };
        let hash = content_hash(&bytes);
        if let Some(seen) = self.stored(&hash) {
            return Prepared::Stored(hash, seen);
        }
        match self.decoder.decode(&bytes) {
            Ok(pixels) => {
                let pixels = self.changed(&hash, pixels);
                let look = pixels.look();
                Prepared::Pixels(hash, pixels, look)
            }
            Err(error) => Prepared::Unreadable(error.to_string()),
        }
    }

    /// The image as its view has it.
    fn changed(&self, hash: &ContentHash, pixels: Pixels) -> Pixels {
        let Some(view) = &self.view else {
            return pixels;
        };
        let place = [view.number as u64, content(hash)];
        let mut rng = generator(view.seed, Draw::Augmentation, place);
        view.augmentation.apply(&pixels, &mut rng)
    }

    /// What the store has; a store that fails is as good as none.
    fn stored(&self, hash: &ContentHash) -> Option<Seen> {
        let found = self.store?.get_many(&self.pipeline, &[key(hash)]).ok()?;
        Seen::from_stored(found.into_iter().next().flatten()?, self.width)
    }

    fn collect(
        &self,
        chunks: Receiver<Vec<Prepared>>,
        paths: &[PathBuf],
        allow_unreadable: bool,
        progress: &dyn Progress,
    ) -> Result<Features, LearnError> {
        let mut builder = FeatureMatrixBuilder::new(self.width, DEFAULT_MEMORY_BUDGET_BYTES)?;
        if let Some(store) = self.store {
            // The system's temporary folder may be memory; the store's is on a disk.
            builder = builder.spill_folder(store.folder());
        }
        let mut store = self.store;
        let mut kept = Vec::new();
        let mut hashes = Vec::new();
        let mut looks = Vec::new();
        let mut unreadable: Vec<Unreadable> = Vec::new();
        let mut reused = 0;
        let mut pages_left_out = 0;
        let mut index = 0;
        let mut frozen = None;
        for chunk in chunks {
            let done = chunk.len() as u64;
            pages_left_out += chunk.iter().filter(|p| p.has_more_pages()).count();
            let computed = self.compute(&chunk, &mut frozen)?;
            if let Some(open) = store
                && !computed.is_empty()
            {
                let rows: Vec<_> = computed.iter().map(|(_, seen)| seen.to_stored()).collect();
                let hashes = computed.iter().map(|(hash, _)| key(hash));
                let items: Vec<_> = hashes.zip(rows.iter().map(Vec::as_slice)).collect();
                if let Err(error) = open.put_many(&self.pipeline, &items) {
                    progress.say(&format!("features are not kept for later runs: {error}"));
                    store = None;
                }
            }
            let mut computed = computed.into_iter();
            for prepared in chunk {
                let (hash, seen) = match prepared {
                    Prepared::Stored(hash, seen) => {
                        reused += 1;
                        (hash, seen)
                    }
                    // One result for each, which `compute` made sure of.
                    Prepared::Pixels(..) => computed.next().ok_or(LearnError::ResultCount)?,
                    Prepared::Unreadable(reason) => {
                        unreadable.push(Unreadable { index, reason });
                        index += 1;
                        continue;
                    }
                };
                builder.push_rows(&seen.features)?;
                kept.push(index);
                hashes.push(hash);
                looks.push(seen.look);
                index += 1;
            }
            if !allow_unreadable && unreadable.len() * 10 > paths.len() {
                return Err(too_many(&unreadable, paths));
            }
            progress.advance(done, "");
        }
        if kept.is_empty() {
            return Err(LearnError::NothingLeft("that can be read"));
        }
        Ok(Features {
            matrix: builder.finish()?,
            kept,
            hashes,
            looks,
            unreadable,
            reused,
            pages_left_out,
        })
    }

    /// Runs the network over the pixels of a chunk.
    fn compute(
        &self,
        chunk: &[Prepared],
        frozen: &mut Option<Box<dyn Frozen>>,
    ) -> Result<Vec<(ContentHash, Seen)>, LearnError> {
        let (images, known): (Vec<&[u8]>, Vec<(ContentHash, Look)>) = chunk
            .iter()
            .filter_map(|prepared| match prepared {
                Prepared::Pixels(hash, pixels, look) => Some((&pixels.rgb[..], (*hash, *look))),
                Prepared::Stored(..) | Prepared::Unreadable(_) => None,
            })
            .unzip();
        if images.is_empty() {
            return Ok(Vec::new());
        }
        let frozen = match frozen {
            Some(frozen) => frozen,
            None => frozen.insert(self.frozen()?),
        };
        let outputs = frozen.run(&images)?;
        let rows = outputs.chunks_exact(self.width.max(1));
        let seen = rows.zip(known).map(|(features, (hash, look))| {
            let features = features.to_vec();
            (hash, Seen { features, look })
        });
        Ok(seen.collect())
    }
}

/// What an image's features are stored under.
fn key(hash: &ContentHash) -> finial_store::ContentHash {
    finial_store::ContentHash(*hash.as_bytes())
}

/// What is kept of an image.
struct Seen {
    features: Vec<f32>,
    look: Look,
}

impl Seen {
    /// Features, then the look.
    fn to_stored(&self) -> Vec<f32> {
        [self.features.clone(), self.look.numbers()].concat()
    }

    /// What [`to_stored`](Self::to_stored) gave, with so many features.
    fn from_stored(mut stored: Vec<f32>, width: usize) -> Option<Self> {
        let look = Look::from_numbers(stored.get(width..)?)?;
        stored.truncate(width);
        Some(Seen {
            features: stored,
            look,
        })
    }
}

/// What a decoder hands over.
enum Prepared {
    Stored(ContentHash, Seen),
    Pixels(ContentHash, Pixels, Look),
    Unreadable(String),
}

impl Prepared {
    fn has_more_pages(&self) -> bool {
        matches!(self, Prepared::Pixels(_, pixels, _) if pixels.pages_left_out)
    }
}

fn too_many(unreadable: &[Unreadable], paths: &[PathBuf]) -> LearnError {
    let first = unreadable.iter().take(3);
    LearnError::Unreadable {
        failed: unreadable.len(),
        total: paths.len(),
        first: first
            .map(|u| format!("{}: {}", paths[u.index].display(), u.reason))
            .collect(),
    }
}
