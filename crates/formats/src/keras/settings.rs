//! The settings of one layer, read with their types.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::config::kind;
use crate::FormatError;

/// The settings of a layer, and who it is.
#[derive(Clone, Debug)]
pub(super) struct Settings<'a> {
    path: &'a Path,
    pub(super) name: &'a str,
    pub(super) class: &'a str,
    /// Where the class lives, for classes of a project's own.
    pub(super) module: Option<&'a str>,
    /// The shape that the layer was built for, with the batch.
    pub(super) built_for: Option<&'a Json>,
    map: Option<&'a Map<String, Json>>,
    /// Keras before 2.2.3 wrote the layers of a chain instead of its settings.
    only_layers: Option<&'a Vec<Json>>,
}

/// On which axis the channels of a map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataFormat {
    First,
    Last,
}

impl DataFormat {
    /// Where height, width and channels of a value of Keras are in one of a graph, `[C, H, W]`.
    pub(super) fn axes(self) -> [usize; 3] {
        match self {
            DataFormat::First => [0, 1, 2],
            DataFormat::Last => [1, 2, 0],
        }
    }
}

/// No more than an error message can hold.
pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

impl<'a> Settings<'a> {
    /// Of `{"class_name": …, "config": {…}, …}`.
    pub(super) fn of_layer(path: &'a Path, json: &'a Json) -> Result<Self, FormatError> {
        let text = |json: Option<&'a Json>| json.and_then(Json::as_str);
        let config = json.get("config");
        let class = text(json.get("class_name"));
        let name = text(config.and_then(|c| c.get("name"))).or(text(json.get("name")));
        let Some(class) = class else {
            return Err(FormatError::Damaged {
                path: path.to_owned(),
                part: format!(
                    "layer `{}` of its configuration",
                    shortened(name.unwrap_or("?"))
                ),
                expected: "the name of a class".to_owned(),
                found: kind(json),
            });
        };
        let class_only = class.rsplit('>').next().unwrap_or(class);
        Ok(Settings {
            path,
            name: name.unwrap_or(class),
            class: class_only,
            module: text(json.get("module")),
            built_for: json.pointer("/build_config/input_shape"),
            map: config.and_then(Json::as_object),
            only_layers: config.and_then(Json::as_array),
        })
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    /// The setting as it stands; none for `null`.
    pub(super) fn get(&self, key: &str) -> Option<&'a Json> {
        self.map?.get(key).filter(|json| !json.is_null())
    }

    /// Whether it has what every layer has, and functions do not.
    pub(super) fn is_of_layer(&self) -> bool {
        let has = |key: &str| self.map.is_some_and(|map| map.contains_key(key));
        has("trainable") || has("dtype")
    }

