//! What a pickled tensor says about itself.

use std::path::Path;

use super::value::{Id, Value, Values, shortened};
use crate::FormatError;
use crate::numbers::{NumberKind, Plain};

/// A tensor: its shape, and where in which storage its numbers lie.
#[derive(Debug)]
pub(super) struct Described {
    pub storage: Storage,
    /// The kind of its numbers.
    pub kind: NumberKind,
    /// The first number, counted from the storage's start.
    pub first: u64,
    pub shape: Vec<usize>,
    /// None if row-major.
    pub strides: Option<Vec<u64>>,
}

/// A run of numbers that tensors share.
#[derive(Clone, Debug)]
pub(super) struct Storage {
    /// Its name in the file.
    pub key: String,
    pub kind: NumberKind,
    /// How many numbers there are.
    pub len: u64,
    /// Where a view of it begins, in numbers.
    pub start: u64,
}

/// Functions and classes that a saved tensor is made by.
enum Maker {
    /// `_rebuild_tensor`, `_rebuild_tensor_v2`, `_rebuild_tensor_v3`.
    Tensor,
    /// Its first argument is the tensor.
    Parameter,
    /// Its first argument makes the tensor, of its third.
    Typed,
    /// One of PyTorch's that makes a tensor in a way that weights do not come in.
    Other,
}

fn maker(values: &Values, by: Id) -> Option<Maker> {
    let (module, name) = values.global(by)?;
    match (module, name) {
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2" | "_rebuild_tensor_v3") => {
            Some(Maker::Tensor)
        }
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Some(Maker::Parameter)
        }
        ("torch._tensor" | "torch.tensor", "_rebuild_from_type" | "_rebuild_from_type_v2") => {
            Some(Maker::Typed)
        }
        _ => (module.starts_with("torch") && name.starts_with("_rebuild")).then_some(Maker::Other),
    }
}

/// Whether a value is a tensor of any kind.
pub(super) fn is_tensor(values: &Values, id: Id) -> bool {
    matches!(values.get(id), Value::Made(made) if maker(values, made.by).is_some())
}

/// Reads what a tensor says about itself; `name` is the tensor's.
pub(super) fn describe(
    values: &Values,
    id: Id,
    name: &str,
    path: &Path,
) -> Result<Described, FormatError> {
    let part = &format!("tensor `{}`", shortened(name));
    let damaged = |expected: &str, id| {
        FormatError::damaged(path, part.as_str(), expected, values.describe(id))
    };
    let Value::Made(made) = values.get(id) else {
        return Err(damaged("a tensor", id));
    };
    let (mut by, mut arguments) = (made.by, made.arguments);
    // A parameter of a type of its own is wrapped twice.
    for _ in 0..4 {
        let Some(given) = values.items(arguments) else {
            return Err(damaged("the arguments of a tensor", arguments));
        };
        match (maker(values, by), given) {
            (Some(Maker::Tensor), [storage, first, shape, strides, rest @ ..]) => {
                let version_3 = values.global(by).is_some_and(|(_, n)| n.ends_with("_v3"));
                let metadata = rest.get(if version_3 { 3 } else { 2 });
                if metadata.is_some_and(|&id| is_negated(values, id)) {
                    let found = "a negated or conjugated view";
                    return Err(unsupported(path, part, found, "plain tensors"));
                }
                let storage = self::storage(values, *storage, part, path)?;
                let kind = match rest.get(2).filter(|_| version_3) {
                    Some(&dtype) => kind(values, dtype, part, path)?,
                    None => storage.kind,
                };
                let first = values
                    .int(*first)
                    .and_then(|first| u64::try_from(first).ok());
                let first = first.ok_or_else(|| damaged("an offset", id))?;
                let shape = values
                    .sizes(*shape)
                    .ok_or_else(|| damaged("a shape", *shape))?;
                let strides = values
                    .sizes(*strides)
                    .ok_or_else(|| damaged("strides", *strides))?;
                return place(storage, kind, first, &shape, strides).map_err(
                    |(expected, found)| FormatError::damaged(path, part.as_str(), expected, found),
                );
            }
            (Some(Maker::Parameter), [tensor, ..]) => match values.get(*tensor) {
                Value::Made(made) => (by, arguments) = (made.by, made.arguments),
                _ => return Err(damaged("a tensor in the parameter", *tensor)),
            },
            (Some(Maker::Typed), [function, _, inner, ..]) => (by, arguments) = (*function, *inner),
            (Some(Maker::Other), _) => {
                let found = format!("made by {}", values.name(by));
                return Err(unsupported(
                    path,
                    part,
                    found,
                    "dense tensors with their numbers",
                ));
            }
            (Some(_), _) => return Err(damaged("the arguments of a tensor", arguments)),
            (None, _) => {
                let found = format!("made by {}", values.name(by));
                return Err(unsupported(
                    path,
                    part,
                    found,
                    "what `torch.save` makes tensors by",
                ));
            }
        }
    }
    Err(damaged("a tensor", id))
}

