//! What one gets without looking at the image, and how to say it.

use finial_report::{Baseline, format};
use finial_task::{Metric, Scores, Targets, Task, TaskKind};

use super::question::count;
use super::scores::written;
use crate::head::Scale;

/// A guess that knows what is frequent among some images, and its scores on others.
pub(super) struct Guess<'a> {
    task: &'a Task,
    /// What the known images are called.
    known_as: &'a str,
    /// What it answers every image: frequencies of the classes or labels, or the means.
    answer: Vec<f32>,
    scores: Option<Scores>,
}

impl<'a> Guess<'a> {
    /// The guess from what is frequent among `known`, scored on `asked`.
    pub fn new(task: &'a Task, known: &Targets, known_as: &'a str, asked: &Targets) -> Self {
        let rows = known.rows().max(1) as f32;
        let frequencies = count(task, known).into_iter().map(|n| n as f32 / rows);
        let answer: Vec<f32> = match task.kind() {
            TaskKind::Regression => Scale::of(task, known).mean,
            // The single output is the probability of the second class.
            TaskKind::Binary => frequencies.skip(1).collect(),
            TaskKind::MultiClass | TaskKind::MultiLabel => frequencies.collect(),
        };
        // As large as the outputs that it is compared to.
        let scores = task.score(&answer.repeat(asked.rows()), asked).ok();
        Guess {
            task,
            known_as,
            answer,
            scores,
        }
    }

    /// The guess as the baseline of a metric; `None` where it would say nothing.
    pub fn baseline(&self, metric: Metric) -> Option<Baseline> {
        let value = match metric {
            // 0 by definition, up to what the means of two splits differ by.
            Metric::RSquared => 0.0,
            _ => self.scores.as_ref()?.get(metric)?,
        };
        let nothing_found = matches!(
            metric,
            Metric::F1 | Metric::MacroF1 | Metric::MicroF1 | Metric::SubsetAccuracy
        );
        if nothing_found && value == 0.0 {
            return None;
        }
        let guess = self.in_words(metric)?;
        Some(Baseline {
            value,
            sentence: format!("{guess} scores {}.", written(metric, value)),
        })
    }

    /// What is always said.
    fn in_words(&self, metric: Metric) -> Option<String> {
        Some(match (metric, self.task.kind()) {
            (Metric::RocAuc | Metric::PrAuc | Metric::MeanAveragePrecision, _) => {
                "Guessing".to_owned()
            }
            (Metric::LogLoss | Metric::BrierScore, _) => {
                "Giving every image the shares of the classes as its probabilities".to_owned()
            }
            (Metric::TopFiveAccuracy, _) => {
                "Always naming the five most frequent classes".to_owned()
            }
            (_, TaskKind::MultiClass | TaskKind::Binary) => format!(
                "Always saying “{}”, the most frequent class of {},",
                self.most_frequent()?,
                self.known_as
            ),
            (_, TaskKind::MultiLabel) => match self.frequent_labels().as_slice() {
                [] => "Giving every image no label".to_owned(),
                labels => format!("Giving every image “{}”", labels.join("”, “")),
            },
            // Beside MAE and RMSE it would only repeat what R² means.
            (Metric::RSquared, TaskKind::Regression) if self.task.names().len() == 1 => {
                return None;
            }
            (_, TaskKind::Regression) => match self.answer.as_slice() {
                [mean] => format!(
                    "Always saying {}, the mean of {},",
                    format::quantity(f64::from(*mean)),
                    self.known_as
                ),
                _ => format!("Always saying the mean of {}", self.known_as),
            },
        })
    }

    /// The class that the guess names: the first of the most frequent.
    fn most_frequent(&self) -> Option<&str> {
        let names = self.task.names();
        let class = match (self.task.kind(), self.answer.as_slice()) {
            (TaskKind::Binary, [positive]) => usize::from(*positive >= Task::THRESHOLD),
            (_, shares) => {
                let shares = shares.iter().enumerate().rev();
                shares.max_by(|a, b| a.1.total_cmp(b.1))?.0
            }
        };
        names.get(class).map(String::as_str)
    }

    fn frequent_labels(&self) -> Vec<&str> {
        let labels = self.task.names().iter().zip(&self.answer);
        labels
            .filter(|(_, share)| **share >= Task::THRESHOLD)
            .map(|(name, _)| name.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(task: &Task, targets: &[f32], metric: Metric) -> Option<String> {
        let targets = Targets::new(task.target_columns(), targets.to_vec());
        let guess = Guess::new(task, &targets, "these images", &targets);
        guess.baseline(metric).map(|baseline| baseline.sentence)
    }

    #[test]
    fn each_metric_is_compared_to_a_guess_that_can_be_understood() {
        let classes = Task::multi_class(["cat", "dog", "bird"]).unwrap();
        let images = [0.0, 1.0, 1.0, 2.0];
        assert_eq!(
            told(&classes, &images, Metric::Accuracy).as_deref(),
            Some("Always saying “dog”, the most frequent class of these images, scores 0.500.")
        );
        let binary = Task::binary("no", "yes").unwrap();
        assert_eq!(
            told(&binary, &[0.0, 0.0, 0.0, 1.0], Metric::RocAuc).as_deref(),
            Some("Guessing scores 0.500.")
        );
        let number = Task::regression(["n"]).unwrap();
        assert_eq!(
            told(&number, &[2.0, 4.0], Metric::Mae).as_deref(),
            Some("Always saying 3.00, the mean of these images, scores 1.00.")
        );
    }

    #[test]
    fn a_guess_that_finds_nothing_is_left_out() {
        let binary = Task::binary("no", "yes").unwrap();
        assert_eq!(told(&binary, &[0.0, 0.0, 1.0], Metric::F1), None);
        let labels = Task::multi_label(["a", "b"]).unwrap();
        assert_eq!(
            told(&labels, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], Metric::MicroF1),
            None
        );
        assert_eq!(
            told(&labels, &[1.0, 0.0, 1.0, 1.0], Metric::MicroF1).as_deref(),
            Some("Giving every image “a”, “b” scores 0.857.")
        );
    }

    #[test]
    fn r_squared_is_compared_to_the_mean_only_where_it_stands_alone() {
        let one = Task::regression(["n"]).unwrap();
        assert_eq!(told(&one, &[2.0, 4.0], Metric::RSquared), None);
        let two = Task::regression(["n", "m"]).unwrap();
        assert_eq!(
            told(&two, &[2.0, 4.0, 3.0, 1.0], Metric::RSquared).as_deref(),
            Some("Always saying the mean of these images scores 0.000.")
        );
    }

    #[test]
    fn the_guess_names_the_class_that_its_score_is_about() {
        // A tie: the score takes the first of the most frequent classes, and so do the words.
        let classes = Task::multi_class(["cat", "dog", "bird"]).unwrap();
        let told = told(&classes, &[0.0, 0.0, 1.0, 1.0, 2.0], Metric::Accuracy);
        assert!(told.is_some_and(|told| told.contains("“cat”")));
    }
}