    pub(super) fn list(&self, key: &str) -> Result<&'a [Json], FormatError> {
        match (self.get(key), self.only_layers) {
            (Some(Json::Array(list)), _) => Ok(list),
            (None, Some(list)) if key == "layers" => Ok(list),
            (other, _) => Err(self.wrong(key, "a list", other)),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str()
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, FormatError> {
        match self.get(key) {
            None => Ok(default),
            Some(Json::Bool(flag)) => Ok(*flag),
            other => Err(self.wrong(key, "true or false", other)),
        }
    }

    /// A number; none for `null`.
    pub(super) fn number(&self, key: &str) -> Result<Option<f64>, FormatError> {
        match self.get(key) {
            None => Ok(None),
            Some(json) => match scalar(json) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(key, "a number", Some(json))),
            },
        }
    }

    pub(super) fn count(&self, key: &str) -> Result<usize, FormatError> {
        let count = self.get(key).and_then(whole);
        count.ok_or_else(|| self.wrong(key, "a whole number", self.get(key)))
    }

    /// Height and width, given as two numbers or as one for both.
    pub(super) fn pair(&self, key: &str) -> Result<Option<[usize; 2]>, FormatError> {
        match self.get(key) {
            None => Ok(None),
            Some(json) => match pair(json) {
                Some(pair) => Ok(Some(pair)),
                None => Err(self.wrong(key, "two whole numbers", Some(json))),
            },
        }
    }

    /// `((top, bottom), (left, right))`, `(vertical, horizontal)`, or one number for all.
    pub(super) fn sides(&self, key: &str) -> Result<[usize; 4], FormatError> {
        let json = self.get(key);
        let sides = match json {
            Some(Json::Array(list)) => match list.as_slice() {
                [rows, columns] => pair(rows).zip(pair(columns)),
                _ => None,
            },
            Some(other) => whole(other).map(|n| ([n; 2], [n; 2])),
            None => None,
        };
        match sides {
            Some(([top, bottom], [left, right])) => Ok([top, bottom, left, right]),
            None => Err(self.wrong(key, "two pairs of whole numbers", json)),
        }
    }

    pub(super) fn data_format(&self) -> Result<DataFormat, FormatError> {
        match self.text("data_format") {
            Some("channels_first") => Ok(DataFormat::First),
            Some("channels_last") | None => Ok(DataFormat::Last),
            Some(other) => {
                Err(self.wrong_text("data_format", "channels_first or channels_last", other))
            }
        }
    }

    /// The axes of a setting that is one axis or a list of them, counted without the batch in a
    /// value of `rank` axes.
    pub(super) fn axes(&self, key: &str, rank: usize) -> Result<Vec<usize>, FormatError> {
        let json = self.get(key);
        let listed = match json {
            None => Some(vec![-1]),
            Some(Json::Array(list)) => list.iter().map(Json::as_i64).collect(),
            Some(other) => other.as_i64().map(|axis| vec![axis]),
        };
        let axes = listed.and_then(|axes| axes.iter().map(|&axis| per_image(axis, rank)).collect());
        axes.ok_or_else(|| {
            self.wrong(
                key,
                &format!("axes of a value of {rank} axes per image"),
                json,
            )
        })
    }

    /// How the layer is called in messages.
    pub(super) fn described(&self) -> String {
        format!(
            "layer `{}` ({})",
            shortened(self.name),
            shortened(self.class)
        )
    }

    pub(super) fn damaged(&self, expected: &str, found: &str) -> FormatError {
        FormatError::Damaged {
            path: self.path.to_owned(),
            part: self.described(),
            expected: expected.to_owned(),
            found: shortened(found),
        }
    }

    pub(super) fn unsupported(&self, found: &str, accepted: &str) -> FormatError {
        let way_out = "cut the model before that layer and save it again, or export it to ONNX";
        FormatError::unsupported(self.path, self.described(), found, accepted, way_out)
    }

    /// A setting of a value that is not taken.
    pub(super) fn unsupported_setting(&self, key: &str, accepted: &str) -> FormatError {
        let found = self.get(key).map_or("nothing".to_owned(), Json::to_string);
        self.unsupported(&format!("set to `{key}` = {}", shortened(&found)), accepted)
    }

    fn wrong(&self, key: &str, expected: &str, found: Option<&Json>) -> FormatError {
        let found = found.map_or("nothing".to_owned(), kind);
        self.damaged(&format!("`{key}` to be {expected}"), &found)
    }

    pub(super) fn wrong_text(&self, key: &str, expected: &str, found: &str) -> FormatError {
        self.damaged(&format!("`{key}` to be {expected}"), found)
    }
}

/// A number, alone, as a list of one, or as an array that was written out.
pub(super) fn scalar(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::Array(list) => match list.as_slice() {
            [one] => one.as_f64(),
            _ => None,
        },
        Json::Object(_) => scalar(json.pointer("/config/value")?),
        _ => None,
    }
}

/// Numbers: one, or a list, however nested.
pub(super) fn numbers(json: &Json) -> Option<Vec<f64>> {
    match json {
        Json::Number(number) => Some(vec![number.as_f64()?]),
        Json::Array(list) => {
            let parts: Option<Vec<Vec<f64>>> = list.iter().map(numbers).collect();
            Some(parts?.concat())
        }
        Json::Object(_) => numbers(json.pointer("/config/value")?),
        _ => None,
    }
}

pub(super) fn whole(json: &Json) -> Option<usize> {
    usize::try_from(json.as_u64()?).ok()
}

pub(super) fn pair(json: &Json) -> Option<[usize; 2]> {
    match json {
        Json::Array(list) => match list.as_slice() {
            [a, b] => Some([whole(a)?, whole(b)?]),
            [one] => Some([whole(one)?; 2]),
            _ => None,
        },
        one => Some([whole(one)?; 2]),
    }
}

/// An axis counted with the batch, or from the end, as one without the batch.
pub(super) fn per_image(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let axis = if axis < 0 { axis + rank } else { axis - 1 };
    (0..rank)
        .contains(&axis)
        .then(|| usize::try_from(axis).ok())?
}
