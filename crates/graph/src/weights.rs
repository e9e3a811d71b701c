//! Named tensors, and the safetensors files that they live in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map;
use std::path::Path;
use std::sync::Arc;

use half::{bf16, f16};
use safetensors::tensor::{Dtype, SafeTensors, View};
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

/// A tensor: a shape and row-major numbers. Clones share the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    values: Arc<Vec<f32>>,
    precision: Precision,
}

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
            values: Arc::new(values),
            precision: Precision::F32,
        })
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its numbers, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Its numbers alone; copied only if a clone shares them.
    pub fn into_values(self) -> Vec<f32> {
        Arc::unwrap_or_clone(self.values)
    }

    /// How it is stored.
    pub fn precision(&self) -> Precision {
        self.precision
    }

    fn bytes(&self) -> Vec<u8> {
        let values = self.values.iter();
        match self.precision {
            Precision::F32 => values.flat_map(|v| v.to_le_bytes()).collect(),
            Precision::F16 => values
                .flat_map(|v| f16::from_f32(*v).to_le_bytes())
                .collect(),
        }
    }
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
        self.tensors.values().map(|t| t.values.len()).sum()
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
            for chunk in tensor.values.chunks(4096) {
                let bytes: Vec<u8> = chunk.iter().flat_map(|v| v.to_le_bytes()).collect();
                hasher.update(&bytes);
            }
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
            if values.iter().any(|v| !v.is_finite()) {
                return Err(WeightsError::NotFinite { name });
            }
            let mut tensor = Tensor::new(&name, view.shape().to_vec(), values)?;
            tensor.precision = precision;
            tensors.insert(name, tensor);
        }
        Ok(Weights { tensors })
    }

    /// The bytes of a safetensors file, each tensor in the precision it came in.
    ///
    /// # Errors
    /// The format cannot hold it (its header would be too large).
    pub fn to_safetensors(&self) -> Result<Vec<u8>, WeightsError> {
        let views = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name, Stored(tensor)));
        Ok(safetensors::serialize(views, None)?)
    }

    /// Writes a safetensors file, one tensor after the other, each in the precision it came in.
    ///
    /// # Errors
    /// The file cannot be written, or the format cannot hold it.
    pub fn save_safetensors(&self, path: &Path) -> Result<(), WeightsError> {
        let views = self
            .tensors
            .iter()
            .map(|(name, tensor)| (name, Stored(tensor)));
        safetensors::serialize_to_file(views, None, path).map_err(WeightsError::Unwritable)
    }
}

/// A tensor as safetensors writes it.
struct Stored<'a>(&'a Tensor);

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        match self.0.precision {
            Precision::F16 => Dtype::F16,
            Precision::F32 => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(self.0.bytes())
    }

    fn data_len(&self) -> usize {
        let size = match self.0.precision {
            Precision::F16 => 2,
            Precision::F32 => 4,
        };
        self.0.values.len() * size
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
