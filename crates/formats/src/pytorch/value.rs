//! What a pickle holds, as inert values.

use std::borrow::Cow;

/// A value, by its number: values may share and hold each other, even in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id(u32);

/// A Python object, as far as its parts matter.
#[derive(Debug)]
pub(super) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Text(Box<str>),
    Tuple(Vec<Id>),
    /// A list or a set.
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    /// The name of a class or a function: its module's, and its own there, both texts.
    Global(Id, Id),
    /// What a class or a function would have made.
    Made(Box<Made>),
    /// What lies outside of the pickle: a storage.
    Persistent(Id),
    /// Anything else, in words.
    Other(&'static str),
}

#[derive(Debug)]
pub(super) struct Made {
    /// The class or function.
    pub by: Id,
    /// The tuple it was given.
    pub arguments: Id,
    /// What it was built from afterwards.
    pub state: Option<Id>,
    /// What was put into it as into a dictionary.
    pub items: Vec<(Id, Id)>,
}

/// All values of a pickle.
#[derive(Debug, Default)]
pub(super) struct Values {
    all: Vec<Value>,
}

impl Values {
    /// Adds a value; none if there are too many.
    pub(super) fn add(&mut self, value: Value) -> Option<Id> {
        let id = u32::try_from(self.all.len()).ok().map(Id);
        self.all.push(value);
        id
    }

    pub(super) fn get(&self, id: Id) -> &Value {
        const NOTHING: &Value = &Value::Other("nothing");
        self.all.get(id.0 as usize).unwrap_or(NOTHING)
    }

    pub(super) fn get_mut(&mut self, id: Id) -> &mut Value {
        // An identifier is only made by `add`, so it is always there.
        &mut self.all[id.0 as usize]
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        (0..self.all.len()).filter_map(|at| u32::try_from(at).ok().map(Id))
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match self.get(id) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self, id: Id) -> Option<i64> {
        match self.get(id) {
            Value::Int(number) => Some(*number),
            _ => None,
        }
    }

    /// The items of a tuple or list.
    pub(super) fn items(&self, id: Id) -> Option<&[Id]> {
        match self.get(id) {
            Value::Tuple(items) | Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The sizes in a tuple or list, one for each axis of a tensor.
    pub(super) fn sizes(&self, id: Id) -> Option<Vec<u64>> {
        // As PyTorch. A long tuple could be shared by many tensors, each with a copy.
        const MOST_AXES: usize = 64;
        let sizes = self.items(id).filter(|sizes| sizes.len() <= MOST_AXES)?;
        sizes
            .iter()
            .map(|&size| self.int(size).and_then(|size| u64::try_from(size).ok()))
            .collect()
    }

    /// Module and name of a class or function. Old files keep a class outside of the pickle,
    /// with its source.
    pub(super) fn global(&self, id: Id) -> Option<(&str, &str)> {
        let class = match *self.get(id) {
            Value::Persistent(outside) => match *self.items(outside)? {
                [kind, class, ..] if self.text(kind) == Some("module") => class,
                _ => return None,
            },
            _ => id,
        };
        match *self.get(class) {
            Value::Global(module, name) => Some((self.text(module)?, self.text(name)?)),
            _ => None,
        }
    }

    /// Its pairs, if it is a dictionary of any class.
    pub(super) fn pairs(&self, id: Id) -> Option<Cow<'_, [(Id, Id)]>> {
        match self.get(id) {
            Value::Dict(items) => Some(Cow::Borrowed(items)),
            Value::Made(made) if !made.items.is_empty() => Some(Cow::Borrowed(&made.items)),
            // Python 2 gives an ordered dictionary its pairs as an argument.
            Value::Made(made) => match self.global(made.by)? {
                ("collections", "OrderedDict" | "defaultdict") => {
                    let pairs = self.items(made.arguments)?.first();
                    let pairs = pairs.and_then(|&pairs| self.items(pairs)).unwrap_or(&[]);
                    let pair = |&pair: &Id| match *self.items(pair)? {
                        [key, value] => Some((key, value)),
                        _ => None,
                    };
                    pairs
                        .iter()
                        .map(pair)
                        .collect::<Option<Vec<_>>>()
                        .map(Cow::Owned)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The value under a key of a dictionary.
    pub(super) fn field(&self, id: Id, key: &str) -> Option<Id> {
        let pairs = self.pairs(id)?;
        let found = pairs
            .iter()
            .rfind(|(name, _)| self.text(*name) == Some(key));
        found.map(|&(_, value)| value)
    }

    /// The name of a class or a function, for an error.
    pub(super) fn name(&self, id: Id) -> String {
        match self.global(id) {
            Some((module, name)) => format!("`{}.{}`", shortened(module), shortened(name)),
            None => "an unknown class".into(),
        }
    }

    /// What a value is, for an error.
    pub(super) fn describe(&self, id: Id) -> String {
        match self.get(id) {
            Value::None => "None".into(),
            Value::Bool(_) => "a truth value".into(),
            Value::Int(_) => "a number".into(),
            Value::Text(_) => "a text".into(),
            Value::Tuple(_) => "a tuple".into(),
            Value::List(_) => "a list".into(),
            Value::Dict(_) => "a dictionary".into(),
            Value::Global(..) => format!("the name {}", self.name(id)),
            Value::Made(made) => format!("an object of {}", self.name(made.by)),
            Value::Persistent(_) => "a storage without a shape".into(),
            Value::Other(what) => (*what).into(),
        }
    }
}

/// The beginning of a text, as long as a name may be.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 80;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
