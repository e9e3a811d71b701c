//! Finds the named tensors in a pickled object: a state dict, one inside of a training
//! checkpoint, a whole `nn.Module`, or one that was compiled to TorchScript.

use std::collections::HashSet;
use std::path::Path;

use super::pickle::Pickle;
use super::tensor::{self, Described};
use super::value::{Id, Value, Values, shortened};
use crate::FormatError;

/// Under which key training programs keep the state dict or the model, the likelier first.
const WRAPPERS: [&str; 11] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "module",
    "network",
    "net",
    "weights",
    "state_dict_ema",
    "model_ema",
    "ema",
];

/// What wrappers of a model put before each name: data parallelism, compilation.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// Objects deeper than this in each other are no network.
const MOST_DEPTH: usize = 200;
const MOST_NAME: usize = 512;

/// The tensors by name, as PyTorch's `state_dict` names them.
pub(super) fn tensors(
    pickle: &Pickle,
    path: &Path,
) -> Result<Vec<(String, Described)>, FormatError> {
    let mut walk = Walk {
        values: &pickle.values,
        path,
        found: Vec::new(),
        above: Vec::new(),
        budget: pickle.end.saturating_mul(16).saturating_add(1 << 20),
    };
    walk.start(pickle.root)?;
    if walk.found.is_empty() {
        return Err(FormatError::unsupported(
            path,
            "the pickled object",
            format!(
                "{} without named tensors",
                pickle.values.describe(pickle.root)
            ),
            "a state dict, a dictionary that holds one, or an `nn.Module`",
            "load it with PyTorch and save its state dict: `torch.save(model.state_dict(), file)`",
        ));
    }
    let mut found = walk.found;
    for prefix in PREFIXES {
        while found.iter().all(|(name, _)| name.starts_with(prefix)) {
            for (name, _) in &mut found {
                name.drain(..prefix.len());
            }
        }
    }
    Ok(found)
}

struct Walk<'a> {
    values: &'a Values,
    path: &'a Path,
    found: Vec<(String, Described)>,
    /// The objects that hold the present one.
    above: Vec<Id>,
    /// How much may still be looked at and named: objects may share parts without end.
    budget: u64,
}

