//! What is wrong and what is right, said once for all spellings.

use crate::program::ERAS;

/// What a program trains, in the names of Keras 2.
pub struct Scenario {
    pub code: &'static str,
    /// Labels and inputs: `x`, `y`.
    pub data: &'static str,
    /// Layers, then loss, then metrics: wrong, and right.
    pub wrong: (&'static [&'static str], &'static str, &'static str),
    pub right: (&'static [&'static str], &'static str, &'static str),
    /// The right data, where it is the data that is wrong.
    pub right_data: &'static str,
    /// The eras that have such a thing.
    pub eras: &'static [&'static str],
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
        eras: &ERAS,
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
        eras: &ERAS,
    }
}

/// Keras 1 has no loss with `from_logits` and no `Softmax` layer, and its `accuracy` follows the
/// loss.
const fn since_2(scenario: Scenario) -> Scenario {
    Scenario {
        eras: &["keras 2", "tf.keras", "keras 3"],
        ..scenario
    }
}

/// Later Keras makes -1 and 1 of the labels 0 and 1 by itself.
const fn only_1(scenario: Scenario) -> Scenario {
    Scenario {
        eras: &["keras 1"],
        ..scenario
    }
}

pub const SCENARIOS: &[Scenario] = &[
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
    only_1(scenario(
        "FIN109",
        YES_NO,
        (&[HIDDEN, "Dense(1, activation='tanh')"], "'hinge'", NONE),
        (&[HIDDEN, SIGM1], BINARY, NONE),
    )),
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
