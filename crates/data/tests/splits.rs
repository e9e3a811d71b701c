//! Splits: what is promised of them, for data sets of any make.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, HashMap, HashSet};

use finial_data::{
    ContentHash, Fractions, Reason, SetAside, SmallClass, Split, SplitCounts, SplitError,
    SplitPlan, SplitRequest, Strata, content_hash, split,
};
use proptest::prelude::*;

/// A data set under test; images are numbers, and equal numbers are equal images.
#[derive(Clone, Debug)]
struct Images {
    content: Vec<u32>,
    strata: Strata,
    given: Vec<Option<Split>>,
    given_by: Option<&'static str>,
    fractions: Fractions,
    seed: u64,
}

impl Images {
    fn new(strata: Strata, count: usize) -> Self {
        Images {
            content: (0..count as u32).collect(),
            strata,
            given: vec![None; count],
            given_by: None,
            fractions: Fractions::default(),
            seed: 7,
        }
    }

    /// A class per image.
    fn of_classes(classes: &[u32]) -> Self {
        Images::new(Strata::Classes(classes.to_vec()), classes.len())
    }

    /// The split of each image by its first letter: t(r)ain is `r`, then `v`, `t`.
    fn given(mut self, letters: &str) -> Self {
        let split = |letter| match letter {
            'r' => Split::Train,
            'v' => Split::Validation,
            _ => Split::Test,
        };
        self.given = letters.chars().map(|letter| Some(split(letter))).collect();
        self.given_by = Some("the split folders");
        self
    }

    fn hashes(&self) -> Vec<ContentHash> {
        let hash = |content: &u32| content_hash(&content.to_le_bytes());
        self.content.iter().map(hash).collect()
    }

    fn label_keys(&self) -> Vec<u64> {
        let text = |index: usize| match &self.strata {
            Strata::Classes(classes) => classes[index].to_string(),
            Strata::LabelSets(sets) => format!("{:?}", sets[index]),
            Strata::Values(values) => values[index].to_string(),
        };
        let mut keys: HashMap<String, u64> = HashMap::new();
        let mut key = |text| {
            let next = keys.len() as u64;
            *keys.entry(text).or_insert(next)
        };
        (0..self.content.len())
            .map(|index| key(text(index)))
            .collect()
    }

    fn class_names(&self) -> Vec<String> {
        let classes = match &self.strata {
            Strata::Classes(classes) => classes.iter().max(),
            Strata::LabelSets(sets) => sets.iter().flatten().max(),
            Strata::Values(_) => None,
        };
        let count = classes.map_or(0, |largest| largest + 1);
        (0..count).map(|class| format!("class {class}")).collect()
    }

    fn split(&self) -> Result<SplitPlan, SplitError> {
        split(&SplitRequest {
            hashes: &self.hashes(),
            label_keys: &self.label_keys(),
            strata: self.strata.clone(),
            class_names: &self.class_names(),
            given: &self.given,
            given_by: self.given_by.map(str::to_owned),
            fractions: self.fractions,
            seed: self.seed,
        })
    }

    /// How often each class or label is in each split.
    fn table(&self, plan: &SplitPlan) -> BTreeMap<u32, [usize; 3]> {
        let mut table: BTreeMap<u32, [usize; 3]> = BTreeMap::new();
        for (index, split) in plan.assignment.iter().enumerate() {
            let labels = match &self.strata {
                Strata::Classes(classes) => vec![classes[index]],
                Strata::LabelSets(sets) => sets[index].clone(),
                Strata::Values(_) => vec![],
            };
            for label in labels {
                let row = table.entry(label).or_default();
                if let Some(split) = split {
                    row[*split as usize] += 1;
                }
            }
        }
        table
    }
}

/// A class of which nothing is left.
fn small(name: &str) -> SmallClass {
    SmallClass {
        name: name.to_owned(),
        images: 0,
        copies: 0,
        contradictions: 0,
    }
}

fn classes(sizes: &[usize]) -> Vec<u32> {
    let sizes = sizes.iter().zip(0..);
    sizes.flat_map(|(size, class)| vec![class; *size]).collect()
}

#[test]
fn a_class_has_its_share_on_every_side() {
    let images = Images::of_classes(&classes(&[100, 20, 4, 2]));
    let plan = images.split().unwrap();
    let table = images.table(&plan);
    assert_eq!(table[&0], [70, 15, 15]);
    assert_eq!(table[&1], [14, 3, 3]);
    assert_eq!(table[&3], [1, 0, 1]);
    assert_eq!(
        plan.sentence,
        "no split was given: 70/15/15, stratified by class, seed 7; too few images of `class 3` \
         for validation"
    );
    assert!(plan.notes.is_empty());
}

