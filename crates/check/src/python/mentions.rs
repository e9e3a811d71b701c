//! What a program mentions anywhere, without asking when.

use std::collections::HashSet;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprContext, Stmt};

/// Names that a program reads, and attributes that it asks for.
#[derive(Debug, Default)]
pub(crate) struct Mentions<'a> {
    names: HashSet<&'a str>,
    attributes: HashSet<&'a str>,
    /// `.train(…)` with an argument.
    train_mode: bool,
    depth: usize,
    /// Some of it was too deep to be looked at: it may mention anything.
    cut: bool,
}

/// Expressions within expressions that are looked at.
const DEPTH: usize = 200;

impl<'a> Mentions<'a> {
    pub fn of(program: &'a [Stmt]) -> Self {
        let mut mentions = Self::default();
        mentions.visit_body(program);
        mentions
    }

    /// Whether a name is read anywhere.
    pub fn reads(&self, name: &str) -> bool {
        self.cut || self.names.contains(name)
    }

    /// Whether an attribute or method of that name is asked for anywhere.
    pub fn asks_for(&self, attribute: &str) -> bool {
        self.cut || self.attributes.contains(attribute)
    }

    /// Whether a name or attribute begins so.
    pub fn begins(&self, start: &str) -> bool {
        let mut all = self.names.iter().chain(&self.attributes);
        self.cut || all.any(|name| name.starts_with(start))
    }

    /// Whether a mode is chosen by `train(…)`.
    pub fn chooses_mode(&self) -> bool {
        self.cut || self.train_mode
    }
}

impl<'a> Visitor<'a> for Mentions<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if self.depth >= DEPTH {
            self.cut = true;
            return;
        }
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Store => {
                self.names.insert(name.id.as_str());
            }
            Expr::Attribute(attribute) => {
                self.attributes.insert(attribute.attr.id.as_str());
            }
            Expr::Call(call) => {
                let train = matches!(&*call.func, Expr::Attribute(a) if a.attr.id == "train");
                self.train_mode |= train && !call.arguments.is_empty();
            }
            _ => {}
        }
        self.depth += 1;
        walk_expr(self, expression);
        self.depth -= 1;
    }
}
