//! Named tensors, and the safetensors files that they live in.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorInfo};
use serde::{Deserialize, Serialize};

use crate::{Parameter, WeightsError};

/// How a tensor's numbers are stored; in memory they are always 32-bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Precision {
    /// Half precision.
    F16,
    /// Single precision.
    F32,
}

impl Precision {
    /// Bytes of a number.
    fn bytes(self) -> usize {
        match self {
            Precision::F16 => 2,
            Precision::F32 => 4,
        }
    }

    fn dtype(self) -> Dtype {
        match self {
            Precision::F16 => Dtype::F16,
            Precision::F32 => Dtype::F32,
        }
    }
}

/// A tensor: a shape and row-major numbers. Clones share the numbers, and what was found out about
/// them.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    numbers: Arc<Numbers>,
    precision: Precision,
}

/// Numbers that do not change, so that what is asked of all of them is found out once.
#[derive(Clone, Debug)]
struct Numbers {
    values: Vec<f32>,
    finite: OnceLock<bool>,
    digest: OnceLock<[u8; 32]>,
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

/// Numbers that are worked on at once.
const PIECE: usize = 1 << 16;

impl Tensor {
    /// A tensor that is stored in single precision.
    ///
    /// # Errors
    /// The shape calls for another count of numbers; `name` is for the message.
    pub fn new(name: &str, shape: Vec<usize>, values: Vec<f32>) -> Result<Self, WeightsError> {
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if count != Some(values.len()) {
            return Err(WeightsError::WrongCount {
                name: name.to_owned(),
                found: values.len(),
                shape,
            });
        }
        Ok(Tensor {
            shape,
            numbers: Arc::new(Numbers {
                values,
                finite: OnceLock::new(),
                digest: OnceLock::new(),
            }),
            precision: Precision::F32,
        })
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its numbers, row-major.
    pub fn values(&self) -> &[f32] {
        &self.numbers.values
    }

    /// Its numbers alone; copied only if a clone shares them.
    pub fn into_values(self) -> Vec<f32> {
        Arc::unwrap_or_clone(self.numbers).values
    }

    /// Whether all its numbers are finite.
    pub fn is_finite(&self) -> bool {
        // No way out inside of a piece, so that many numbers are looked at together.
        let all = |piece: &[f32]| piece.iter().fold(true, |all, v| all & v.is_finite());
        let found = || self.values().chunks(PIECE).all(all);
        *self.numbers.finite.get_or_init(found)
    }

    /// A digest of its numbers.
    fn digest(&self) -> [u8; 32] {
        *self.numbers.digest.get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            for piece in self.values().chunks(PIECE) {
                hasher.update(&bytes_of(piece, f32::to_le_bytes));
            }
            *hasher.finalize().as_bytes()
        })
    }

    /// How it is stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Writes the numbers in the precision that they are stored in.
    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        for piece in self.values().chunks(PIECE) {
            let bytes = match self.precision {
                Precision::F32 => bytes_of(piece, f32::to_le_bytes),
                Precision::F16 => bytes_of(piece, |v| f16::from_f32(v).to_le_bytes()),
            };
            out.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// The bytes that numbers are written as.
fn bytes_of<const N: usize>(numbers: &[f32], write: impl Fn(f32) -> [u8; N]) -> Vec<u8> {
    let mut bytes = vec![0; N * numbers.len()];
    let places = bytes.as_chunks_mut::<N>().0;
    for (to, &number) in places.iter_mut().zip(numbers) {
        *to = write(number);
    }
    bytes
}

/// Named tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Weights {
    tensors: BTreeMap<String, Tensor>,
}

impl From<BTreeMap<String, Tensor>> for Weights {
    fn from(tensors: BTreeMap<String, Tensor>) -> Self {
        Weights { tensors }
    }
}

impl Extend<(String, Tensor)> for Weights {
    fn extend<I: IntoIterator<Item = (String, Tensor)>>(&mut self, tensors: I) {
        self.tensors.extend(tensors);
    }
}

impl IntoIterator for Weights {
    type Item = (String, Tensor);
    type IntoIter = btree_map::IntoIter<String, Tensor>;

    fn into_iter(self) -> Self::IntoIter {
        self.tensors.into_iter()
    }
}

impl Weights {
    /// No tensors.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tensor, in place of one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        self.tensors.insert(name.into(), tensor);
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Takes a tensor out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor> {
        self.tensors.remove(name)
    }

    /// Names and tensors, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, t)| (name.as_str(), t))
    }

    /// How many numbers there are in all.
    pub fn count(&self) -> usize {
        self.tensors.values().map(|t| t.values().len()).sum()
    }

    /// Checks that every parameter is there in its shape.
    ///
    /// # Errors
    /// Lists what is missing, what has another shape, and what is left over.
    pub fn check(&self, parameters: &[Parameter]) -> Result<(), WeightsError> {
        let mut faults = Vec::new();
        for parameter in parameters {
            match self.tensors.get(&parameter.name) {
                None => faults.push(format!("`{}` is missing", parameter.name)),
                Some(tensor) if tensor.shape != parameter.shape => faults.push(format!(
                    "`{}` should be {:?}, is {:?}",
                    parameter.name, parameter.shape, tensor.shape
                )),
                Some(_) => {}
            }
        }
        if faults.is_empty() {
            return Ok(());
        }
        let known: std::collections::HashSet<&str> =
            parameters.iter().map(|p| p.name.as_str()).collect();
        let extra = self.tensors.keys().filter(|n| !known.contains(n.as_str()));
        faults.extend(extra.map(|name| format!("`{name}` has no place in it")));
        const SHOWN: usize = 8;
        let more = faults.len().saturating_sub(SHOWN);
        faults.truncate(SHOWN);
        if more > 0 {
            faults.push(format!("and {more} more"));
        }
        Err(WeightsError::Mismatch(faults.join("; ")))
    }

