//! The graph that grows while a model's layers are read, and how Keras's axes lie in it.
//!
//! Keras keeps channels last, a graph keeps them first. A [`Value`] says which axis of its node
//! each axis of Keras is, so that nothing is moved until an operation needs another order.

use std::collections::VecDeque;
use std::path::Path;

use finial_graph::{Graph, GraphError, Op, Shape, Tensor, Weights};

use super::kernel;
use super::settings::{DataFormat, Settings, shortened};
use crate::FormatError;
use crate::hdf5::Dataset;

/// What a layer gives.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    /// The node that holds it.
    pub(super) node: String,
    /// For each axis of Keras's value, without the batch, which axis of the node it is.
    pub(super) axes: Vec<usize>,
}

/// Which of the two ways of Keras a file was written by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Keras 1 and 2, and tf.keras.
    Second,
    /// Keras 3.
    Third,
}

/// The graph so far.
pub(super) struct Builder<'a> {
    pub(super) path: &'a Path,
    pub(super) generation: Generation,
    /// Of the model's maps.
    pub(super) format: DataFormat,
    pub(super) graph: Graph,
    pub(super) weights: Weights,
}

/// A layer on its way into the graph.
pub(super) struct Site<'b, 'a> {
    pub(super) builder: &'b mut Builder<'a>,
    pub(super) settings: &'b Settings<'a>,
    /// The name of its node; other nodes of it are `<name>/<part>`.
    pub(super) name: String,
    /// Its variables, in Keras's order.
    pub(super) variables: VecDeque<Dataset>,
}

impl Value {
    pub(super) fn new(node: impl Into<String>, axes: &[usize]) -> Self {
        Value {
            node: node.into(),
            axes: axes.to_vec(),
        }
    }

    /// A value whose axes lie as Keras has them.
    pub(super) fn plain(node: impl Into<String>, rank: usize) -> Self {
        Value {
            node: node.into(),
            axes: (0..rank).collect(),
        }
    }
}

impl Builder<'_> {
    /// The shape of a value as Keras sees it, without the batch.
    pub(super) fn dims(&self, value: &Value) -> Vec<usize> {
        let shape = self.graph.shape_of(&value.node);
        let dims = shape.as_ref().map_or(&[][..], Shape::dims);
        let dim = |axis: &usize| dims.get(*axis).copied().unwrap_or(1);
        value.axes.iter().map(dim).collect()
    }

    pub(super) fn has(&self, node: &str) -> bool {
        self.graph.shape_of(node).is_ok()
    }
}

