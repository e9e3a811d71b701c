//! Where a loss falls: the gradient of every parameter that training moves.
//!
//! A step may be computed in several parts, side by side, whose gradients are added up here.
//! Moving the parameters is [`AdamW`](crate::AdamW)'s.

use std::collections::BTreeMap;

use burn::tensor::{Gradients as Recorded, Tensor, TensorData};
use rayon::prelude::*;

use crate::device::is_host;
use crate::layer::{Parameter, Visitor};
use crate::{EngineError, Network};

/// Numbers that are summed by one thread; parts of sums do not depend on how many there are.
const PIECE: usize = 1 << 14;

/// The gradients of the parameters of a network, by name.
pub struct Gradients {
    pub(crate) by_name: BTreeMap<String, Flat>,
}

impl Gradients {
    /// The gradients of `loss`, which must have been computed from the output of `network`, a
    /// [trainable](Network::trainable) one. A loss is good for one call.
    ///
    /// # Errors
    /// The loss gives no gradient for a parameter that training moves.
    pub fn of(network: &mut Network, loss: &Tensor<1>) -> Result<Self, EngineError> {
        struct Take {
            host: bool,
            recorded: Option<Recorded>,
            by_name: BTreeMap<String, Flat>,
        }
        impl Visitor for Take {
            fn visit<const D: usize>(&mut self, p: &mut Parameter<D>) -> Result<(), EngineError> {
                if !p.trained {
                    return Ok(());
                }
                let recorded = self.recorded.as_mut();
                let gradient = recorded.and_then(|all| p.tensor.grad_remove(all));
                let gradient = gradient.ok_or_else(|| EngineError::NoGradient(p.name.clone()))?;
                let gradient = Flat::of(gradient, self.host);
                self.by_name.insert(p.name.clone(), gradient);
                Ok(())
            }
        }
        let mut take = Take {
            host: is_host(network.device()),
            // Burn panics on a loss that records nothing; the first parameter then has no
            // gradient.
            recorded: loss.is_tracked().then(|| loss.backward()),
            by_name: BTreeMap::new(),
        };
        network.visit(&mut take)?;
        Ok(Gradients {
            by_name: take.by_name,
        })
    }

    /// Adds the gradients of another part of the same step.
    ///
    /// # Errors
    /// They are of another network.
    pub fn add(&mut self, other: Gradients) -> Result<(), EngineError> {
        for (name, gradient) in other.by_name {
            let wrong = || EngineError::NoGradient(name.clone());
            let own = self.by_name.get_mut(&name).ok_or_else(wrong)?;
            own.add(gradient).ok_or_else(wrong)?;
        }
        Ok(())
    }

    /// The Euclidean norm over all gradients together.
    ///
    /// # Errors
    /// It is not a finite number: says of which parameter. Or the device failed.
    pub fn norm(&self) -> Result<f64, EngineError> {
        let mut total = 0.0;
        for (name, gradient) in &self.by_name {
            let squares = gradient.squares()?;
            if !squares.is_finite() {
                return Err(EngineError::GradientNotFinite {
                    parameter: name.clone(),
                    norm: squares.sqrt(),
                });
            }
            total += squares;
        }
        Ok(total.sqrt())
    }

    /// The gradient of a parameter, in the order of its axes; `None` if training does not move it.
    ///
    /// # Errors
    /// The device failed.
    pub fn values(&self, parameter: &str) -> Result<Option<Vec<f32>>, EngineError> {
        let gradient = self.by_name.get(parameter);
        gradient.map(Flat::values).transpose()
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Flat> {
        self.by_name.remove(name)
    }
}

/// The numbers of a tensor of any rank: in memory where that is the device's own, so that they
/// can be worked on in one pass; else on the device.
#[derive(Clone)]
pub(crate) enum Flat {
    Host(TensorData),
    Device(Tensor<1>),
}

impl Flat {
    /// A tensor's numbers; not copied if nothing else holds them.
    pub(crate) fn of<const D: usize>(tensor: Tensor<D>, host: bool) -> Self {
        match host {
            true => Flat::Host(tensor.into_data()),
            false => {
                let count = tensor.dims().iter().product::<usize>();
                Flat::Device(tensor.reshape([count]))
            }
        }
    }

    /// The numbers in memory.
    pub(crate) fn slice(&self) -> Option<&[f32]> {
        match self {
            Flat::Host(data) => data.as_slice().ok(),
            Flat::Device(_) => None,
        }
    }

    pub(crate) fn slice_mut(&mut self) -> Option<&mut [f32]> {
        match self {
            Flat::Host(data) => data.as_mut_slice().ok(),
            Flat::Device(_) => None,
        }
    }

    /// Read back from wherever they are.
    pub(crate) fn values(&self) -> Result<Vec<f32>, EngineError> {
        let data = match self {
            Flat::Host(data) => data.clone(),
            Flat::Device(tensor) => tensor.clone().into_data(),
        };
        let failed = |error: &dyn std::fmt::Display| EngineError::Device(error.to_string());
        let values = data.as_slice::<f32>().map_err(|error| failed(&error))?;
        Ok(values.to_vec())
    }

    fn add(&mut self, other: Flat) -> Option<()> {
        if let (Flat::Device(own), Flat::Device(other)) = (&mut *self, &other) {
            *own = own.clone() + other.clone();
            return Some(());
        }
        let (own, other) = (self.slice_mut()?, other.slice()?);
        if own.len() != other.len() {
            return None;
        }
        let pieces = own.par_chunks_mut(PIECE).zip(other.par_chunks(PIECE));
        pieces.for_each(|(own, other)| {
            for (own, other) in own.iter_mut().zip(other) {
                *own += other;
            }
        });
        Some(())
    }

    /// The sum of the squares.
    fn squares(&self) -> Result<f64, EngineError> {
        let Some(values) = self.slice() else {
            let Flat::Device(tensor) = self else {
                return Err(EngineError::Device("gradients of another kind".to_owned()));
            };
            let sum = (tensor.clone() * tensor.clone()).sum();
            return Ok(f64::from(sum.into_scalar::<f32>()));
        };
        let sums = values.par_chunks(PIECE).map(|piece| {
            // Eight sums side by side, which a processor adds at once.
            let mut sums = [0f64; 8];
            let (eights, rest) = piece.as_chunks::<8>();
            for eight in eights {
                for (sum, value) in sums.iter_mut().zip(eight) {
                    *sum += f64::from(*value) * f64::from(*value);
                }
            }
            let rest: f64 = rest.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            sums.iter().sum::<f64>() + rest
        });
        let sums: Vec<f64> = sums.collect();
        Ok(sums.iter().sum())
    }
}
