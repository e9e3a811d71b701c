//! How sure the trained network may be, and how it scores.

use finial_graph::Weights;
use finial_task::{Calibration, Scores, Targets};

use super::Run;
use super::head::TrainedHead;
use crate::certainty::{Certainty, Observed, fold};
use crate::fit::{logits, outputs};
use crate::head::Head;
use crate::tune::{Seen, Tuned};
use crate::{Decision, LearnError};

/// The network as it will be saved, but for its calibration.
pub(super) struct Network<'a> {
    head: &'a Head,
    head_weights: Weights,
    pub frozen_weights: Weights,
    /// What the frozen part makes of the images that were not learned from.
    seen: Seen<'a>,
    /// What ran it.
    pub engine: Decision,
}

/// How sure the network may be, and what it scores.
pub(super) struct Verdict {
    pub certainty: Certainty,
    /// The head's weights with the calibration in them.
    pub head_weights: Weights,
    pub test: Scores,
    pub validation: Scores,
    pub observed: Observed,
    /// The calibrated answers for the test images.
    pub test_outputs: Vec<f32>,
}

impl<'a> Network<'a> {
    /// The frozen part with the head, or both as they were tuned if that was better.
    pub fn of(
        run: &Run<'a>,
        trained: &'a TrainedHead,
        tuned: Option<&Tuned>,
    ) -> Result<Self, LearnError> {
        let prepared = run.prepared;
        let head = &trained.head;
        let Some(tuned) = tuned.filter(|tuned| tuned.is_better()) else {
            return Ok(Network {
                head,
                head_weights: head
                    .graph()
                    .take_weights(&mut trained.fit.weights.clone())?,
                frozen_weights: prepared.backbone.weights.clone(),
                seen: Seen::Same(&prepared.features.matrix),
                engine: prepared.engine.clone(),
            });
        };
        let mut weights = prepared.backbone.weights.clone();
        weights.extend(tuned.fit.weights.clone());
        let frozen_weights = prepared.frozen.take_weights(&mut weights)?;
        // What is answered from here on is what the saved model will answer.
        let rows = [run.rows.validation.as_slice(), &run.rows.test].concat();
        let (seen, engine) = Seen::again(
            prepared,
            run.options,
            &frozen_weights,
            &rows,
            run.store,
            run.progress,
        )?;
        Ok(Network {
            head,
            head_weights: head.graph().take_weights(&mut tuned.fit.weights.clone())?,
            frozen_weights,
            seen,
            engine,
        })
    }

    /// Learns from the validation images how sure it may be, and scores it on the test images,
    /// which it never saw.
    pub fn judge(&self, run: &Run) -> Result<Verdict, LearnError> {
        let task = &run.prepared.inference.task;
        let (validation, test) = (&run.rows.validation, &run.rows.test);
        let targets = |rows: &[usize]| run.prepared.targets.select(rows);
        let (validation_targets, test_targets) = (targets(validation), targets(test));

        let calibration = self.calibration(run, &validation_targets)?;
        let head_weights = match &calibration {
            Some(calibration) => fold(&self.head_weights, calibration)?,
            None => self.head_weights.clone(),
        };
        let validation_outputs = self.answers(run, &head_weights, validation)?;
        let certainty = Certainty::learn(
            task,
            calibration,
            &validation_outputs,
            &validation_targets,
            &run.options.certainty,
        )?;

        let test_outputs = self.answers(run, &head_weights, test)?;
        let thresholds = &certainty.thresholds;
        let seed = run.options.fit.seed;
        let mut scores = task.score_at(&test_outputs, thresholds, &test_targets)?;
        scores.intervals = task.intervals(&test_outputs, thresholds, &test_targets, seed)?;
        let before = match &certainty.calibration {
            Some(_) => {
                let outputs = self.answers(run, &self.head_weights, test)?;
                task.reliability(&outputs, &test_targets)?
            }
            None => None,
        };
        Ok(Verdict {
            test: scores,
            validation: task.score_at(&validation_outputs, thresholds, &validation_targets)?,
            observed: Observed {
                before,
                ..Observed::of(task, &certainty, &test_outputs, &test_targets, None)?
            },
            certainty,
            head_weights,
            test_outputs,
        })
    }

    fn calibration(&self, run: &Run, targets: &Targets) -> Result<Option<Calibration>, LearnError> {
        if !run.options.certainty.calibrate {
            return Ok(None);
        }
        let logits = logits(
            self.head,
            &self.head_weights,
            self.seen.matrix(),
            &self.seen.rows(&run.rows.validation),
            &run.prepared.device,
        )?;
        Ok(Calibration::fit(
            &run.prepared.inference.task,
            &logits,
            targets,
        )?)
    }

    /// What a head of these weights answers for rows that were not learned from.
    fn answers(
        &self,
        run: &Run,
        weights: &Weights,
        rows: &[usize],
    ) -> Result<Vec<f32>, LearnError> {
        let device = &run.prepared.device;
        outputs(
            self.head,
            weights,
            self.seen.matrix(),
            &self.seen.rows(rows),
            device,
        )
    }
}
