//! Loads a checkpoint into a graph, strictly: every parameter must be in the file in its shape,
//! and every tensor of the file must be a parameter, but for differences that were named before.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use finial_graph::{Graph, Parameter, Weights};

use crate::{Checkpoint, FormatError};

/// What may differ between the names in a file and those of a graph.
#[derive(Clone, Copy)]
pub struct Loading<'a> {
    /// The parameter that a tensor of that name in the file is; none if it belongs to a part of
    /// the network that its graph has not, such as a classifier that only helped in training.
    pub rename: &'a dyn Fn(&str) -> Option<Cow<'_, str>>,
    /// Parameters that the graph lacks since it was cut: the file may have them, and they stay
    /// there.
    pub behind_the_cut: &'a [Parameter],
}

impl Default for Loading<'_> {
    fn default() -> Self {
        Loading {
            rename: &|name| Some(Cow::Borrowed(name)),
            behind_the_cut: &[],
        }
    }
}

/// Reads the parameters of `graph` from a checkpoint that holds them in finial's layout, which is
/// PyTorch's: `<node>.<parameter>`, convolutions as `[filters, channels, height, width]`.
///
/// A shape fits if it is the parameter's but for axes of one: `[1, 1, 768]` is a class token of
/// `[768]`. The counters `num_batches_tracked`, which no graph has, are passed over.
///
/// # Errors
/// Lists parameters that are missing, shapes that differ and tensors without a place, with near
/// names; or names the first tensor that cannot be read, is not finite, or has a variance below
/// zero.
///
/// ```no_run
/// use finial_formats::{Checkpoint, Loading, load};
/// # fn example(classifier: finial_graph::Graph) -> Result<(), Box<dyn std::error::Error>> {
///
/// let (features, top) = classifier.cut_at("avgpool")?;
/// let file = Checkpoint::open("resnet50.pth".as_ref())?;
/// let loading = Loading {
///     behind_the_cut: &top.parameters(),
///     ..Loading::default()
/// };
/// let weights = load(&file, &features, &loading)?;
/// # Ok(())
/// # }
/// ```
pub fn load(
    checkpoint: &Checkpoint,
    graph: &Graph,
    loading: &Loading<'_>,
) -> Result<Weights, FormatError> {
    let tensors = checkpoint.tensors();
    let mut found = Vec::new();
    let mut places = Vec::new();
    for (place, tensor) in tensors.iter().enumerate() {
        if is_counter(&tensor.name) {
            continue;
        }
        if let Some(parameter) = (loading.rename)(&tensor.name) {
            found.push(Found {
                name: &tensor.name,
                parameter: parameter.into_owned(),
                shape: tensor.shape.clone(),
            });
            places.push(place);
        }
    }
    let wanted = graph.parameters();
    let pairs = pair(checkpoint.path(), &found, &wanted, loading.behind_the_cut)?;
    let mut weights = Weights::new();
    for (parameter, index) in wanted.into_iter().zip(pairs) {
        let stored = places.get(index).and_then(|&place| tensors.get(place));
        if let Some(stored) = stored {
            weights.insert(parameter.name, stored.read_as(parameter.shape)?);
        }
    }
    let checked = graph.check_weights(&weights);
    checked.map_err(|error| FormatError::Weights {
        path: checkpoint.path().to_owned(),
        error,
    })?;
    Ok(weights)
}

/// Whether it counts the batches of a batch norm's training.
fn is_counter(name: &str) -> bool {
    name == "num_batches_tracked" || name.ends_with(".num_batches_tracked")
}

/// A tensor of a file, as it would be in a graph.
pub(crate) struct Found<'a> {
    /// Its name in the file.
    pub name: &'a str,
    /// The parameter that it is.
    pub parameter: String,
    /// Its shape in finial's layout.
    pub shape: Vec<usize>,
}

