//! One cell of a table: what it can be read as.
//!
//! What a whole column amounts to is found in `infer`.

/// Separators of several names in one cell, the surest first.
pub(crate) const SEPARATORS: [char; 3] = ['|', ';', ','];

/// 0 or 1 as people write it.
pub(crate) fn flag(cell: &str) -> Option<f32> {
    match cell.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" => Some(1.0),
        "0" | "0.0" | "false" | "no" => Some(0.0),
        _ => None,
    }
}

/// A finite number.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && (*number as f32).is_finite())
}

/// Whether digits stand for a code, such as `007`, and not for an amount.
pub(crate) fn is_code(cell: &str) -> bool {
    cell.len() > 1 && cell.starts_with('0') && cell.bytes().all(|b| b.is_ascii_digit())
}

/// The value of a cell whose spelling does not matter: `1` and `1.0` are the same name, `01` is
/// another.
pub(crate) fn value_of_name(name: &str) -> Option<u64> {
    // Adding zero makes `-0` and `0` one.
    number(name)
        .filter(|_| !is_code(name))
        .map(|value| (value + 0.0).to_bits())
}

/// Whether the cell is one of the usual ways to write that a value is missing. `none` is not
/// among them: it is a class as often as not.
pub(crate) fn means_missing(cell: &str) -> bool {
    const WORDS: [&str; 8] = ["na", "n/a", "#n/a", "<na>", "nan", "null", "n.a.", "?"];
    WORDS.contains(&cell.to_lowercase().as_str())
}

/// The names in a cell: trimmed, the empty ones left out.
pub(crate) fn separated(cell: &str, separator: char) -> impl Iterator<Item = &str> {
    cell.split(separator)
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// The items of a list written as in JSON or Python, `["cat", "dog"]`; `None` if the cell is no
/// such list. Quoted items need no comma between them, as numpy prints them.
pub(crate) fn list(cell: &str) -> Option<Vec<String>> {
    let inner = cell.strip_prefix('[')?.strip_suffix(']')?;
    let mut items = Vec::new();
    let mut bare = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' | '\'' if bare.trim().is_empty() => {
                let mut item = String::new();
                loop {
                    match letters.next()? {
                        '\\' => item.push(letters.next()?),
                        end if end == letter => break,
                        other => item.push(other),
                    }
                }
                items.push(item.trim().to_owned());
                bare.clear();
            }
            ',' => items.push(std::mem::take(&mut bare).trim().to_owned()),
            other => bare.push(other),
        }
    }
    items.push(bare.trim().to_owned());
    items.retain(|item| !item.is_empty());
    Some(items)
}

/// How to write a number that is written with a unit, a percent sign, a decimal comma, a
/// separator of thousands or a typographic minus; `None` for anything else.
pub(crate) fn plainly(cell: &str) -> Option<String> {
    if number(cell).is_some() {
        return None;
    }
    let text = cell.replace('\u{2212}', "-");
    let text = text
        .trim_start_matches(['$', '€', '£', '¥', '~', '≈'])
        .trim();
    let is_numeral = |c: char| c.is_ascii_digit() || ".,+-'’".contains(c) || c.is_whitespace();
    let end = text.find(|c| !is_numeral(c)).unwrap_or(text.len());
    let (amount, unit) = text.split_at(end);
    if !unit.is_empty() && !is_unit(unit, amount.ends_with(char::is_whitespace)) {
        return None;
    }
    let plain = without_grouping(amount.trim())?;
    number(&plain).map(|_| plain)
}

/// Letters alone are too often part of a name (`3d`, `1a`), so a unit of one letter must stand
/// apart.
fn is_unit(text: &str, apart: bool) -> bool {
    const UNITS: [&str; 68] = [
        "%", "‰", "°", "°c", "°f", "€", "$", "£", "eur", "usd", "gbp", "chf", "nm", "µm", "μm",
        "um", "mm", "cm", "dm", "m", "km", "in", "inch", "inches", "ft", "mi", "mm²", "cm²", "m²",
        "km²", "mm2", "cm2", "m2", "km2", "ha", "ml", "l", "cl", "m³", "m3", "mg", "µg", "μg", "g",
        "kg", "t", "lb", "lbs", "oz", "ms", "s", "sec", "min", "h", "hr", "hrs", "day", "days",
        "week", "weeks", "month", "months", "yr", "yrs", "year", "years", "px", "hz",
    ];
    let one_letter = text.chars().count() == 1 && text.chars().all(char::is_alphabetic);
    UNITS.contains(&text.trim().to_lowercase().as_str()) && (apart || !one_letter)
}

