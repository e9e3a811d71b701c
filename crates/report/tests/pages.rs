//! What every page must be: well-formed, self-contained, reachable by keyboard and screen reader,
//! and deaf to what names try to do.

#![allow(
    clippy::panic,
    reason = "a helper of a test fails by panicking, as the test does"
)]

#[path = "../examples/samples/mod.rs"]
mod samples;

use std::collections::HashSet;

use finial_report::{
    BinaryEvidence, Confusion, Evidence, MultiClassEvidence, MultiLabelEvidence,
    RegressionEvidence, Report, ReportError, TargetEvidence, WorstImage, render,
};
use roxmltree::{Document, Node, ParsingOptions};

/// Parses a page as XML. Stricter than HTML asks: every element closed, every attribute quoted,
/// every character allowed.
fn parse(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}"))
}

fn page(name: &str) -> String {
    let (_, report) = samples::all()
        .into_iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("no sample {name}"));
    render(&report).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn pages() -> Vec<(&'static str, String)> {
    let names = samples::all().into_iter().map(|(name, _)| name);
    names.map(|name| (name, page(name))).collect()
}

fn elements<'a>(document: &'a Document<'_>, tag: &'a str) -> impl Iterator<Item = Node<'a, 'a>> {
    document
        .descendants()
        .filter(move |node| node.has_tag_name(tag))
}