impl<'a> Site<'_, 'a> {
    pub(super) fn dims(&self, value: &Value) -> Vec<usize> {
        self.builder.dims(value)
    }

    /// Appends a node of this layer: `part` is empty for the one that bears its name.
    pub(super) fn push(
        &mut self,
        part: &str,
        op: Op,
        inputs: &[&str],
    ) -> Result<String, FormatError> {
        let name = match part {
            "" => self.name.clone(),
            part => self.free(&format!("{}/{part}", self.name)),
        };
        let pushed = self.builder.graph.push_after(&name, op, inputs);
        pushed.map_err(|error| misfit(self.settings, &error))?;
        Ok(name)
    }

    /// The name, or the first of `name_1`, `name_2`, … that is free.
    fn free(&self, name: &str) -> String {
        let numbered = (1..).map(|n: usize| format!("{name}_{n}"));
        let mut names = std::iter::once(name.to_owned()).chain(numbered);
        let free = names.find(|name| !self.builder.has(name));
        free.unwrap_or_default()
    }

    /// Appends an operation that takes every number by itself.
    pub(super) fn push_each(
        &mut self,
        part: &str,
        op: Op,
        x: &Value,
    ) -> Result<Value, FormatError> {
        let node = self.push(part, op, &[&x.node])?;
        Ok(Value {
            node,
            axes: x.axes.clone(),
        })
    }

    /// A parameter of a node.
    pub(super) fn insert(
        &mut self,
        node: &str,
        parameter: &str,
        shape: Vec<usize>,
        values: Vec<f32>,
    ) -> Result<(), FormatError> {
        let name = format!("{node}.{parameter}");
        let tensor = Tensor::new(&name, shape, values);
        let tensor = tensor.map_err(|error| FormatError::Weights {
            path: self.builder.path.to_owned(),
            error,
        })?;
        self.builder.weights.insert(name, tensor);
        Ok(())
    }

    /// The next variable of the layer, as `reason` calls it.
    pub(super) fn variable(&mut self, reason: &str) -> Result<Dataset, FormatError> {
        let next = self.variables.pop_front();
        next.ok_or_else(|| {
            self.settings
                .damaged(&format!("its {reason}"), "no such variable")
        })
    }

    /// The numbers of the next variable, which has that shape.
    pub(super) fn numbers(
        &mut self,
        reason: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, FormatError> {
        self.shaped(reason, shape)?.read()
    }

    /// The numbers of the next variable, of shape `stored`, as a parameter of shape `own`.
    pub(super) fn kernel(
        &mut self,
        reason: &str,
        stored: &[usize],
        own: &[usize],
    ) -> Result<Vec<f32>, FormatError> {
        kernel::read(&self.shaped(reason, stored)?, own)
    }

    fn shaped(&mut self, reason: &str, shape: &[usize]) -> Result<Dataset, FormatError> {
        let dataset = self.variable(reason)?;
        if dataset.shape() == shape {
            return Ok(dataset);
        }
        let expected = format!("its {reason} of shape {shape:?}");
        Err(self
            .settings
            .damaged(&expected, &format!("{:?}", dataset.shape())))
    }

    /// The node of a value with its axes in that order, moved there if they lie otherwise.
    pub(super) fn hold(&mut self, value: &Value, axes: &[usize]) -> Result<String, FormatError> {
        if value.axes == axes {
            return Ok(value.node.clone());
        }
        let dims = self.dims(value);
        if value.axes.len() != axes.len() {
            let expected = format!("a value of {} axes per image", axes.len());
            return Err(self.settings.damaged(&expected, &format!("shape {dims:?}")));
        }
        // The axis of Keras that stands at each place, then the axis of the node.
        let place = |axes: &[usize], at: usize| axes.iter().position(|&axis| axis == at);
        let order: Option<Vec<usize>> = (0..axes.len()).map(|at| place(axes, at)).collect();
        let Some(order) = order else {
            return Err(self
                .settings
                .damaged("each axis once", &format!("{axes:?}")));
        };
        let now: Vec<usize> = (0..axes.len())
            .filter_map(|at| place(&value.axes, at))
            .collect();
        let long = |order: &[usize]| -> Vec<usize> {
            let long = |axis: &&usize| dims.get(**axis).is_some_and(|&dim| dim != 1);
            order.iter().filter(long).copied().collect()
        };
        let op = if long(&order) == long(&now) {
            // Only axes of one place move: the numbers stay where they are.
            let shape: Vec<usize> = order
                .iter()
                .filter_map(|&axis| dims.get(axis).copied())
                .collect();
            let shape = Shape::of(&shape);
            let shape = shape.ok_or_else(|| self.settings.damaged("one to four axes", "others"))?;
            Op::Reshape { shape }
        } else {
            let from = |axis: &usize| value.axes.get(*axis).copied();
            Op::Permute {
                axes: order.iter().filter_map(from).collect(),
            }
        };
        self.push("order", op, &[&value.node])
    }

    /// Whether the numbers stand in Keras's order already: only axes of one place lie otherwise.
    pub(super) fn lies_straight(&self, x: &Value) -> bool {
        let dims = self.dims(x);
        let axes = x.axes.iter().zip(dims).filter(|(_, dim)| *dim != 1);
        axes.map(|(axis, _)| axis).is_sorted()
    }

    /// The node of a map, `[C, H, W]`.
    pub(super) fn map(&mut self, x: &Value, format: DataFormat) -> Result<String, FormatError> {
        self.hold(x, &format.axes())
    }

    /// The node with the axes as Keras has them.
    pub(super) fn plain(&mut self, x: &Value) -> Result<String, FormatError> {
        let axes: Vec<usize> = (0..x.axes.len()).collect();
        self.hold(x, &axes)
    }

    /// A value whose channels, as a graph counts them, are that axis of Keras.
    pub(super) fn with_channels(&mut self, x: &Value, axis: usize) -> Result<Value, FormatError> {
        let rank = x.axes.len();
        let channel_axis = if rank == 3 { 0 } else { rank.saturating_sub(1) };
        if x.axes.get(axis) == Some(&channel_axis) {
            return Ok(x.clone());
        }
        // The other axes stay in their order around it.
        let mut others = (0..rank).filter(|&place| place != channel_axis);
        let axes: Vec<usize> = (0..rank)
            .map(|i| match i == axis {
                true => channel_axis,
                false => others.next().unwrap_or_default(),
            })
            .collect();
        let node = self.hold(x, &axes)?;
        Ok(Value { node, axes })
    }

    pub(super) fn unsupported<T>(&self, found: &str, accepted: &str) -> Result<T, FormatError> {
        Err(self.settings.unsupported(found, accepted))
    }
}

/// A layer that does not fit where it stands.
pub(super) fn misfit(settings: &Settings<'_>, error: &GraphError) -> FormatError {
    FormatError::damaged(
        settings.path(),
        settings.described(),
        "a layer that fits what it reads",
        shortened_error(error),
    )
}

fn shortened_error(error: &GraphError) -> String {
    // Longer than a name, since it says which shapes do not fit.
    let text = error.to_string();
    match text.len() > 400 {
        true => shortened(&text),
        false => text,
    }
}
