//! Statements: branches, loops, definitions.

use ruff_python_ast::{ExceptHandler, Expr, Pattern, Stmt, StmtClassDef, StmtIf, StmtTry};

use super::Interpreter;
use super::value::{Body, ClassRef, Function, Object, Value};

/// How a block ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    /// `return` or `raise`: nothing comes after it.
    Ended,
}

impl<'a> Interpreter<'a> {
    pub(super) fn block(&mut self, block: &'a [Stmt]) -> Flow {
        for statement in block {
            match self.statement(statement) {
                Flow::Next => {}
                other => return other,
            }
        }
        Flow::Next
    }

    fn statement(&mut self, statement: &'a Stmt) -> Flow {
        if !self.descend() {
            return Flow::Next;
        }
        let flow = self.statement_inside(statement);
        self.ascend();
        flow
    }

    fn statement_inside(&mut self, statement: &'a Stmt) -> Flow {
        match statement {
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Expr(expression) => {
                self.expression(&expression.value);
            }
            Stmt::Assign(assign) => {
                let value = self.expression(&assign.value);
                for target in &assign.targets {
                    self.note_scaler(target, &assign.value);
                    self.assign(target, value.clone());
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    let value = self.expression(value);
                    self.assign(&assign.target, value);
                }
            }
            Stmt::AugAssign(assign) => {
                let old = self.expression(&assign.target);
                let by = self.expression(&assign.value);
                let value = self.binary(assign.op, old, by, &assign.value);
                self.assign(&assign.target, value);
            }
            Stmt::FunctionDef(def) => {
                for decorator in &def.decorator_list {
                    self.expression(&decorator.expression);
                }
                let function = self.function(Body::Def(def));
                self.functions.push((function, None));
                let hidden = def.is_async
                    || def
                        .decorator_list
                        .iter()
                        .any(|d| changes_result(&d.expression));
                let value = if hidden {
                    Value::Unknown
                } else {
                    Value::Function(function)
                };
                self.bind(def.name.id.as_str(), value);
            }
            Stmt::ClassDef(def) => self.class(def),
            Stmt::Return(statement) => {
                let value = match &statement.value {
                    Some(value) => self.expression(value),
                    None => Value::None,
                };
                if let Some(frame) = self.frames.last_mut() {
                    frame.returns.push(value);
                }
                return Flow::Ended;
            }
            Stmt::Raise(raise) => {
                if let Some(error) = &raise.exc {
                    self.expression(error);
                }
                return Flow::Ended;
            }
            Stmt::If(statement) => return self.condition(statement),
            Stmt::For(statement) => return self.for_loop(statement),
            Stmt::While(statement) => {
                let test = self.expression(&statement.test);
                if test.truth() != Some(false) {
                    self.loops += 1;
                    self.maybe(|this| this.block(&statement.body));
                    self.loops -= 1;
                }
                return self.block(&statement.orelse);
            }
            Stmt::With(statement) => {
                let mut without = 0;
                let mut fails = false;
                let before = self.trainings.len();
                for item in &statement.items {
                    fails |= expects_an_error(&item.context_expr);
                    let value = self.expression(&item.context_expr);
                    without += usize::from(value == Value::Path("torch.no_grad".into()));
                    if let Some(target) = &item.optional_vars {
                        // A file, a session, a tape: only what stays itself is known.
                        let value = match value {
                            Value::Object(_) => value,
                            _ => Value::Unknown,
                        };
                        self.assign(target, value);
                    }
                }
                self.without_gradients += without;
                let flow = self.block(&statement.body);
                self.without_gradients -= without;
                if fails {
                    let inside = self.trainings.iter_mut().skip(before);
                    inside.for_each(|training| training.left_out = true);
                }
                return flow;
            }
            Stmt::Try(statement) => return self.attempt(statement),
            Stmt::Match(statement) => {
                self.expression(&statement.subject);
                for case in &statement.cases {
                    self.maybe(|this| {
                        this.forget_pattern(&case.pattern);
                        this.block(&case.body)
                    });
                }
            }
            Stmt::Delete(statement) => {
                for target in &statement.targets {
                    if matches!(target, Expr::Name(_)) {
                        self.assign(target, Value::Unknown);
                    }
                }
            }
            Stmt::Global(statement) => {
                let scope = self.scope();
                if let Some(scope) = self.state.scope_mut(scope) {
                    scope
                        .globals
                        .extend(statement.names.iter().map(|name| name.id.as_str()));
                }
            }
            Stmt::Assert(statement) => {
                self.expression(&statement.test);
            }
            Stmt::Break(_) => return Flow::Break,
            Stmt::Continue(_) => return Flow::Continue,
            Stmt::Nonlocal(_) | Stmt::Pass(_) | Stmt::TypeAlias(_) | Stmt::IpyEscapeCommand(_) => {}
        }
        Flow::Next
    }

