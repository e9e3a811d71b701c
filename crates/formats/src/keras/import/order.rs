//! In which order the layers of a model can be applied, and what each of them reads.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use crate::FormatError;
use crate::keras::builder::Value;
use crate::keras::config::{Call, Model, Reference};
use crate::keras::settings::{Settings, shortened};

/// The calls of a graph's layers in an order in which each reads earlier ones.
pub(super) struct Order<'m> {
    index: HashMap<&'m str, usize>,
    /// Layer and call.
    pub(super) calls: Vec<(usize, usize)>,
}

impl<'m> Order<'m> {
    pub(super) fn of(model: &Model<'m>) -> Result<Self, FormatError> {
        let mut index = HashMap::new();
        for (place, layer) in model.layers.iter().enumerate() {
            if index.insert(layer.settings.name, place).is_some() {
                return Err(layer
                    .settings
                    .damaged("a name of its own", "a second layer of it"));
            }
        }
        let mut order = Order {
            index,
            calls: Vec::new(),
        };
        let calls = || {
            let layers = model.layers.iter().enumerate();
            layers.flat_map(|(place, layer)| (0..layer.calls.len()).map(move |n| (place, n)))
        };
        let mut readers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
        let mut open: HashMap<(usize, usize), usize> = HashMap::new();
        let mut ready = BTreeSet::new();
        for (place, number) in calls() {
            let Some(layer) = model.layers.get(place) else {
                continue;
            };
            let tensors = layer
                .calls
                .get(number)
                .map(Call::tensors)
                .unwrap_or_default();
            let mut reads = BTreeSet::new();
            for reference in tensors {
                let source = order.place(model, reference)?;
                let has_calls = model
                    .layers
                    .get(source.0)
                    .is_some_and(|l| !l.calls.is_empty());
                if has_calls {
                    reads.insert(source);
                }
            }
            match reads.is_empty() {
                true => drop(ready.insert((place, number))),
                false => drop(open.insert((place, number), reads.len())),
            }
            for source in reads {
                readers.entry(source).or_default().push((place, number));
            }
        }
        while let Some(next) = ready.pop_first() {
            order.calls.push(next);
            for reader in readers.remove(&next).unwrap_or_default() {
                if let Some(left) = open.get_mut(&reader) {
                    *left -= 1;
                    if *left == 0 {
                        open.remove(&reader);
                        ready.insert(reader);
                    }
                }
            }
        }
        match open
            .keys()
            .min()
            .and_then(|(place, _)| model.layers.get(*place))
        {
            None => Ok(order),
            Some(layer) => Err(layer.settings.damaged(
                "a layer that reads layers before it",
                "one that reads, over others, what it gives itself",
            )),
        }
    }

    /// The layer and the call that a reference means.
    pub(super) fn place(
        &self,
        model: &Model<'_>,
        reference: Reference<'_>,
    ) -> Result<(usize, usize), FormatError> {
        let place = self.index.get(reference.layer);
        let layer = place.and_then(|&place| Some((place, model.layers.get(place)?)));
        let Some((place, layer)) = layer else {
            let settings = model.layers.first().map(|layer| &layer.settings);
            let path = settings.map_or(Path::new(""), |settings| settings.path());
            return Err(no_value(path, None, &reference));
        };
        // The first node of a graph that stands as a layer is the graph itself.
        let first = match layer.settings.class {
            "Functional" | "Model" if layer.calls.len() > 1 => 1,
            _ => 0,
        };
        let number = match layer.calls.len() {
            0 | 1 => 0,
            _ => reference.call.saturating_sub(first),
        };
        Ok((place, number))
    }

    pub(super) fn read(
        &self,
        model: &Model<'_>,
        values: &HashMap<(usize, usize), Vec<Value>>,
        reference: Reference<'_>,
        path: &Path,
    ) -> Result<Value, FormatError> {
        let place = self.place(model, reference)?;
        let value = values
            .get(&place)
            .and_then(|given| given.get(reference.tensor));
        value.cloned().ok_or_else(|| {
            let settings = model.layers.get(place.0).map(|layer| &layer.settings);
            no_value(path, settings, &reference)
        })
    }
}

/// A reference to a value that is not there.
fn no_value(path: &Path, layer: Option<&Settings<'_>>, reference: &Reference<'_>) -> FormatError {
    let part = match layer {
        Some(settings) => settings.described(),
        None => format!("layer `{}`", shortened(reference.layer)),
    };
    let expected = format!("its value {} of call {}", reference.tensor, reference.call);
    FormatError::damaged(path, part, expected, "no such value")
}
