//! Scopes and heap, and how the states after two branches become one.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::value::{Compiled, Object, Sequential, Value};
use crate::program::base::Freezing;
use crate::program::trail::Trail;

/// Names and objects. A copy is cheap: what does not change is shared.
#[derive(Clone, Debug, Default)]
pub(crate) struct State<'a> {
    scopes: Vec<Option<Rc<Scope<'a>>>>,
    heap: Vec<Option<Rc<Object<'a>>>>,
    /// What of a model is trained, where the program says so.
    freezing: HashMap<usize, Freezing>,
    /// Models that were fitted.
    fitted: HashSet<usize>,
    /// What pairs of objects have become, while others that hold them are joined.
    joined: HashMap<(usize, usize), Value<'a>>,
}

/// The names of one function, class or module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope<'a> {
    pub parent: Option<usize>,
    pub names: HashMap<&'a str, Value<'a>>,
    /// Names that a `global` statement sends to the module.
    pub globals: Vec<&'a str>,
    /// Modules whose names were all imported: `from keras.layers import *`.
    pub stars: Vec<Rc<str>>,
    /// A function was written in it, so that it outlives its call.
    pub captured: bool,
}

impl<'a> State<'a> {
    /// A new scope, under a number that no other state gives to another one.
    pub fn open_scope(&mut self, parent: Option<usize>) -> usize {
        self.scopes.push(Some(Rc::new(Scope {
            parent,
            ..Scope::default()
        })));
        self.scopes.len() - 1
    }

    /// Forgets a scope, unless something still refers to it.
    pub fn close_scope(&mut self, id: usize) {
        if let Some(slot) = self.scopes.get_mut(id)
            && slot.as_ref().is_some_and(|scope| !scope.captured)
        {
            *slot = None;
        }
    }

