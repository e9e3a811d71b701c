//! Writes HDF5 in its oldest layout, which every reader knows: superblock 0, symbol tables,
//! datasets in one piece.
//!
//! All sizes are known before a byte is written, so the file is written from front to back into
//! anything that takes bytes, and tensors pass through one after the other.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::SIGNATURE;
use super::header::kind;

const UNDEFINED: u64 = u64::MAX;
const SUPERBLOCK: u64 = 96;
/// Links in a node of a symbol table, as HDF5 has it by default.
const LINKS: usize = 8;
/// Bytes of such a node.
const NODE: u64 = 8 + 40 * LINKS as u64;
/// The longest message of an object's header.
const LONGEST_MESSAGE: usize = 65_528;

/// A file to be written: what its root group holds.
///
/// ```
/// use finial_formats::hdf5::{File, Writer};
///
/// let kernel = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let mut writer = Writer::new();
/// let vars = writer.root().group("layers").group("dense").group("vars");
/// vars.dataset("0", &[2, 3], |take| take(&kernel));
/// let mut bytes = Vec::new();
/// writer.write(&mut bytes)?;
///
/// let file = File::read(bytes.into(), "dense.h5".as_ref()).unwrap();
/// let dataset = file.root().unwrap().dataset("layers/dense/vars/0").unwrap().unwrap();
/// assert_eq!(dataset.shape(), [2, 3]);
/// assert_eq!(dataset.read().unwrap(), kernel);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct Writer<'a> {
    root: GroupWriter<'a>,
}

/// A group to be written.
#[derive(Default)]
pub struct GroupWriter<'a> {
    children: BTreeMap<String, GroupWriter<'a>>,
    attributes: Vec<(String, Attribute)>,
    /// What makes it a dataset; it is one then, whatever else it has.
    numbers: Option<Numbers<'a>>,
}

/// Takes numbers of a dataset, in order.
pub type Take<'t> = dyn FnMut(&[f32]) -> io::Result<()> + 't;

/// Hands over the numbers of a dataset.
type Give<'a> = dyn Fn(&mut Take<'_>) -> io::Result<()> + 'a;

/// The numbers of a dataset, which are handed over when the file is written.
struct Numbers<'a> {
    shape: Vec<usize>,
    /// None where all are zero, which takes no room in the file.
    give: Option<Box<Give<'a>>>,
}

enum Attribute {
    Text(String),
    Texts(Vec<String>),
}

impl<'a> Writer<'a> {
    /// An empty file.
    pub fn new() -> Self {
        Self::default()
    }

    /// The group that holds everything.
    pub fn root(&mut self) -> &mut GroupWriter<'a> {
        &mut self.root
    }

    /// How many bytes the file will have.
    pub fn size(&self) -> u64 {
        SUPERBLOCK + self.root.size(self.branches())
    }

    /// Writes the file, from front to back.
    ///
    /// # Errors
    /// It cannot be written, a dataset gave another count of numbers than its shape says, or an
    /// attribute is longer than 64 KB.
    pub fn write(&self, into: &mut dyn Write) -> io::Result<()> {
        let branches = self.branches();
        let mut bytes = Bytes::default();
        bytes.put(&SIGNATURE);
        // Versions; then addresses and lengths of eight bytes.
        bytes.put(&[0, 0, 0, 0, 0, 8, 8, 0]);
        bytes.u16(LINKS / 2)?;
        bytes.u16(branches / 2)?;
        bytes.u32(0);
        for address in [0, UNDEFINED, self.size(), UNDEFINED] {
            bytes.u64(address);
        }
        bytes.u64(0);
        Place::of(&self.root, SUPERBLOCK, branches).symbol(&mut bytes);
        into.write_all(&bytes.0)?;
        self.root.write(SUPERBLOCK, branches, into)
    }

    /// For how many nodes the tree of each group has room.
    fn branches(&self) -> usize {
        let most = self.root.most_children().div_ceil(LINKS);
        most.next_multiple_of(2).max(32)
    }
}

