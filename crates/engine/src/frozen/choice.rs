//! Which engine, in which precision: whether it is there, and making it ready.

use std::fmt;

use finial_graph::{Graph, Weights};
use finial_kernels::Instructions;
use serde::{Deserialize, Serialize};

use super::openvino::{self, OpenVino};
use super::{Burn, Engine, Frozen, Precision};
use crate::{EngineError, Native, device, native};

/// An engine and a precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Choice {
    /// What runs the graph.
    pub engine: Engine,
    /// In what it multiplies.
    pub precision: Precision,
}

impl Choice {
    /// What the others are compared with: it is there always, for every graph and device.
    pub const REFERENCE: Choice = Choice {
        engine: Engine::Burn,
        precision: Precision::F32,
    };

    /// All that there may be for a device of that name, the faster ones first, the
    /// [reference](Self::REFERENCE) last.
    ///
    /// The order is that of the speed bench, not of a stopwatch on this machine: a run on a busy
    /// machine would take another engine than the one before, and give other bits.
    pub fn all(device: &str) -> Vec<Choice> {
        let mut all = Vec::new();
        // Without instructions for many numbers at once, Burn is not slower than our kernels.
        let is_portable = matches!(Instructions::detect(), Ok(Instructions::Portable));
        // The others are for the processor.
        if device == device::DEFAULT {
            for precision in [Precision::Bf16, Precision::F32] {
                all.push(Choice {
                    engine: Engine::OpenVino,
                    precision,
                });
                if !is_portable {
                    all.push(Choice {
                        engine: Engine::Finial,
                        precision,
                    });
                }
            }
        }
        all.push(Choice::REFERENCE);
        all
    }

    /// What the last bits of its numbers depend on besides graph and weights: engine, version,
    /// precision, device. Features of two identities must not be mixed.
    ///
    /// # Errors
    /// [`EngineError::Unavailable`]: it is not there on this machine.
    pub fn identity(self, device: &str) -> Result<String, EngineError> {
        let Choice { engine, precision } = self;
        if engine != Engine::Burn && device != device::DEFAULT {
            let reason = format!("it runs on the processor, not on {device}");
            return Err(self.unavailable(reason));
        }
        match (engine, precision) {
            (Engine::Burn, Precision::F32) => Ok(format!("{engine} {device} {precision}")),
            (Engine::Burn, Precision::Bf16) => {
                Err(self.unavailable("it computes in f32 only".to_owned()))
            }
            (Engine::Finial, _) => {
                let identity = native::identity(precision);
                identity.map_err(|reason| self.unavailable(reason))
            }
            (Engine::OpenVino, _) => {
                let version = openvino::version(precision).map_err(|r| self.unavailable(r))?;
                Ok(format!("{engine} {version} {precision}"))
            }
        }
    }

    /// The engine for a graph with its weights, on a device of that name.
    ///
    /// # Errors
    /// It is not there, it does not take the graph, or the weights do not fit the graph.
    pub fn prepare(
        self,
        graph: &Graph,
        weights: &Weights,
        device: &str,
    ) -> Result<Box<dyn Frozen>, EngineError> {
        self.identity(device)?;
        match self.engine {
            Engine::Burn => {
                let on = device::named(device)?;
                Ok(Box::new(Burn::new(graph, weights, &on)?))
            }
            Engine::Finial => Ok(Box::new(Native::new(graph, weights, self.precision)?)),
            Engine::OpenVino => Ok(Box::new(OpenVino::new(graph, weights, self.precision)?)),
        }
    }

    fn unavailable(self, reason: String) -> EngineError {
        EngineError::Unavailable {
            choice: self,
            reason,
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.engine, self.precision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_the_last_choice_everywhere_and_the_only_one_elsewhere() {
        assert_eq!(Choice::all("cpu").last(), Some(&Choice::REFERENCE));
        assert_eq!(Choice::all("cuda:1"), [Choice::REFERENCE]);
        assert!(Choice::REFERENCE.identity("cpu").is_ok());
    }

    #[test]
    fn what_an_engine_cannot_do_is_said() {
        let choice = |engine, precision| Choice { engine, precision };
        let burn = choice(Engine::Burn, Precision::Bf16).identity("cpu");
        assert!(burn.unwrap_err().to_string().contains("f32 only"));
        let other = choice(Engine::OpenVino, Precision::F32).identity("cuda");
        assert!(other.unwrap_err().to_string().contains("not on cuda"));
    }
}