#[test]
fn the_seed_decides_and_the_order_of_the_files_does_not() {
    let images = Images::of_classes(&classes(&[50, 50]));
    let plan = images.split().unwrap();
    assert_eq!(images.split().unwrap(), plan);

    let other = Images {
        seed: 8,
        ..images.clone()
    };
    assert_ne!(other.split().unwrap().assignment, plan.assignment);

    let mut reversed =
        Images::of_classes(&classes(&[50, 50]).into_iter().rev().collect::<Vec<_>>());
    reversed.content.reverse();
    let mut assignment = reversed.split().unwrap().assignment;
    assignment.reverse();
    assert_eq!(assignment, plan.assignment);
}

#[test]
fn copies_with_one_label_are_kept_once() {
    let mut images = Images::of_classes(&classes(&[10, 10]));
    images.content[3] = 1;
    images.content[5] = 1;
    let plan = images.split().unwrap();
    let copy = |index| SetAside {
        index,
        reason: Reason::CopyOf { index: 1 },
    };
    assert_eq!(plan.set_aside, [copy(3), copy(5)]);
    assert!(plan.assignment[1].is_some());
    assert_eq!([plan.assignment[3], plan.assignment[5]], [None, None]);
}

#[test]
fn copies_with_different_labels_are_all_set_aside() {
    let mut images = Images::of_classes(&classes(&[10, 10]));
    images.content[15] = 1;
    images.content[16] = 1;
    let plan = images.split().unwrap();
    let contradicts = |index, other| SetAside {
        index,
        reason: Reason::Contradicts { index: other },
    };
    assert_eq!(
        plan.set_aside,
        [contradicts(1, 15), contradicts(15, 1), contradicts(16, 1)]
    );
    assert_eq!(
        plan.set_aside[0]
            .reason
            .describe(|index| format!("{index}.jpg")),
        "same image as 15.jpg, with another label"
    );
}

#[test]
fn a_copy_in_several_given_splits_stays_in_test_or_else_in_validation() {
    let mut images = Images::of_classes(&[0, 0, 0, 0, 0, 0, 0]).given("rrrvtvt");
    images.content = vec![1, 2, 3, 1, 1, 2, 4];
    let plan = images.split().unwrap();
    let splits = [
        None,
        None,
        Some(Split::Train),
        None,
        Some(Split::Test),
        Some(Split::Validation),
    ];
    assert_eq!(plan.assignment[..6], splits);
    assert_eq!(plan.set_aside[0].reason, Reason::CopyOf { index: 4 });
}

#[test]
fn given_splits_are_kept() {
    let images = Images::of_classes(&[0, 1, 0, 1, 0, 1]).given("rrvvtt");
    let plan = images.split().unwrap();
    assert_eq!(plan.assignment, images.given);
    assert_eq!(plan.sentence, "the split folders are used");
}

#[test]
fn validation_is_carved_out_of_train_if_it_is_not_given() {
    let mut images = Images::of_classes(&vec![0; 120]).given(&("r".repeat(100) + &"t".repeat(20)));
    let plan = images.split().unwrap();
    assert_eq!(
        plan.counts,
        SplitCounts {
            train: 85,
            validation: 15,
            test: 20
        }
    );
    assert!(
        plan.assignment[100..]
            .iter()
            .all(|split| *split == Some(Split::Test))
    );
    assert_eq!(
        plan.sentence,
        "the split folders are used; no validation split was given, so 15 % of train became \
         validation (stratified by class, seed 7)"
    );

    images.fractions = Fractions {
        train: 0.8,
        validation: 0.0,
        test: 0.2,
    };
    assert_eq!(images.split().unwrap().counts.validation, 0);
}

#[test]
fn test_is_carved_out_of_train_if_it_is_not_given() {
    let images = Images::of_classes(&classes(&[60, 60])).given(&"rrrrrv".repeat(20));
    let plan = images.split().unwrap();
    assert_eq!(
        plan.counts,
        SplitCounts {
            train: 85,
            validation: 20,
            test: 15
        }
    );
}

#[test]
fn a_train_split_alone_is_divided() {
    let images = Images::of_classes(&[0; 20]).given(&"r".repeat(20));
    let plan = images.split().unwrap();
    assert_eq!(plan.counts.train, 14);
    assert!(
        plan.sentence
            .starts_with("only a train split was given, so it was divided: 70/15/15")
    );
}

