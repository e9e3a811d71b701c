//! Weights as `torch.save` writes them.
//!
//! Since version 1.6 that is a zip archive: `data.pkl`, a pickle that says what there is, and a
//! record `data/N` for each storage of numbers. Before, it was a row of pickles and then the
//! storages. [`pickle`] reads a pickle as inert [`value`]s, [`state`] finds the named tensors
//! among them, [`tensor`] understands what each says about itself. Here they are joined with their
//! numbers.

mod pickle;
mod state;
mod tensor;
mod value;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crate::archive::{Archive, Record};
use crate::checkpoint::{Checkpoint, Numbers, StoredTensor};
use crate::numbers::{ByteOrder, Plain};
use crate::{FormatError, Source};
use pickle::Pickle;
use tensor::{Described, Storage};
use value::Value;

/// The named tensors of a zip archive of PyTorch's, in a file of `len` bytes.
pub(crate) fn zip(mut archive: Archive, len: u64, path: &Path) -> Result<Checkpoint, FormatError> {
    // All lies in one folder, named for the file when it was saved.
    const PICKLE: &str = "data.pkl";
    let folders = archive.names().filter_map(|name| name.strip_suffix(PICKLE));
    let folder = folders
        .filter(|folder| folder.is_empty() || folder.ends_with('/'))
        .min_by_key(|folder| folder.len());
    let Some(folder) = folder.map(str::to_owned) else {
        let first: Vec<String> = archive.names().take(3).map(value::shortened).collect();
        return Err(FormatError::unsupported(
            path,
            "the file",
            format!(
                "a zip archive without `{PICKLE}` (it has {})",
                first.join(", ")
            ),
            "archives written by `torch.save`",
            "give the file itself, not an archive around it",
        ));
    };
    let order = format!("{folder}byteorder");
    let is_told = archive.names().any(|name| name == order);
    let order = if is_told {
        byte_order(&archive.record(&order)?, path)?
    } else {
        ByteOrder::Little
    };
    let name = format!("{folder}{PICKLE}");
    let bytes = archive.record(&name)?.source();
    let bytes =
        bytes.map_err(|error| FormatError::reading(path, format!("entry `{name}`"), error))?;
    let pickle = pickle::read(&bytes, 0, path, PICKLE)?;
    checkpoint(&pickle, len, path, order, |storage| {
        let entry = format!("{folder}data/{}", value::shortened(&storage.key));
        let record = archive.record(&entry)?;
        let expected = storage.len.checked_mul(storage.kind.size() as u64);
        if expected != Some(record.len()) {
            return Err(FormatError::damaged(
                path,
                format!("entry `{entry}`"),
                format!("{} numbers of {} bytes", storage.len, storage.kind.size()),
                format!("{} bytes", record.len()),
            ));
        }
        Ok(record)
    })
}

fn byte_order(record: &Record, path: &Path) -> Result<ByteOrder, FormatError> {
    let mut order = [0; 6];
    let len = usize::try_from(record.len())
        .unwrap_or(usize::MAX)
        .min(order.len());
    let order = &mut order[..len];
    let read = record
        .reader(0)
        .and_then(|mut reader| reader.read_exact(order));
    read.map_err(|error| FormatError::reading(path, "entry `byteorder`", error))?;
    match &*order {
        b"little" => Ok(ByteOrder::Little),
        b"big" => Ok(ByteOrder::Big),
        other => Err(FormatError::damaged(
            path,
            "entry `byteorder`",
            "`little` or `big`",
            format!("`{}`", String::from_utf8_lossy(other)),
        )),
    }
}