/// For each wanted parameter, which of the tensors found it is.
///
/// # Errors
/// Lists both sides where they differ, but for parameters behind the cut.
pub(crate) fn pair(
    path: &Path,
    found: &[Found<'_>],
    wanted: &[Parameter],
    behind_the_cut: &[Parameter],
) -> Result<Vec<usize>, FormatError> {
    let mut by_parameter: HashMap<&str, usize> = HashMap::new();
    let mut twice = Vec::new();
    for (index, tensor) in found.iter().enumerate() {
        if let Some(before) = by_parameter.insert(&tensor.parameter, index) {
            let before = found.get(before).map_or("", |tensor| tensor.name);
            twice.push(format!(
                "`{before}` and `{}` are both `{}`",
                tensor.name, tensor.parameter
            ));
        }
    }
    let mut pairs = Vec::new();
    let (mut missing, mut misshapen) = (Vec::new(), Vec::new());
    for parameter in wanted {
        match by_parameter.remove(parameter.name.as_str()) {
            None => missing.push(parameter),
            Some(index) => {
                let shape = found.get(index).map_or(&[][..], |tensor| &tensor.shape);
                if !is_same(shape, &parameter.shape) {
                    let Parameter { name, shape: own } = parameter;
                    misshapen.push(format!("`{name}` should be {own:?}, is {shape:?}"));
                }
                pairs.push(index);
            }
        }
    }
    let behind: HashSet<&str> = behind_the_cut.iter().map(|p| p.name.as_str()).collect();
    let mut left: Vec<usize> = by_parameter
        .into_iter()
        .filter(|(parameter, _)| !behind.contains(parameter))
        .map(|(_, index)| index)
        .collect();
    left.sort_unstable();
    let left: Vec<&Found> = left
        .into_iter()
        .filter_map(|index| found.get(index))
        .collect();
    if missing.is_empty() && misshapen.is_empty() && left.is_empty() && twice.is_empty() {
        return Ok(pairs);
    }
    let missing = missing.iter().enumerate().map(|(at, parameter)| {
        let near = if at < SHOWN {
            near(parameter, &left)
        } else {
            None
        };
        let near = near.map_or(String::new(), |name| format!(" (`{name}` is near)"));
        format!(
            "`{}` {:?} is missing{near}",
            parameter.name, parameter.shape
        )
    });
    let extra = left.iter().map(|tensor| {
        format!(
            "`{}` {:?} has no place",
            shortened(tensor.name),
            tensor.shape
        )
    });
    let sides = [
        first(missing.collect()),
        first(misshapen),
        first(extra.collect()),
        first(twice),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    let names = found
        .iter()
        .map(|tensor| shortened(tensor.name))
        .take(SHOWN);
    Err(FormatError::Misfit {
        path: path.to_owned(),
        differences: sides.join("; "),
        names: match found {
            [] => "none".to_owned(),
            _ => names.collect::<Vec<_>>().join(", "),
        },
    })
}

/// Differences of one kind that are shown.
const SHOWN: usize = 5;

/// Equal but for axes of one.
fn is_same(stored: &[usize], own: &[usize]) -> bool {
    let long = |shape: &[usize]| {
        shape
            .iter()
            .copied()
            .filter(|&dim| dim != 1)
            .collect::<Vec<_>>()
    };
    long(stored) == long(own)
}

/// The left-over tensor of the nearest name, if it is near and of the parameter's shape.
fn near<'a>(parameter: &Parameter, left: &[&Found<'a>]) -> Option<&'a str> {
    const LONG: usize = 256;
    let candidates = left
        .iter()
        .filter(|tensor| tensor.parameter.len() < LONG && is_same(&tensor.shape, &parameter.shape));
    let close =
        |tensor: &&&Found| strsim::normalized_levenshtein(&tensor.parameter, &parameter.name);
    let rated = candidates.map(|tensor| (close(&tensor), tensor.name));
    let best = rated.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.5).then_some(best.1)
}

fn first(mut differences: Vec<String>) -> Option<String> {
    let more = differences.len().saturating_sub(SHOWN);
    differences.truncate(SHOWN);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    (!differences.is_empty()).then(|| differences.join("; "))
}

fn shortened(name: &str) -> &str {
    const MOST: usize = 100;
    name.char_indices()
        .nth(MOST)
        .map_or(name, |(end, _)| &name[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, shape: &[usize]) -> Parameter {
        Parameter {
            name: name.into(),
            shape: shape.to_vec(),
        }
    }

    fn found<'a>(name: &'a str, shape: &[usize]) -> Found<'a> {
        Found {
            name,
            parameter: name.into(),
            shape: shape.to_vec(),
        }
    }

    fn misfit(found: &[Found<'_>], own: &[Parameter], cut: &[Parameter]) -> String {
        let error = pair(Path::new("w.pth"), found, own, cut).unwrap_err();
        error.to_string()
    }

    #[test]
    fn tensors_are_paired_by_name_not_by_place() {
        let found = [found("b", &[2]), found("a", &[1])];
        let own = [wanted("a", &[1]), wanted("b", &[2])];
        assert_eq!(pair(Path::new("w.pth"), &found, &own, &[]).unwrap(), [1, 0]);
    }

    #[test]
    fn both_sides_are_listed_with_near_names() {
        let found = [found("conv_1.weight", &[4, 3]), found("other", &[9])];
        let own = [wanted("conv1.weight", &[4, 3]), wanted("bias", &[4])];
        let text = misfit(&found, &own, &[]);
        assert!(
            text.contains("`conv1.weight` [4, 3] is missing (`conv_1.weight` is near)"),
            "{text}"
        );
        assert!(text.contains("`bias` [4] is missing;"), "{text}");
        assert!(text.contains("`other` [9] has no place"), "{text}");
    }

    #[test]
    fn what_lies_behind_the_cut_may_be_there_or_not() {
        let own = [wanted("a", &[1])];
        let cut = [wanted("fc.weight", &[10, 1]), wanted("fc.bias", &[10])];
        let both = [found("a", &[1]), found("fc.weight", &[7, 1])];
        assert!(pair(Path::new("w.pth"), &both, &own, &cut).is_ok());
        assert!(pair(Path::new("w.pth"), &both[..1], &own, &cut).is_ok());
        assert!(misfit(&both, &own, &[]).contains("`fc.weight` [7, 1] has no place"));
    }

    #[test]
    fn axes_of_one_do_not_matter_and_others_do() {
        let found = [found("token", &[1, 1, 8])];
        assert!(pair(Path::new("w.pth"), &found, &[wanted("token", &[8])], &[]).is_ok());
        let text = misfit(&found, &[wanted("token", &[4, 2])], &[]);
        assert!(
            text.contains("`token` should be [4, 2], is [1, 1, 8]"),
            "{text}"
        );
    }

    #[test]
    fn two_tensors_are_not_one_parameter() {
        let mut found = [found("a", &[1]), found("b", &[1])];
        found[1].parameter = "a".into();
        let text = misfit(&found, &[wanted("a", &[1])], &[]);
        assert!(text.contains("`a` and `b` are both `a`"), "{text}");
    }
}
