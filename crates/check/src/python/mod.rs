//! Abstract interpretation of a Python program: nothing is run.
//!
//! - [`value`]: what can be known of an expression.
//! - [`state`]: scopes and heap, and how two branches become one.
//! - [`mentions`]: what is mentioned anywhere. [`freeze`]: what of a model is trained.
//! - [`statement`], [`loops`], [`expression`], [`operator`], [`assign`], [`imports`], [`builtin`]: the
//!   language.
//! - [`call`], [`function`], [`network`]: calls of libraries, of the program itself, of models.
//!
//! What calls of libraries mean is said in `keras/`, `torch/` and `data/`. What is not known is
//! `Unknown`, which silences the rules. Work is bounded: by steps, depth, and turns of a loop.

mod assign;
mod builtin;
mod call;
mod expression;
mod freeze;
mod function;
mod imports;
mod loops;
mod mentions;
mod network;
mod operator;
mod state;
mod statement;
pub(crate) mod value;
pub(crate) mod word;

use std::collections::HashSet;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::{Ranged, TextRange};

use crate::program::{Framework, Training};
use mentions::Mentions;
use state::State;
use value::{ClassRef, Function, Tool, Value};

/// Expressions and statements that are looked at in one file, at most.
const STEPS: usize = 400_000;
/// How deep expressions, blocks and calls may be nested.
const DEPTH: usize = 120;

/// What a program trains.
pub(crate) fn interpret(program: &[Stmt]) -> Vec<Training> {
    let mut interpreter = Interpreter::new(Mentions::of(program));
    interpreter.block(program);
    interpreter.uncalled();
    let keras = interpreter.keras;
    for training in &mut interpreter.trainings {
        // One spelling of Keras 1 tells the era of the whole program.
        if training.framework == Framework::Keras {
            training.framework = keras;
        }
        if training.fitted {
            training.unused_scaler = interpreter.unused_scaler;
        }
    }
    interpreter.trainings
}

/// The state of an interpretation.
pub(crate) struct Interpreter<'a> {
    pub state: State<'a>,
    /// What was found, in the order of the program.
    pub trainings: Vec<Training>,
    /// Keras 1 has spellings of its own, and one of them tells the program's era.
    pub keras: Framework,
    /// What is being called, as it is written.
    pub callee: Option<&'a Expr>,
    frames: Vec<Frame<'a>>,
    steps: usize,
    depth: usize,
    functions: Vec<(Function<'a>, Option<ClassRef<'a>>)>,
    called: HashSet<usize>,
    /// What the program mentions anywhere.
    pub mentions: Mentions<'a>,
    /// Loops that are being followed.
    pub loops: usize,
    /// Blocks without gradients that are being followed.
    pub without_gradients: usize,
    /// Models whose weights an optimizer got; `None`: of one it is not known which.
    pub optimized: Option<HashSet<usize>>,
    /// Where a scaler is made, or numbers are scaled, that nothing uses.
    unused_scaler: Option<TextRange>,
}

/// A function that is being interpreted.
struct Frame<'a> {
    scope: usize,
    function: Option<usize>,
    returns: Vec<Value<'a>>,
    generator: bool,
}

impl<'a> Interpreter<'a> {
    fn new(mentions: Mentions<'a>) -> Self {
        let mut state = State::default();
        let scope = state.open_scope(None);
        Self {
            state,
            trainings: Vec::new(),
            keras: Framework::Keras,
            callee: None,
            frames: vec![Frame {
                scope,
                function: None,
                returns: Vec::new(),
                generator: false,
            }],
            steps: STEPS,
            depth: 0,
            functions: Vec::new(),
            called: HashSet::new(),
            mentions,
            loops: 0,
            without_gradients: 0,
            optimized: Some(HashSet::new()),
            unused_scaler: None,
        }
    }

    /// The scope that names are written to.
    fn scope(&self) -> usize {
        self.frames.last().map_or(0, |frame| frame.scope)
    }

    /// Takes one step further down; `false` when the work is done for.
    fn descend(&mut self) -> bool {
        if self.steps == 0 || self.depth >= DEPTH {
            return false;
        }
        self.steps -= 1;
        self.depth += 1;
        true
    }

    fn ascend(&mut self) {
        self.depth -= 1;
    }

    fn spend(&mut self, steps: usize) {
        self.steps = self.steps.saturating_sub(steps);
    }

    /// Notes a scaler, or scaled numbers, that get a name which nothing reads.
    fn note_scaler(&mut self, target: &Expr, value: &'a Expr) {
        let (Expr::Name(name), Expr::Call(call)) = (target, value) else {
            return;
        };
        if self.mentions.reads(name.id.as_str()) || self.unused_scaler.is_some() {
            return;
        }
        let made = match &*call.func {
            Expr::Attribute(method)
                if matches!(method.attr.id.as_str(), "fit_transform" | "transform") =>
            {
                self.expression(&method.value)
            }
            Expr::Name(_) | Expr::Attribute(_) => match self.expression(&call.func) {
                Value::Path(path) => crate::data::scaler(&path),
                _ => return,
            },
            _ => return,
        };
        if let Value::Tool(tool) = made
            && matches!(*tool, Tool::Scaler | Tool::MinMaxScaler)
        {
            self.unused_scaler = Some(value.range());
        }
    }

    /// Functions that nothing in the program calls are looked at with unknown arguments.
    fn uncalled(&mut self) {
        let mut instances: Vec<(ClassRef<'a>, Value<'a>)> = Vec::new();
        let mut next = 0;
        // Interpreting one may define further ones.
        while let Some((function, class)) = self.functions.get(next).cloned() {
            next += 1;
            if self.called.contains(&function.body.address()) {
                continue;
            }
            let receiver = match class {
                None => None,
                Some(class) => match instances.iter().find(|(known, _)| *known == class) {
                    Some((_, instance)) => Some(instance.clone()),
                    None => {
                        let instance = self.instance_of_unknown(&class);
                        instances.push((class, instance.clone()));
                        Some(instance)
                    }
                },
            };
            if !self.called.contains(&function.body.address()) {
                self.call_with_unknown(function, receiver);
            }
        }
    }
}
