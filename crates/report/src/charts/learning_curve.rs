//! Loss per epoch, on the training and on the validation images.

use super::axis::{Axis, rounded_range};
use super::{Chart, WIDTH};
use crate::format;
use crate::report::{Epoch, Training};

/// Loss per epoch with the best epoch marked; `None` for fewer than two epochs.
pub fn learning_curve(training: &Training, id: &str) -> Option<String> {
    let epochs = &training.epochs;
    let (first, last) = (epochs.first()?, epochs.last()?);
    if first.epoch >= last.epoch {
        return None;
    }
    let losses = epochs
        .iter()
        .flat_map(|epoch| [epoch.train_loss, epoch.validation_loss])
        .flatten();
    // A loss is read against zero, so the axis begins there.
    let range = rounded_range(losses.chain([0.0]), 8);
    let epochs_axis = Axis {
        name: "epoch",
        range: (first.epoch as f64, last.epoch as f64),
        whole: true,
    };
    let loss_axis = Axis {
        name: "mean loss",
        range,
        whole: false,
    };
    let mut chart = Chart::new(280.0, epochs_axis, loss_axis);

    chart.line("line quiet", points(epochs, |epoch| epoch.train_loss));
    chart.line("line", points(epochs, |epoch| epoch.validation_loss));

    let best = training
        .best_epoch
        .and_then(|best| epochs.iter().find(|epoch| epoch.epoch == best));
    if let Some(best) = best {
        mark_best(&mut chart, best);
    }
    Some(chart.finish(id, "Loss per epoch", &describe(epochs, best)))
}

fn points(
    epochs: &[Epoch],
    loss: impl Fn(&Epoch) -> Option<f64>,
) -> impl Iterator<Item = (f64, f64)> {
    epochs
        .iter()
        .map(move |epoch| (epoch.epoch as f64, loss(epoch).unwrap_or(f64::NAN)))
}

fn mark_best(chart: &mut Chart, best: &Epoch) {
    let epoch = best.epoch as f64;
    let x = chart.x.at(epoch);
    let (bottom, top) = chart.y.pixels();
    chart.push(&format!(
        r#"<path class="marker" d="M{x:.1} {bottom:.1}V{top:.1}"/>"#
    ));
    if let Some(loss) = best.validation_loss.or(best.train_loss) {
        chart.dot("point", 4.5, (epoch, loss));
    }
    let label = format!("best: epoch {}", best.epoch);
    if x > WIDTH * 0.6 {
        chart.text(x - 6.0, top + 10.0, "end", "label", &label);
    } else {
        chart.text(x + 6.0, top + 10.0, "start", "label", &label);
    }
}

fn describe(epochs: &[Epoch], best: Option<&Epoch>) -> String {
    let mut words = Vec::new();
    let ends = |loss: fn(&Epoch) -> Option<f64>| {
        let mut finite = epochs.iter().filter_map(loss).filter(|l| l.is_finite());
        let first = finite.next()?;
        Some((first, finite.next_back().unwrap_or(first)))
    };
    for (name, ends) in [
        ("training", ends(|epoch| epoch.train_loss)),
        ("validation", ends(|epoch| epoch.validation_loss)),
    ] {
        if let Some((from, to)) = ends {
            let (from, to) = (format::quantity(from), format::quantity(to));
            words.push(format!("The {name} loss goes from {from} to {to}."));
        }
    }
    if let Some(best) = best {
        words.push(format!("The best epoch is {}.", best.epoch));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn training(losses: &[(f64, Option<f64>)]) -> Training {
        Training {
            epochs: losses
                .iter()
                .enumerate()
                .map(|(i, &(train, validation))| Epoch {
                    epoch: i + 1,
                    train_loss: Some(train),
                    validation_loss: validation,
                })
                .collect(),
            best_epoch: Some(2),
            ..Training::default()
        }
    }

    #[test]
    fn a_curve_needs_two_epochs() {
        assert_eq!(learning_curve(&training(&[]), "c"), None);
        assert_eq!(learning_curve(&training(&[(1.0, None)]), "c"), None);
    }

    #[test]
    fn the_best_epoch_is_marked_and_told() {
        let losses = [(1.6, Some(1.2)), (0.8, Some(0.7)), (0.4, Some(0.9))];
        let svg = learning_curve(&training(&losses), "c").expect("a chart");
        insta::assert_snapshot!(svg.replace("><", ">\n<"));
    }

    #[test]
    fn without_validation_only_the_training_loss_is_told() {
        let svg = learning_curve(&training(&[(1.0, None), (0.5, None)]), "c").expect("a chart");
        assert!(svg.contains("training loss goes from 1.00 to 0.500"));
        assert!(!svg.contains("validation"));
    }

    #[test]
    fn a_loss_that_exploded_leaves_a_gap() {
        let losses = [
            (1.0, Some(1.0)),
            (f64::INFINITY, Some(f64::NAN)),
            (0.9, Some(0.8)),
        ];
        let svg = learning_curve(&training(&losses), "c").expect("a chart");
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
