//! Groups and what they hold.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::attribute::{self, Value};
use super::block::{Block, Reader};
use super::fractal::FractalHeap;
use super::header::{self, Message, kind};
use super::heap::LocalHeap;
use super::{Dataset, File, btree};
use crate::FormatError;

/// A group: named groups and datasets, and attributes.
#[derive(Clone, Debug)]
pub struct Group {
    file: File,
    path: String,
    at: u64,
    links: Arc<BTreeMap<String, Link>>,
    messages: Arc<Vec<Message>>,
}

/// What a group holds.
#[derive(Clone, Debug)]
pub enum Object {
    /// Another group.
    Group(Group),
    /// Numbers.
    Dataset(Dataset),
}

#[derive(Clone, Debug)]
enum Link {
    /// The address of an object's header.
    Hard(u64),
    /// By path, or to another file.
    Elsewhere,
}

impl Object {
    /// The object whose header is at `at`.
    pub(super) fn open(file: &File, at: u64, path: String) -> Result<Self, FormatError> {
        let reader = &file.reader;
        let messages = header::read(reader, at)?;
        if messages.iter().any(|m| m.kind == kind::LAYOUT) {
            return Dataset::open(file, path, &messages).map(Object::Dataset);
        }
        Ok(Object::Group(Group {
            links: Arc::new(links(reader, &path, &messages)?),
            messages: Arc::new(messages),
            file: file.clone(),
            path,
            at,
        }))
    }
}

impl Group {
    /// Its path in the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Where its header is: two groups of one address are the same group.
    pub fn address(&self) -> u64 {
        self.at
    }

    /// The names in it, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.links.keys().map(String::as_str)
    }

    /// The names of what is in the file itself, with addresses that tell whether two are one.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&str, u64)> {
        self.links.iter().filter_map(|(name, link)| match link {
            Link::Hard(at) => Some((name.as_str(), *at)),
            Link::Elsewhere => None,
        })
    }

    /// What is at `path` below this group, names divided by `/`; none if there is nothing.
    ///
    /// # Errors
    /// It is damaged, or a link to another place, which is not followed.
    pub fn get(&self, path: &str) -> Result<Option<Object>, FormatError> {
        let mut names = path.split('/').filter(|name| !name.is_empty()).peekable();
        let mut group = self.clone();
        while let Some(name) = names.next() {
            let Some(object) = group.child(name)? else {
                return Ok(None);
            };
            match object {
                _ if names.peek().is_none() => return Ok(Some(object)),
                Object::Group(next) => group = next,
                Object::Dataset(_) => return Ok(None),
            }
        }
        Ok(Some(Object::Group(group)))
    }

    /// The group at `path`; none if there is none.
    ///
    /// # Errors
    /// As [`get`](Self::get), or it is a dataset.
    pub fn group(&self, path: &str) -> Result<Option<Group>, FormatError> {
        match self.get(path)? {
            Some(Object::Group(group)) => Ok(Some(group)),
            Some(Object::Dataset(dataset)) => {
                let reader = &self.file.reader;
                Err(reader.damaged(dataset.path(), "a group", "a dataset"))
            }
            None => Ok(None),
        }
    }

    /// The dataset at `path`; none if there is none.
    ///
    /// # Errors
    /// As [`get`](Self::get), or it is a group.
    pub fn dataset(&self, path: &str) -> Result<Option<Dataset>, FormatError> {
        match self.get(path)? {
            Some(Object::Dataset(dataset)) => Ok(Some(dataset)),
            Some(Object::Group(group)) => {
                let reader = &self.file.reader;
                Err(reader.damaged(group.path(), "a dataset", "a group"))
            }
            None => Ok(None),
        }
    }

    /// The attribute of that name; none if there is none.
    ///
    /// # Errors
    /// It is damaged.
    pub fn attribute(&self, name: &str) -> Result<Option<Value>, FormatError> {
        attribute::find(&self.file.reader, &self.path, &self.messages, name)
    }

    /// A list of texts: the attribute of that name, or `name0`, `name1`, …, into which h5py's
    /// users divide one that is too long for an attribute. None if there is neither.
    ///
    /// # Errors
    /// An attribute is damaged.
    pub fn texts(&self, name: &str) -> Result<Option<Vec<String>>, FormatError> {
        let mut all = Vec::new();
        let mut add = |name: &str| -> Result<bool, FormatError> {
            match self.attribute(name)? {
                Some(Value::Texts(texts)) => all.extend(texts),
                Some(Value::Text(text)) => all.push(text),
                Some(_) => {}
                None => return Ok(false),
            }
            Ok(true)
        };
        if !add(name)? {
            let mut part = 0;
            while add(&format!("{name}{part}"))? {
                part += 1;
            }
            if part == 0 {
                return Ok(None);
            }
        }
        Ok(Some(all))
    }

    /// The file that it is in.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn child(&self, name: &str) -> Result<Option<Object>, FormatError> {
        let path = match self.path.as_str() {
            "/" => format!("/{name}"),
            parent => format!("{parent}/{name}"),
        };
        match self.links.get(name) {
            None => Ok(None),
            Some(Link::Hard(at)) => Object::open(&self.file, *at, path).map(Some),
            Some(Link::Elsewhere) => Err(self.file.reader.unsupported(
                &path,
                "a link to another place or file",
                "what is in the file itself",
            )),
        }
    }
}

