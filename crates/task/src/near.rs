//! "Did you mean": the names closest to a name that is not known.

/// Up to three of `known` that are spelled most like `name`, nearest first; those too far away
/// to be a typo are left out.
///
/// ```
/// use finial_task::near_names;
/// assert_eq!(near_names("lable", ["label", "price", "image"]), ["label"]);
/// ```
pub fn near_names<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 2).max(1);
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::osa_distance(&wanted, &candidate.to_lowercase());
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}
