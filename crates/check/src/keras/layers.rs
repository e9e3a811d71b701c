//! Constructors of layers.

use std::rc::Rc;

use super::activated;
use crate::program::layer::{Activated, Activation, Head, Layer};
use crate::program::{Framework, Sited};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Value};

/// Whether it is the name of a layer.
pub(super) fn is_layer(name: &str) -> bool {
    kind(name) != Kind::Unknown
}

#[derive(PartialEq)]
enum Kind {
    Dense,
    Convolution,
    Activation,
    Dropout,
    Normalization,
    Keep,
    Reshape,
    Flatten,
    Rescaling,
    Wrapper,
    Steps,
    Pool,
    Plain,
    Merge,
    Unknown,
}

fn kind(name: &str) -> Kind {
    match name {
        "Dense" => Kind::Dense,
        "Conv1D"
        | "Conv2D"
        | "Conv3D"
        | "Convolution1D"
        | "Convolution2D"
        | "Convolution3D"
        | "SeparableConv1D"
        | "SeparableConv2D"
        | "SeparableConvolution2D"
        | "Conv2DTranspose"
        | "Conv3DTranspose"
        | "Conv1DTranspose"
        | "Deconvolution2D"
        | "AtrousConvolution2D" => Kind::Convolution,
        "Activation" | "Softmax" | "ReLU" | "LeakyReLU" | "ELU" | "PReLU" | "ThresholdedReLU" => {
            Kind::Activation
        }
        "Dropout" | "SpatialDropout1D" | "SpatialDropout2D" | "SpatialDropout3D"
        | "AlphaDropout" | "GaussianDropout" => Kind::Dropout,
        "BatchNormalization"
        | "LayerNormalization"
        | "GroupNormalization"
        | "UnitNormalization"
        | "Normalization"
        | "RMSNormalization"
        | "SpectralNormalization" => Kind::Normalization,
        "Flatten" => Kind::Flatten,
        "Reshape" | "Permute" | "RepeatVector" => Kind::Reshape,
        "Rescaling" => Kind::Rescaling,
        "TimeDistributed" | "TimeDistributedDense" => Kind::Wrapper,
        "LSTM" | "GRU" | "SimpleRNN" | "Bidirectional" | "Embedding" | "RNN" | "ConvLSTM2D"
        | "CuDNNLSTM" | "CuDNNGRU" => Kind::Steps,
        "DepthwiseConv2D" | "DepthwiseConv1D" | "LocallyConnected1D" | "LocallyConnected2D"
        | "MultiHeadAttention" | "Attention" => Kind::Plain,
        "Concatenate" | "Add" | "Average" | "Maximum" | "Minimum" | "Multiply" | "Subtract"
        | "Dot" | "concatenate" | "add" | "average" | "multiply" | "maximum" | "subtract"
        | "dot" => Kind::Merge,
        "InputLayer"
        | "GaussianNoise"
        | "Masking"
        | "ActivityRegularization"
        | "Identity"
        | "Resizing"
        | "CenterCrop" => Kind::Keep,
        _ if name.starts_with("Global") && name.contains("Pool") => Kind::Pool,
        _ if name.contains("Pool")
            || name.starts_with("Random")
            || name.starts_with("ZeroPadding")
            || name.starts_with("UpSampling")
            || name.starts_with("Cropping") =>
        {
            Kind::Keep
        }
        _ => Kind::Unknown,
    }
}

