//! Imports and aliases: every name of a library under one spelling.

use std::rc::Rc;

use ruff_python_ast::{StmtImport, StmtImportFrom};

use super::Interpreter;
use super::value::Value;

/// Spellings of the same module, the longer before the shorter.
const SAME: &[(&str, &str)] = &[
    ("tensorflow.compat.v1.keras", "keras"),
    ("tensorflow.compat.v2.keras", "keras"),
    ("tensorflow.contrib.keras.api.keras", "keras"),
    ("tensorflow.contrib.keras.python.keras", "keras"),
    ("tensorflow.contrib.keras", "keras"),
    ("tensorflow.python.keras.api._v1.keras", "keras"),
    ("tensorflow.python.keras", "keras"),
    ("tensorflow.keras", "keras"),
    ("tensorflow.compat.v1", "tensorflow"),
    ("tensorflow.compat.v2", "tensorflow"),
    ("tf_keras", "keras"),
    ("keras.src", "keras"),
    ("keras.api", "keras"),
    ("keras.utils.np_utils", "keras.utils"),
    ("lightning.pytorch", "pytorch_lightning"),
];

/// A dotted name under its usual spelling.
pub(super) fn canonical(path: &str) -> String {
    for (spelled, usual) in SAME {
        if let Some(rest) = path.strip_prefix(spelled)
            && (rest.is_empty() || rest.starts_with('.'))
        {
            return format!("{usual}{rest}");
        }
    }
    path.to_owned()
}

impl<'a> Interpreter<'a> {
    pub(super) fn import(&mut self, statement: &'a StmtImport) {
        for alias in &statement.names {
            let full = alias.name.id.as_str();
            match &alias.asname {
                Some(name) => self.bind(name.id.as_str(), Value::Path(canonical(full).into())),
                None => {
                    let first = full.split('.').next().unwrap_or(full);
                    self.bind(first, Value::Path(canonical(first).into()));
                }
            }
        }
    }

    pub(super) fn import_from(&mut self, statement: &'a StmtImportFrom) {
        // A relative import is of the user's own modules.
        let module = match (&statement.module, statement.level) {
            (Some(module), 0) => canonical(module.id.as_str()),
            (Some(module), _) => format!(".{}", module.id.as_str()),
            (None, _) => ".".to_owned(),
        };
        for alias in &statement.names {
            let name = alias.name.id.as_str();
            if name == "*" {
                let module: Rc<str> = module.as_str().into();
                let scope = self.scope();
                if let Some(scope) = self.state.scope_mut(scope) {
                    scope.stars.push(module);
                }
                continue;
            }
            let path = canonical(&format!("{module}.{name}"));
            let bound = alias.asname.as_ref().map_or(name, |name| name.id.as_str());
            self.bind(bound, Value::Path(path.into()));
        }
    }

    /// The value of a name, from the innermost scope outwards.
    pub(super) fn lookup(&self, name: &str) -> Value<'a> {
        let mut next = Some(self.scope());
        while let Some(scope) = next.and_then(|id| self.state.scope(id)) {
            if !scope.globals.contains(&name)
                && let Some(value) = scope.names.get(name)
            {
                return value.clone();
            }
            if let Some(path) = scope
                .stars
                .iter()
                .rev()
                .find_map(|module| from_star(module, name))
            {
                return Value::Path(path.into());
            }
            next = scope.parent;
        }
        match name {
            "__name__" => Value::str("__main__"),
            _ if super::builtin::NAMES.contains(&name) => {
                Value::Path(format!("builtins.{name}").into())
            }
            _ => Value::Unknown,
        }
    }
}

/// What a name means after `from module import *`, if the module is one of the libraries and has
/// such a name.
fn from_star(module: &str, name: &str) -> Option<String> {
    let known = match module.split('.').next()? {
        "keras" => crate::keras::knows(name),
        "torch" => crate::torch::knows(name),
        _ => false,
    };
    known.then(|| canonical(&format!("{module}.{name}")))
}
