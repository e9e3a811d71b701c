//! Values of the abstract interpretation: what is known of an expression.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprLambda, StmtClassDef, StmtFunctionDef};
use ruff_text_size::TextRange;

use crate::program::array::Array;
use crate::program::base::Base;
use crate::program::layer::Layer;
use crate::program::loss::{Loss, MetricUse};
use crate::program::optimizer::Optimizer;
use crate::program::trail::Trail;

/// What is known of an expression. `Unknown` is always right.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Unknown,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Rc<str>),
    Tuple(Rc<[Value<'a>]>),
    /// Something imported, by its canonical name: `keras.layers.Dense`.
    Path(Rc<str>),
    Function(Function<'a>),
    Class(ClassRef<'a>),
    /// A method that waits for its call.
    Method(Rc<(Value<'a>, &'a str)>),
    /// Something that can be changed: it lives in the interpreter's heap.
    Object(usize),
    Array(Rc<Array>),
    Dataset(Rc<Dataset>),
    Layer(Rc<Layer>),
    Tensor(Rc<Trail>),
    Loss(Rc<Loss>),
    Metric(MetricUse),
    Tool(Rc<Tool>),
    Optimizer(Rc<Optimizer>),
    /// Layers or parameters of a model, all or some, one by one or together.
    Parts {
        of: usize,
        whole: bool,
    },
}

/// Inputs and labels, batch by batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    pub inputs: Option<Array>,
    pub labels: Option<Array>,
    /// Whether a loop over it gives pairs; scikit-learn's data sets are read by name instead.
    pub elements: bool,
}

/// What transforms arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tool {
    LabelEncoder,
    LabelBinarizer,
    MultiLabelBinarizer,
    OneHotEncoder,
    MinMaxScaler,
    Scaler,
    /// Keras's `ImageDataGenerator`.
    ImageGenerator {
        pixels: crate::program::array::Pixels,
    },
}

/// A function of the program, with the scope in which it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Function<'a> {
    pub body: Body<'a>,
    pub scope: usize,
}

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body<'a> {
    Def(&'a StmtFunctionDef),
    Lambda(&'a ExprLambda),
}

impl Body<'_> {
    /// The same for the same place in the program.
    pub fn address(&self) -> usize {
        match self {
            Body::Def(def) => std::ptr::from_ref(*def).addr(),
            Body::Lambda(lambda) => std::ptr::from_ref(*lambda).addr(),
        }
    }
}

impl PartialEq for Function<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.scope == other.scope && self.body.address() == other.body.address()
    }
}

/// A class of the program, with its known base classes.
#[derive(Clone, Debug)]
pub(crate) struct ClassRef<'a> {
    pub def: &'a StmtClassDef,
    pub scope: usize,
    pub bases: Rc<[Value<'a>]>,
}

impl PartialEq for ClassRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.def, other.def) && self.scope == other.scope
    }
}

/// Something that can be changed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Object<'a> {
    List(Vec<Value<'a>>),
    Dict(Vec<(Value<'a>, Value<'a>)>),
    Instance(Instance<'a>),
    /// Layers in order: Keras's and PyTorch's `Sequential`.
    Sequential(Sequential<'a>),
    /// A Keras model by its output.
    Functional {
        output: Value<'a>,
        compiled: Compiled,
    },
    /// A published network whose last layer can be replaced.
    Backbone(Backbone<'a>),
    /// It was changed in a way that is not understood.
    Unknown,
}

/// An object of a class of the program.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance<'a> {
    pub class: ClassRef<'a>,
    pub attributes: Vec<(&'a str, Value<'a>)>,
    pub compiled: Compiled,
}

/// Layers in order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sequential<'a> {
    pub layers: Vec<Value<'a>>,
    /// Whether unknown layers may come before them.
    pub gap: bool,
    pub keras: bool,
    pub compiled: Compiled,
}

/// A published network.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Backbone<'a> {
    /// What it gives as published; `None` where nothing is known.
    pub published: Option<Rc<Trail>>,
    /// The name of the last layer, and whether an index of it is meant: `classifier[6]`.
    pub head: Option<(&'static str, Option<i64>)>,
    /// What the program puts there.
    pub replaced: Option<Value<'a>>,
    pub base: Rc<Base>,
    /// What the program put there was frozen afterwards.
    pub head_frozen: bool,
}

/// What `compile` was given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Compiled {
    /// The number of the training that `compile` noted.
    pub training: Option<usize>,
}

/// An argument of a call.
#[derive(Clone, Debug)]
pub(crate) struct Argument<'a> {
    pub name: Option<&'a str>,
    pub value: Value<'a>,
    pub expr: &'a Expr,
    pub at: TextRange,
}

/// The arguments of a call.
#[derive(Clone, Debug)]
pub(crate) struct Arguments<'a> {
    pub all: Vec<Argument<'a>>,
    /// `*args` or `**kwargs` may hold more.
    pub open: bool,
    /// The whole call.
    pub at: TextRange,
}

impl<'a> Arguments<'a> {
    /// The argument at a position or under one of its names.
    pub fn find(&self, position: usize, names: &[&str]) -> Option<&Argument<'a>> {
        self.named(names).or_else(|| {
            self.all
                .get(position)
                .filter(|argument| argument.name.is_none())
        })
    }

    /// The argument under one of its names.
    pub fn named(&self, names: &[&str]) -> Option<&Argument<'a>> {
        self.all
            .iter()
            .find(|argument| argument.name.is_some_and(|name| names.contains(&name)))
    }

    /// The value at a position or under a name; unknown where it may be hidden, `None` where it
    /// is not given.
    pub fn value(&self, position: usize, names: &[&str]) -> Option<Value<'a>> {
        match self.find(position, names) {
            Some(argument) => Some(argument.value.clone()),
            None if self.open => Some(Value::Unknown),
            None => None,
        }
    }
}

impl<'a> Value<'a> {
    /// A string constant.
    pub fn str(text: &str) -> Self {
        Self::Str(text.into())
    }

    /// What it is as a condition, if that is known.
    pub fn truth(&self) -> Option<bool> {
        match self {
            Self::None => Some(false),
            Self::Bool(value) => Some(*value),
            Self::Int(value) => Some(*value != 0),
            Self::Float(value) => Some(*value != 0.0),
            Self::Str(text) => Some(!text.is_empty()),
            Self::Tuple(items) => Some(!items.is_empty()),
            Self::Layer(_) | Self::Function(_) | Self::Class(_) => Some(true),
            _ => None,
        }
    }

    /// A count, if it is one.
    pub fn count(&self) -> Option<usize> {
        match self {
            Self::Int(value) => usize::try_from(*value).ok(),
            Self::Float(value) if value.fract() == 0.0 && *value >= 0.0 && *value < 1e15 => {
                Some(*value as usize)
            }
            _ => None,
        }
    }

    /// A number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            _ => None,
        }
    }

    /// A text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// An array, if it is one.
    pub fn array(&self) -> Option<&Array> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }
}
