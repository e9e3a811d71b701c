//! Each rule of Keras in the spelling of each era, as Sequential and functional, wrong and right.
//!
//! A scenario says the same once; it is written down in every spelling, and the snapshot shows what
//! is found where. Rules of PyTorch alone are in `tests/cases`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fmt::Write;

use finial_check::{Options, RULES, check_text, rule};
use finial_task::{RawLabels, Request, infer};

/// What a program trains, in the names of Keras 2.
struct Scenario {
    code: &'static str,
    /// Labels and inputs: `x`, `y`.
    data: &'static str,
    /// Layers, then loss, then metrics: wrong, and right.
    wrong: (&'static [&'static str], &'static str, &'static str),
    right: (&'static [&'static str], &'static str, &'static str),
    /// The right data, where it is the data that is wrong.
    right_data: &'static str,
    /// Keras 1 has no such thing.
    since_2: bool,
}

const ACC: &str = "'accuracy'";
const NONE: &str = "";
const HIDDEN: &str = "Dense(64, activation='relu')";
const SOFT10: &str = "Dense(10, activation='softmax')";
const SOFT3: &str = "Dense(3, activation='softmax')";
const SIGM1: &str = "Dense(1, activation='sigmoid')";
const CATEGORICAL: &str = "'categorical_crossentropy'";
const SPARSE: &str = "'sparse_categorical_crossentropy'";
const BINARY: &str = "'binary_crossentropy'";
const NUMBERS: &str = "y = np.random.randint(0, 10, size=500)";
const YES_NO: &str = "y = np.random.randint(0, 2, size=500)";
const ONE_HOT: &str = "y = to_categorical(np.random.randint(0, 10, size=500), 10)";
const LABELS: &str = "y = np.random.randint(0, 2, size=(500, 5))";
const PRICES: &str = "y = np.array([120.5, 310.25, 99.9, 250.0])";
const IMAGES: &str = "(x, y), _ = cifar10.load_data()";
const SCALED: &str = "(x, y), _ = cifar10.load_data()\nx = x / 255.0";
const CONV: &str = "Conv2D(32, (3, 3), activation='relu')";

const fn scenario(
    code: &'static str,
    data: &'static str,
    wrong: (&'static [&'static str], &'static str, &'static str),
    right: (&'static [&'static str], &'static str, &'static str),
) -> Scenario {
    Scenario {
        code,
        data,
        wrong,
        right,
        right_data: data,
        since_2: false,
    }
}

const fn data(
    code: &'static str,
    wrong: &'static str,
    right: &'static str,
    same: (&'static [&'static str], &'static str, &'static str),
) -> Scenario {
    Scenario {
        code,
        data: wrong,
        wrong: same,
        right: same,
        right_data: right,
        since_2: false,
    }
}

const fn since_2(scenario: Scenario) -> Scenario {
    Scenario {
        since_2: true,
        ..scenario
    }
}

