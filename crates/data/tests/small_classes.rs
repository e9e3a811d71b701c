//! What is said of copies, contradictions and classes that are too small, before and after.

#![allow(clippy::unwrap_used, clippy::panic)]

use finial_data::{
    ContentHash, Fractions, Split, SplitError, SplitPlan, SplitRequest, Strata, check_class_sizes,
    content_hash, split,
};
use miette::Diagnostic;
use proptest::prelude::*;

/// Images by class and content: equal numbers are equal images.
fn split_of(images: &[(u32, u32)]) -> Result<SplitPlan, SplitError> {
    let hash = |(_, content): &(u32, u32)| content_hash(&content.to_le_bytes());
    let hashes: Vec<ContentHash> = images.iter().map(hash).collect();
    let label_keys: Vec<u64> = images.iter().map(|(class, _)| u64::from(*class)).collect();
    let classes: Vec<u32> = images.iter().map(|(class, _)| *class).collect();
    split(&SplitRequest {
        hashes: &hashes,
        label_keys: &label_keys,
        class_names: &names(&classes),
        strata: Strata::Classes(classes),
        given: &vec![None; images.len()],
        given_by: None,
        fractions: Fractions::default(),
        seed: 7,
    })
}

fn names(classes: &[u32]) -> Vec<String> {
    let count = classes.iter().max().map_or(0, |largest| largest + 1);
    (0..count).map(|class| format!("t{class}")).collect()
}

/// `size` different images of each of a number of classes.
fn images(classes: u32, size: u32) -> Vec<(u32, u32)> {
    let of = |class| (0..size).map(move |image| (class, class * size + image));
    (0..classes).flat_map(of).collect()
}

fn check(classes: &[u32], given: &[Option<Split>]) -> Result<(), SplitError> {
    let strata = Strata::Classes(classes.to_vec());
    check_class_sizes(&strata, &names(classes), given, Fractions::default())
}

#[test]
fn a_class_that_contradictions_empty_is_refused_with_that_cause() {
    let mut images = images(2, 10);
    // Every image of a third class is one of the first class as well, or a copy of one.
    images.extend([(2, 0), (2, 1), (2, 1), (3, 100), (3, 100), (3, 100)]);
    let error = split_of(&images).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected at least two different images of each class to learn from one and test with \
         the other, found 0 of `t2` (3 set aside because the same pictures have other labels \
         too), 1 of `t3` (2 copies not counted)"
    );
    assert_eq!(
        error.help().unwrap().to_string(),
        "keep each picture under one label only, add images of `t2`, `t3`, or remove them"
    );
}

#[test]
fn too_few_images_are_refused_with_the_copies_that_were_left_out() {
    let hashes = [1, 1, 2, 2].map(|content: u8| content_hash(&[content]));
    let error = split(&SplitRequest {
        hashes: &hashes,
        label_keys: &[0, 0, 1, 2],
        strata: Strata::Values(vec![1.0, 1.0, 2.0, 3.0]),
        class_names: &[],
        given: &[None; 4],
        given_by: None,
        fractions: Fractions::default(),
        seed: 7,
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected enough images to divide, found 1 different one (1 copy not counted, 2 set aside \
         because the same pictures have other labels too), with none left for validation"
    );
}

#[test]
fn contradictions_and_copies_are_counted_apart_and_named() {
    let mut images = images(3, 10);
    images[10].1 = 0; // of class 1, a picture of class 0
    images[20].1 = 0; // and of class 2
    images[21].1 = 1; // of class 2, another picture of class 0
    images[5].1 = 4; // of class 0, a copy
    let plan = split_of(&images).unwrap();
    assert_eq!((plan.contradictions(), plan.copies()), (5, 1));
    assert_eq!(
        plan.describe_set_aside(|index| format!("{index}.png")),
        [
            "2 pictures occur with different labels and are set aside: 0.png and 10.png; 1.png \
             and 21.png",
            "1 image is a copy and is set aside: 5.png of 4.png",
        ]
    );
    let none = split_of(&self::images(2, 10)).unwrap();
    assert!(none.describe_set_aside(|_| String::new()).is_empty());
}

#[test]
fn many_contradictions_are_named_by_the_first_three() {
    let mut images = images(2, 20);
    (0..5).for_each(|index| images[20 + index].1 = index as u32);
    let said = split_of(&images)
        .unwrap()
        .describe_set_aside(|index| index.to_string());
    assert_eq!(
        said,
        [
            "5 pictures occur with different labels and are set aside: 0 and 20; 1 and 21; 2 and 22; \
          and 2 more"
        ]
    );
}

#[test]
fn the_sentence_gives_the_numbers_that_small_classes_lead_to() {
    let mut images = images(200, 2);
    images.extend((400..410).map(|content| (200, content)));
    let plan = split_of(&images).unwrap();
    let counts = plan.counts;
    assert_eq!(
        plan.sentence,
        format!(
            "no split was given: 70/15/15 asked for, {}/{}/{} images reached, stratified by \
             class, seed 7; too few images of `t0`, `t1`, `t2` and 197 more for validation",
            counts.train, counts.validation, counts.test
        )
    );
    assert!(counts.validation < 10 && counts.test > 200);
}

#[test]
fn a_class_of_one_image_is_refused_from_its_labels_as_it_is_later() {
    let mut images = images(2, 10);
    images.push((2, 99));
    let classes: Vec<u32> = images.iter().map(|(class, _)| *class).collect();
    let early = check(&classes, &vec![None; images.len()]).unwrap_err();
    assert_eq!(early, split_of(&images).unwrap_err());
    assert!(matches!(early, SplitError::ClassTooSmall { .. }));
    assert_eq!(
        early.help().unwrap().to_string(),
        "add images of `t2`, or remove it"
    );
}

#[test]
fn given_splits_are_checked_from_the_labels_too() {
    let [train, test] = [Split::Train, Split::Test].map(Some);
    let error = check(&[0, 0, 1], &[test, test, test]).unwrap_err();
    assert_eq!(error, SplitError::NoTrain { found: "test" });
    let given = [train, train, train, train, test, test];
    let error = check(&[0, 0, 0, 0, 0, 1], &given).unwrap_err();
    assert!(
        matches!(error, SplitError::ClassWithoutTrain { .. }),
        "{error}"
    );
    // A single image of a class does where it need not be divided.
    assert_eq!(
        check(
            &[0, 0, 0, 0, 1, 0],
            &[train, train, train, train, train, test]
        ),
        Ok(())
    );
}

#[test]
fn labels_of_a_single_image_are_refused_from_the_labels() {
    let strata = Strata::LabelSets(vec![vec![0], vec![0, 1], vec![0], vec![0], vec![]]);
    let names = ["wet".to_owned(), "old".to_owned()];
    let error = check_class_sizes(&strata, &names, &[None; 5], Fractions::default());
    assert!(matches!(
        error,
        Err(SplitError::ClassTooSmall { classes }) if classes[0].name == "old"
    ));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn without_copies_the_early_check_and_the_split_agree(sizes in prop::collection::vec(1..9_u32, 1..6)) {
        let sizes = sizes.iter().zip(0..);
        let classes: Vec<u32> = sizes.flat_map(|(size, class)| vec![class; *size as usize]).collect();
        let images: Vec<(u32, u32)> = classes.iter().copied().zip(0..).collect();
        let early = check(&classes, &vec![None; classes.len()]);
        prop_assert_eq!(early, split_of(&images).map(|_| ()));
    }
}