/// Digits with a point before the decimals and nothing between thousands.
fn without_grouping(amount: &str) -> Option<String> {
    let spaces = |c: char| c.is_whitespace() || c == '\'' || c == '’';
    let mut text = amount.to_owned();
    if text.contains(spaces) {
        text = ungrouped(&text, spaces)?;
    }
    match (text.rfind(','), text.rfind('.')) {
        (None, Some(_)) if text.matches('.').count() > 1 => ungrouped(&text, |c| c == '.'),
        (None, _) => Some(text),
        (Some(_), None) => ungrouped(&text, |c| c == ',').or_else(|| decimal_comma(&text)),
        (Some(comma), Some(point)) if comma < point => ungrouped(&text, |c| c == ','),
        (Some(comma), Some(_)) => {
            let (whole, decimals) = text.split_at(comma);
            let whole = ungrouped(whole, |c| c == '.')?;
            decimal_comma(&(whole + decimals))
        }
    }
}

fn decimal_comma(text: &str) -> Option<String> {
    (text.matches(',').count() == 1).then(|| text.replace(',', "."))
}

/// `1,234,567` without its separators; `None` unless all groups but the first have three digits.
fn ungrouped(text: &str, separator: impl Fn(char) -> bool) -> Option<String> {
    let mut groups = text.split(separator);
    let first = groups.next()?;
    let digits = first.trim_start_matches(['+', '-']);
    let mut joined = first.to_owned();
    let mut last_has_decimals = false;
    for group in groups {
        let (whole, decimals) = match group.find(['.', ',']) {
            Some(at) => (&group[..at], true),
            None => (group, false),
        };
        let three = whole.len() == 3 && whole.bytes().all(|b| b.is_ascii_digit());
        if !three || last_has_decimals {
            return None;
        }
        last_has_decimals = decimals;
        joined.push_str(group);
    }
    let starts = (1..=3).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0');
    starts.then_some(joined)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_other_notations_are_written_plainly() {
        let cases = [
            ("1,5", "1.5"),
            ("0,125", "0.125"),
            ("1,234", "1234"),
            ("-1,234,567.5", "-1234567.5"),
            ("1.234,5", "1234.5"),
            ("1.234.567", "1234567"),
            ("1 234,5", "1234.5"),
            ("1'234.5", "1234.5"),
            ("12 mm", "12"),
            ("12mm", "12"),
            ("3 m", "3"),
            ("45%", "45"),
            ("45,5 %", "45.5"),
            ("\u{2212}3", "-3"),
            ("$12.50", "12.50"),
            ("21 °C", "21"),
        ];
        for (cell, plain) in cases {
            assert_eq!(plainly(cell).as_deref(), Some(plain), "{cell}");
        }
    }

    #[test]
    fn names_with_digits_are_no_numbers() {
        let names = [
            "1.5",
            "12",
            "3d",
            "1a",
            "4x4",
            "1st",
            "5-10",
            "2020-01-31",
            "1,2,3",
            "mm",
            "%",
            "",
            "Bern, 3",
            "cat",
            "1,5,7",
            "+",
            "-",
        ];
        for name in names {
            assert_eq!(plainly(name), None, "{name}");
        }
    }

    #[test]
    fn lists_are_read_as_json_and_python_write_them() {
        let cases: [(&str, &[&str]); 8] = [
            (r#"["cat","dog"]"#, &["cat", "dog"]),
            ("['cat', 'dog']", &["cat", "dog"]),
            ("['cat' 'dog']", &["cat", "dog"]),
            ("[cat, dog]", &["cat", "dog"]),
            ("[]", &[]),
            ("['']", &[]),
            (r#"["it's", 'a \'b\'']"#, &["it's", "a 'b'"]),
            (r#"["Bern, Switzerland"]"#, &["Bern, Switzerland"]),
        ];
        for (cell, items) in cases {
            assert_eq!(list(cell).unwrap(), items, "{cell}");
        }
        assert_eq!(list("cat"), None);
        assert_eq!(list("['cat"), None);
        assert_eq!(list("['cat]"), None);
    }
}