/// The named tensors of a file as PyTorch wrote it before version 1.6: a magic number, a version,
/// facts about the machine, the object, the names of the storages, each a pickle; then each
/// storage, its count of numbers before it. Its numbers are little-endian, wherever it was
/// written.
pub(crate) fn legacy(source: &Source, path: &Path) -> Result<Checkpoint, FormatError> {
    const MAGIC: &[u8] = b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
    const VERSION: i64 = 1001;
    let mut first = vec![0; source.len().min(32) as usize];
    let read = source.read_at(0, &mut first);
    read.map_err(|error| FormatError::reading(path, "the start", error))?;
    if !first.windows(MAGIC.len()).any(|bytes| bytes == MAGIC) {
        return Err(FormatError::unsupported(
            path,
            "the file",
            "a pickle that `torch.save` did not write",
            "files written by `torch.save`",
            "load it in Python and save its tensors with `torch.save` or as safetensors",
        ));
    }
    let mut at = 0;
    let mut next = |name: &str| {
        let pickle = pickle::read(source, at, path, name)?;
        at = pickle.end;
        Ok::<Pickle, FormatError>(pickle)
    };
    next("the magic number")?;
    let version = next("the version")?;
    if version.values.int(version.root) != Some(VERSION) {
        let found = version.values.describe(version.root);
        return Err(FormatError::damaged(
            path,
            "the version",
            VERSION.to_string(),
            found,
        ));
    }
    next("the facts about the machine")?;
    let object = next("the object's pickle")?;
    let keys = next("the names of the storages")?;
    let storages = storages(&object, &keys, at, source, path)?;
    checkpoint(&object, source.len(), path, ByteOrder::Little, |storage| {
        let found = storages.get(&storage.key).cloned();
        found.ok_or_else(|| {
            let part = format!("storage `{}`", value::shortened(&storage.key));
            FormatError::damaged(path, part, "its numbers", "no such storage")
        })
    })
}

/// The storages that follow a legacy file's pickles.
fn storages(
    object: &Pickle,
    keys: &Pickle,
    mut at: u64,
    source: &Source,
    path: &Path,
) -> Result<HashMap<String, Record>, FormatError> {
    let mut known: HashMap<String, Storage> = HashMap::new();
    for id in object.values.ids() {
        let values = &object.values;
        if matches!(values.get(id), Value::Persistent(_)) && values.global(id).is_none() {
            let storage = tensor::storage(values, id, "a storage", path)?;
            known.insert(storage.key.clone(), storage);
        }
    }
    let mut storages = HashMap::new();
    let names = keys.values.items(keys.root).unwrap_or(&[]);
    for key in names.iter().filter_map(|&name| keys.values.text(name)) {
        let part = || format!("storage `{}`", value::shortened(key));
        let Some(storage) = known.get(key) else {
            let expected = "one that a tensor uses";
            return Err(FormatError::damaged(
                path,
                part(),
                expected,
                "one that none uses",
            ));
        };
        let mut count = [0; 8];
        let read = source.read_at(at, &mut count);
        read.map_err(|error| FormatError::reading(path, part(), error))?;
        let count = u64::from_le_bytes(count);
        if count != storage.len {
            let expected = format!("{} numbers", storage.len);
            return Err(FormatError::damaged(
                path,
                part(),
                expected,
                count.to_string(),
            ));
        }
        let bytes = count.checked_mul(storage.kind.size() as u64);
        let record = bytes.and_then(|bytes| source.part(at + 8, bytes));
        let record = record.ok_or_else(|| {
            let expected = format!("{count} numbers of {} bytes", storage.kind.size());
            FormatError::damaged(path, part(), expected, "the end of the file")
        })?;
        at += 8 + record.len();
        storages.insert(key.to_owned(), record.into());
    }
    Ok(storages)
}

/// The tensors that a pickle names, joined with where their numbers lie.
fn checkpoint(
    pickle: &Pickle,
    len: u64,
    path: &Path,
    order: ByteOrder,
    mut record: impl FnMut(&Storage) -> Result<Record, FormatError>,
) -> Result<Checkpoint, FormatError> {
    let file: Arc<Path> = path.into();
    let mut tensors = Vec::new();
    for (name, tensor) in state::tensors(pickle, path)? {
        let Described {
            storage,
            kind,
            first,
            shape,
            strides,
        } = tensor;
        let plain = Plain {
            record: record(&storage)?,
            kind,
            order,
            first,
            strides,
        };
        tensors.push(StoredTensor::new(
            &file,
            name,
            shape,
            kind,
            Numbers::Plain(plain),
        ));
    }
    Checkpoint::new(path, len, tensors)
}
