//! A repaired listing back into a configuration of Keras.

use std::collections::BTreeMap;

use finial_formats::keras::Configuration;
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;
use serde_json::{Value as Json, json};

use super::keras::{listing, registered_function, text};
use super::listing::Listing;
use crate::source::Source;

impl Listing {
    /// The configuration that a repaired listing stands for; `None` if the repair is one that no
    /// setting of the model makes.
    pub fn rewritten(&self, repaired: &str) -> Option<Json> {
        let configuration = self.configuration.as_ref()?;
        let mut model = configuration.model.clone();
        let source = Source::from_bytes("model.py".as_ref(), repaired.as_bytes()).ok()?;
        let parsed = source.parse()?;
        let before: Vec<&str> = self.text.lines().collect();
        let after: Vec<&str> = repaired.lines().collect();
        if before.len() != after.len() {
            return None;
        }
        let mut changed = Vec::new();
        for statement in parsed.suite() {
            let number = source.line_of(statement.start().to_usize());
            if before.get(number) == after.get(number) {
                continue;
            }
            let line = self.lines.get(number)?;
            let call = call_of(statement, line.compile)?;
            match &line.settings {
                Some(settings) => {
                    let settings = model.pointer_mut(settings)?.as_object_mut()?;
                    settings.insert("activation".to_owned(), json!(activation(call)));
                }
                None if line.compile => {
                    let given = model.get_mut("compile_config")?;
                    write_loss(given, call)?;
                    write_metrics(given, call)?;
                }
                None => return None,
            }
            changed.push((number, arguments(call, repaired)));
        }
        // The new configuration says all that was repaired, and nothing else.
        let listed = listing(
            Configuration {
                model: model.clone(),
                training: None,
            },
            true,
        );
        let source = Source::from_bytes("model.py".as_ref(), listed.text.as_bytes()).ok()?;
        let parsed = source.parse()?;
        let same = parsed.suite().iter().all(|statement| {
            let number = source.line_of(statement.start().to_usize());
            let known = changed.iter().find(|(changed, _)| *changed == number);
            known.is_none_or(|(_, wanted)| {
                let compile = self.lines.get(number).is_some_and(|line| line.compile);
                let call = call_of(statement, compile);
                call.is_some_and(|call| arguments(call, &listed.text) == *wanted)
            })
        });
        same.then_some(model)
    }
}

/// The call of a layer's class, or of `compile`.
fn call_of(statement: &Stmt, compile: bool) -> Option<&ExprCall> {
    match statement {
        Stmt::Expr(statement) => {
            let call = statement.value.as_call_expr()?;
            if compile {
                return Some(call);
            }
            call.arguments.args.first()?.as_call_expr()
        }
        Stmt::Assign(assign) => assign.value.as_call_expr()?.func.as_call_expr(),
        _ => None,
    }
}

/// Arguments by name, as they are written; no activation is the linear one, and what a loss does
/// anyway is left out.
fn arguments(call: &ExprCall, text: &str) -> BTreeMap<String, String> {
    let written = |expression: &Expr| {
        let range = expression.range();
        let text = text.get(range.start().to_usize()..range.end().to_usize());
        let text = text.unwrap_or_default().replace('\'', "\"");
        text.replace("(from_logits=False)", "()")
    };
    let positional = (0..).zip(&call.arguments.args);
    let positional = positional.map(|(i, value): (usize, _)| (i.to_string(), written(value)));
    let named = call.arguments.keywords.iter().filter_map(|keyword| {
        let name = keyword.arg.as_ref()?.id.to_string();
        Some((name, written(&keyword.value)))
    });
    let linear = |(name, value): &(String, String)| name == "activation" && value == "\"linear\"";
    positional
        .chain(named)
        .filter(|argument| !linear(argument))
        .collect()
}

fn argument<'a>(call: &'a ExprCall, name: &str) -> Option<&'a Expr> {
    let given = call.arguments.keywords.iter();
    let mut given = given.filter(|keyword| keyword.arg.as_ref().is_some_and(|arg| arg.id == name));
    given.next_back().map(|keyword| &keyword.value)
}

fn activation(call: &ExprCall) -> &str {
    let given = argument(call, "activation").and_then(Expr::as_string_literal_expr);
    given.map_or("linear", |text| text.value.to_str())
}

fn write_loss(compile: &mut Json, call: &ExprCall) -> Option<()> {
    let loss = compile.get_mut("loss")?;
    match argument(call, "loss")? {
        Expr::StringLiteral(name) => {
            let name = json!(name.value.to_str());
            match loss {
                Json::String(_) => *loss = name,
                _ if registered_function(loss).is_some() => loss["config"] = name,
                _ => return None,
            }
        }
        Expr::Call(class) => {
            let name = class.func.as_attribute_expr()?.attr.id.as_str();
            let logits = argument(class, "from_logits").and_then(Expr::as_boolean_literal_expr);
            let logits = logits.is_some_and(|literal| literal.value);
            if text(loss, "class_name")? == name {
                loss.get_mut("config")?["from_logits"] = json!(logits);
            } else {
                // Its other settings may be none of the new loss.
                loss["class_name"] = json!(name);
                loss["config"] = json!({ "from_logits": logits });
            }
        }
        _ => return None,
    }
    Some(())
}

fn write_metrics(compile: &mut Json, call: &ExprCall) -> Option<()> {
    let Some(given) = argument(call, "metrics") else {
        return Some(());
    };
    let written = &given.as_list_expr()?.elts;
    let kept = compile.get_mut("metrics")?.as_array_mut()?;
    if kept.len() != written.len() {
        return None;
    }
    for (kept, written) in kept.iter_mut().zip(written) {
        if let (Json::String(kept), Expr::StringLiteral(name)) = (kept, written) {
            *kept = name.value.to_str().to_owned();
        }
    }
    Some(())
}
