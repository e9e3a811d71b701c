//! Loops: how often their body runs, and over what.

use ruff_python_ast::visitor::{Visitor, walk_stmt};
use ruff_python_ast::{Expr, Stmt, StmtFor};

use super::Interpreter;
use super::statement::Flow;
use super::value::Value;

/// Turns of a loop that are followed one by one.
const TURNS: usize = 32;

impl<'a> Interpreter<'a> {
    pub(super) fn for_loop(&mut self, statement: &'a StmtFor) -> Flow {
        let items = self.expression(&statement.iter);
        match self.items(&items) {
            Some(items) if items.len() <= TURNS => {
                for item in items {
                    self.assign(&statement.target, item);
                    self.loops += 1;
                    let flow = self.block(&statement.body);
                    self.loops -= 1;
                    match flow {
                        Flow::Next | Flow::Continue => {}
                        Flow::Break => return Flow::Next,
                        Flow::Ended => return Flow::Ended,
                    }
                }
            }
            // Each model has layers, so the loop is run, for each of them if none is left out.
            None if is_of_parts(&items) && !turns_away(&statement.body) => {
                let element = self.element(&items);
                self.assign(&statement.target, element);
                if self.block(&statement.body) == Flow::Ended {
                    return Flow::Ended;
                }
            }
            _ => {
                let element = self.element(&items);
                self.loops += 1;
                self.maybe(|this| {
                    this.assign(&statement.target, element);
                    this.block(&statement.body)
                });
                self.loops -= 1;
            }
        }
        self.block(&statement.orelse)
    }

    /// What one turn of a loop over a value gets.
    pub(super) fn element(&self, value: &Value<'a>) -> Value<'a> {
        match value {
            Value::Dataset(data) if data.elements => {
                let side = |array: &Option<crate::program::array::Array>| match array {
                    Some(array) => Value::Array(std::rc::Rc::new(array.clone())),
                    None => Value::Unknown,
                };
                Value::Tuple([side(&data.inputs), side(&data.labels)].into())
            }
            // `enumerate(loader)`: pairs of a number and an element.
            Value::Parts { .. } => value.clone(),
            Value::Method(pair) if pair.1 == "enumerate" => {
                Value::Tuple([Value::Unknown, self.element(&pair.0)].into())
            }
            _ => Value::Unknown,
        }
    }
}

/// The layers or parameters of a model, counted or with their names or not.
fn is_of_parts(items: &Value<'_>) -> bool {
    match items {
        Value::Parts { .. } => true,
        Value::Method(pair) => pair.1 == "enumerate" && matches!(pair.0, Value::Parts { .. }),
        _ => false,
    }
}

/// Whether a turn of a loop may end early.
fn turns_away(body: &[Stmt]) -> bool {
    struct Turns(bool);
    impl<'a> Visitor<'a> for Turns {
        fn visit_stmt(&mut self, statement: &'a Stmt) {
            self.0 |= matches!(statement, Stmt::Break(_) | Stmt::Continue(_));
            walk_stmt(self, statement);
        }

        // No statement is in an expression, however deep it is.
        fn visit_expr(&mut self, _: &'a Expr) {}
    }
    let mut turns = Turns(false);
    turns.visit_body(body);
    turns.0
}