    /// A digest of all names, shapes and numbers.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (name, tensor) in &self.tensors {
            hasher.update(&(name.len() as u64).to_le_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(tensor.shape.len() as u64).to_le_bytes());
            for &dim in &tensor.shape {
                hasher.update(&(dim as u64).to_le_bytes());
            }
            hasher.update(&tensor.digest());
        }
        *hasher.finalize().as_bytes()
    }

    /// Reads a safetensors file's bytes; half-precision numbers become single precision.
    ///
    /// # Errors
    /// The bytes are not safetensors, hold other kinds of numbers, or a number is not finite.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightsError> {
        let file = SafeTensors::deserialize(bytes)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.tensors() {
            let data = view.data();
            let (values, precision): (Vec<f32>, _) = match view.dtype() {
                Dtype::F32 => (numbers(data, f32::from_le_bytes), Precision::F32),
                Dtype::F16 => (
                    numbers(data, |b| f16::from_le_bytes(b).to_f32()),
                    Precision::F16,
                ),
                Dtype::BF16 => (
                    numbers(data, |b| bf16::from_le_bytes(b).to_f32()),
                    Precision::F32,
                ),
                other => {
                    return Err(WeightsError::WrongType {
                        name,
                        found: format!("{other:?}"),
                    });
                }
            };
            let mut tensor = Tensor::new(&name, view.shape().to_vec(), values)?;
            if !tensor.is_finite() {
                return Err(WeightsError::NotFinite { name });
            }
            tensor.precision = precision;
            tensors.insert(name, tensor);
        }
        Ok(Weights { tensors })
    }

    /// The bytes of a safetensors file, each tensor in the precision it came in.
    ///
    /// # Errors
    /// The format cannot hold it.
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let mut bytes = Vec::new();
        self.write_safetensors(&mut bytes)?;
        Ok(bytes)
    }

    /// Writes a safetensors file, one tensor after the other, each in the precision it came in.
    ///
    /// # Errors
    /// The format cannot hold it, or `out` cannot be written to.
    pub fn write_safetensors(&self, out: &mut impl Write) -> Result<(), WeightsError> {
        // The wider numbers first, so that all are aligned.
        let wide = |(_, tensor): &(&String, &Tensor)| tensor.precision == Precision::F16;
        let mut ordered: Vec<(&String, &Tensor)> = self.tensors.iter().collect();
        ordered.sort_by_key(wide);
        let mut end = 0;
        let infos = ordered.iter().map(|(name, tensor)| {
            let start = end;
            end += tensor.values().len() * tensor.precision.bytes();
            let info = TensorInfo {
                dtype: tensor.precision.dtype(),
                shape: tensor.shape.clone(),
                data_offsets: (start, end),
            };
            ((*name).clone(), info)
        });
        let metadata = Metadata::new(None, infos.collect())?;
        let unwritable = |error: io::Error| WeightsError::Unwritable(error);
        let mut header = serde_json::to_vec(&metadata).map_err(|e| unwritable(e.into()))?;
        header.resize(header.len().next_multiple_of(8), b' ');
        let length = (header.len() as u64).to_le_bytes();
        let written = out.write_all(&length).and_then(|()| out.write_all(&header));
        written.map_err(unwritable)?;
        for (_, tensor) in ordered {
            tensor.write(out).map_err(unwritable)?;
        }
        Ok(())
    }
}

/// Little-endian numbers of `N` bytes each.
fn numbers<const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks::<N>()
        .0
        .iter()
        .map(|&chunk| read(chunk))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> Weights {
        let mut weights = Weights::new();
        let tensor = Tensor::new("b", vec![2, 2], vec![1.0, -2.5, 3.25, 0.1]).unwrap();
        weights.insert("b", tensor);
        weights.insert("a", Tensor::new("a", vec![1], vec![7.0]).unwrap());
        weights
    }

    #[test]
    fn safetensors_round_trip_is_the_identity() {
        let weights = weights();
        let bytes = weights.to_safetensors().unwrap();
        let again = Weights::from_safetensors(&bytes).unwrap();
        assert_eq!(again, weights);
        assert_eq!(again.fingerprint(), weights.fingerprint());
        assert_eq!(again.to_safetensors().unwrap(), bytes);
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let bytes = weights().to_safetensors().unwrap();
        for cut in 0..bytes.len() {
            assert!(Weights::from_safetensors(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn nan_is_refused_by_name() {
        let mut weights = weights();
        weights.insert("c", Tensor::new("c", vec![1], vec![f32::NAN]).unwrap());
        let bytes = weights.to_safetensors().unwrap();
        let error = Weights::from_safetensors(&bytes).unwrap_err();
        assert!(matches!(error, WeightsError::NotFinite { name } if name == "c"));
    }

    #[test]
    fn a_misfit_lists_both_sides() {
        let parameters = [Parameter {
            name: "a".into(),
            shape: vec![2],
        }];
        let error = weights().check(&parameters).unwrap_err().to_string();
        assert!(error.contains("`a` should be [2], is [1]"), "{error}");
        assert!(error.contains("`b` has no place in it"), "{error}");
    }

    #[test]
    fn one_changed_number_changes_the_fingerprint() {
        let mut other = weights();
        other.insert("a", Tensor::new("a", vec![1], vec![7.0001]).unwrap());
        assert_ne!(other.fingerprint(), weights().fingerprint());
    }
}
