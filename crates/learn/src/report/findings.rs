//! What is suspicious in a data set, in words and pictures.

use finial_data::{Source, thumbnail};
use finial_report::format;
use finial_report::inspection::{Finding, Group, Picture};
use finial_task::TaskKind;
use rayon::prelude::*;

use crate::inspect::labels::Doubt;
use crate::inspect::odd::{Odd, Reason};
use crate::inspect::twins::Twins;
use crate::inspect::{Inspection, Subject};

/// Findings of a group that a page shows.
const SHOWN: usize = 12;
/// The longer side of a thumbnail, in pixels.
const THUMBNAIL: u32 = 160;

/// The findings in groups, the first of each with its thumbnail.
pub(crate) fn groups(inspection: &Inspection, source: &Source) -> Vec<Group> {
    let across = |of: fn(&Twins) -> bool| inspection.twins.iter().filter(move |twins| of(twins));
    let splits = across(|twins| twins.across_splits);
    let labels = across(|twins| twins.across_labels);
    let mut groups = vec![
        Group {
            id: "labels".to_owned(),
            title: what_is_doubtful(inspection.task).to_owned(),
            how: how_labels_are_found(inspection.task).to_owned(),
            count: inspection.labels.len(),
            findings: inspection.labels.iter().take(SHOWN).map(doubt).collect(),
        },
        Group {
            id: "across-splits".to_owned(),
            title: "The same picture in two splits".to_owned(),
            how: format!(
                "A picture that was learned from is easy to be right about, so the scores look better \
                 than they are. {HOW_TWINS}"
            ),
            count: splits.clone().count(),
            findings: splits.take(SHOWN / 2).map(pair).collect(),
        },
        Group {
            id: "across-labels".to_owned(),
            title: "The same picture with two labels".to_owned(),
            how: format!(
                "One of the two labels is wrong, or the picture belongs to both. {HOW_TWINS}"
            ),
            count: labels.clone().count(),
            findings: labels.take(SHOWN / 2).map(pair).collect(),
        },
    ];
    groups.extend(odd_groups(&inspection.odd));
    let findings = groups.par_iter_mut().flat_map(|group| &mut group.findings);
    let pictures = findings.flat_map(|finding| &mut finding.pictures);
    pictures.for_each(|picture| {
        let bytes = std::fs::read(source.root.join(&picture.path)).ok();
        let jpeg = bytes.and_then(|bytes| thumbnail(&bytes, THUMBNAIL).ok());
        picture.jpeg = jpeg.unwrap_or_default();
    });
    groups
}

/// The odd images, a group for each reason that there are any of.
fn odd_groups(found: &[Odd]) -> Vec<Group> {
    let group = |(reason, id, title, how): (Reason, &str, &str, &str)| {
        let of_reason = found.iter().filter(|odd| odd.reason == reason);
        Group {
            id: id.to_owned(),
            title: title.to_owned(),
            how: how.to_owned(),
            count: of_reason.clone().count(),
            findings: of_reason.take(SHOWN / 2).map(odd).collect(),
        }
    };
    let kinds = [
        (
            Reason::Blank,
            "blank",
            "Images with nothing on them",
            "Their grey levels vary by less than 2 of 256.",
        ),
        (
            Reason::Tiny,
            "small",
            "Images much smaller than the others",
            "Their sides are below a quarter of the usual, so there is little to see on them.",
        ),
        (
            Reason::Shape,
            "shape",
            "Images of another shape",
            "Their ratio of width to height is more than twice the usual, or less than half of it; \
             the network sees them stretched.",
        ),
        (
            Reason::FarFromAll,
            "unlike",
            "Images unlike all others",
            "Their features are much less like those of their third nearest image (by cosine) than is \
             usual: below the lower quarter by more than twice the distance of the quartiles.",
        ),
    ];
    let groups: Vec<Group> = kinds
        .into_iter()
        .map(group)
        .filter(|group| group.count > 0)
        .collect();
    match groups.is_empty() {
        false => groups,
        true => vec![Group {
            id: "odd".to_owned(),
            title: "Odd images".to_owned(),
            how: "Blank, much smaller than the others, of another shape, or unlike all others."
                .to_owned(),
            ..Group::default()
        }],
    }
}

/// What a group of doubts is called.
fn what_is_doubtful(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Regression => "Numbers that are probably wrong",
        _ => "Labels that are probably wrong",
    }
}

fn how_labels_are_found(task: TaskKind) -> &'static str {
    match task {
        TaskKind::Regression => {
            "Each image was asked about by a network that had not learned from it, with the images in \
             five parts. Listed are the numbers that are further off than the usual errors: outside of \
             their quartiles by more than three times the distance of the quartiles."
        }
        _ => {
            "Each image was asked about by a network that had not learned from it, with the images in \
             five parts. Listed are the labels against which it is as sure as it usually is of the \
             right one (confident learning). Some are right all the same: look before you change one."
        }
    }
}

const HOW_TWINS: &str = "Listed are pairs that look the same when shrunk: of 256 marks of the picture at \
                         most one in ten differs, and the mean colour is alike. That finds pictures saved \
                         anew, resized, lighter or darker, or mirrored; not those cut or turned.";

fn doubt(doubt: &Doubt) -> Finding {
    let share = doubt.probability.map(|p| format::percent(f64::from(p)));
    let share = share.unwrap_or_default();
    let Doubt {
        about, believed, ..
    } = doubt;
    let remark = match (doubt.off_by, believed.as_str()) {
        (Some(off_by), _) => format!(
            "{about} looks like {believed}; {} quartile distances off",
            format::quantity(f64::from(off_by))
        ),
        (None, "there") => {
            format!("{about} is probably missing; that it is not there gets {share}")
        }
        (None, "not there") => format!("{about} is probably not there; it gets {share}"),
        (None, _) => format!("looks like {believed}; its label gets {share}"),
    };
    Finding {
        pictures: vec![picture(&doubt.subject)],
        remark,
    }
}

fn pair(twins: &Twins) -> Finding {
    let mirrored = if twins.mirrored {
        "; one is mirrored"
    } else {
        ""
    };
    Finding {
        pictures: twins.images.iter().map(picture).collect(),
        remark: format!("{} of 256 marks differ{mirrored}", twins.bits_apart),
    }
}

fn odd(odd: &Odd) -> Finding {
    let [width, height] = odd.pixels;
    let [value, usual] = [odd.value, odd.usual].map(format::quantity);
    let remark = match odd.reason {
        Reason::Blank => format!("grey levels vary by {value} of 256"),
        Reason::Tiny => {
            format!("{width} × {height} pixels, where sides of {usual} are usual")
        }
        Reason::Shape => {
            format!("{width} × {height} pixels, width to height {value}, where {usual} is usual")
        }
        Reason::FarFromAll => {
            format!("{value} like its third nearest image, where {usual} is usual")
        }
    };
    Finding {
        pictures: vec![picture(&odd.subject)],
        remark,
    }
}

fn picture(subject: &Subject) -> Picture {
    Picture {
        jpeg: Vec::new(),
        path: subject.image.clone(),
        label: subject.label.clone(),
        split: subject
            .split
            .map(|split| split.to_string())
            .unwrap_or_default(),
    }
}