const SCENARIOS: &[Scenario] = &[
    scenario(
        "FIN001",
        YES_NO,
        (&[HIDDEN, "Dense(1, activation='softmax')"], BINARY, ACC),
        (&[HIDDEN, SIGM1], BINARY, ACC),
    ),
    scenario(
        "FIN002",
        ONE_HOT,
        (
            &[HIDDEN, "Dense(9, activation='softmax')"],
            CATEGORICAL,
            ACC,
        ),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN003",
        NUMBERS,
        (&[HIDDEN, SIGM1], BINARY, ACC),
        (&[HIDDEN, SOFT10], SPARSE, ACC),
    ),
    scenario(
        "FIN004",
        ONE_HOT,
        (&[HIDDEN, "Dense(10)"], CATEGORICAL, ACC),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    since_2(scenario(
        "FIN005",
        NUMBERS,
        (
            &[HIDDEN, SOFT10],
            "SparseCategoricalCrossentropy(from_logits=True)",
            ACC,
        ),
        (
            &[HIDDEN, "Dense(10)"],
            "SparseCategoricalCrossentropy(from_logits=True)",
            ACC,
        ),
    )),
    scenario(
        "FIN006",
        ONE_HOT,
        (
            &[
                HIDDEN,
                "Dense(10, activation='relu')",
                "Activation('softmax')",
            ],
            CATEGORICAL,
            ACC,
        ),
        (
            &[HIDDEN, "Dense(10)", "Activation('softmax')"],
            CATEGORICAL,
            ACC,
        ),
    ),
    scenario(
        "FIN007",
        ONE_HOT,
        (&[HIDDEN, SOFT10, "Dropout(0.5)"], CATEGORICAL, ACC),
        (&[HIDDEN, "Dropout(0.5)", SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN008",
        LABELS,
        (
            &[HIDDEN, "Dense(5, activation='softmax')"],
            BINARY,
            "'binary_accuracy'",
        ),
        (
            &[HIDDEN, "Dense(5, activation='sigmoid')"],
            BINARY,
            "'binary_accuracy'",
        ),
    ),
    scenario(
        "FIN009",
        PRICES,
        (&[HIDDEN, SIGM1], "'mse'", "'mae'"),
        (&[HIDDEN, "Dense(1)"], "'mse'", "'mae'"),
    ),
    since_2(scenario(
        "FIN010",
        NUMBERS,
        (&[HIDDEN, "Dense(10)", "Softmax(axis=0)"], SPARSE, ACC),
        (&[HIDDEN, "Dense(10)", "Softmax(axis=-1)"], SPARSE, ACC),
    )),
    since_2(scenario(
        "FIN011",
        NUMBERS,
        (
            &[HIDDEN, "Dense(10, activation='tanh')"],
            "SparseCategoricalCrossentropy(from_logits=True)",
            ACC,
        ),
        (
            &[HIDDEN, "Dense(10)"],
            "SparseCategoricalCrossentropy(from_logits=True)",
            ACC,
        ),
    )),
    scenario(
        "FIN101",
        YES_NO,
        (&[HIDDEN, SIGM1], CATEGORICAL, ACC),
        (&[HIDDEN, SIGM1], BINARY, ACC),
    ),
    scenario(
        "FIN102",
        ONE_HOT,
        (&[HIDDEN, SOFT10], BINARY, ACC),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN103",
        ONE_HOT,
        (
            &[HIDDEN, "Dense(10, activation='sigmoid')"],
            CATEGORICAL,
            ACC,
        ),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN104",
        ONE_HOT,
        (&[HIDDEN, SOFT10], SPARSE, ACC),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN105",
        NUMBERS,
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
        (&[HIDDEN, SOFT10], SPARSE, ACC),
    ),
    scenario(
        "FIN106",
        ONE_HOT,
        (&[HIDDEN, SOFT10], "'mse'", ACC),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN107",
        PRICES,
        (&[HIDDEN, SIGM1], BINARY, "'mae'"),
        (&[HIDDEN, "Dense(1)"], "'mse'", "'mae'"),
    ),
    scenario(
        "FIN108",
        ONE_HOT,
        (&[HIDDEN, "Dense(10, activation='sigmoid')"], BINARY, ACC),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN110",
        "y = np.array([-1, 1, 1, -1])",
        (&[HIDDEN, SIGM1], "'hinge'", NONE),
        (&[HIDDEN, "Dense(1, activation='tanh')"], "'hinge'", NONE),
    ),
    scenario(
        "FIN111",
        "y = to_categorical(np.random.randint(0, 2, size=500), 2)",
        (&[HIDDEN, "Dense(2, activation='softmax')"], BINARY, ACC),
        (
            &[HIDDEN, "Dense(2, activation='softmax')"],
            CATEGORICAL,
            ACC,
        ),
    ),
    data(
        "FIN201",
        "y = np.random.randint(1, 4, size=500)",
        "y = np.random.randint(0, 3, size=500)",
        (&[HIDDEN, SOFT3], SPARSE, ACC),
    ),
    data(
        "FIN202",
        IMAGES,
        SCALED,
        (&[CONV, "Flatten()", SOFT10], SPARSE, ACC),
    ),
    data(
        "FIN203",
        "(x, y), _ = cifar10.load_data()\nx = x / 255.0\nx = x / 255.0",
        SCALED,
        (&[CONV, "Flatten()", SOFT10], SPARSE, ACC),
    ),
    data(
        "FIN205",
        "y = np.array([0.5, 1.25, 3.5])\nscaled = StandardScaler().fit_transform(x)",
        "y = np.array([0.5, 1.25, 3.5])\nx = StandardScaler().fit_transform(x)",
        (&[HIDDEN, "Dense(1)"], "'mse'", NONE),
    ),
    scenario(
        "FIN301",
        PRICES,
        (&[HIDDEN, "Dense(1)"], "'mse'", ACC),
        (&[HIDDEN, "Dense(1)"], "'mse'", "'mae'"),
    ),
    since_2(scenario(
        "FIN302",
        LABELS,
        (
            &[HIDDEN, "Dense(5, activation='sigmoid')"],
            BINARY,
            "'accuracy'",
        ),
        (
            &[HIDDEN, "Dense(5, activation='sigmoid')"],
            BINARY,
            "'binary_accuracy'",
        ),
    )),
    scenario(
        "FIN303",
        ONE_HOT,
        (&[HIDDEN, SOFT10], CATEGORICAL, "'binary_accuracy'"),
        (&[HIDDEN, SOFT10], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN304",
        NUMBERS,
        (&[HIDDEN, SOFT10], SPARSE, "'categorical_accuracy'"),
        (&[HIDDEN, SOFT10], SPARSE, ACC),
    ),
    scenario(
        "FIN305",
        YES_NO,
        (&[HIDDEN, SIGM1], BINARY, "'categorical_accuracy'"),
        (&[HIDDEN, SIGM1], BINARY, ACC),
    ),
    scenario(
        "FIN401",
        NONE,
        (
            &[HIDDEN, "Dense(2, activation='softmax')"],
            CATEGORICAL,
            ACC,
        ),
        (&[HIDDEN, SOFT3], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN402",
        NONE,
        (
            &[HIDDEN, "Dense(3, activation='sigmoid')"],
            CATEGORICAL,
            ACC,
        ),
        (&[HIDDEN, SOFT3], CATEGORICAL, ACC),
    ),
    scenario(
        "FIN403",
        NONE,
        (&[HIDDEN, SOFT3], "'mse'", NONE),
        (&[HIDDEN, SOFT3], CATEGORICAL, NONE),
    ),
];

const ERAS: [&str; 4] = ["keras 1", "keras 2", "tf.keras", "keras 3"];

/// A class under its name in an era.
fn spelt(call: &str, era: &str) -> String {
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

fn program(era: &str, functional: bool, data: &str, what: &(&[&str], &str, &str)) -> String {
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
    let prefix = match era {
        "tf.keras" => "tf.keras.",
        "keras 3" => "keras.",
        _ => "",
    };
    if functional {
        writeln!(
            text,
            "inputs = {prefix}Input(shape=(32, 32, 3))\nh = inputs"
        )
        .unwrap();
        for layer in *layers {
            writeln!(text, "h = {}(h)", spelt(layer, era)).unwrap();
        }
        let names = match era {
            "keras 1" => ["input", "output"],
            _ => ["inputs", "outputs"],
        };
        writeln!(
            text,
            "model = {prefix}Model({}=inputs, {}=h)",
            names[0], names[1]
        )
        .unwrap();
    } else {
        writeln!(text, "model = {prefix}Sequential()").unwrap();
        for layer in *layers {
            writeln!(text, "model.add({})", spelt(layer, era)).unwrap();
        }
    }
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

fn look(code: &str, program: &str) -> Vec<String> {
    let mut options = Options::new(vec!["ALL".to_owned()], Vec::new()).unwrap();
    if code.starts_with("FIN4") {
        let folders = ["cat", "dog", "fox"]
            .repeat(4)
            .into_iter()
            .map(String::from);
        let labels = RawLabels::Folders(folders.collect());
        let labels = infer(&labels, &Request::default(), &|at| at.to_string()).unwrap();
        options = options.beside(&labels, "photos/");
    }
    let report = check_text("train.py", program, &options);
    assert!(report.skipped().is_empty(), "{program}");
    let found = report.findings().iter();
    found
        .map(|f| format!("{} {}:{}", f.code(), f.position().line, f.position().column))
        .collect()
}

#[test]
fn every_era_and_form_is_understood() {
    let mut table = String::new();
    let mut faults = String::new();
    for scenario in SCENARIOS {
        writeln!(
            table,
            "{} {}",
            scenario.code,
            rule(scenario.code).unwrap().name()
        )
        .unwrap();
        for era in ERAS {
            if era == "keras 1" && scenario.since_2 {
                continue;
            }
            for functional in [false, true] {
                let form = if functional {
                    "functional"
                } else {
                    "Sequential"
                };
                let wrong = program(era, functional, scenario.data, &scenario.wrong);
                let right = program(era, functional, scenario.right_data, &scenario.right);
                let found = look(scenario.code, &wrong);
                if !found.iter().any(|found| found.starts_with(scenario.code)) {
                    writeln!(
                        faults,
                        "{era}, {form}: {} is missed, found {found:?}:\n{wrong}",
                        scenario.code
                    )
                    .unwrap();
                }
                let alarms = look(scenario.code, &right);
                if !alarms.is_empty() {
                    writeln!(
                        faults,
                        "{era}, {form}: {} is right, found {alarms:?}:\n{right}",
                        scenario.code
                    )
                    .unwrap();
                }
                writeln!(table, "    {era}, {form}: {}", found.join(", ")).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
    insta::assert_snapshot!(table);
}

#[test]
fn every_rule_has_cases_in_some_spelling() {
    for rule in RULES {
        let spelt = SCENARIOS
            .iter()
            .any(|scenario| scenario.code == rule.code());
        let beside = std::path::Path::new("tests/cases").join(format!("{}.md", rule.name()));
        assert!(spelt || beside.exists(), "{} has no cases", rule.name());
    }
}