impl<'a> GroupWriter<'a> {
    /// The group `name` in this one, made if it is not there.
    pub fn group(&mut self, name: &str) -> &mut GroupWriter<'a> {
        self.children.entry(name.to_owned()).or_default()
    }

    /// Adds a dataset in single precision, in place of what has that name. `give` hands over its
    /// numbers, row-major, some at a time, when the file is written.
    pub fn dataset(
        &mut self,
        name: &str,
        shape: &[usize],
        give: impl Fn(&mut Take<'_>) -> io::Result<()> + 'a,
    ) {
        self.group(name).numbers = Some(Numbers {
            shape: shape.to_owned(),
            give: Some(Box::new(give)),
        });
    }

    /// Adds a dataset in single precision whose numbers are all zero. Its shape is all that the
    /// file holds of it: HDF5 gives zeros where nothing was stored yet.
    pub fn zeros(&mut self, name: &str, shape: &[usize]) {
        self.group(name).numbers = Some(Numbers {
            shape: shape.to_owned(),
            give: None,
        });
    }

    /// Adds an attribute that is a text.
    pub fn text(&mut self, name: &str, text: &str) {
        let value = Attribute::Text(text.to_owned());
        self.attributes.push((name.to_owned(), value));
    }

    /// Adds an attribute that is a list of texts.
    pub fn texts(&mut self, name: &str, texts: impl IntoIterator<Item = String>) {
        let value = Attribute::Texts(texts.into_iter().collect());
        self.attributes.push((name.to_owned(), value));
    }

    fn most_children(&self) -> usize {
        let below = self.children.values().map(GroupWriter::most_children);
        below.max().unwrap_or(0).max(self.children.len())
    }

    fn size(&self, branches: usize) -> u64 {
        if let Some(numbers) = &self.numbers {
            return dataset_header(&numbers.shape) + padded(numbers.stored());
        }
        let below = self.children.values().map(|child| child.size(branches));
        Place::of(self, 0, branches).children + below.sum::<u64>()
    }

    /// Writes the group and what it holds, from byte `at` of the file.
    fn write(&self, at: u64, branches: usize, into: &mut dyn Write) -> io::Result<()> {
        let place = Place::of(self, at, branches);
        let mut bytes = Bytes::default();

        let mut table = Bytes::default();
        table.u64(place.tree);
        table.u64(place.heap);
        let mut messages = vec![(kind::SYMBOL_TABLE, table.0)];
        for (name, value) in &self.attributes {
            messages.push((kind::ATTRIBUTE, value.message(name)?));
        }
        bytes.header(&messages)?;

        let names: Vec<(&str, u64)> = self.names().collect();
        bytes.put(b"TREE");
        bytes.put(&[0, 0]);
        bytes.u16(names.len().div_ceil(LINKS))?;
        bytes.u64(UNDEFINED);
        bytes.u64(UNDEFINED);
        // Between two nodes stands the last name of the one before.
        bytes.u64(0);
        for (i, links) in names.chunks(LINKS).enumerate() {
            bytes.u64(place.nodes + i as u64 * NODE);
            bytes.u64(links.last().map_or(0, |(_, offset)| *offset));
        }
        bytes.fill_to(place.heap - at);

        bytes.put(b"HEAP");
        bytes.put(&[0; 4]);
        bytes.u64(place.nodes - place.names);
        // No free space.
        bytes.u64(1);
        bytes.u64(place.names);
        bytes.put(&[0; 8]);
        for (name, _) in &names {
            bytes.put(name.as_bytes());
            bytes.put(&[0]);
            bytes.align();
        }

        let mut child_at = place.children;
        let children: Vec<&GroupWriter<'a>> = self.children.values().collect();
        for (links, children) in names.chunks(LINKS).zip(children.chunks(LINKS)) {
            let end = bytes.0.len() as u64 + NODE;
            bytes.put(b"SNOD");
            bytes.put(&[1, 0]);
            bytes.u16(links.len())?;
            for ((_, offset), child) in links.iter().zip(children) {
                bytes.u64(*offset);
                match child.numbers {
                    None => Place::of(child, child_at, branches).symbol(&mut bytes),
                    Some(_) => {
                        bytes.u64(child_at);
                        bytes.put(&[0; 24]);
                    }
                }
                child_at += child.size(branches);
            }
            bytes.fill_to(end);
        }
        into.write_all(&bytes.0)?;

        let mut child_at = place.children;
        for (name, child) in &self.children {
            match &child.numbers {
                None => child.write(child_at, branches, into)?,
                Some(numbers) => numbers.write(name, child_at, into)?,
            }
            child_at += child.size(branches);
        }
        Ok(())
    }

    /// The names in it, and where in the heap they are.
    fn names(&self) -> impl Iterator<Item = (&str, u64)> {
        let mut next = 8;
        self.children.keys().map(move |name| {
            let at = next;
            next += padded(name.len() as u64 + 1);
            (name.as_str(), at)
        })
    }
}

