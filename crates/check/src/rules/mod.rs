//! The rules: one file a rule, with its code, its documentation and its check.
//!
//! A rule looks at one [`Training`] and says what is wrong with it, or nothing. It may only speak
//! of what is known: an unknown fact is `None`, and `None` ends a check with `?`.
//!
//! Codes: `FIN0…` activation and units, `FIN1…` loss, `FIN2…` labels and inputs, `FIN3…` metrics,
//! `FIN4…` the labels beside a model, `FIN5…` transfer learning.
//! To add one, write its file and name it twice here; the tests of `tests/rules.rs` find it.

mod accuracy_for_multi_label;
mod accuracy_for_regression;
mod activation_does_not_match_data;
mod activation_on_regression_output;
mod activation_with_from_logits;
mod batch_norm_of_a_frozen_base_in_training;
mod batch_norm_updated_at_fine_tuning;
mod binary_accuracy_for_exclusive_classes;
mod binary_loss_for_exclusive_classes;
mod bounded_logits;
mod categorical_loss_on_one_unit;
mod categorical_loss_with_integer_labels;
mod cross_entropy_for_regression;
mod dropout_after_final_layer;
mod everything_frozen;
mod flatten_instead_of_pooling;
mod frozen_base_without_weights;
mod gradient_never_zeroed;
mod hinge_with_zero_one_labels;
mod images_not_rescaled;
mod images_prepared_for_another_network;
mod images_rescaled_twice;
mod labels_start_at_one;
mod learning_rate_too_high_for_the_base;
mod loss_does_not_match_data;
mod metric_cannot_take_the_output;
mod missing_activation;
mod model_never_switched_to_inference;
mod no_log_softmax_before_nll_loss;
mod no_metric_fits_the_loss;
mod no_sigmoid_before_bce_loss;
mod one_unit_for_many_classes;
mod regression_loss_for_classes;
mod scaler_unused;
mod sigmoid_before_bce_with_logits_loss;
mod sigmoid_with_categorical_crossentropy;
mod sigmoid_with_hinge;
mod softmax_before_cross_entropy_loss;
mod softmax_for_multi_label;
mod softmax_on_one_unit;
mod softmax_over_the_batch;
mod softmax_pair_with_binary_crossentropy;
mod softmax_with_binary_crossentropy;
mod sparse_loss_with_one_hot_labels;
mod top_under_a_new_head;
mod trainable_changed_after_compile;
mod two_activations_in_a_row;
mod unfrozen_base_under_a_random_head;
mod units_do_not_match_classes;
mod units_do_not_match_data;

mod fault;
mod page;

pub(crate) use fault::{Fault, Repair, has_units};
pub use page::page;

use crate::program::Training;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A suspicion. Off unless it is selected.
    Note,
    /// The model works badly.
    Warning,
    /// The model cannot work.
    Error,
}

impl Severity {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A fault that can be found.
#[derive(Debug)]
pub struct Rule {
    code: &'static str,
    name: &'static str,
    severity: Severity,
    doc: &'static str,
    check: fn(&Training) -> Option<Fault>,
}

/// All rules, in the order of their codes.
pub const RULES: &[Rule] = &[
    softmax_on_one_unit::RULE,
    units_do_not_match_classes::RULE,
    one_unit_for_many_classes::RULE,
    missing_activation::RULE,
    activation_with_from_logits::RULE,
    two_activations_in_a_row::RULE,
    dropout_after_final_layer::RULE,
    softmax_for_multi_label::RULE,
    activation_on_regression_output::RULE,
    softmax_over_the_batch::RULE,
    bounded_logits::RULE,
    softmax_before_cross_entropy_loss::RULE,
    sigmoid_before_bce_with_logits_loss::RULE,
    no_log_softmax_before_nll_loss::RULE,
    no_sigmoid_before_bce_loss::RULE,
    categorical_loss_on_one_unit::RULE,
    softmax_with_binary_crossentropy::RULE,
    sigmoid_with_categorical_crossentropy::RULE,
    sparse_loss_with_one_hot_labels::RULE,
    categorical_loss_with_integer_labels::RULE,
    regression_loss_for_classes::RULE,
    cross_entropy_for_regression::RULE,
    binary_loss_for_exclusive_classes::RULE,
    hinge_with_zero_one_labels::RULE,
    sigmoid_with_hinge::RULE,
    softmax_pair_with_binary_crossentropy::RULE,
    labels_start_at_one::RULE,
    images_not_rescaled::RULE,
    images_rescaled_twice::RULE,
    images_prepared_for_another_network::RULE,
    scaler_unused::RULE,
    accuracy_for_regression::RULE,
    accuracy_for_multi_label::RULE,
    binary_accuracy_for_exclusive_classes::RULE,
    no_metric_fits_the_loss::RULE,
    metric_cannot_take_the_output::RULE,
    units_do_not_match_data::RULE,
    activation_does_not_match_data::RULE,
    loss_does_not_match_data::RULE,
    frozen_base_without_weights::RULE,
    trainable_changed_after_compile::RULE,
    everything_frozen::RULE,
    top_under_a_new_head::RULE,
    batch_norm_of_a_frozen_base_in_training::RULE,
    batch_norm_updated_at_fine_tuning::RULE,
    unfrozen_base_under_a_random_head::RULE,
    learning_rate_too_high_for_the_base::RULE,
    flatten_instead_of_pooling::RULE,
    gradient_never_zeroed::RULE,
    model_never_switched_to_inference::RULE,
];

/// The rule of a code or name, in any capitals.
pub fn rule(code_or_name: &str) -> Option<&'static Rule> {
    let wanted = code_or_name.trim();
    RULES.iter().find(|rule| {
        rule.code.eq_ignore_ascii_case(wanted) || rule.name.eq_ignore_ascii_case(wanted)
    })
}

impl Rule {
    /// `FIN001`
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The fault in a few words: `softmax-on-one-unit`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The documentation as Markdown: what, why, an example, what to use instead.
    pub fn explanation(&self) -> String {
        format!(
            "# {} ({}, {})\n{}",
            self.name,
            self.code,
            self.severity.name(),
            self.doc
        )
    }

    /// A section of the documentation by its heading.
    pub fn section(&self, heading: &str) -> Option<&'static str> {
        let (_, rest) = self.doc.split_once(&format!("## {heading}\n"))?;
        Some(rest.split("\n## ").next().unwrap_or(rest).trim())
    }

    pub(crate) fn check(&self, training: &Training) -> Option<Fault> {
        (self.check)(training)
    }
}