    /// A function value; its scope outlives the call in which it was written.
    pub(super) fn function(&mut self, body: Body<'a>) -> Function<'a> {
        let scope = self.scope();
        if let Some(scope) = self.state.scope_mut(scope) {
            scope.captured = true;
        }
        Function { body, scope }
    }

    fn class(&mut self, def: &'a StmtClassDef) {
        let bases = def
            .arguments
            .as_ref()
            .map_or(&[][..], |arguments| &arguments.args);
        let bases: Vec<_> = bases.iter().map(|base| self.expression(base)).collect();
        let scope = self.scope();
        if let Some(scope) = self.state.scope_mut(scope) {
            scope.captured = true;
        }
        let class = ClassRef {
            def,
            scope,
            bases: bases.into(),
        };
        for statement in &def.body {
            if let Stmt::FunctionDef(method) = statement {
                let function = Function {
                    body: Body::Def(method),
                    scope,
                };
                self.functions.push((function, Some(class.clone())));
            }
        }
        self.bind(def.name.id.as_str(), Value::Class(class));
    }

    fn condition(&mut self, statement: &'a StmtIf) -> Flow {
        let otherwise: Vec<_> = statement
            .elif_else_clauses
            .iter()
            .map(|clause| (clause.test.as_ref(), &clause.body[..]))
            .collect();
        self.branches(&statement.test, &statement.body, &otherwise)
    }

    fn branches(
        &mut self,
        test: &'a Expr,
        body: &'a [Stmt],
        otherwise: &[(Option<&'a Expr>, &'a [Stmt])],
    ) -> Flow {
        let rest = |this: &mut Self| match otherwise {
            [] => Flow::Next,
            [(None, body), ..] => this.block(body),
            [(Some(test), body), rest @ ..] => {
                if !this.descend() {
                    return Flow::Next;
                }
                let flow = this.branches(test, body, rest);
                this.ascend();
                flow
            }
        };
        match self.expression(test).truth() {
            Some(true) => self.block(body),
            Some(false) => rest(self),
            None => self.either(|this| this.block(body), rest),
        }
    }

    /// Follows two branches and joins what is known after them.
    pub(super) fn either(
        &mut self,
        one: impl FnOnce(&mut Self) -> Flow,
        other: impl FnOnce(&mut Self) -> Flow,
    ) -> Flow {
        self.spend(self.state.weight());
        let mut before = self.state.clone();
        let first = one(self);
        before.skip_numbers_of(&self.state);
        let after_first = std::mem::replace(&mut self.state, before);
        let second = other(self);
        match (first, second) {
            (Flow::Ended, _) => {
                self.state.keep_objects_of(&after_first);
                second
            }
            (_, Flow::Ended) => {
                let after_second = std::mem::replace(&mut self.state, after_first);
                self.state.keep_objects_of(&after_second);
                first
            }
            _ => {
                self.state.join(&after_first);
                if first == second { first } else { Flow::Next }
            }
        }
    }

    /// A block that is run or not.
    pub(super) fn maybe(&mut self, block: impl FnOnce(&mut Self) -> Flow) {
        self.either(block, |_| Flow::Next);
    }

    fn attempt(&mut self, statement: &'a StmtTry) -> Flow {
        let before = self.state.clone();
        let flow = self.block(&statement.body);
        let flow = if flow == Flow::Next {
            self.block(&statement.orelse)
        } else {
            flow
        };
        self.spend(self.state.weight());
        for handler in &statement.handlers {
            let ExceptHandler::ExceptHandler(handler) = handler;
            // The handler is looked at for itself; the program goes on as if nothing was raised.
            let mut attempt = before.clone();
            attempt.skip_numbers_of(&self.state);
            let after = std::mem::replace(&mut self.state, attempt);
            if let Some(name) = &handler.name {
                self.bind(name.id.as_str(), Value::Unknown);
            }
            self.block(&handler.body);
            let handled = std::mem::replace(&mut self.state, after);
            self.state.keep_objects_of(&handled);
        }
        match self.block(&statement.finalbody) {
            Flow::Next => flow,
            other => other,
        }
    }

    fn forget_pattern(&mut self, pattern: &'a Pattern) {
        match pattern {
            Pattern::MatchAs(pattern) => {
                if let Some(name) = &pattern.name {
                    self.bind(name.id.as_str(), Value::Unknown);
                }
            }
            Pattern::MatchSequence(pattern) => {
                for pattern in &pattern.patterns {
                    if let Pattern::MatchAs(pattern) = pattern
                        && let Some(name) = &pattern.name
                    {
                        self.bind(name.id.as_str(), Value::Unknown);
                    }
                }
            }
            _ => {}
        }
    }

    /// The items of a value that can be counted up.
    pub(crate) fn items(&self, value: &Value<'a>) -> Option<Vec<Value<'a>>> {
        match value {
            Value::Tuple(items) => Some(items.to_vec()),
            Value::Object(id) => match self.state.object(*id)? {
                Object::List(items) => Some(items.clone()),
                Object::Dict(entries) => Some(entries.iter().map(|(key, _)| key.clone()).collect()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// `pytest.raises(…)`, `self.assertRaises(…)` and its kind: what is inside is wrong on purpose.
fn expects_an_error(context: &Expr) -> bool {
    let Expr::Call(call) = context else {
        return false;
    };
    let name = match &*call.func {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.id.as_str(),
        _ => return false,
    };
    name == "raises" || name.starts_with("assertRaises")
}

/// Whether a decorator makes something else of a function than the function.
fn changes_result(decorator: &Expr) -> bool {
    let name = match decorator {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.id.as_str(),
        Expr::Call(call) => return changes_result(&call.func),
        _ => return true,
    };
    !matches!(
        name,
        "function" | "no_grad" | "inference_mode" | "jit" | "staticmethod" | "classmethod"
    )
}
