//! What calls of PyTorch, torchvision and timm mean.
//!
//! - [`layers`]: modules and functions that work on tensors. [`losses`]: losses, called anywhere.
//! - [`backbones`]: published networks and the place of their last layer.
//! - [`training`]: optimizers, and what a training loop must not forget.
//! - [`data`]: tensors of labels, data sets, loaders.

mod backbones;
mod data;
mod layers;
mod losses;
mod training;

use crate::python::Interpreter;
use crate::python::value::{Arguments, Value};

pub(crate) use layers::{activate, tensor_method};
pub(crate) use losses::loss_call;
pub(crate) use training::{note_inference, optimizer_method};

/// Whether `from torch… import *` may bring a name.
pub(crate) fn knows(name: &str) -> bool {
    layers::is_module(name) || losses::named(name).is_some() || name == "Sequential"
}

/// Methods of a module that leave it what it is.
pub(crate) fn module_method(name: &str) -> bool {
    matches!(
        name,
        "to" | "cuda"
            | "cpu"
            | "train"
            | "eval"
            | "double"
            | "float"
            | "half"
            | "requires_grad_"
            | "share_memory"
            | "apply"
    )
}

/// A call of `torch…`, `torchvision…` or `timm…`.
pub(crate) fn call<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let (module, name) = path.rsplit_once('.').unwrap_or(("", path));
    if let Some(value) = backbones::call(this, module, name, arguments) {
        return value;
    }
    if let Some(value) = data::call(this, module, name, arguments) {
        return value;
    }
    if module == "torch.optim" {
        return training::optimizer(this, name, arguments);
    }
    // `with torch.no_grad():`
    if matches!(path, "torch.no_grad" | "torch.inference_mode") {
        return Value::Path("torch.no_grad".into());
    }
    if !path.starts_with("torch.") {
        return Value::Unknown;
    }
    if matches!(name, "DataParallel" | "DistributedDataParallel") || path == "torch.compile" {
        return arguments
            .value(0, &["module", "model"])
            .unwrap_or(Value::Unknown);
    }
    losses::call(this, module, name, arguments)
        .or_else(|| layers::call(this, module, name, arguments))
        .unwrap_or(Value::Unknown)
}