/// Checks that a tensor lies in its storage, and whether it is row-major in it.
fn place(
    storage: Storage,
    kind: NumberKind,
    first: u64,
    shape: &[u64],
    strides: Vec<u64>,
) -> Result<Described, (String, String)> {
    let axes = shape.iter().map(|&dim| usize::try_from(dim).ok());
    let shape: Option<Vec<usize>> = axes.collect();
    let shape = shape.ok_or_else(|| ("a shape".to_owned(), "one that is too large".to_owned()))?;
    if shape.len() != strides.len() {
        let expected = format!("{} strides, as many as axes", shape.len());
        return Err((expected, strides.len().to_string()));
    }
    let bytes = storage.len.checked_mul(storage.kind.size() as u64);
    let room = bytes.map(|bytes| bytes / kind.size() as u64);
    let first = first.checked_add(storage.start);
    let span = Plain::span(&shape, &strides);
    let end = span
        .zip(first)
        .and_then(|(span, first)| first.checked_add(span));
    let (Some(first), Some(_)) = (first, end.zip(room).filter(|(end, room)| end <= room)) else {
        let expected = format!(
            "numbers within the {} of storage `{}`",
            storage.len, storage.key
        );
        return Err((
            expected,
            format!("shape {shape:?} with strides {strides:?}"),
        ));
    };
    Ok(Described {
        strides: (!is_row_major(&shape, &strides)).then_some(strides),
        storage,
        kind,
        first,
        shape,
    })
}

fn is_row_major(shape: &[usize], strides: &[u64]) -> bool {
    let mut next = Some(1u64);
    for (&dim, &stride) in shape.iter().zip(strides).rev() {
        if dim != 1 && next != Some(stride) {
            return shape.contains(&0);
        }
        next = next.and_then(|next| next.checked_mul(dim as u64));
    }
    true
}

/// Reads what a storage says about itself: `('storage', type, key, device, numbers, view)`;
/// `part` is what errors call it.
pub(super) fn storage(
    values: &Values,
    id: Id,
    part: &str,
    path: &Path,
) -> Result<Storage, FormatError> {
    // Keys are numbers. A long one could be shared by many tensors, each with a copy.
    const MOST_KEY: usize = 64;
    let read = || {
        let Value::Persistent(outside) = *values.get(id) else {
            return None;
        };
        let [tag, class, key, _device, len, view @ ..] = values.items(outside)? else {
            return None;
        };
        let key = values.text(*key).filter(|key| key.len() <= MOST_KEY)?;
        let key = key.to_owned();
        let len = u64::try_from(values.int(*len)?).ok()?;
        let start = match view.first().and_then(|&view| values.items(view)) {
            Some(&[_, start, _]) => u64::try_from(values.int(start)?).ok()?,
            _ => 0,
        };
        (values.text(*tag)? == "storage").then_some((*class, key, len, start))
    };
    let Some((class, key, len, start)) = read() else {
        return Err(FormatError::damaged(
            path,
            part,
            "a storage",
            values.describe(id),
        ));
    };
    Ok(Storage {
        kind: kind(values, class, part, path)?,
        key,
        len,
        start,
    })
}

/// The kind of number by the name of a storage's class or of a `dtype`.
fn kind(values: &Values, id: Id, part: &str, path: &Path) -> Result<NumberKind, FormatError> {
    let known = match values.global(id) {
        Some(("torch" | "torch.cuda" | "torch.storage", known)) => known,
        _ => "",
    };
    Ok(match known {
        "DoubleStorage" | "float64" => NumberKind::F64,
        "FloatStorage" | "float32" => NumberKind::F32,
        "HalfStorage" | "float16" => NumberKind::F16,
        "BFloat16Storage" | "bfloat16" => NumberKind::BF16,
        "LongStorage" | "int64" => NumberKind::I64,
        "IntStorage" | "int32" => NumberKind::I32,
        "ShortStorage" | "int16" => NumberKind::I16,
        "CharStorage" | "int8" => NumberKind::I8,
        "uint64" => NumberKind::U64,
        "uint32" => NumberKind::U32,
        "uint16" => NumberKind::U16,
        // A storage without a type counts bytes.
        "ByteStorage" | "UntypedStorage" | "uint8" => NumberKind::U8,
        "BoolStorage" | "bool" => NumberKind::Bool,
        _ => {
            let found = match values.global(id) {
                Some(_) => format!("of {}", values.name(id)),
                None => values.describe(id),
            };
            let accepted = "floating-point numbers of 16, 32 or 64 bits, and integers";
            return Err(unsupported(path, part, found, accepted));
        }
    })
}

fn is_negated(values: &Values, metadata: Id) -> bool {
    let set = |flag| values.field(metadata, flag);
    let set = |flag| set(flag).is_some_and(|id| matches!(values.get(id), Value::Bool(true)));
    set("neg") || set("conj")
}

fn unsupported(path: &Path, part: &str, found: impl Into<String>, accepted: &str) -> FormatError {
    let way_out = "save it with `torch.save(model.float().cpu().state_dict(), file)`";
    FormatError::unsupported(path, part, found, accepted, way_out)
}
