//! Functions and classes of the program: parameters, results, methods.

use std::rc::Rc;

use ruff_python_ast::{Decorator, Expr, Parameters, Stmt};

use super::statement::Flow;
use super::value::{
    Argument, Arguments, Body, ClassRef, Compiled, Function, Instance, Object, Value,
};
use super::{Frame, Interpreter};
use crate::program::trail::Trail;

/// Calls within calls that are followed.
const CALLS: usize = 12;

impl<'a> Interpreter<'a> {
    /// A function of the program.
    pub(super) fn call_function(
        &mut self,
        function: Function<'a>,
        receiver: Option<Value<'a>>,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let given = |position: usize, name: &str| -> Option<Value<'a>> {
            arguments.value(position, &[name])
        };
        self.enter(function, receiver, given)
    }

    /// A function of which nobody says the arguments.
    pub(super) fn call_with_unknown(
        &mut self,
        function: Function<'a>,
        receiver: Option<Value<'a>>,
    ) -> Value<'a> {
        self.enter(function, receiver, |_, _| Some(Value::Unknown))
    }

    /// The `call` of a model of Keras, with what the user feeds.
    pub(super) fn call_with_input(
        &mut self,
        function: Function<'a>,
        receiver: Value<'a>,
    ) -> Value<'a> {
        let input = Value::Tensor(Rc::new(Trail::input()));
        self.enter(function, Some(receiver), |position, _| match position {
            0 => Some(input.clone()),
            _ => Some(Value::Unknown),
        })
    }

    fn enter(
        &mut self,
        function: Function<'a>,
        receiver: Option<Value<'a>>,
        given: impl Fn(usize, &str) -> Option<Value<'a>>,
    ) -> Value<'a> {
        let address = function.body.address();
        self.called.insert(address);
        let running = self
            .frames
            .iter()
            .any(|frame| frame.function == Some(address));
        if running || self.frames.len() > CALLS || !self.descend() {
            return Value::Unknown;
        }
        let parameters = match function.body {
            Body::Def(def) => Some(&*def.parameters),
            Body::Lambda(lambda) => lambda.parameters.as_deref(),
        };
        let scope = self.state.open_scope(Some(function.scope));
        if let Some(parameters) = parameters {
            self.bind_parameters(scope, parameters, receiver, given);
        }
        self.frames.push(Frame {
            scope,
            function: Some(address),
            returns: Vec::new(),
            generator: false,
        });
        let last = match function.body {
            Body::Lambda(lambda) => Some(self.expression(&lambda.body)),
            Body::Def(def) => {
                let without = usize::from(def.decorator_list.iter().any(stops_gradients));
                self.without_gradients += without;
                let flow = self.block(&def.body);
                self.without_gradients -= without;
                (flow != Flow::Ended).then_some(Value::None)
            }
        };
        let frame = self.frames.pop();
        self.ascend();
        let mut result: Option<Value<'a>> = None;
        let (returns, generator) =
            frame.map_or((Vec::new(), true), |frame| (frame.returns, frame.generator));
        for value in returns.into_iter().chain(last) {
            result = Some(match result {
                None => value,
                Some(known) => self.state.join_values(&known, &value),
            });
        }
        self.state.close_scope(scope);
        if generator {
            Value::Unknown
        } else {
            result.unwrap_or(Value::Unknown)
        }
    }

    fn bind_parameters(
        &mut self,
        scope: usize,
        parameters: &'a Parameters,
        receiver: Option<Value<'a>>,
        given: impl Fn(usize, &str) -> Option<Value<'a>>,
    ) {
        let mut bound: Vec<(&'a str, Value<'a>)> = Vec::new();
        let mut position = 0;
        let mut receiver = receiver;
        for parameter in parameters.posonlyargs.iter().chain(&parameters.args) {
            let name = parameter.parameter.name.id.as_str();
            if let Some(receiver) = receiver.take() {
                bound.push((name, receiver));
                continue;
            }
            let value = given(position, name);
            position += 1;
            bound.push((
                name,
                value.unwrap_or_else(|| self.default(parameter.default.as_deref())),
            ));
        }
        for parameter in &parameters.kwonlyargs {
            let name = parameter.parameter.name.id.as_str();
            let value = given(usize::MAX, name);
            bound.push((
                name,
                value.unwrap_or_else(|| self.default(parameter.default.as_deref())),
            ));
        }
        for rest in [&parameters.vararg, &parameters.kwarg]
            .into_iter()
            .flatten()
        {
            bound.push((rest.name.id.as_str(), Value::Unknown));
        }
        if let Some(scope) = self.state.scope_mut(scope) {
            scope.names.extend(bound);
        }
    }

    fn default(&mut self, default: Option<&'a Expr>) -> Value<'a> {
        default.map_or(Value::Unknown, |default| self.expression(default))
    }

    /// An object of a class of the program.
    pub(super) fn instantiate(
        &mut self,
        class: &ClassRef<'a>,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let instance = self.bare_instance(class);
        if let Some(function) = method_of(class, "__init__") {
            self.call_function(function, Some(instance.clone()), arguments);
        }
        instance
    }

    /// An object of a class of the program, made with arguments that nobody knows.
    pub(super) fn instance_of_unknown(&mut self, class: &ClassRef<'a>) -> Value<'a> {
        let instance = self.bare_instance(class);
        if let Some(function) = method_of(class, "__init__") {
            self.call_with_unknown(function, Some(instance.clone()));
        }
        instance
    }

    fn bare_instance(&mut self, class: &ClassRef<'a>) -> Value<'a> {
        self.state.allocate(Object::Instance(Instance {
            class: class.clone(),
            attributes: Vec::new(),
            compiled: Compiled::default(),
        }))
    }

    /// A function of the program over the two sides of a data set: `data.map(scale)`.
    pub(crate) fn call_with_pair(
        &mut self,
        function: Value<'a>,
        inputs: Value<'a>,
        labels: Value<'a>,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let Some(first) = arguments.all.first() else {
            return Value::Unknown;
        };
        let argument = |value| Argument {
            name: None,
            value,
            expr: first.expr,
            at: first.at,
        };
        let pair = Arguments {
            all: vec![argument(inputs), argument(labels)],
            open: false,
            at: arguments.at,
        };
        match function {
            Value::Function(function) => self.call_function(function, None, &pair),
            _ => Value::Unknown,
        }
    }
}

/// A method of a class or of the classes above it.
pub(super) fn method_of<'a>(class: &ClassRef<'a>, name: &str) -> Option<Function<'a>> {
    let mut next = Some(class.clone());
    let mut steps = 0;
    while let Some(class) = next {
        for statement in class.def.body.iter().rev() {
            if let Stmt::FunctionDef(def) = statement
                && def.name.id.as_str() == name
            {
                return Some(Function {
                    body: Body::Def(def),
                    scope: class.scope,
                });
            }
        }
        steps += 1;
        next = class.bases.iter().find_map(|base| match base {
            Value::Class(base) if steps < CALLS => Some(base.clone()),
            _ => None,
        });
    }
    None
}

/// `@torch.no_grad()` and its kind.
fn stops_gradients(decorator: &Decorator) -> bool {
    let called = match &decorator.expression {
        Expr::Call(call) => &*call.func,
        other => other,
    };
    let name = match called {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.id.as_str(),
        _ => return false,
    };
    matches!(name, "no_grad" | "inference_mode")
}
