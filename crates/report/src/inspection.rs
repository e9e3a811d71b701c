//! What is suspicious in a data set: a page of its own, and a section of a training's report.
//!
//! Both show the same [`Group`]s. Finding them is finial-learn's business.

use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::report::{Fact, jpeg_as_text};

/// The page on a data set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InspectionPage {
    /// Heading, such as "What to look at".
    pub title: String,
    /// What was looked at, a sentence or two.
    pub lead: String,
    /// Data, task, number of images, and so on.
    pub facts: Vec<Fact>,
    /// What was found.
    pub groups: Vec<Group>,
    /// Version of finial that made it.
    pub finial_version: String,
}

/// Findings of one kind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// A word for links and for JSON, such as "labels".
    pub id: String,
    /// Heading, such as "Labels that are probably wrong".
    pub title: String,
    /// How they are found, in plain words with the threshold, and what to do about them.
    pub how: String,
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub findings: Vec<Finding>,
}

/// An image or a pair of images that something is said about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// One image, or two that belong together.
    pub pictures: Vec<Picture>,
    /// What is suspicious, such as "looks like a plant; its label gets 3 %".
    pub remark: String,
}

/// An image as a card shows it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// A thumbnail as a JPEG file; empty where there is none. In JSON it is text in base 64.
    #[serde(with = "jpeg_as_text")]
    pub jpeg: Vec<u8>,
    /// Path of the image.
    pub path: String,
    /// Its label, as text.
    pub label: String,
    /// Its split; empty if it has none.
    pub split: String,
}

impl InspectionPage {
    /// The page: one HTML document that needs nothing beside it.
    ///
    /// # Errors
    /// A thumbnail that is no JPEG file.
    pub fn html(&self) -> Result<String, ReportError> {
        check(&self.groups)?;
        crate::page::render_inspection(self)
    }
}

/// Refuses thumbnails that are no JPEG files.
pub(crate) fn check(groups: &[Group]) -> Result<(), ReportError> {
    let findings = groups.iter().flat_map(|group| &group.findings);
    let mut pictures = findings.flat_map(|finding| &finding.pictures);
    let wrong = |picture: &&Picture| {
        !picture.jpeg.is_empty() && !picture.jpeg.starts_with(&[0xFF, 0xD8, 0xFF])
    };
    match pictures.find(wrong) {
        Some(picture) => Err(ReportError::NotJpeg {
            path: picture.path.clone(),
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> InspectionPage {
        let picture = |path: &str| Picture {
            jpeg: vec![0xFF, 0xD8, 0xFF, 0],
            path: path.into(),
            label: "<b>cat</b>".into(),
            split: "test".into(),
        };
        InspectionPage {
            title: "What to look at".into(),
            groups: vec![
                Group {
                    id: "twins".into(),
                    title: "The same picture in two splits".into(),
                    count: 40,
                    findings: vec![Finding {
                        pictures: vec![picture("a.jpg"), picture("b.jpg")],
                        remark: "3 of 256 bits differ".into(),
                    }],
                    ..Group::default()
                },
                Group {
                    id: "odd".into(),
                    title: "Odd images".into(),
                    ..Group::default()
                },
            ],
            ..InspectionPage::default()
        }
    }

    #[test]
    fn a_page_shows_both_pictures_of_a_pair_and_escapes_their_labels() {
        let html = page().html().expect("a page");
        assert!(html.starts_with("<!DOCTYPE html>"));
        assert_eq!(html.matches("data:image/jpeg").count(), 2);
        assert!(html.contains("&lt;b&gt;cat"), "{html}");
        assert!(html.contains("39 more"), "{html}");
        assert!(html.contains("None."), "{html}");
    }

    #[test]
    fn a_thumbnail_that_is_no_jpeg_is_refused() {
        let mut page = page();
        page.groups[0].findings[0].pictures[1].jpeg = vec![1, 2, 3];
        assert!(matches!(page.html(), Err(ReportError::NotJpeg { path }) if path == "b.jpg"));
    }
}
