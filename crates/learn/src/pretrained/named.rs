//! A backbone that finial knows by name.

use std::path::Path;

use finial_formats::load_backbone;
use finial_graph::backbones::{BACKBONES, Backbone};
use finial_graph::{Graph, GraphError, Weights};
use finial_hub::Hub;

use super::{BackboneOptions, DEFAULT, Preprocessing, Pretrained};
use crate::progress::Running;
use crate::{LearnError, Progress, Stage, cache};

/// The backbone of that name.
///
/// # Errors
/// There is none; the error names those that are near.
pub fn backbone(name: &str) -> Result<&'static Backbone, LearnError> {
    Backbone::named(name).ok_or_else(|| LearnError::UnknownBackbone {
        found: name.to_owned(),
        nearest: nearest(name, BACKBONES.iter().map(|backbone| backbone.name)),
    })
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let near = finial_task::near_names(name, known);
    near.into_iter().map(str::to_owned).collect()
}

/// The backbone with its weights: from inside the binary, from the given file, or fetched.
pub(super) fn open(
    options: &BackboneOptions,
    progress: &dyn Progress,
) -> Result<Pretrained, LearnError> {
    let backbone = backbone(&options.name)?;
    if options
        .preprocessing
        .is_some_and(|p| p != Preprocessing::None)
    {
        return Err(LearnError::PreprocessingTwice {
            name: backbone.name.to_owned(),
        });
    }
    let cut = options.cut.as_deref().unwrap_or(backbone.features);
    let (mut graph, top) = cut_behind(backbone, cut)?;
    let behind = top.parameters();
    if let Some(size) = options.image_size {
        graph = graph.resized(size)?;
    }
    let (weights, source) = match &options.weights {
        Some(file) => (
            load_backbone(file, backbone, &graph, &behind)?,
            format!("{}, given", file.display()),
        ),
        None if backbone.name == DEFAULT => embedded()?,
        None => {
            let path = fetched(backbone, options.cut.is_some(), progress)?;
            let licence = backbone.weights.licence;
            let source = format!("{} ({licence})", backbone.publisher.name());
            (load_backbone(&path, backbone, &graph, &behind)?, source)
        }
    };
    Pretrained::new(backbone.name.to_owned(), graph, weights, source)
}

/// The network up to the end of that layer, its activation included, and what follows.
fn cut_behind(backbone: &Backbone, layer: &str) -> Result<(Graph, Graph), LearnError> {
    let graph = backbone.classifier()?;
    let end = graph.end_of_layer(layer).unwrap_or(layer);
    match graph.cut_at(end) {
        Err(GraphError::UnknownNode { .. }) => Err(LearnError::UnknownLayer {
            backbone: backbone.name.to_owned(),
            layer: layer.to_owned(),
            nearest: nearest(layer, graph.nodes().iter().map(|node| node.name.as_str())),
        }),
        parts => Ok(parts?),
    }
}

/// The weights inside the binary.
fn embedded() -> Result<(Weights, String), LearnError> {
    use finial_efficientnet_lite0::{LICENCE, SOURCE, WEIGHTS};
    let weights = Weights::from_safetensors(WEIGHTS)?;
    Ok((weights, format!("{SOURCE} ({LICENCE})")))
}

/// The file that the publisher gives: without the classifier, unless the cut may need it.
fn fetched(
    backbone: &Backbone,
    whole: bool,
    progress: &dyn Progress,
) -> Result<std::path::PathBuf, LearnError> {
    let published = &backbone.weights;
    let part = published.without_top.filter(|_| !whole);
    let Some(file) = part.or(published.with_top) else {
        return Err(LearnError::NoFile {
            name: backbone.name.to_owned(),
            way_out: no_file(backbone),
        });
    };
    let hub = Hub::from_environment(cache::weights()?);
    if let Some(path) = hub.cached(&file)? {
        return Ok(path);
    }
    if !hub.is_offline() {
        progress.say(&format!(
            "fetching the weights of {} from {}",
            backbone.name, file.url
        ));
    }
    let mut stage = None;
    let mut heard = 0;
    let path = hub.fetch(&file, &mut |done, total| {
        // A try that starts over begins a stage of its own.
        if stage.is_none() || done < heard {
            drop(stage.take());
            let total = usize::try_from(total.unwrap_or(0)).unwrap_or(usize::MAX);
            stage = Some(Running::begin(progress, Stage::Download, total));
            heard = 0;
        }
        progress.advance(done.saturating_sub(heard), "");
        heard = done;
    })?;
    drop(stage);
    progress.say(&format!(
        "kept in {}",
        path.parent().unwrap_or(Path::new("")).display()
    ));
    Ok(path)
}

fn no_file(backbone: &Backbone) -> String {
    format!(
        "give the file that holds them: --backbone {} --weights FILE; they come with {}",
        backbone.name,
        backbone.publisher.name()
    )
}
