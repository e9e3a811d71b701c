//! Optimizers of PyTorch, and what a training loop must not forget.

use std::collections::HashSet;
use std::rc::Rc;

use crate::program::optimizer::Optimizer;
use crate::program::{Framework, Training};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Object, Value};

/// `torch.optim.Adam(model.parameters(), lr=…)`.
pub(super) fn optimizer<'a>(
    this: &mut Interpreter<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    if !name.starts_with(char::is_uppercase) {
        return Value::Unknown;
    }
    let rate = arguments.find(1, &["lr"]);
    let optimizer = Optimizer {
        name: name.to_ascii_lowercase(),
        rate: match rate {
            Some(rate) => rate.value.number(),
            None => Optimizer::named(name, arguments.at)
                .rate
                .filter(|_| !arguments.open),
        },
        at: rate.map_or(arguments.at, |rate| rate.at),
        torch: true,
    };
    let weights = arguments.value(0, &["params"]);
    match (&weights, &mut this.optimized) {
        (Some(Value::Parts { of, .. }), Some(optimized)) => drop(optimized.insert(*of)),
        _ => this.optimized = None,
    }
    if let Some(Value::Parts { of, whole: true }) = weights
        && let Some(Object::Backbone(_)) = this.state.object(of)
        && let Value::Tensor(trail) = this.output_of(&Value::Object(of))
    {
        let mut training = Training::new(Framework::Torch);
        training.transfer = this.transfer_of(&trail);
        training.optimizer = Some(optimizer.clone());
        this.trainings.push(training);
    }
    Value::Optimizer(Rc::new(optimizer))
}

/// `optimizer.step()` and its kind.
pub(crate) fn optimizer_method<'a>(
    this: &mut Interpreter<'a>,
    optimizer: &Optimizer,
    name: &str,
    arguments: &Arguments<'a>,
) {
    // Gradients may also be cleared by hand: `parameter.grad = None`.
    let cleared = ["zero_grad", "grad"];
    if name == "step"
        && optimizer.torch
        && this.loops > 0
        && this.mentions.asks_for("backward")
        && !cleared.iter().any(|name| this.mentions.asks_for(name))
    {
        let mut training = Training::new(Framework::Torch);
        training.unzeroed = Some(arguments.at);
        this.trainings.push(training);
    }
}

/// A model is asked for answers in a block without gradients.
pub(crate) fn note_inference<'a>(this: &mut Interpreter<'a>, id: usize, arguments: &Arguments<'a>) {
    if this.without_gradients == 0
        || !this.mentions.asks_for("backward")
        || this.mentions.asks_for("eval")
        || this.mentions.chooses_mode()
    {
        return;
    }
    // A teacher that another model follows may be as it is in training.
    let other = |optimized: &HashSet<usize>| !optimized.is_empty() && !optimized.contains(&id);
    if this.optimized.as_ref().is_some_and(other) {
        return;
    }
    let by_mode = ["Dropout", "BatchNorm", "dropout"];
    let depends = match this.state.object(id) {
        Some(Object::Backbone(_)) => true,
        Some(Object::Sequential(model)) if model.keras => false,
        Some(Object::Sequential(_) | Object::Instance(_)) => {
            by_mode.iter().any(|name| this.mentions.begins(name))
        }
        _ => false,
    };
    if depends {
        let mut training = Training::new(Framework::Torch);
        training.unswitched = Some(arguments.at);
        this.trainings.push(training);
    }
}
