//! Names that try to break the page, in every place a name can stand.

use finial_report::{Command, Fact, Report, SetAsideFile, WorstImage};

use super::multi_class::{base, evidence};
use super::noise::thumbnail;

/// Markup, quotes, emoji, right-to-left, a name that never breaks, control characters, nothing.
pub const NAMES: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'single' {{ 7 * 7 }}",
    "</style><b onmouseover=x>bold</b>]]>",
    "🐞 ladybird 🐞🐞🐞",
    "وردة حمراء <b>",
    "\u{202e}reversed name\u{202c}",
    "Lopadotemachoselachogaleokranioleipsanodrimhypotrimmatosilphiokarabomelitokatakechymenokichlepikossyphophattoperisteralektryonoptekephalliokigklopeleiolagoiosiraiobaphetraganopterygon",
    "bell\u{7} and nul\u{0}",
];

pub fn report() -> Report {
    let counts = (0..NAMES.len())
        .map(|truth| {
            (0..NAMES.len())
                .map(|predicted| match truth.abs_diff(predicted) {
                    0 => 1_200 + 31 * truth,
                    1 => 9 * truth + 3,
                    _ => 0,
                })
                .collect()
        })
        .collect();
    let names = NAMES.map(str::to_owned).to_vec();
    let mut report = base("hostile", evidence(names, counts), 9, 0.9);
    let all = NAMES.join(" · ");
    report.title = all.clone();
    report.model = all.clone();
    report.subject = Some(all.clone());
    report.worst_order = Some(all.clone());
    report.created = all.clone();
    report.finial_version = "\"/><b>".into();
    report.task.kind = all.clone();
    report.task.reason = all.clone();
    report.task.override_hint = Some(all.clone());
    if let Some(head) = &mut report.head {
        head.layers[0].name = all.clone();
        head.layers[0].kind = all.clone();
        if let Some(why) = &mut head.final_layer {
            why.activation = all.clone();
            why.loss_why = all.clone();
        }
    }
    if let Some(data) = &mut report.data {
        data.source = all.clone();
        data.layout = all.clone();
        data.set_aside = NAMES
            .map(|name| SetAsideFile {
                path: name.into(),
                reason: name.into(),
                detail: Some(name.into()),
            })
            .to_vec();
        data.set_aside_count = NAMES.len();
    }
    if let Some(training) = &mut report.training {
        training.stopped = all.clone();
        training.settings.push(Fact::new(&all, &all));
    }
    if let Some(scores) = &mut report.scores {
        scores.split = all.clone();
        scores.note = Some(all.clone());
        scores.doubts = vec![all.clone()];
        for score in &mut scores.headline {
            score.label = all.clone();
            score.explanation = all.clone();
            score.comparison = Some(all.clone());
        }
    }
    report.worst = NAMES
        .into_iter()
        .zip(91..)
        .map(|(name, seed)| WorstImage {
            heat: Vec::new(),
            jpeg: thumbnail(seed),
            path: format!("photos/{name}.jpg"),
            truth: name.into(),
            predicted: name.into(),
            remark: name.into(),
        })
        .collect();
    report.provenance = vec![Fact::new(&all, &all)];
    report.usage = vec![Command {
        purpose: all.clone(),
        line: format!("finial predict '{all}'"),
    }];
    report
}
