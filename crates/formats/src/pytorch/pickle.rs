//! Reads a pickle as data.
//!
//! A pickle is a program for a small stack machine that makes Python objects. Here it makes
//! [`Value`]s: a class or a function is its name, and calling it is a record of what would have
//! been called with what. Nothing is ever called.
//!
//! The machine does not recurse, and each opcode adds at most a few small values that refer to
//! others by number, so memory stays within a small multiple of the pickle's length.

use std::collections::HashMap;
use std::io::{BufReader, Read};
use std::path::Path;

use super::value::{Id, Made, Value, Values};
use crate::source::Reader;
use crate::{FormatError, Source};

/// Longer ones hold no weights' names.
const MOST_BYTES: u64 = 64 << 20;

/// A pickle that was read.
pub(super) struct Pickle {
    /// Its values.
    pub values: Values,
    /// What it stands for.
    pub root: Id,
    /// Behind its last byte.
    pub end: u64,
}

/// Reads the pickle that begins at byte `start`; `name` is what errors call it.
pub(super) fn read(
    source: &Source,
    start: u64,
    path: &Path,
    name: &str,
) -> Result<Pickle, FormatError> {
    let mut machine = Machine {
        bytes: BufReader::new(source.reader(start)),
        at: start,
        end: source.len().min(start.saturating_add(MOST_BYTES)),
        values: Values::default(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        path,
        name,
    };
    let root = machine.run()?;
    Ok(Pickle {
        end: machine.at,
        values: machine.values,
        root,
    })
}

struct Machine<'a> {
    bytes: BufReader<Reader>,
    at: u64,
    end: u64,
    values: Values,
    stack: Vec<Id>,
    /// Where in the stack a mark lies.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    path: &'a Path,
    name: &'a str,
}

