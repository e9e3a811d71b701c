//! One folder of `target/parity`: a network's weights as its publisher stores them, images, and
//! what the original makes of them. `parity/record.py` lists the tensors.

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

use crate::Failure;

/// Where the references of one kind are.
pub fn folder(kind: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/parity");
    root.join(kind)
}

/// What the original computed.
pub struct Reference {
    folder: PathBuf,
    bytes: Vec<u8>,
}

impl Reference {
    /// Reads a folder.
    ///
    /// # Errors
    /// There is none.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("reference.safetensors");
        let bytes = std::fs::read(&file).map_err(|error| {
            format!(
                "{}: {error}; `make parity` computes the references, a new network is added to \
                 the lists in parity/",
                file.display()
            )
        })?;
        SafeTensors::deserialize(&bytes)?;
        let folder = folder.to_owned();
        Ok(Reference { folder, bytes })
    }

    /// The files beside it: weights and models.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let entries = std::fs::read_dir(&self.folder)?.map(|entry| Ok(entry?.path()));
        let mut files = entries.collect::<Result<Vec<PathBuf>, std::io::Error>>()?;
        files.retain(|file| !file.ends_with("reference.safetensors"));
        files.sort();
        Ok(files)
    }

    /// The file of weights that the original was run with.
    ///
    /// # Errors
    /// There is none.
    pub fn main_file(&self) -> Result<PathBuf, Failure> {
        let is_main = |file: &PathBuf| file.file_stem().is_some_and(|stem| stem == "weights");
        let main = self.files()?.into_iter().find(is_main);
        Ok(main.ok_or_else(|| format!("{}: no weights", self.folder.display()))?)
    }

    /// A tensor: shape and numbers.
    pub fn tensor(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let file = SafeTensors::deserialize(&self.bytes).ok()?;
        let tensor = file.tensor(name).ok()?;
        let (numbers, _) = tensor.data().as_chunks();
        let numbers = numbers.iter().copied().map(f32::from_le_bytes).collect();
        Some((tensor.shape().to_vec(), numbers))
    }

    /// All images, 0 to 255, each `[3, H, W]`.
    pub fn images(&self) -> Vec<f32> {
        self.tensor("images").unwrap_or_default().1
    }

    /// The first image.
    pub fn first_image(&self) -> Vec<f32> {
        let mut images = self.images();
        images.truncate(3 * self.size().iter().product::<usize>());
        images
    }

    /// Height and width of the images.
    pub fn size(&self) -> [usize; 2] {
        match self.tensor("images").unwrap_or_default().0[..] {
            [_, _, height, width] => [height, width],
            _ => [0, 0],
        }
    }

    /// Some numbers of the first image's value behind a layer, and where they stand in it.
    pub fn layer(&self, name: &str) -> Option<(Vec<usize>, Vec<f32>)> {
        let (_, places) = self.tensor(&format!("places/{name}"))?;
        let (_, values) = self.tensor(&format!("values/{name}"))?;
        Some((
            places.into_iter().map(|place| place as usize).collect(),
            values,
        ))
    }
}
