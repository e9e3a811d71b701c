//! Published networks under a new head: wrong and right, in every spelling.

use std::fmt::Write;

use crate::program::{Form, built, prefix, spelt};

/// A rule on transfer learning.
pub struct Transfer {
    pub code: &'static str,
    pub wrong: Steps,
    pub right: Steps,
    /// Keras 1 and 2 have no such thing.
    since_tf: bool,
    /// Only a call of the network says it.
    called: bool,
}

/// What a program does, one after the other.
#[derive(Clone, Copy)]
pub struct Steps {
    network: &'static str,
    /// Given to the network beside `include_top=False`.
    given: &'static str,
    /// Given to the call of the network in the functional and the subclass form.
    call: &'static str,
    /// Preparation of the images: the module of `preprocess_input`.
    prepared: &'static str,
    freeze: Freeze,
    /// Layers between the network and the final layer.
    layers: &'static [&'static str],
    rate: &'static str,
    /// Unfrozen after a first `fit`, and with which rate it is compiled again.
    tuned: Option<Option<&'static str>>,
}

#[derive(Clone, Copy)]
enum Freeze {
    Nothing,
    Base,
    Everything,
}

const PLAIN: Steps = Steps {
    network: "ResNet50",
    given: "include_top=False, weights='imagenet', input_shape=(224, 224, 3)",
    call: "",
    prepared: "",
    freeze: Freeze::Base,
    layers: &["GlobalAveragePooling2D()"],
    rate: "1e-3",
    tuned: None,
};

const fn transfer(code: &'static str, wrong: Steps, right: Steps) -> Transfer {
    Transfer {
        code,
        wrong,
        right,
        since_tf: false,
        called: false,
    }
}

pub const TRANSFERS: &[Transfer] = &[
    transfer(
        "FIN204",
        Steps {
            network: "ResNet50",
            prepared: "mobilenet",
            ..PLAIN
        },
        Steps {
            network: "ResNet50",
            prepared: "resnet50",
            ..PLAIN
        },
    ),
    transfer(
        "FIN501",
        Steps {
            given: "include_top=False, weights=None, input_shape=(224, 224, 3)",
            ..PLAIN
        },
        PLAIN,
    ),
    transfer(
        "FIN502",
        Steps {
            network: "VGG16",
            tuned: Some(None),
            ..PLAIN
        },
        Steps {
            network: "VGG16",
            tuned: Some(Some("1e-5")),
            ..PLAIN
        },
    ),
    transfer(
        "FIN503",
        Steps {
            freeze: Freeze::Everything,
            ..PLAIN
        },
        PLAIN,
    ),
    transfer(
        "FIN504",
        Steps {
            given: "weights='imagenet'",
            layers: &[],
            ..PLAIN
        },
        PLAIN,
    ),
    Transfer {
        since_tf: true,
        called: true,
        ..transfer(
            "FIN505",
            Steps {
                call: ", training=True",
                ..PLAIN
            },
            Steps {
                call: ", training=False",
                ..PLAIN
            },
        )
    },
    Transfer {
        since_tf: true,
        called: true,
        ..transfer(
            "FIN506",
            Steps {
                tuned: Some(Some("1e-5")),
                ..PLAIN
            },
            Steps {
                call: ", training=False",
                tuned: Some(Some("1e-5")),
                ..PLAIN
            },
        )
    },
    transfer(
        "FIN507",
        Steps {
            freeze: Freeze::Nothing,
            rate: "1e-4",
            ..PLAIN
        },
        PLAIN,
    ),
    transfer(
        "FIN508",
        Steps {
            network: "VGG16",
            tuned: Some(Some("1e-3")),
            ..PLAIN
        },
        Steps {
            network: "VGG16",
            tuned: Some(Some("1e-5")),
            ..PLAIN
        },
    ),
    transfer(
        "FIN509",
        Steps {
            network: "VGG16",
            layers: &["Flatten()", "Dense(1024, activation='relu')"],
            ..PLAIN
        },
        Steps {
            network: "VGG16",
            layers: &["GlobalAveragePooling2D()", "Dense(1024, activation='relu')"],
            ..PLAIN
        },
    ),
];

impl Transfer {
    /// Calls say whether a network is in training since tf.keras, and a Sequential calls nothing.
    pub fn exists_in(&self, era: &str, form: Form) -> bool {
        let old = matches!(era, "keras 1" | "keras 2");
        let called = matches!(form, Form::Functional | Form::Subclass);
        (!self.since_tf || !old) && (!self.called || called)
    }
}

impl Steps {
    pub fn program(&self, era: &str, form: Form) -> String {
        let mut text = String::from("import numpy as np\n");
        let old = matches!(era, "keras 1" | "keras 2");
        let module = match self.network {
            "VGG16" => "vgg16",
            _ => "resnet50",
        };
        text.push_str(match era {
            "tf.keras" => "import tensorflow as tf\n",
            "keras 3" => "import keras\n",
            _ => {
                "from keras.models import Sequential, Model\nfrom keras.layers import Input, Dense, Flatten, GlobalAveragePooling2D\nfrom keras.optimizers import Adam\n"
            }
        });
        let applications = match era {
            "tf.keras" => "tensorflow.keras.applications",
            _ => "keras.applications",
        };
        let (network, prefix) = (self.network, prefix(era));
        writeln!(text, "from {applications}.{module} import {network}").unwrap();
        if !self.prepared.is_empty() {
            let prepared = self.prepared;
            writeln!(
                text,
                "from {applications}.{prepared} import preprocess_input"
            )
            .unwrap();
            text.push_str(
                "x = preprocess_input(np.random.randint(0, 256, size=(64, 224, 224, 3)))\n",
            );
        }
        writeln!(text, "base = {network}({})", self.given).unwrap();
        let freeze = |what: &str, on: &str| match era {
            "keras 1" => format!("for layer in {what}.layers:\n    layer.trainable = {on}\n"),
            _ => format!("{what}.trainable = {on}\n"),
        };
        if matches!(self.freeze, Freeze::Base) {
            text.push_str(&freeze("base", "False"));
        }
        let own = self
            .layers
            .iter()
            .chain(&["Dense(5, activation='softmax')"]);
        let own = own.map(|layer| spelt(layer, era));
        let layers: Vec<String> = std::iter::once("base".to_owned()).chain(own).collect();
        let called = |before: &str, after: &str| {
            let call = self.call;
            (format!("{before}(h)\n"), format!("{after}(h{call})\n"))
        };
        let (from, to) = match form {
            Form::Subclass => called("self.layer0", "self.layer0"),
            _ => called("base", "base"),
        };
        text.push_str(&built(&layers, era, form).replace(&from, &to));
        if matches!(self.freeze, Freeze::Everything) {
            text.push_str(&freeze("model", "False"));
        }
        let rate = if old { "lr" } else { "learning_rate" };
        let optimizers = if old { "" } else { "optimizers." };
        let compile = |of: &str| {
            format!(
                "model.compile(optimizer={prefix}{optimizers}Adam({rate}={of}), loss='categorical_crossentropy', metrics=['accuracy'])\n"
            )
        };
        let epochs = if era == "keras 1" {
            "nb_epoch"
        } else {
            "epochs"
        };
        let fit = format!("model.fit(x, y, {epochs}=5)\n");
        text.push_str(&compile(self.rate));
        text.push_str(&fit);
        if let Some(again) = self.tuned {
            text.push_str(&freeze("base", "True"));
            text.extend(again.map(compile));
            text.push_str(&fit);
        }
        text
    }
}