/// Where the parts of a group are.
struct Place {
    header: u64,
    tree: u64,
    heap: u64,
    names: u64,
    nodes: u64,
    children: u64,
}

impl Place {
    fn of(group: &GroupWriter<'_>, at: u64, branches: usize) -> Self {
        let attributes = group.attributes.iter();
        let attributes = attributes.map(|(name, value)| 8 + value.size(name));
        let tree = at + 16 + 24 + attributes.sum::<u64>();
        let heap = tree + 24 + 16 * branches as u64 + 8;
        let names = heap + 32;
        let lengths = group.children.keys();
        let lengths = lengths.map(|name| padded(name.len() as u64 + 1));
        let nodes = names + 8 + lengths.sum::<u64>();
        Place {
            header: at,
            tree,
            heap,
            names,
            nodes,
            children: nodes + group.children.len().div_ceil(LINKS) as u64 * NODE,
        }
    }

    /// Writes what stands behind the name in the entry of a symbol table.
    fn symbol(&self, bytes: &mut Bytes) {
        bytes.u64(self.header);
        bytes.u32(1);
        bytes.u32(0);
        bytes.u64(self.tree);
        bytes.u64(self.heap);
    }
}

impl Attribute {
    /// Its texts, the bytes of the longest, and whether it is a list.
    fn parts(&self) -> (&[String], usize, bool) {
        let (texts, is_list) = match self {
            Attribute::Text(text) => (std::slice::from_ref(text), false),
            Attribute::Texts(texts) => (texts.as_slice(), true),
        };
        let longest = texts.iter().map(String::len).max().unwrap_or(0);
        (texts, longest.max(1), is_list)
    }

    /// The bytes of its message.
    fn size(&self, name: &str) -> u64 {
        let (texts, longest, is_list) = self.parts();
        let data = (texts.len() * longest) as u64;
        let space = if is_list { 16 } else { 8 };
        8 + padded(name.len() as u64 + 1) + 8 + space + padded(data)
    }

    fn message(&self, name: &str) -> io::Result<Vec<u8>> {
        let (texts, longest, is_list) = self.parts();
        let mut bytes = Bytes::default();
        bytes.put(&[1, 0]);
        bytes.u16(name.len() + 1)?;
        bytes.u16(8)?;
        bytes.u16(if is_list { 16 } else { 8 })?;
        bytes.put(name.as_bytes());
        bytes.put(&[0]);
        bytes.align();
        // Text as UTF-8, filled up with zeros.
        bytes.put(&[0x13, 0x11, 0, 0]);
        bytes.u32(longest);
        bytes.put(&[1, u8::from(is_list), 0, 0, 0, 0, 0, 0]);
        if is_list {
            bytes.u64(texts.len() as u64);
        }
        for text in texts {
            bytes.put(text.as_bytes());
            bytes.put(&vec![0; longest - text.len()]);
        }
        bytes.align();
        if bytes.0.len() > LONGEST_MESSAGE {
            let message = format!("attribute `{name}` is longer than 64 KB");
            return Err(io::Error::other(message));
        }
        Ok(bytes.0)
    }
}