#[test]
fn splits_without_train_are_refused() {
    for (letters, found) in [
        ("tttt", "test"),
        ("vvvv", "validation"),
        ("vtvt", "validation and test"),
    ] {
        let error = Images::of_classes(&[0; 4])
            .given(letters)
            .split()
            .unwrap_err();
        assert_eq!(error, SplitError::NoTrain { found });
    }
}

#[test]
fn splits_for_some_samples_only_are_refused() {
    let mut images = Images::of_classes(&[0; 4]).given("rrtt");
    images.given[2] = None;
    let error = images.split().unwrap_err();
    assert_eq!(
        error,
        SplitError::PartlyGiven {
            given: 3,
            samples: 4
        }
    );
}

#[test]
fn a_class_of_one_image_is_refused_by_name() {
    let error = Images::of_classes(&classes(&[10, 1])).split().unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected at least two different images of each class to learn from one and test with \
         the other, found 1 of `class 1`"
    );
    let mut copies = Images::of_classes(&classes(&[10, 2]));
    copies.content[11] = copies.content[10];
    let class = SmallClass {
        images: 1,
        copies: 1,
        ..small("class 1")
    };
    let classes = vec![class];
    assert_eq!(
        copies.split().unwrap_err(),
        SplitError::ClassTooSmall { classes }
    );
}

#[test]
fn a_class_that_is_given_to_test_only_is_refused() {
    let error = Images::of_classes(&[0, 0, 0, 1])
        .given("rvtt")
        .split()
        .unwrap_err();
    let classes = vec![small("class 1")];
    assert_eq!(error, SplitError::ClassWithoutTrain { classes });
}

#[test]
fn a_class_that_no_test_image_shows_is_noted() {
    let plan = Images::of_classes(&[0, 0, 0, 1])
        .given("rvtr")
        .split()
        .unwrap();
    assert_eq!(plan.notes, ["no test image shows `class 1`"]);
}

#[test]
fn too_few_images_for_three_splits_are_refused() {
    let too_few = |samples, split| SplitError::TooFew {
        samples,
        copies: 0,
        contradictions: 0,
        split,
    };
    let error = Images::of_classes(&[0, 0, 1, 1]).split().unwrap_err();
    assert_eq!(error, too_few(4, Split::Validation));
    let error = Images::new(Strata::Values(vec![]), 0).split().unwrap_err();
    assert_eq!(error, too_few(0, Split::Train));
}

#[test]
fn fractions_that_do_not_add_up_are_refused() {
    for (train, validation, test) in [(0.7, 0.2, 0.2), (1.0, 0.0, 0.0), (f64::NAN, 0.5, 0.5)] {
        let mut images = Images::of_classes(&[0; 10]);
        images.fractions = Fractions {
            train,
            validation,
            test,
        };
        let error = images.split().unwrap_err();
        assert!(matches!(error, SplitError::Fractions { .. }));
    }
}

#[test]
fn lists_of_different_lengths_are_refused() {
    let mut images = Images::of_classes(&[0; 4]);
    images.given.pop();
    let error = images.split().unwrap_err();
    assert!(matches!(
        error,
        SplitError::Lengths {
            what: "given splits",
            found: 3,
            ..
        }
    ));
}

#[test]
fn values_are_alike_on_all_sides() {
    let values = (0..1000)
        .map(|value| f64::from(value) * f64::from(value))
        .collect();
    let images = Images::new(Strata::Values(values), 1000);
    let plan = images.split().unwrap();
    assert_eq!(
        plan.counts,
        SplitCounts {
            train: 700,
            validation: 150,
            test: 150
        }
    );
    for split in Split::ALL {
        // The values ascend, so a tenth of the images is a bin.
        let mut bins = [0; 10];
        plan.indices(split)
            .iter()
            .for_each(|index| bins[index / 100] += 1);
        let share = plan.counts.get(split) / 10;
        assert!(bins.iter().all(|bin| *bin == share), "{split}: {bins:?}");
    }
    assert!(plan.sentence.contains("stratified by value"));
}

