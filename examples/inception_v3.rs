//! Numbers, on InceptionV3:
//!
//! ```sh
//! cargo run --release --example inception_v3 -- DATA [WEIGHTS.h5]
//! ```
//!
//! DATA is a table with a column that names images and one or more of numbers.
//!
//! In Keras, where the units, the activation and the loss must be made to fit the targets, and
//! the targets to be standardised by hand:
//!
//! ```python
//! base = InceptionV3(weights="imagenet", include_top=False, input_shape=(299, 299, 3))
//! base.trainable = False
//! model = Sequential([
//!     base,
//!     GlobalAveragePooling2D(),
//!     Dense(128, activation="relu"),
//!     Dense(1, activation="linear"),
//! ])
//! model.compile(optimizer=Adam(), loss="mse", metrics=["mae"])
//! model.fit(images, targets)
//! ```

use std::error::Error;

use finial::{BackboneOptions, Pooling, Reserved, TrainOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().unwrap_or("photos.csv".into());
    let weights = arguments.next(); // none: ImageNet's, fetched once

    let mut trained = TrainOptions::new(data)
        .backbone(BackboneOptions::from("inception-v3").weights(weights))
        .pooling(Pooling::Average)
        .hidden(128)
        .dropout(0.0)
        .train()?;

    println!("{}", trained.model.task().describe_final_layer());
    println!("{}", trained.test);
    trained.save(Reserved::new("inception-v3-model".as_ref())?)?;
    Ok(())
}
