//! The listing of a model: its text, and what each line stands for.

use std::collections::HashSet;

use finial_formats::keras::Configuration;

use crate::program::data::Data;

/// What every listing begins with.
const IMPORTS: &str = "from keras import Input, Model, Sequential, layers, losses, metrics";

/// A model as a program.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub text: String,
    pub lines: Vec<Line>,
    /// What the file says of the labels that the model is for.
    pub data: Option<Data>,
    /// The configuration that a repaired listing can be written back to.
    pub configuration: Option<Configuration>,
}

/// A line of the listing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// The layer's own name.
    pub layer: Option<String>,
    /// Where the layer's settings stand in the configuration, as a JSON pointer.
    pub settings: Option<String>,
    /// Whether it is the line of `compile`.
    pub compile: bool,
}

impl Listing {
    /// A listing without layers.
    pub fn new() -> Self {
        let mut listing = Self {
            text: String::new(),
            lines: Vec::new(),
            data: None,
            configuration: None,
        };
        listing.push(IMPORTS, Line::default());
        listing
    }

    pub fn push(&mut self, text: &str, line: Line) {
        self.text.push_str(text);
        self.text.push('\n');
        self.lines.push(line);
    }

    /// The layer that a line, counted from 0, is about.
    pub fn layer(&self, line: usize) -> Option<&str> {
        self.lines.get(line)?.layer.as_deref()
    }
}

/// Names of a listing: those of the layers, as Python would have them.
#[derive(Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name that nothing else in the listing has.
    pub fn fresh(&mut self, wanted: &str) -> String {
        let mut name: String = wanted
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || is_taken(&name) {
            name = format!("layer_{name}");
        }
        let mut number = 1;
        let mut fresh = name.clone();
        while !self.0.insert(fresh.clone()) {
            number += 1;
            fresh = format!("{name}__{number}");
        }
        fresh
    }
}

/// Names that mean something else in a listing or in Python.
fn is_taken(name: &str) -> bool {
    IMPORTS.split([' ', ',']).any(|word| word == name)
        || matches!(
            name,
            "and"
                | "as"
                | "assert"
                | "async"
                | "await"
                | "break"
                | "class"
                | "continue"
                | "def"
                | "del"
                | "elif"
                | "else"
                | "except"
                | "finally"
                | "for"
                | "global"
                | "if"
                | "in"
                | "is"
                | "lambda"
                | "nonlocal"
                | "not"
                | "or"
                | "pass"
                | "raise"
                | "return"
                | "try"
                | "while"
                | "with"
                | "yield"
                | "None"
                | "True"
                | "False"
                | "custom"
        )
}

/// A text as Python writes it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