#[test]
fn each_label_has_its_share_on_every_side() {
    // Label 0 on all images, 1 on every second, 2 on every tenth, 3 on every fiftieth.
    let every = [1, 2, 10, 50];
    let set = |image: u32| (0..4).filter(move |label| image.is_multiple_of(every[*label as usize]));
    let sets = (0..1000).map(|image| set(image).collect()).collect();
    let images = Images::new(Strata::LabelSets(sets), 1000);
    let plan = images.split().unwrap();
    for (label, row) in images.table(&plan) {
        let total: usize = row.iter().sum();
        for (found, fraction) in row.iter().zip([0.7, 0.15, 0.15]) {
            let exact = total as f64 * fraction;
            assert!(
                (*found as f64 - exact).abs() <= 2.0,
                "label {label}: {row:?}"
            );
        }
    }
}

#[test]
fn rare_labels_are_in_train_and_test() {
    let sets: Vec<Vec<u32>> = vec![
        vec![0, 1],
        vec![0],
        vec![0, 2],
        vec![1, 2],
        vec![0],
        vec![],
        vec![0],
        vec![0],
        vec![],
    ];
    let images = Images::new(Strata::LabelSets(sets), 9);
    let plan = images.split().unwrap();
    for (label, row) in images.table(&plan) {
        assert!(row[0] > 0 && row[2] > 0, "label {label}: {row:?}");
    }
    assert!(plan.counts.validation > 0);
}

/// Classes with copies, some of them under another label, given or not.
fn any_images() -> impl Strategy<Value = Images> {
    let kinds = prop_oneof![Just(0), Just(1), Just(2)];
    let image = (0..300_u32, any::<u32>(), 0..3_usize);
    (
        prop::collection::vec(image, 0..250),
        kinds,
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(images, kind, is_given, seed)| {
            // One in fifty copies has another label than its original.
            let label = |content: u32, noise: u32| match noise % 50 {
                0 => noise,
                _ => content,
            };
            let labels = images
                .iter()
                .map(|(content, noise, _)| label(*content, *noise));
            let strata = match kind {
                0 => Strata::Classes(labels.map(|label| label % 4).collect()),
                1 => Strata::LabelSets(
                    labels
                        .map(|label| (0..5).filter(|bit| label >> bit & 1 == 1).collect())
                        .collect(),
                ),
                _ => Strata::Values(labels.map(f64::from).collect()),
            };
            let given = images
                .iter()
                .map(|(_, _, split)| is_given.then_some(Split::ALL[*split]));
            Images {
                content: images.iter().map(|(content, _, _)| *content).collect(),
                given: given.collect(),
                given_by: is_given.then_some("the split folders"),
                strata,
                fractions: Fractions::default(),
                seed,
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 500,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_image_is_on_two_sides_and_every_sample_is_accounted_for(images in any_images()) {
        let plan = images.split();
        prop_assume!(plan.is_ok());
        let plan = plan.unwrap();
        let mut seen = HashSet::new();
        for (index, split) in plan.assignment.iter().enumerate() {
            let is_aside = plan.set_aside.iter().any(|entry| entry.index == index);
            prop_assert_eq!(split.is_none(), is_aside);
            if split.is_some() {
                prop_assert!(seen.insert(images.content[index]), "image {} twice", index);
            }
        }
        let SplitCounts { train, validation, test } = plan.counts;
        prop_assert_eq!(train + validation + test + plan.set_aside.len(), images.content.len());
        prop_assert!(train > 0 && validation > 0 && test > 0);
    }

    #[test]
    fn given_splits_never_change(images in any_images()) {
        let plan = images.split();
        prop_assume!(plan.is_ok());
        let plan = plan.unwrap();
        for (given, split) in images.given.iter().zip(&plan.assignment) {
            if let (Some(given), Some(split)) = (given, split) {
                let all = Split::ALL.iter().all(|split| images.given.contains(&Some(*split)));
                prop_assert!(given == split || !all);
            }
        }
    }

    #[test]
    fn classes_are_divided_within_rounding(sizes in prop::collection::vec(2..400_usize, 2..12), seed: u64) {
        let mut images = Images::of_classes(&classes(&sizes));
        images.seed = seed;
        let plan = images.split();
        prop_assume!(plan.is_ok());
        let plan = plan.unwrap();
        for (class, row) in images.table(&plan) {
            let size = sizes[class as usize];
            prop_assert!(row[0] > 0 && row[2] > 0);
            // From seven on, 15 % are a whole image and nothing has to be bent.
            let slack = if size < 7 { 2.0 } else { 1.0 };
            for (found, fraction) in row.iter().zip([0.7, 0.15, 0.15]) {
                let exact = size as f64 * fraction;
                prop_assert!((*found as f64 - exact).abs() < slack + 1e-6, "{:?} of {}", row, size);
            }
        }
    }
}