impl Machine<'_> {
    /// Runs to the end of the pickle. Opcodes are explained in Python's `pickletools`.
    fn run(&mut self) -> Result<Id, FormatError> {
        loop {
            let [opcode] = self.take()?;
            match opcode {
                b'.' => return self.pop(),
                // Protocol and frames: nothing depends on them.
                0x80 => drop(self.take::<1>()?),
                0x95 => drop(self.take::<8>()?),

                b'N' => self.push(Value::None)?,
                0x88 => self.push(Value::Bool(true))?,
                0x89 => self.push(Value::Bool(false))?,
                b'J' => {
                    let number = i32::from_le_bytes(self.take()?);
                    self.push(Value::Int(number.into()))?;
                }
                b'K' => {
                    let [number] = self.take()?;
                    self.push(Value::Int(number.into()))?;
                }
                b'M' => {
                    let number = u16::from_le_bytes(self.take()?);
                    self.push(Value::Int(number.into()))?;
                }
                b'I' => {
                    let line = self.line()?;
                    self.push(match line.as_str() {
                        "00" => Value::Bool(false),
                        "01" => Value::Bool(true),
                        digits => digits.parse().map_or(Value::Other("a number"), Value::Int),
                    })?;
                }
                b'L' => {
                    let line = self.line()?;
                    let digits = line.trim_end_matches('L');
                    self.push(digits.parse().map_or(Value::Other("a number"), Value::Int))?;
                }
                0x8a => {
                    let [len] = self.take()?;
                    self.long(len.into())?;
                }
                0x8b => {
                    let len = u32::from_le_bytes(self.take()?);
                    self.long(len.into())?;
                }
                b'F' => {
                    self.line()?;
                    self.push(Value::Other("a number"))?;
                }
                b'G' => {
                    self.take::<8>()?;
                    self.push(Value::Other("a number"))?;
                }

                b'X' | b'T' => {
                    let len = u32::from_le_bytes(self.take()?);
                    self.text(len.into())?;
                }
                b'U' | 0x8c => {
                    let [len] = self.take()?;
                    self.text(len.into())?;
                }
                0x8d => {
                    let len = u64::from_le_bytes(self.take()?);
                    self.text(len)?;
                }
                b'B' => {
                    let len = u32::from_le_bytes(self.take()?);
                    self.skip(len.into())?;
                }
                b'C' => {
                    let [len] = self.take()?;
                    self.skip(len.into())?;
                }
                0x8e | 0x96 => {
                    let len = u64::from_le_bytes(self.take()?);
                    self.skip(len)?;
                }

                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }

                b')' => self.push(Value::Tuple(Vec::new()))?,
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Value::Tuple(items))?;
                }
                0x85..=0x87 => {
                    let count = usize::from(opcode - 0x84);
                    let items = self.pop_many(count)?;
                    self.push(Value::Tuple(items))?;
                }
                b']' => self.push(Value::List(Vec::new()))?,
                b'l' => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items))?;
                }
                b'a' => {
                    let item = self.pop_many(1)?;
                    self.append(item)?;
                }
                b'e' | 0x90 => {
                    let items = self.pop_mark()?;
                    self.append(items)?;
                }
                0x8f => self.push(Value::List(Vec::new()))?,
                0x91 => {
                    let items = self.pop_mark()?;
                    self.push(Value::List(items))?;
                }
                b'}' => self.push(Value::Dict(Vec::new()))?,
                b'd' => {
                    let items = self.pop_mark()?;
                    let items = self.pairs(&items)?;
                    self.push(Value::Dict(items))?;
                }
                b's' => {
                    let items = self.pop_many(2)?;
                    self.set_items(&items)?;
                }
                b'u' => {
                    let items = self.pop_mark()?;
                    self.set_items(&items)?;
                }

                b'q' => {
                    let [slot] = self.take()?;
                    self.remember(slot.into())?;
                }
                b'r' => {
                    let slot = u32::from_le_bytes(self.take()?);
                    self.remember(slot)?;
                }
                0x94 => {
                    let slot = u32::try_from(self.memo.len()).unwrap_or(u32::MAX);
                    self.remember(slot)?;
                }
                b'h' => {
                    let [slot] = self.take()?;
                    self.recall(slot.into())?;
                }
                b'j' => {
                    let slot = u32::from_le_bytes(self.take()?);
                    self.recall(slot)?;
                }

                b'c' => {
                    for _ in 0..2 {
                        let line = self.line()?;
                        self.push(Value::Text(line.into()))?;
                    }
                    self.global()?;
                }
                0x93 => self.global()?,
                b'Q' => {
                    let id = self.pop()?;
                    self.push(Value::Persistent(id))?;
                }
                b'R' | 0x81 => {
                    let arguments = self.pop()?;
                    let by = self.pop()?;
                    self.make(by, arguments)?;
                }
                0x92 => {
                    self.pop()?;
                    let arguments = self.pop()?;
                    let by = self.pop()?;
                    self.make(by, arguments)?;
                }
                b'b' => {
                    let state = self.pop()?;
                    let top = self.top()?;
                    if let Value::Made(made) = self.values.get_mut(top) {
                        made.state = Some(state);
                    }
                }
                other => {
                    let found = if other.is_ascii_graphic() {
                        format!("`{}`", char::from(other))
                    } else {
                        format!("byte {other:#04x}")
                    };
                    return Err(self.damaged("an opcode that `torch.save` writes", found));
                }
            }
        }
    }

    // The bytes.

    fn damaged(&self, expected: &str, found: impl Into<String>) -> FormatError {
        let part = format!("{} at byte {}", self.name, self.at);
        FormatError::damaged(self.path, part, expected, found)
    }

    /// That `len` more bytes are there.
    fn check(&self, len: u64) -> Result<usize, FormatError> {
        let left = self.end.saturating_sub(self.at);
        let there = usize::try_from(len).ok().filter(|_| len <= left);
        there.ok_or_else(|| {
            let found = if left == MOST_BYTES {
                format!("more than {MOST_BYTES}")
            } else {
                format!("the end after {left}")
            };
            self.damaged(&format!("{len} bytes"), found)
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        self.check(N as u64)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn take_many(&mut self, len: u64) -> Result<Vec<u8>, FormatError> {
        let mut bytes = vec![0; self.check(len)?];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), FormatError> {
        let read = self.bytes.read_exact(bytes);
        read.map_err(|error| FormatError::reading(self.path, self.name, error))?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Up to the end of the line, without it.
    fn line(&mut self) -> Result<String, FormatError> {
        let mut line = Vec::new();
        loop {
            match self.take()? {
                [b'\n'] => break,
                [byte] => line.push(byte),
            }
        }
        String::from_utf8(line).map_err(|_| self.damaged("a line of text", "other bytes"))
    }

    fn text(&mut self, len: u64) -> Result<(), FormatError> {
        let text = String::from_utf8(self.take_many(len)?);
        self.push(text.map_or(Value::Other("bytes"), |text| Value::Text(text.into())))
    }

    fn skip(&mut self, len: u64) -> Result<(), FormatError> {
        self.take_many(len)?;
        self.push(Value::Other("bytes"))
    }

    /// An integer of `len` bytes, the lowest first.
    fn long(&mut self, len: u64) -> Result<(), FormatError> {
        let bytes = self.take_many(len)?;
        let sign = bytes
            .last()
            .map_or(0, |last| if last & 0x80 == 0 { 0 } else { 0xff });
        let mut wide = [sign; 8];
        let value = match wide.get_mut(..bytes.len()) {
            Some(low) => {
                low.copy_from_slice(&bytes);
                Value::Int(i64::from_le_bytes(wide))
            }
            None => Value::Other("a number"),
        };
        self.push(value)
    }

    // The stack.

    fn push(&mut self, value: Value) -> Result<(), FormatError> {
        let id = self.values.add(value);
        let id = id.ok_or_else(|| self.damaged("fewer values", "more than can be counted"))?;
        self.stack.push(id);
        Ok(())
    }

    /// What lies above the last mark, if there are `count`.
    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>, FormatError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(count);
        match start.filter(|&start| start >= floor) {
            Some(start) => Ok(self.stack.split_off(start)),
            None => Err(self.damaged("a value on the stack", "none")),
        }
    }

    fn pop(&mut self) -> Result<Id, FormatError> {
        let id = self.top()?;
        self.stack.pop();
        Ok(id)
    }

    fn top(&mut self) -> Result<Id, FormatError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let top = self.stack.get(floor..).and_then(|above| above.last());
        top.copied()
            .ok_or_else(|| self.damaged("a value on the stack", "none"))
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, FormatError> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(self.damaged("a mark on the stack", "none")),
        }
    }

    fn global(&mut self) -> Result<(), FormatError> {
        let (name, module) = (self.pop()?, self.pop()?);
        match (self.values.get(module), self.values.get(name)) {
            (Value::Text(_), Value::Text(_)) => self.push(Value::Global(module, name)),
            _ => Err(self.damaged("the names of a module and of what is in it", "other values")),
        }
    }

    fn pairs(&self, items: &[Id]) -> Result<Vec<(Id, Id)>, FormatError> {
        match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|&[key, value]| (key, value)).collect()),
            _ => Err(self.damaged("a value for each key", "a key without one")),
        }
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), FormatError> {
        let items = self.pairs(items)?;
        let top = self.top()?;
        match self.values.get_mut(top) {
            Value::Dict(dict) => dict.extend(items),
            Value::Made(made) => made.items.extend(items),
            _ => return Err(self.damaged("a dictionary to put items into", "another value")),
        }
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), FormatError> {
        let top = self.top()?;
        match self.values.get_mut(top) {
            Value::List(list) => list.extend(items),
            // A list of a class of its own: it holds no weights.
            Value::Made(_) => {}
            _ => return Err(self.damaged("a list to append to", "another value")),
        }
        Ok(())
    }

    fn make(&mut self, by: Id, arguments: Id) -> Result<(), FormatError> {
        self.push(Value::Made(Box::new(Made {
            by,
            arguments,
            state: None,
            items: Vec::new(),
        })))
    }

    fn remember(&mut self, slot: u32) -> Result<(), FormatError> {
        let top = self.top()?;
        self.memo.insert(slot, top);
        Ok(())
    }

    fn recall(&mut self, slot: u32) -> Result<(), FormatError> {
        let id = self.memo.get(&slot).copied();
        let expected = "a value that was remembered";
        let id = id.ok_or_else(|| self.damaged(expected, format!("nothing in place {slot}")))?;
        self.stack.push(id);
        Ok(())
    }
}