/// The layer that a constructor makes.
pub(super) fn layer<'a>(
    this: &mut Interpreter<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    const OLD: &[&str] = &[
        "output_dim",
        "nb_filter",
        "init",
        "border_mode",
        "W_regularizer",
        "nb_row",
    ];
    if arguments.named(OLD).is_some() && matches!(kind(name), Kind::Dense | Kind::Convolution) {
        this.keras = Framework::Keras1;
    }
    let layer = match kind(name) {
        Kind::Dense | Kind::Convolution => head(name, arguments),
        Kind::Activation => activation(name, arguments),
        Kind::Dropout => Layer::Dropout(arguments.at),
        Kind::Normalization => Layer::Normalization,
        Kind::Keep => Layer::Keep,
        Kind::Reshape => Layer::Reshape,
        Kind::Flatten => Layer::Flatten,
        Kind::Rescaling => Layer::Rescaling {
            scale: arguments
                .value(0, &["scale"])
                .and_then(|scale| scale.number()),
            at: arguments.at,
        },
        Kind::Wrapper => match arguments.value(0, &["layer"]) {
            Some(layer) => match this.layer_of(&layer) {
                head @ Layer::Head(_) => Layer::Chain {
                    layers: [Layer::Steps(true), head].into(),
                    gap: false,
                },
                layer => layer,
            },
            None => Layer::Opaque,
        },
        Kind::Steps => Layer::Steps(gives_steps(name, arguments)),
        Kind::Pool => Layer::Pool,
        Kind::Plain => Layer::Plain,
        // The functions in small letters merge at once.
        Kind::Merge if name.starts_with(char::is_lowercase) => {
            let inputs = arguments.all.first().map(|argument| argument.value.clone());
            let trail = this.trail(&inputs.unwrap_or(Value::Unknown));
            return Value::Tensor(Rc::new(trail.then(&Layer::Plain)));
        }
        Kind::Merge => Layer::Plain,
        Kind::Unknown => Layer::Opaque,
    };
    Value::Layer(Rc::new(layer))
}

/// Whether a recurrent or embedding layer gives several steps for each example.
fn gives_steps(name: &str, arguments: &Arguments<'_>) -> bool {
    let inner = arguments.value(0, &["layer"]);
    match (name, inner.as_ref()) {
        ("Embedding", _) => true,
        ("Bidirectional", Some(Value::Layer(layer))) => !matches!(**layer, Layer::Steps(false)),
        ("Bidirectional", _) => true,
        _ => match arguments.value(usize::MAX, &["return_sequences"]) {
            Some(given) => given.truth() != Some(false),
            None => arguments.open,
        },
    }
}

fn head(name: &str, arguments: &Arguments<'_>) -> Layer {
    let spatial = name != "Dense";
    let names: &[&str] = if spatial {
        &["filters", "nb_filter"]
    } else {
        &["units", "output_dim"]
    };
    // Before Keras 1 a dense layer took its inputs, then its units.
    let second = arguments.find(1, &[]).map(|second| &second.value);
    let old = !spatial && matches!(second, Some(Value::Int(_)));
    let units = arguments.find(usize::from(old), names).and_then(|units| {
        let count = units.value.count()?;
        Some(Sited::new(count, units.at))
    });
    let named = arguments.named(&["activation"]);
    // The second argument of a dense layer was the initialisation in Keras 1, the activation since.
    let given = named.or_else(|| {
        if spatial || old {
            None
        } else {
            arguments.find(1, &[])
        }
    });
    Layer::Head(Rc::new(Head {
        units,
        activation: activated(given, arguments.open, true),
        at: arguments.at,
        insert: match arguments.open {
            true => None,
            false => arguments.all.iter().map(|argument| argument.at.end()).max(),
        },
        spatial,
    }))
}

fn activation(name: &str, arguments: &Arguments<'_>) -> Layer {
    let understood = match name {
        "Activation" => activated(arguments.find(0, &["activation"]), true, false),
        _ => Activation::from_name(name).map(|activation| {
            activation.map(|activation| Activated {
                activation,
                at: arguments.at,
                word: None,
                argument: false,
                axis: arguments
                    .value(0, &["axis"])
                    .and_then(|axis| axis.number())
                    .map(|axis| axis as i64),
            })
        }),
    };
    match understood {
        Some(Some(activated)) => Layer::Activation(activated),
        Some(None) => Layer::Keep,
        None => Layer::Activation(Activated {
            activation: Activation::Unknown,
            at: arguments.at,
            word: None,
            argument: false,
            axis: None,
        }),
    }
}
