//! A scenario as a program: the names of an era, the form of a model.

use std::fmt::Write;

pub const ERAS: [&str; 4] = ["keras 1", "keras 2", "tf.keras", "keras 3"];

/// How a model is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Added,
    List,
    Functional,
    Subclass,
}

impl Form {
    pub const ALL: [Self; 4] = [Self::Added, Self::List, Self::Functional, Self::Subclass];

    /// Keras 1 had no models of one's own class.
    pub fn exists_in(self, era: &str) -> bool {
        self != Self::Subclass || era != "keras 1"
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "Sequential",
            Self::List => "Sequential of a list",
            Self::Functional => "functional",
            Self::Subclass => "subclass",
        }
    }
}

/// What an era writes before the names of Keras.
pub fn prefix(era: &str) -> &'static str {
    match era {
        "tf.keras" => "tf.keras.",
        "keras 3" => "keras.",
        _ => "",
    }
}

/// The statements that put layers together as `model`.
pub fn built(layers: &[String], era: &str, form: Form) -> String {
    let prefix = prefix(era);
    let mut text = String::new();
    match form {
        Form::Added => {
            writeln!(text, "model = {prefix}Sequential()").unwrap();
            for layer in layers {
                writeln!(text, "model.add({layer})").unwrap();
            }
        }
        Form::List => {
            writeln!(text, "model = {prefix}Sequential([").unwrap();
            for layer in layers {
                writeln!(text, "    {layer},").unwrap();
            }
            text.push_str("])\n");
        }
        Form::Functional => {
            let shape = "(224, 224, 3)";
            writeln!(text, "inputs = {prefix}Input(shape={shape})\nh = inputs").unwrap();
            for layer in layers {
                writeln!(text, "h = {layer}(h)").unwrap();
            }
            let names = match era {
                "keras 1" => ["input", "output"],
                _ => ["inputs", "outputs"],
            };
            let [inputs, outputs] = names;
            writeln!(text, "model = {prefix}Model({inputs}=inputs, {outputs}=h)").unwrap();
        }
        Form::Subclass => {
            writeln!(text, "class Net({prefix}Model):").unwrap();
            text.push_str("    def __init__(self):\n        super().__init__()\n");
            for (number, layer) in layers.iter().enumerate() {
                writeln!(text, "        self.layer{number} = {layer}").unwrap();
            }
            text.push_str("    def call(self, h):\n");
            for number in 0..layers.len() {
                writeln!(text, "        h = self.layer{number}(h)").unwrap();
            }
            text.push_str("        return h\nmodel = Net()\n");
        }
    }
    text
}

/// A class under its name in an era.
pub fn spelt(call: &str, era: &str) -> String {
    let camel = call.starts_with(char::is_uppercase);
    let loss = call.contains("Crossentropy");
    match era {
        "keras 1" => call
            .replace("Dense(", "Dense(output_dim=")
            .replace("Conv2D(32, (3, 3)", "Convolution2D(32, 3, 3"),
        "tf.keras" if loss => format!("tf.keras.losses.{call}"),
        "tf.keras" if camel => format!("tf.keras.layers.{call}"),
        "keras 3" if loss => format!("keras.losses.{call}"),
        "keras 3" if camel => format!("keras.layers.{call}"),
        _ => call.to_owned(),
    }
}

pub fn program(era: &str, form: Form, data: &str, what: &(&[&str], &str, &str)) -> String {
    let (layers, loss, metrics) = what;
    let mut text =
        String::from("import numpy as np\nfrom sklearn.preprocessing import StandardScaler\n");
    text.push_str(match era {
        "keras 1" => "from keras.models import Sequential, Model\nfrom keras.layers import Input\nfrom keras.layers.core import Dense, Dropout, Activation, Flatten\nfrom keras.layers.convolutional import Convolution2D\nfrom keras.utils.np_utils import to_categorical\nfrom keras.datasets import cifar10\n",
        "keras 2" => "from keras.models import Sequential, Model\nfrom keras.layers import Input, Dense, Dropout, Activation, Conv2D, Flatten, Softmax\nfrom keras.losses import SparseCategoricalCrossentropy\nfrom keras.utils import to_categorical\nfrom keras.datasets import cifar10\n",
        "tf.keras" => "import tensorflow as tf\nfrom tensorflow.keras.utils import to_categorical\nfrom tensorflow.keras.datasets import cifar10\n",
        _ => "import keras\nfrom keras.utils import to_categorical\nfrom keras.datasets import cifar10\n",
    });
    text.push_str(data);
    text.push('\n');
    let layers: Vec<String> = layers.iter().map(|layer| spelt(layer, era)).collect();
    text.push_str(&built(&layers, era, form));
    let loss = spelt(loss, era);
    writeln!(
        text,
        "model.compile(optimizer='adam', loss={loss}, metrics=[{metrics}])"
    )
    .unwrap();
    let epochs = if era == "keras 1" {
        "nb_epoch"
    } else {
        "epochs"
    };
    if !data.is_empty() {
        writeln!(text, "model.fit(x, y, {epochs}=5)").unwrap();
    }
    text
}
