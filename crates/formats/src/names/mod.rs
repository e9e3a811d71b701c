//! What the tensors of a checkpoint are called in a backbone, one file a family.
//!
//! A node carries the name of its publisher's module, so most names agree. Here is what does not:
//! tensors that belong to no module, modules that were renamed after their weights were published,
//! and networks that another library publishes under names of its own. That is only done where
//! both compute the same: timm's MobileNetV3 has another epsilon than torchvision's, so its
//! weights are not taken for it.

mod convnext;
mod densenet;
mod efficientnet;
mod inception_v3;
mod mobilenet_v2;
mod vgg;
mod vit;

use std::borrow::Cow;
use std::collections::HashSet;

use finial_graph::Parameter;

/// How a library names the tensors of a network.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    /// The library.
    pub library: &'static str,
    /// The parameter's name, of the parts of the tensor's; none where it is the same.
    rename: fn(&[&str]) -> Option<String>,
    /// How names of tensors begin that the network has no use for.
    left_out: &'static [&'static str],
}

/// Names that are those of the backbone.
const SAME: Naming = Naming {
    library: "its publisher",
    rename: |_| None,
    left_out: &[],
};

/// The backbones whose checkpoints have other names, and how they are named.
const NAMINGS: &[(&[&str], &[Naming])] = &[
    (convnext::BACKBONES, convnext::NAMINGS),
    (densenet::BACKBONES, densenet::NAMINGS),
    (efficientnet::BACKBONES, efficientnet::NAMINGS),
    (inception_v3::BACKBONES, inception_v3::NAMINGS),
    (mobilenet_v2::BACKBONES, mobilenet_v2::NAMINGS),
    (vgg::BACKBONES, vgg::NAMINGS),
    (vit::TIMM_BACKBONES, vit::TIMM_NAMINGS),
    (vit::TORCHVISION_BACKBONES, vit::TORCHVISION_NAMINGS),
];

impl Naming {
    /// The naming of a checkpoint's `tensors` for the backbone of that name: the one that gives
    /// most of its `parameters`, so that what is missing is reported by one library's names.
    ///
    /// ```
    /// use finial_formats::Naming;
    /// use finial_graph::backbones::Backbone;
    ///
    /// let backbone = Backbone::named("convnext-tiny-torchvision").ok_or("no such backbone")?;
    /// let parameters = backbone.classifier()?.parameters();
    /// let naming = Naming::of(backbone.name, &parameters, ["stem.0.weight", "head.fc.bias"]);
    /// assert_eq!(naming.library, "timm");
    /// let parameter = naming.parameter("stages.3.blocks.2.gamma");
    /// assert_eq!(parameter.as_deref(), Some("features.7.2.layer_scale.gamma"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of<'a>(
        backbone: &str,
        parameters: &[Parameter],
        tensors: impl IntoIterator<Item = &'a str>,
    ) -> Naming {
        let own = |(names, namings): &(&[&str], &'static [Naming])| {
            names.contains(&backbone).then_some(*namings)
        };
        let namings = NAMINGS.iter().find_map(own).unwrap_or(&[SAME]);
        let wanted: HashSet<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        let tensors: Vec<&str> = tensors.into_iter().collect();
        let found = |naming: &Naming| {
            let given = tensors.iter().filter_map(|tensor| naming.parameter(tensor));
            given.filter(|name| wanted.contains(name.as_ref())).count()
        };
        // Of several that give as many, the first one.
        let best = namings.iter().rev().max_by_key(|naming| found(naming));
        best.copied().unwrap_or(SAME)
    }

    /// The parameter that a tensor holds, as the backbone calls it; none for a tensor that it has
    /// no use for. A name that the library has not is left as it is.
    ///
    /// Networks trained on several devices are saved with `module.` before every name.
    pub fn parameter<'a>(&self, tensor: &'a str) -> Option<Cow<'a, str>> {
        let name = tensor.strip_prefix("module.").unwrap_or(tensor);
        if self.left_out.iter().any(|part| name.starts_with(part)) {
            return None;
        }
        let parts: Vec<&str> = name.split('.').collect();
        Some((self.rename)(&parts).map_or(Cow::Borrowed(name), Cow::Owned))
    }
}

/// A number in a name.
fn number(part: &str) -> Option<usize> {
    part.parse::<u8>().ok().map(usize::from)
}

#[cfg(test)]
mod tests {
    use finial_graph::backbones::Backbone;

    use super::*;

    #[test]
    fn every_backbone_listed_is_there_once() {
        let mut seen = HashSet::new();
        for name in NAMINGS.iter().flat_map(|(names, _)| *names) {
            assert!(Backbone::named(name).is_some(), "{name}");
            assert!(seen.insert(name), "{name}");
        }
    }
}
