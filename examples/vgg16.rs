//! Classes that exclude each other, on VGG16:
//!
//! ```sh
//! cargo run --release --example vgg16 -- DATA [WEIGHTS.h5]
//! ```
//!
//! DATA is a folder of class folders, or a table of images and labels.
//!
//! In Keras, where the units, the activation and the loss must be made to fit the labels:
//!
//! ```python
//! base = VGG16(weights="imagenet", include_top=False, input_shape=(224, 224, 3))
//! base.trainable = False
//! model = Sequential([
//!     base,
//!     Flatten(),
//!     Dense(128, activation="relu"),
//!     Dense(10, activation="softmax"),
//! ])
//! model.compile(optimizer=Adam(), loss="categorical_crossentropy", metrics=["accuracy"])
//! model.fit(images, one_hot_labels)
//! ```

use std::error::Error;

use finial::{BackboneOptions, Pooling, Reserved, TrainOptions};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let data = arguments.next().unwrap_or("photos".into());
    let weights = arguments.next(); // none: ImageNet's, fetched once

    let mut trained = TrainOptions::new(data)
        .backbone(BackboneOptions::from("vgg16").weights(weights))
        .pooling(Pooling::Flatten)
        .hidden(128)
        .dropout(0.0)
        .train()?;

    println!("{}", trained.model.task().describe_final_layer());
    println!("{}", trained.test);
    trained.save(Reserved::new("vgg16-model".as_ref())?)?;
    Ok(())
}
