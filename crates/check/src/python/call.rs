//! Calls: what is called, with which arguments, and who knows what that means.

use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::Interpreter;
use super::function::method_of;
use super::value::{Argument, Arguments, Object, Value};

impl<'a> Interpreter<'a> {
    pub(super) fn call(&mut self, call: &'a ExprCall) -> Value<'a> {
        let callee = self.expression(&call.func);
        let arguments = self.arguments(call);
        self.callee = Some(&call.func);
        self.call_value(callee, &arguments)
    }

    fn arguments(&mut self, call: &'a ExprCall) -> Arguments<'a> {
        let mut all = Vec::new();
        let mut open = false;
        for expr in &call.arguments.args {
            if let Expr::Starred(starred) = expr {
                let value = self.expression(&starred.value);
                match self.items(&value) {
                    Some(items) => all.extend(items.into_iter().map(|value| Argument {
                        name: None,
                        value,
                        expr,
                        at: expr.range(),
                    })),
                    None => open = true,
                }
                continue;
            }
            let value = self.expression(expr);
            // Behind `*args` nobody knows the position.
            if !open {
                all.push(Argument {
                    name: None,
                    value,
                    expr,
                    at: expr.range(),
                });
            }
        }
        for keyword in &call.arguments.keywords {
            let value = self.expression(&keyword.value);
            match &keyword.arg {
                Some(name) => all.push(Argument {
                    name: Some(name.id.as_str()),
                    value,
                    expr: &keyword.value,
                    at: keyword.value.range(),
                }),
                None => {
                    let entries = match &value {
                        Value::Object(id) => match self.state.object(*id) {
                            Some(Object::Dict(entries)) => Some(entries.clone()),
                            _ => None,
                        },
                        _ => None,
                    };
                    // A known dictionary still does not give names that live as long as the
                    // program, so its entries count as hidden.
                    open |= entries.is_none_or(|entries| !entries.is_empty());
                }
            }
        }
        Arguments {
            all,
            open,
            at: call.range(),
        }
    }

    pub(crate) fn call_value(&mut self, callee: Value<'a>, arguments: &Arguments<'a>) -> Value<'a> {
        match callee {
            Value::Path(path) => self.call_library(&path, arguments),
            Value::Function(function) => self.call_function(function, None, arguments),
            Value::Class(class) => self.instantiate(&class, arguments),
            Value::Method(pair) => {
                let (receiver, name) = (&pair.0, pair.1);
                self.call_method(receiver, name, arguments)
            }
            Value::Layer(layer) => {
                let input = arguments.all.first().map(|argument| argument.value.clone());
                let trail = self.trail(&input.unwrap_or(Value::Unknown));
                Value::Tensor(Rc::new(trail.then(&layer)))
            }
            Value::Loss(loss) => crate::torch::loss_call(self, &loss, arguments),
            Value::Object(id) => self.apply_object(id, arguments),
            _ => {
                self.escape(arguments);
                Value::Unknown
            }
        }
    }

    fn call_library(&mut self, path: &str, arguments: &Arguments<'a>) -> Value<'a> {
        let (library, rest) = path.split_once('.').unwrap_or((path, ""));
        match library {
            "builtins" => self.call_builtin(rest, arguments),
            "keras" => crate::keras::call(self, rest, arguments),
            "tensorflow" => crate::keras::call_tensorflow(self, rest, arguments),
            "torch" | "torchvision" | "timm" | "efficientnet_pytorch" | "pretrainedmodels" => {
                crate::torch::call(self, path, arguments)
            }
            "numpy" | "jax" | "pandas" | "sklearn" | "scipy" => {
                crate::data::call(self, path, arguments)
            }
            "collections" if rest == "OrderedDict" => arguments
                .value(0, &[])
                .unwrap_or_else(|| self.state.allocate(Object::Dict(Vec::new()))),
            "tqdm" => arguments.value(0, &["iterable"]).unwrap_or(Value::Unknown),
            _ => {
                self.escape(arguments);
                Value::Unknown
            }
        }
    }

    /// A method of anything that is not a module.
    fn call_method(
        &mut self,
        receiver: &Value<'a>,
        name: &'a str,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        match receiver {
            Value::Array(_) | Value::Dataset(_) | Value::Tool(_) => {
                crate::data::method(self, receiver, name, arguments)
            }
            Value::Tensor(trail) => crate::torch::tensor_method(trail, name, arguments),
            Value::Layer(_) | Value::Loss(_) => match name {
                "to" | "cuda" | "cpu" | "double" | "float" | "half" | "train" | "eval"
                | "requires_grad_" => receiver.clone(),
                "forward" | "call" | "__call__" => self.call_value(receiver.clone(), arguments),
                _ => Value::Unknown,
            },
            Value::Object(_) | Value::Parts { .. } | Value::Method(_)
                if matches!(name, "parameters" | "named_parameters") =>
            {
                match self.parts_of(receiver) {
                    Some((of, whole)) => {
                        let parts = Value::Parts { of, whole };
                        match name {
                            "parameters" => parts,
                            // Pairs of a name and a parameter.
                            _ => Value::Method(Rc::new((parts, "enumerate"))),
                        }
                    }
                    None => Value::Unknown,
                }
            }
            Value::Object(_) | Value::Parts { .. } | Value::Method(_)
                if name == "requires_grad_" =>
            {
                if let Some((of, whole)) = self.parts_of(receiver) {
                    let on = arguments.value(0, &["requires_grad"]);
                    let on = on.map_or(Some(true), |on| on.truth());
                    self.freeze(of, whole, on, arguments.at);
                }
                receiver.clone()
            }
            Value::Optimizer(optimizer) => {
                crate::torch::optimizer_method(self, optimizer, name, arguments);
                Value::Unknown
            }
            Value::Object(id) => self.call_object_method(*id, name, arguments),
            Value::Str(text) => super::builtin::text_method(text, name),
            Value::Class(class) => match method_of(class, name) {
                Some(function) => self.call_function(function, None, arguments),
                None => Value::Unknown,
            },
            _ => {
                self.escape(arguments);
                Value::Unknown
            }
        }
    }

    fn call_object_method(
        &mut self,
        id: usize,
        name: &'a str,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let receiver = Value::Object(id);
        let Some(object) = self.state.object(id) else {
            return Value::Unknown;
        };
        match object {
            Object::List(_) | Object::Dict(_) => self.container_method(id, name, arguments),
            Object::Instance(instance) => {
                let class = instance.class.clone();
                if let Some(function) = method_of(&class, name) {
                    return self.call_function(function, Some(receiver), arguments);
                }
                match crate::torch::module_method(name) {
                    true => receiver,
                    false => crate::keras::method(self, id, name, arguments),
                }
            }
            Object::Backbone(_) if name == "forward" => self.apply_object(id, arguments),
            Object::Backbone(_) if crate::torch::module_method(name) => receiver,
            Object::Sequential(model) if !model.keras && name == "append" => {
                if let (Some(layer), Some(Object::Sequential(model))) =
                    (arguments.all.first(), self.state.object_mut(id))
                {
                    model.layers.push(layer.value.clone());
                }
                receiver
            }
            Object::Sequential(model) if !model.keras => match name {
                "add_module" => {
                    let layer = arguments.value(1, &["module"]).unwrap_or(Value::Unknown);
                    if let Some(Object::Sequential(model)) = self.state.object_mut(id) {
                        model.layers.push(layer);
                    }
                    Value::None
                }
                "forward" => self.apply_object(id, arguments),
                _ if crate::torch::module_method(name) => receiver,
                _ => Value::Unknown,
            },
            Object::Sequential(_) | Object::Functional { .. } => {
                if matches!(name, "call" | "__call__") {
                    return self.apply_object(id, arguments);
                }
                crate::keras::method(self, id, name, arguments)
            }
            _ => Value::Unknown,
        }
    }

    /// The two sides of a pair.
    pub(crate) fn pair(&self, value: &Value<'a>) -> Option<(Value<'a>, Value<'a>)> {
        let items = self.items(value)?;
        match <[Value<'a>; 2]>::try_from(items) {
            Ok([first, second]) => Some((first, second)),
            Err(_) => None,
        }
    }

    /// What is handed to unknown code may be changed there.
    pub(crate) fn escape(&mut self, arguments: &Arguments<'a>) {
        for argument in &arguments.all {
            if let Value::Object(id) = argument.value
                && let Some(object) = self.state.object_mut(id)
            {
                match object {
                    Object::Sequential(model) => {
                        model.layers.clear();
                        model.gap = true;
                    }
                    Object::List(_) | Object::Dict(_) => *object = Object::Unknown,
                    Object::Backbone(backbone) => backbone.replaced = Some(Value::Unknown),
                    _ => {}
                }
            }
        }
    }
}
