//! What the heading of a column says about its cells.

/// Headings that by themselves announce the label, where there are several columns.
const LABEL: [&str; 9] = [
    "label", "labels", "class", "classes", "category", "target", "tags", "keywords", "species",
];

/// Words that announce a quantity.
const AMOUNT: [&str; 17] = [
    "count", "counts", "number", "num", "amount", "age", "price", "score", "rating", "year",
    "years", "quantity", "total", "size", "length", "weight", "n",
];

/// Words that announce a name, even if it is written as a number.
const CLASS: [&str; 16] = [
    "class",
    "classes",
    "label",
    "labels",
    "category",
    "categories",
    "species",
    "genus",
    "family",
    "breed",
    "kind",
    "type",
    "group",
    "diagnosis",
    "digit",
    "cluster",
];

/// Whether the heading announces the label. `y` does so only where it is no coordinate.
pub(super) fn announces_the_label(heading: &str, beside_numbers: bool) -> bool {
    let heading = heading.to_lowercase();
    LABEL.contains(&heading.as_str()) || (heading == "y" && !beside_numbers)
}

pub(super) fn speaks_of_an_amount(heading: &str) -> bool {
    words(heading).iter().any(|w| AMOUNT.contains(&w.as_str()))
}

/// Whether the heading is that of a class, or of its number or name: `fine_label`, `class_id`,
/// but not `family income`.
pub(super) fn speaks_of_a_class(heading: &str) -> bool {
    const ADDED: [&str; 7] = ["id", "idx", "index", "code", "name", "key", "no"];
    let mut words = words(heading);
    while words.len() > 1 && words.last().is_some_and(|w| ADDED.contains(&w.as_str())) {
        words.pop();
    }
    words.last().is_some_and(|w| CLASS.contains(&w.as_str()))
}

/// Whether the heading announces a number that only tells rows apart.
pub(super) fn speaks_of_an_identifier(heading: &str) -> bool {
    const LAST: [&str; 6] = ["id", "uid", "uuid", "guid", "index", "idx"];
    let words = words(heading);
    words
        .last()
        .is_some_and(|word| LAST.contains(&word.as_str()))
}

/// The words of `classId`, `class_id` and `Class ID`, in small letters.
fn words(heading: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_small = false;
    for letter in heading.chars() {
        if !letter.is_alphanumeric() || (after_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        if letter.is_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.extend(letter.to_lowercase());
        }
        after_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_understood_in_every_way_to_write_them() {
        for heading in ["class_id", "classId", "Class ID", "fine_label", "CATEGORY"] {
            assert!(speaks_of_a_class(heading), "{heading}");
        }
        for heading in ["class_size", "label count", "price", "sex", "family income"] {
            assert!(!speaks_of_a_class(heading), "{heading}");
        }
        for heading in ["id", "patient_id", "imageId", "Index"] {
            assert!(speaks_of_an_identifier(heading), "{heading}");
        }
        for heading in ["humid", "id_quality", "grid"] {
            assert!(!speaks_of_an_identifier(heading), "{heading}");
        }
    }

    #[test]
    fn a_y_beside_an_x_is_a_coordinate() {
        assert!(announces_the_label("y", false));
        assert!(!announces_the_label("y", true));
        assert!(announces_the_label("Label", true));
    }
}
