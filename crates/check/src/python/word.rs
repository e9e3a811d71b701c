//! The word in an expression that another word can replace.

use ruff_python_ast::Expr;
use ruff_text_size::{Ranged, TextRange, TextSize};

/// The text of a plain string, or the last name of a dotted one: `softmax` in `'softmax'`, in
/// `tf.nn.softmax` and in `keras.layers.Softmax()`. A bare name is none: another one would have
/// to be imported first.
pub(crate) fn word(expression: &Expr) -> Option<TextRange> {
    match expression {
        Expr::StringLiteral(text) => {
            let quote = TextSize::new(1);
            let range = text.range();
            let inside = text.value.to_str().len();
            // Prefixes, triple quotes and escapes make it longer.
            (range.len().to_usize() == inside + 2)
                .then(|| TextRange::new(range.start() + quote, range.end() - quote))
        }
        Expr::Attribute(attribute) => Some(attribute.attr.range),
        Expr::Call(call) => word(&call.func),
        _ => None,
    }
}

/// Whether the expression is a string, so that its word is written in small letters.
pub(crate) fn is_text(expression: &Expr) -> bool {
    expression.is_string_literal_expr()
}