impl Walk<'_> {
    /// Walks what a training checkpoint keeps its model in, or else all of it.
    fn start(&mut self, root: Id) -> Result<(), FormatError> {
        let mut at = root;
        for _ in 0..WRAPPERS.len() {
            let pairs = self.values.pairs(at).unwrap_or_default();
            if pairs
                .iter()
                .any(|&(_, value)| tensor::is_tensor(self.values, value))
            {
                break;
            }
            let mut inner = WRAPPERS.iter().filter_map(|key| self.values.field(at, key));
            let holds = |&id: &Id| self.values.pairs(id).is_some() || self.is_module(id);
            match inner.find(holds) {
                Some(inner) => at = inner,
                None => break,
            }
        }
        self.visit(at, "")?;
        if self.found.is_empty() && at != root {
            self.visit(root, "")?;
        }
        Ok(())
    }

    fn visit(&mut self, id: Id, name: &str) -> Result<(), FormatError> {
        let part = || match name {
            "" => "the pickled object".to_owned(),
            name => format!("`{}`", shortened(name)),
        };
        let damaged =
            |expected, found: &str| Err(FormatError::damaged(self.path, part(), expected, found));
        if name.len() > MOST_NAME {
            return damaged("a name of at most 512 bytes", "a longer one");
        }
        if self.above.contains(&id) {
            return damaged("an object that does not hold itself", "a circle");
        }
        if self.above.len() >= MOST_DEPTH {
            return damaged("at most 200 objects in each other", "more");
        }
        let pairs = self.values.pairs(id).map_or(0, |pairs| pairs.len());
        let cost = 1 + name.len() + pairs + self.above.len();
        let Some(left) = self.budget.checked_sub(cost as u64) else {
            return damaged("parts that are not shared without end", "too many");
        };
        self.budget = left;

        if tensor::is_tensor(self.values, id) {
            if name.is_empty() {
                return Ok(());
            }
            let described = tensor::describe(self.values, id, name, self.path)?;
            self.found.push((name.to_owned(), described));
            return Ok(());
        }
        self.above.push(id);
        if self.is_scripted(id) {
            self.visit_scripted(id, name)?;
        } else if self.is_module(id) {
            self.visit_module(id, name)?;
        } else {
            self.visit_pairs(id, name)?;
        }
        self.above.pop();
        Ok(())
    }

    /// The entries of a dictionary. Beside tensors, an object of a class that is not known may
    /// be one that weights depend on, so it is refused.
    fn visit_pairs(&mut self, id: Id, name: &str) -> Result<(), FormatError> {
        let values = self.values;
        let Some(pairs) = values.pairs(id) else {
            return Ok(());
        };
        let is_state = pairs
            .iter()
            .any(|&(_, value)| tensor::is_tensor(values, value));
        for &(key, value) in pairs.iter() {
            let Some(name) = self.join(name, key) else {
                continue;
            };
            let known = !matches!(values.get(value), Value::Made(_))
                || tensor::is_tensor(values, value)
                || values.pairs(value).is_some()
                || self.is_module(value)
                || name.ends_with("_extra_state");
            if is_state && !known {
                return Err(FormatError::unsupported(
                    self.path,
                    format!("`{}`", shortened(&name)),
                    values.describe(value),
                    "tensors, numbers and texts in a state dict",
                    "load it with PyTorch, remove that entry, and save the state dict again",
                ));
            }
            self.visit(value, &name)?;
        }
        Ok(())
    }

    /// Parameters, buffers and submodules, as `state_dict` lists them.
    fn visit_module(&mut self, id: Id, name: &str) -> Result<(), FormatError> {
        let Some(state) = self.state(id) else {
            return Ok(());
        };
        let values = self.values;
        let passing = values.field(state, "_non_persistent_buffers_set");
        let passing = passing.map_or(HashSet::new(), |id| members(values, id));
        for field in ["_parameters", "_buffers", "_modules"] {
            let pairs = values.field(state, field).and_then(|id| values.pairs(id));
            for &(key, value) in pairs.unwrap_or_default().iter() {
                let known = values.text(key).filter(|_| field == "_buffers");
                if known.is_some_and(|key| passing.contains(key)) {
                    continue;
                }
                if let Some(name) = self.join(name, key) {
                    self.visit(value, &name)?;
                }
            }
        }
        Ok(())
    }

    /// The same of a TorchScript module, which keeps them side by side, among settings.
    fn visit_scripted(&mut self, id: Id, name: &str) -> Result<(), FormatError> {
        let values = self.values;
        let pairs = self.state(id).and_then(|state| values.pairs(state));
        for &(key, value) in pairs.unwrap_or_default().iter() {
            let is_part = tensor::is_tensor(values, value) || self.is_module(value);
            if let Some(name) = self.join(name, key).filter(|_| is_part) {
                self.visit(value, &name)?;
            }
        }
        Ok(())
    }

    /// What an object was built from.
    fn state(&self, id: Id) -> Option<Id> {
        match self.values.get(id) {
            Value::Made(made) => made.state,
            _ => None,
        }
    }

    fn is_scripted(&self, id: Id) -> bool {
        let Value::Made(made) = self.values.get(id) else {
            return false;
        };
        let class = self.values.global(made.by);
        class.is_some_and(|(module, _)| module.starts_with("__torch__"))
    }

    fn is_module(&self, id: Id) -> bool {
        if self.is_scripted(id) {
            return true;
        }
        let field = |field| {
            self.state(id)
                .and_then(|state| self.values.field(state, field))
        };
        field("_parameters").is_some() || field("_modules").is_some()
    }

    fn join(&self, name: &str, key: Id) -> Option<String> {
        let key = match self.values.get(key) {
            Value::Text(text) => &**text,
            Value::Int(number) => &number.to_string(),
            _ => return None,
        };
        // One character more than is allowed is enough to be refused.
        let key = key.get(..MOST_NAME + 1).unwrap_or(key);
        Some(match name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        })
    }
}

/// The texts in a set; before protocol 4 it is made of a list.
fn members(values: &Values, id: Id) -> HashSet<&str> {
    let list = match values.get(id) {
        Value::Made(made) => {
            let arguments = values.items(made.arguments);
            arguments.and_then(|arguments| arguments.first().copied())
        }
        _ => Some(id),
    };
    let items = list.and_then(|list| values.items(list)).unwrap_or(&[]);
    items.iter().filter_map(|&item| values.text(item)).collect()
}