/// The links of a group, wherever they are kept.
fn links(
    reader: &Reader,
    path: &str,
    messages: &[Message],
) -> Result<BTreeMap<String, Link>, FormatError> {
    let mut links = BTreeMap::new();
    let mut add = |(name, link): (String, Link)| match links.entry(name) {
        Entry::Vacant(free) => {
            free.insert(link);
            Ok(())
        }
        Entry::Occupied(taken) => {
            let found = format!("two named `{}`", taken.key());
            Err(reader.damaged(path, "objects of different names", &found))
        }
    };
    for message in messages {
        match message.kind {
            kind::SYMBOL_TABLE => {
                let mut body = message.read(reader)?;
                let (tree, heap) = (body.defined_address()?, body.defined_address()?);
                let heap = LocalHeap::read(reader, heap)?;
                let key = reader.length_size();
                btree::walk(reader, tree, btree::Holds::Symbols, key, &mut |_, at| {
                    symbols(reader, &heap, at, &mut add)
                })?;
            }
            kind::LINK => add(link(reader, &mut message.read(reader)?)?)?,
            kind::LINK_INFO => {
                let mut body = message.read(reader)?;
                body.version("a group", 0)?;
                let ordered = body.u8()? & 1 != 0;
                body.skip(if ordered { 8 } else { 0 })?;
                let (Some(heap), Some(index)) = (body.address()?, body.address()?) else {
                    continue;
                };
                let heap = FractalHeap::read(reader, heap)?;
                btree::records(reader, index, 5, &mut |mut record| {
                    // A hash of the name stands before the identifier.
                    record.skip(4)?;
                    add(link(reader, &mut heap.object(&mut record)?)?)
                })?;
            }
            _ => {}
        }
    }
    Ok(links)
}

/// The links of one node of a symbol table.
fn symbols(
    reader: &Reader,
    heap: &LocalHeap<'_>,
    at: u64,
    add: &mut dyn FnMut((String, Link)) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let mut block = reader.block(at, 8, "a symbol table")?;
    block.signature(b"SNOD")?;
    block.version("a symbol table", 1)?;
    block.skip(1)?;
    let count = u64::from(block.u16()?);
    let size = count * (24 + 2 * reader.offset_size() as u64);
    let mut block = reader.block(at.saturating_add(8), size, "a symbol table")?;
    for _ in 0..count {
        let name = block.uint(reader.offset_size())?;
        let object = block.address()?;
        const SOFT: u32 = 2;
        let link = match (block.u32()?, object) {
            (SOFT, _) | (_, None) => Link::Elsewhere,
            (_, Some(at)) => Link::Hard(at),
        };
        block.skip(20)?;
        add((heap.name(name)?, link))?;
    }
    Ok(())
}

/// A link as a message.
fn link(reader: &Reader, block: &mut Block<'_>) -> Result<(String, Link), FormatError> {
    block.version("a link", 1)?;
    let flags = block.u8()?;
    let kind = if flags & 8 != 0 { block.u8()? } else { 0 };
    if flags & 4 != 0 {
        block.skip(8)?;
    }
    if flags & 16 != 0 {
        block.skip(1)?;
    }
    let size = block.uint(1 << (flags & 3))?;
    let name = block.text(usize::try_from(size).unwrap_or(usize::MAX))?;
    reader.spend(size)?;
    let link = match kind {
        0 => Link::Hard(block.defined_address()?),
        _ => Link::Elsewhere,
    };
    Ok((name, link))
}