impl Numbers<'_> {
    /// The bytes that the file holds of them.
    fn stored(&self) -> u64 {
        self.give.as_ref().map_or(0, |_| data_size(&self.shape))
    }

    /// Writes the dataset `name`, from byte `at` of the file.
    fn write(&self, name: &str, at: u64, into: &mut dyn Write) -> io::Result<()> {
        let Numbers { shape, give } = self;
        let mut space = Bytes::default();
        space.put(&[1, shape.len() as u8, 0, 0, 0, 0, 0, 0]);
        for &len in shape {
            space.u64(len as u64);
        }
        // Single precision: sign at bit 31, 8 bits of exponent at 23 with bias 127, 23 of mantissa.
        let mut datatype = Bytes::default();
        datatype.put(&[0x11, 0x20, 31, 0, 4, 0, 0, 0]);
        datatype.put(&[0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]);
        datatype.align();
        // Stored when it is written; what never was, is the default: zero.
        let fill = vec![2, 2, 2, 1, 0, 0, 0, 0];
        let size = data_size(shape);
        let mut layout = Bytes::default();
        layout.put(&[3, 1]);
        layout.u64(match self.stored() {
            0 => UNDEFINED,
            _ => at + dataset_header(shape),
        });
        layout.u64(size);
        layout.align();

        let mut bytes = Bytes::default();
        bytes.header(&[
            (kind::DATASPACE, space.0),
            (kind::DATATYPE, datatype.0),
            (kind::FILL, fill),
            (kind::LAYOUT, layout.0),
        ])?;
        into.write_all(&bytes.0)?;
        let Some(give) = give else {
            return Ok(());
        };

        let mut given = 0u64;
        let mut piece = Vec::new();
        give(&mut |values| {
            for values in values.chunks(1 << 16) {
                piece.clear();
                piece.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                given += piece.len() as u64;
                into.write_all(&piece)?;
            }
            Ok(())
        })?;
        if given != size {
            let numbers = given / 4;
            let message =
                format!("dataset `{name}` of shape {shape:?} was given {numbers} numbers");
            return Err(io::Error::other(message));
        }
        into.write_all(&vec![0; (padded(size) - size) as usize])
    }
}

/// Bytes of a dataset's header: its shape, what its numbers are, their fill value, their place.
fn dataset_header(shape: &[usize]) -> u64 {
    let space = 8 + 8 * shape.len() as u64;
    16 + (8 + space) + (8 + 24) + (8 + 8) + (8 + 24)
}

fn data_size(shape: &[usize]) -> u64 {
    shape.iter().map(|&len| len as u64).product::<u64>() * 4
}

fn padded(len: u64) -> u64 {
    len.next_multiple_of(8)
}

/// Bytes to be written.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn u16(&mut self, value: usize) -> io::Result<()> {
        let value = u16::try_from(value).map_err(|_| {
            io::Error::other(format!(
                "{value} is more than this layout of HDF5 can count"
            ))
        })?;
        self.put(&value.to_le_bytes());
        Ok(())
    }

    fn u32(&mut self, value: usize) {
        self.put(&(value as u32).to_le_bytes());
    }

    fn u64(&mut self, value: u64) {
        self.put(&value.to_le_bytes());
    }

    fn align(&mut self) {
        self.fill_to(padded(self.0.len() as u64));
    }

    fn fill_to(&mut self, len: u64) {
        self.0.resize(len as usize, 0);
    }

    /// The header of an object with these messages, each a multiple of eight bytes.
    fn header(&mut self, messages: &[(u16, Vec<u8>)]) -> io::Result<()> {
        let size: usize = messages.iter().map(|(_, body)| 8 + body.len()).sum();
        self.put(&[1, 0]);
        self.u16(messages.len())?;
        self.u32(1);
        self.u32(size);
        self.u32(0);
        for (kind, body) in messages {
            self.put(&kind.to_le_bytes());
            self.u16(body.len())?;
            self.u32(0);
            self.put(body);
        }
        Ok(())
    }
}