    pub fn scope(&self, id: usize) -> Option<&Scope<'a>> {
        self.scopes.get(id)?.as_deref()
    }

    pub fn scope_mut(&mut self, id: usize) -> Option<&mut Scope<'a>> {
        self.scopes.get_mut(id)?.as_mut().map(Rc::make_mut)
    }

    /// A new object.
    pub fn allocate(&mut self, object: Object<'a>) -> Value<'a> {
        self.heap.push(Some(Rc::new(object)));
        Value::Object(self.heap.len() - 1)
    }

    pub fn object(&self, id: usize) -> Option<&Object<'a>> {
        self.heap.get(id)?.as_deref()
    }

    pub fn object_mut(&mut self, id: usize) -> Option<&mut Object<'a>> {
        self.heap.get_mut(id)?.as_mut().map(Rc::make_mut)
    }

    /// What of a model is trained.
    pub fn freezing(&self, id: usize) -> Freezing {
        self.freezing.get(&id).copied().unwrap_or_default()
    }

    /// Other layers of a model are trained now.
    pub fn set_freezing(&mut self, id: usize, freezing: Freezing) {
        self.freezing.insert(id, freezing);
    }

    /// Notes that a model is fitted; whether it is the first time.
    pub fn fit(&mut self, id: usize) -> bool {
        self.fitted.insert(id)
    }

    /// Whether a model was fitted.
    pub fn is_fitted(&self, id: usize) -> bool {
        self.fitted.contains(&id)
    }

    /// Some layer was changed, nobody knows of which model.
    pub fn forget_models(&mut self) {
        for object in self.heap.iter_mut().flatten() {
            match Rc::make_mut(object) {
                Object::Sequential(model) => {
                    model.layers.clear();
                    model.gap = true;
                }
                Object::Functional { output, .. } => *output = Value::Unknown,
                _ => {}
            }
        }
    }

    /// What a copy and a join of it cost, in steps.
    pub fn weight(&self) -> usize {
        let names = self.scopes.iter().flatten().map(|scope| scope.names.len());
        (self.scopes.len() + self.heap.len() + names.sum::<usize>()) / 16 + 1
    }

    /// Numbers given out in another branch are not given out again in this one.
    pub fn skip_numbers_of(&mut self, other: &Self) {
        let scopes = self.scopes.len().max(other.scopes.len());
        self.scopes.resize(scopes, None);
        let heap = self.heap.len().max(other.heap.len());
        self.heap.resize(heap, None);
    }

    /// Takes over the objects of a branch that has ended with a `return`.
    pub fn keep_objects_of(&mut self, ended: &Self) {
        self.skip_numbers_of(ended);
        for (mine, theirs) in self.heap.iter_mut().zip(&ended.heap) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
        for (mine, theirs) in self.scopes.iter_mut().zip(&ended.scopes) {
            if mine.is_none() {
                mine.clone_from(theirs);
            }
        }
    }

    /// What is known after either of two branches.
    pub fn join(&mut self, other: &Self) {
        self.keep_objects_of(other);
        let numbers: Vec<usize> = self
            .freezing
            .keys()
            .chain(other.freezing.keys())
            .copied()
            .collect();
        for id in numbers {
            let joined = self.freezing(id).joined(other.freezing(id));
            self.freezing.insert(id, joined);
        }
        self.fitted.extend(&other.fitted);
        for id in 0..other.heap.len() {
            let (Some(Some(mine)), Some(Some(theirs))) = (self.heap.get(id), other.heap.get(id))
            else {
                continue;
            };
            if Rc::ptr_eq(mine, theirs) || mine == theirs {
                continue;
            }
            let (mine, theirs) = (mine.clone(), theirs.clone());
            let joined = self.join_objects(&mine, &theirs);
            if let Some(slot) = self.heap.get_mut(id) {
                *slot = Some(Rc::new(joined));
            }
        }
        for id in 0..other.scopes.len() {
            let (Some(Some(mine)), Some(Some(theirs))) =
                (self.scopes.get(id), other.scopes.get(id))
            else {
                continue;
            };
            if Rc::ptr_eq(mine, theirs) {
                continue;
            }
            let mut scope = (**mine).clone();
            let theirs = theirs.clone();
            for (name, value) in &theirs.names {
                let joined = match scope.names.get(name) {
                    // A name of one branch only: whoever reads it came through that branch.
                    None => value.clone(),
                    Some(known) => self.join_values(&known.clone(), value),
                };
                scope.names.insert(name, joined);
            }
            scope.captured |= theirs.captured;
            if let Some(slot) = self.scopes.get_mut(id) {
                *slot = Some(Rc::new(scope));
            }
        }
    }

    /// What is known of a value that is one or the other.
    pub fn join_values(&mut self, one: &Value<'a>, other: &Value<'a>) -> Value<'a> {
        if one == other {
            return one.clone();
        }
        match (one, other) {
            (Value::Tuple(a), Value::Tuple(b)) if a.len() == b.len() => {
                let items: Vec<_> = a
                    .iter()
                    .zip(b.iter())
                    .map(|(a, b)| self.join_values(a, b))
                    .collect();
                Value::Tuple(items.into())
            }
            (Value::Array(a), Value::Array(b)) if a.coding == b.coding && a.pixels == b.pixels => {
                one.clone()
            }
            (Value::Tensor(_), Value::Tensor(_)) => Value::Tensor(Rc::new(Trail::unknown())),
            (Value::Object(a), Value::Object(b)) => {
                let pair = (*a, *b);
                if let Some(joined) = self.joined.get(&pair) {
                    return joined.clone();
                }
                let (Some(Some(a)), Some(Some(b))) = (self.heap.get(*a), self.heap.get(*b)) else {
                    return Value::Unknown;
                };
                let (a, b) = (a.clone(), b.clone());
                let outermost = self.joined.is_empty();
                // An object may hold itself: meeting it again inside, nothing is known of it.
                self.joined.insert(pair, Value::Unknown);
                let joined = match self.join_objects(&a, &b) {
                    Object::Unknown => Value::Unknown,
                    joined => self.allocate(joined),
                };
                self.joined.insert(pair, joined.clone());
                if outermost {
                    self.joined.clear();
                }
                joined
            }
            _ => Value::Unknown,
        }
    }

    fn join_objects(&mut self, one: &Object<'a>, other: &Object<'a>) -> Object<'a> {
        match (one, other) {
            (Object::Sequential(a), Object::Sequential(b)) => {
                let both = a.layers.iter().rev().zip(b.layers.iter().rev());
                let same = both.take_while(|(a, b)| a == b).count();
                Object::Sequential(Sequential {
                    layers: a.layers[a.layers.len() - same..].to_vec(),
                    gap: a.gap || b.gap || same < a.layers.len() || same < b.layers.len(),
                    keras: a.keras,
                    compiled: join_compiled(&a.compiled, &b.compiled),
                })
            }
            (
                Object::Functional {
                    output: a,
                    compiled: c,
                },
                Object::Functional {
                    output: b,
                    compiled: d,
                },
            ) => Object::Functional {
                output: self.join_values(a, b),
                compiled: join_compiled(c, d),
            },
            (Object::Instance(a), Object::Instance(b)) if a.class == b.class => {
                let mut joined = a.clone();
                for (name, value) in &b.attributes {
                    match joined
                        .attributes
                        .iter()
                        .position(|(known, _)| known == name)
                    {
                        None => joined.attributes.push((name, value.clone())),
                        Some(index) => {
                            let known = joined.attributes[index].1.clone();
                            joined.attributes[index].1 = self.join_values(&known, value);
                        }
                    }
                }
                joined.compiled = join_compiled(&a.compiled, &b.compiled);
                Object::Instance(joined)
            }
            (Object::List(a), Object::List(b)) if a.len() == b.len() => {
                let items = a.iter().zip(b).map(|(a, b)| self.join_values(a, b));
                Object::List(items.collect())
            }
            _ => Object::Unknown,
        }
    }
}

fn join_compiled(one: &Compiled, other: &Compiled) -> Compiled {
    if one == other {
        one.clone()
    } else {
        Compiled::default()
    }
}
