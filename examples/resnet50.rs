//! Labels that can occur together, or two classes, on ResNet50:
//!
//! ```sh
//! cargo run --release --example resnet50 -- DATA [WEIGHTS.h5]
//! ```
//!
//! DATA is a table with a column that names images and one of labels such as `cat|dog`, or a
//! column of zeros and ones for each label, or a folder of two classes. A label is given where its
//! probability is at least one half, so rare ones need weights that tell something of the images:
//! random ones may give none.
//!
//! In Keras, where the units, the activation and the loss must be made to fit the labels:
//!
//! ```python
//! base = ResNet50(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
//! base.trainable = False
//! model = Sequential([
//!     base,
//!     Flatten(),
//!     Dense(64, activation="relu"),
//!     Dense(5, activation="sigmoid"),
//! ])
//! model.compile(optimizer=Adam(), loss="binary_crossentropy", metrics=["accuracy"])
//! model.fit(images, rows_of_zeros_and_ones)
//! ```

use std::error::Error;

use finial::{BackboneOptions, Pooling, Reserved, TrainOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().unwrap_or("photos.csv".into());
    let weights = arguments.next(); // none: ImageNet's, fetched once

    let mut trained = TrainOptions::new(data)
        .backbone(BackboneOptions::from("resnet50").weights(weights))
        .pooling(Pooling::Flatten)
        .hidden(64)
        .dropout(0.0)
        .train()?;

    println!("{}", trained.model.task().describe_final_layer());
    println!("{}", trained.test);
    trained.save(Reserved::new("resnet50-model".as_ref())?)?;
    Ok(())
}
