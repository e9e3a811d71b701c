//! The pretrained networks, one file a family, listed once in [`BACKBONES`].
//!
//! A backbone here is a graph without numbers: preprocessing, layers named as in the published
//! checkpoint, and its original classifier. Where it is cut for transfer is part of its entry.

mod efficientnet_lite;

use crate::{Graph, GraphError};

/// A pretrained network that finial knows by name.
#[derive(Clone, Copy, Debug)]
pub struct Backbone {
    /// The name that is typed.
    pub name: &'static str,
    /// Where it is described.
    pub paper: &'static str,
    /// Height and width of the images it was trained on.
    pub input: [usize; 2],
    /// The last map before its pooling and classifier: what a new head reads.
    pub features: &'static str,
    build: fn() -> Result<Graph, GraphError>,
}

/// Every backbone.
pub const BACKBONES: &[Backbone] = &[efficientnet_lite::LITE0];

impl Backbone {
    /// The backbone of that name.
    pub fn named(name: &str) -> Option<&'static Backbone> {
        BACKBONES.iter().find(|backbone| backbone.name == name)
    }

    /// The whole network, from the 8-bit image to its 1000 original classes.
    ///
    /// # Errors
    /// Never for a graph in this crate; each is built by a test.
    pub fn classifier(&self) -> Result<Graph, GraphError> {
        (self.build)()
    }

    /// The network up to [`features`](Self::features).
    ///
    /// # Errors
    /// As [`classifier`](Self::classifier).
    pub fn without_top(&self) -> Result<Graph, GraphError> {
        Ok(self.classifier()?.cut_at(self.features)?.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Shape;

    #[test]
    fn names_are_unique_and_lower_case() {
        let names: BTreeSet<&str> = BACKBONES.iter().map(|b| b.name).collect();
        assert_eq!(names.len(), BACKBONES.len());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(plain)));
    }

    #[test]
    fn each_reads_an_rgb_image_and_ends_in_a_map_without_its_top() {
        for backbone in BACKBONES {
            let [h, w] = backbone.input;
            let graph = backbone.without_top().unwrap();
            assert_eq!(graph.input_shape(), Shape::Map([3, h, w]));
            assert!(matches!(graph.output_shape(), Shape::Map(_)));
            assert_eq!(graph.output(), backbone.features);
        }
    }
}
