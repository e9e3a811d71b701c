//! The names of the metrics: how each is keyed, shown and explained.
//!
//! The values are computed in [`crate::metrics`]; which of them a task uses is said by
//! [`Task::metrics`](crate::Task::metrics).

use serde::{Deserialize, Serialize};

/// In which direction a metric improves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// A headline metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // `explanation` documents each, for users and readers alike
pub enum Metric {
    Accuracy,
    TopFiveAccuracy,
    MacroF1,
    MicroF1,
    F1,
    LogLoss,
    RocAuc,
    PrAuc,
    BrierScore,
    MeanAveragePrecision,
    SubsetAccuracy,
    HammingLoss,
    Mae,
    Rmse,
    #[serde(rename = "r2")]
    RSquared,
}

impl Metric {
    /// The key in JSON documents.
    pub fn key(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::TopFiveAccuracy => "top_five_accuracy",
            Metric::MacroF1 => "macro_f1",
            Metric::MicroF1 => "micro_f1",
            Metric::F1 => "f1",
            Metric::LogLoss => "log_loss",
            Metric::RocAuc => "roc_auc",
            Metric::PrAuc => "pr_auc",
            Metric::BrierScore => "brier_score",
            Metric::MeanAveragePrecision => "mean_average_precision",
            Metric::SubsetAccuracy => "subset_accuracy",
            Metric::HammingLoss => "hamming_loss",
            Metric::Mae => "mae",
            Metric::Rmse => "rmse",
            Metric::RSquared => "r2",
        }
    }

    /// The name that people read.
    pub fn label(self) -> &'static str {
        match self {
            Metric::Accuracy => "accuracy",
            Metric::TopFiveAccuracy => "top-5 accuracy",
            Metric::MacroF1 => "macro F1",
            Metric::MicroF1 => "micro F1",
            Metric::F1 => "F1",
            Metric::LogLoss => "log loss",
            Metric::RocAuc => "ROC AUC",
            Metric::PrAuc => "PR AUC",
            Metric::BrierScore => "Brier score",
            Metric::MeanAveragePrecision => "mAP",
            Metric::SubsetAccuracy => "subset accuracy",
            Metric::HammingLoss => "Hamming loss",
            Metric::Mae => "MAE",
            Metric::Rmse => "RMSE",
            Metric::RSquared => "R²",
        }
    }

    /// What it says, in one plain sentence.
    pub fn explanation(self) -> &'static str {
        match self {
            Metric::Accuracy => "the share of images given their right name",
            Metric::TopFiveAccuracy => {
                "the share of images whose right name is among the five most probable"
            }
            Metric::MacroF1 => {
                "balance of finding all and raising no false alarm, every name counted alike"
            }
            Metric::MicroF1 => {
                "balance of finding all and raising no false alarm, every single label counted alike"
            }
            Metric::F1 => {
                "balance of finding all positives and raising no false alarm, at probability 0.5"
            }
            Metric::LogLoss => "how far the probabilities are from certainty in the right answer",
            Metric::RocAuc => {
                "how often a random positive image gets a higher probability than a random negative one"
            }
            Metric::PrAuc => {
                "mean precision while going down the images from the most to the least probable"
            }
            Metric::BrierScore => "mean squared distance of the probability from the truth",
            Metric::MeanAveragePrecision => {
                "for each label, mean precision from the most to the least probable image; the mean over labels"
            }
            Metric::SubsetAccuracy => "the share of images on which every label is right",
            Metric::HammingLoss => "the share of single yes-or-no answers that are wrong",
            Metric::Mae => "mean distance from the true number, in the target's own unit",
            Metric::Rmse => "root of the mean squared distance: like MAE, large misses weigh more",
            Metric::RSquared => {
                "the share of the variation that is explained: 1 is perfect, 0 is guessing the mean"
            }
        }
    }

    /// Whether more or less is better.
    pub fn better(self) -> Better {
        match self {
            Metric::LogLoss
            | Metric::BrierScore
            | Metric::HammingLoss
            | Metric::Mae
            | Metric::Rmse => Better::Lower,
            Metric::Accuracy
            | Metric::TopFiveAccuracy
            | Metric::MacroF1
            | Metric::MicroF1
            | Metric::F1
            | Metric::RocAuc
            | Metric::PrAuc
            | Metric::MeanAveragePrecision
            | Metric::SubsetAccuracy
            | Metric::RSquared => Better::Higher,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::Task;

    #[test]
    fn a_metric_is_keyed_as_it_is_serialised() {
        let tasks = [
            Task::multi_class((0..10).map(|i| i.to_string())).unwrap(),
            Task::binary("a", "b").unwrap(),
            Task::multi_label(["a"]).unwrap(),
            Task::regression(["a"]).unwrap(),
        ];
        for metric in tasks.iter().flat_map(Task::metrics) {
            let json = serde_json::to_string(&metric).unwrap();
            assert_eq!(json, format!("\"{}\"", metric.key()));
        }
    }
}