/// All text of a node, with runs of white space as one blank.
fn text(node: Node<'_, '_>) -> String {
    let all: String = node
        .descendants()
        .filter_map(|node| node.text().filter(|_| node.is_text()))
        .collect();
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn headings(document: &Document<'_>) -> Vec<(u32, String)> {
    let level = |node: Node<'_, '_>| match node.tag_name().name() {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" | "h5" | "h6" => Some(4),
        _ => None,
    };
    document
        .descendants()
        .filter_map(|node| level(node).map(|level| (level, text(node))))
        .collect()
}

#[test]
fn every_page_is_well_formed() {
    for (name, page) in pages() {
        assert!(
            page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"),
            "{name}"
        );
        assert_eq!(elements(&parse(&page), "main").count(), 1, "{name}");
    }
}

#[test]
fn no_page_asks_for_anything_outside_itself() {
    for (name, page) in pages() {
        for address in [
            "http:",
            "https:",
            "url(",
            "@import",
            "<script",
            "<link rel=\"stylesheet",
        ] {
            // The hostile sample holds such text, but only escaped.
            assert!(!page.contains(address), "{name} holds {address}");
        }
        let document = parse(&page);
        for node in document.descendants().filter(Node::is_element) {
            for attribute in node.attributes() {
                let (key, value) = (attribute.name(), attribute.value());
                assert!(!key.starts_with("on"), "{name}: {key}");
                if matches!(key, "src" | "href") {
                    assert!(
                        value.starts_with("data:") || value.starts_with('#'),
                        "{name}: {value}"
                    );
                }
            }
        }
        assert!(page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn headings_go_down_one_level_at_a_time() {
    for (name, page) in pages() {
        let headings = headings(&parse(&page));
        assert_eq!(
            headings.iter().filter(|(level, _)| *level == 1).count(),
            1,
            "{name}"
        );
        for pair in headings.windows(2) {
            assert!(pair[1].0 <= pair[0].0 + 1, "{name}: {pair:?}");
        }
    }
}

#[test]
fn ids_are_unique_and_every_reference_finds_one() {
    for (name, page) in pages() {
        let document = parse(&page);
        let mut ids = HashSet::new();
        for id in document
            .descendants()
            .filter_map(|node| node.attribute("id"))
        {
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for node in document.descendants() {
            let labels = node.attribute("aria-labelledby").unwrap_or_default();
            let target = node
                .attribute("href")
                .and_then(|href| href.strip_prefix('#'));
            for id in labels.split_whitespace().chain(target) {
                assert!(ids.contains(id), "{name}: {id} is missing");
            }
        }
    }
}

#[test]
fn pictures_and_charts_have_words() {
    for (name, page) in pages() {
        let document = parse(&page);
        for image in elements(&document, "img") {
            assert!(
                image.attribute("alt").is_some_and(|alt| !alt.is_empty()),
                "{name}"
            );
        }
        for chart in elements(&document, "svg") {
            for tag in ["title", "desc"] {
                let words = chart
                    .children()
                    .find(|node| node.has_tag_name(tag))
                    .map(text);
                assert!(
                    words.is_some_and(|words| !words.is_empty()),
                    "{name}: {tag}"
                );
            }
        }
    }
}

#[test]
fn hostile_names_arrive_as_text_and_nothing_else() {
    let page = page("hostile");
    let document = parse(&page);
    let whole = text(document.root());
    for name in samples::hostile::NAMES {
        let seen = name.replace(['\u{7}', '\u{0}'], "\u{fffd}");
        assert!(whole.contains(&seen), "{name:?}");
    }
    for tag in ["b", "script"] {
        assert_eq!(elements(&document, tag).count(), 0, "a name became <{tag}>");
    }
    assert_eq!(elements(&document, "style").count(), 1);
}

#[test]
fn names_are_kept_from_turning_their_surroundings() {
    let page = page("hostile");
    let document = parse(&page);
    let isolated = elements(&document, "bdi").filter(|node| text(*node) == "وردة حمراء <b>");
    // Task table, matrix (a row and a column), pairs, class table, thumbnail, set-aside file.
    assert!(isolated.count() >= 7);
}

#[test]
fn each_kind_of_task_shows_its_evidence() {
    let titles = |name: &str| {
        let page = page(name);
        let document = parse(&page);
        elements(&document, "svg")
            .filter_map(|svg| {
                svg.children()
                    .find(|node| node.has_tag_name("title"))
                    .map(text)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(titles("multi-class"), ["Loss per epoch"]);
    assert!(page("multi-class").contains("class=\"matrix\""));
    assert_eq!(
        titles("binary"),
        ["ROC curve", "Precision-recall curve", "Loss per epoch"]
    );
    assert!(page("multi-label").contains(">AP</abbr>"));
    assert_eq!(
        titles("regression"),
        [
            "Predicted against true length",
            "Predicted against true area",
            "Predicted against true spots",
            "Loss per epoch"
        ]
    );
    assert!(page("regression").contains("1,000 of 4,000 images are drawn"));
}

#[test]
fn more_classes_than_a_matrix_can_show_are_told_as_pairs() {
    let page = page("many-classes");
    assert!(!page.contains("class=\"matrix"));
    assert!(page.contains("With 120 classes a full matrix would be too large to read"));
    assert!(page.contains("The other 105 classes"));
}

#[test]
fn the_explanation_stands_beside_the_score() {
    let page = page("binary");
    let document = parse(&page);
    let hero = document
        .descendants()
        .find(|node| node.attribute("class") == Some("hero"));
    let words = hero.map(text).unwrap_or_default();
    assert!(
        words.starts_with("0.974 ROC AUC on the test images"),
        "{words}"
    );
    assert!(
        words.ends_with("out of a random pair 97 times in 100."),
        "{words}"
    );
}

#[test]
fn a_score_in_doubt_says_so_and_is_not_praised() {
    let page = page("doubtful");
    let document = parse(&page);
    let classed = |class: &str| {
        let mut nodes = document.descendants();
        nodes.find(|node| node.attribute("class") == Some(class))
    };
    let doubt = classed("doubt").map(text).unwrap_or_default();
    assert!(doubt.starts_with("Only 12 images"), "{doubt}");
    assert!(classed("hero doubtful").is_some() && classed("hero").is_none());
}

#[test]
fn the_interval_stands_on_the_bar_and_in_words() {
    let page = page("multi-class");
    assert!(page.contains("class=\"meter-range\""));
    assert!(page.contains("are right; on other images of this kind expect between"));
}

#[test]
fn a_target_is_told_by_its_values_and_not_by_a_count_of_images() {
    let page = page("regression");
    let document = parse(&page);
    let task = document
        .descendants()
        .find(|node| node.attribute("id") == Some("task"));
    let words = task.map(text).unwrap_or_default();
    assert!(
        words.contains("length in mmtrain2174.2131 validation2274.2130"),
        "{words}"
    );
    assert!(!words.contains("1,920"), "{words}");
}

#[test]
fn copies_and_contradictions_are_told_apart() {
    let page = page("multi-class");
    assert!(page.contains("<strong>12 copies.</strong>"));
    assert!(page.contains("<strong>2 contradictions.</strong>"));
}

#[test]
fn several_labels_are_summed_up_by_image() {
    let page = page("multi-label");
    let words = text(parse(&page).root());
    assert!(words.contains("511 of 638 images got exactly the labels they carry; 127 have"));
}

#[test]
fn an_evaluation_says_of_which_model_on_which_data() {
    let page = page("evaluation");
    let document = parse(&page);
    let mut nodes = document.descendants();
    let subject = nodes.find(|node| node.attribute("class") == Some("lead subject"));
    let words = subject.map(text).unwrap_or_default();
    assert_eq!(
        words,
        "How the model castings answers the 370 images of line-4/october.csv."
    );
    assert!(!text(document.root()).contains("kept away until the end"));
}

#[test]
fn an_evaluation_says_nothing_of_training() {
    let page = page("evaluation");
    let document = parse(&page);
    let ids: Vec<_> = document
        .descendants()
        .filter_map(|node| node.attribute("id"))
        .collect();
    assert!(ids.contains(&"evidence") && ids.contains(&"data"));
    for absent in ["training", "layers", "worst"] {
        assert!(!ids.contains(&absent), "{absent}");
    }
    assert!(text(document.root()).contains("finial evaluation report"));
    assert!(!page.contains("<th scope=\"col\">train</th>"));
}

#[test]
fn a_report_of_a_title_and_a_task_has_no_empty_parts() {
    let page = page("minimal");
    let (_, body) = page.split_once("</style>").expect("a style sheet");
    insta::assert_snapshot!(body);
}

#[test]
fn empty_evidence_of_every_kind_still_makes_a_page() {
    let kinds = [
        Evidence::MultiClass(MultiClassEvidence::default()),
        Evidence::Binary(BinaryEvidence::default()),
        Evidence::MultiLabel(MultiLabelEvidence::default()),
        Evidence::Regression(RegressionEvidence::default()),
        Evidence::Regression(RegressionEvidence {
            targets: vec![TargetEvidence {
                mae: f64::NAN,
                ..TargetEvidence::default()
            }],
        }),
    ];
    for evidence in kinds {
        let report = Report {
            evidence: Some(evidence),
            head: Some(Default::default()),
            data: Some(Default::default()),
            training: Some(Default::default()),
            scores: Some(Default::default()),
            ..samples::minimal()
        };
        let page = render(&report).expect("a page");
        assert!(!text(parse(&page).root()).contains("NaN"));
    }
}

#[test]
fn a_report_survives_json() {
    for (name, report) in samples::all() {
        let json = serde_json::to_string(&report).expect("to JSON");
        let again: Report = serde_json::from_str(&json).expect("from JSON");
        assert!(again == report, "{name}");
    }
}

#[test]
fn a_thumbnail_that_is_no_jpeg_is_refused_by_its_path() {
    let report = Report {
        worst: vec![WorstImage {
            heat: Vec::new(),
            jpeg: b"<svg onload=alert(1)>".to_vec(),
            path: "a/b.svg".into(),
            ..WorstImage::default()
        }],
        ..samples::minimal()
    };
    match render(&report) {
        Err(ReportError::NotJpeg { path }) => assert_eq!(path, "a/b.svg"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_ragged_confusion_matrix_is_refused() {
    let report = Report {
        evidence: Some(Evidence::MultiClass(MultiClassEvidence {
            confusion: Confusion {
                names: vec!["a".into(), "b".into()],
                counts: vec![vec![1, 2], vec![3]],
            },
            per_class: Vec::new(),
        })),
        ..samples::minimal()
    };
    assert!(matches!(
        render(&report),
        Err(ReportError::ConfusionColumns { row: 1, .. })
    ));
}
