//! Lists, read while they come.
//!
//! A list is `root{ muty mtco mrco mlcl{ mlit* } mudl{ miid* } }`, in any order. Each of its parts says by its code what
//! it is, so it does not matter where the root and the list in it end by their own word, which may be wrong. Their
//! lengths only tell at the end whether something is missing.

use std::ops::Range;

use dmap::code::*;
use dmap::{Code, DecodeError, HEADER, Kind, Tag, Tags, header};

use super::value::{FromTag, id, number};
use super::{ReadError, Status};

/// The longest entry that is read, in bytes. One with every field that there is and long texts has some thousands.
pub const MAX_ENTRY: usize = 1024 * 1024;

/// The longest list that is read, in bytes: as long as a root can say that it is.
pub const MAX_LIST: u64 = u32::MAX as u64 + HEADER as u64;

/// Reads a list from chunks of any size. It holds at most one entry, of [`MAX_ENTRY`] bytes, beside the chunks that
/// were pushed since [`ListReader::next_part`] last gave `None`.
#[derive(Debug, Default)]
pub struct ListReader {
    /// What was pushed; what lies before `at` is read.
    buffer: Vec<u8>,
    at: usize,
    /// Where in the message `at` is.
    offset: u64,
    root: Option<Span>,
    /// The list that was begun last.
    list: Option<Span>,
    gone: Option<Span>,
    /// What is passed over. Until its end the buffer is empty.
    unwanted: Option<Span>,
    entries: u32,
    head: Head,
    status: Status,
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// An entry, to be read as what it is: [`Entry`](super::Entry).
    Entry(Tag<'a>),
    /// The id of an entry that is gone. In a container some servers name the entry, others its song.
    Gone(u32),
}

/// What a list says of itself. All but a few servers say it before the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Whether it has only what changed.
    pub is_update: bool,
    /// How many entries the whole list has, of which these may be a part.
    pub total: Option<u32>,
    /// How many entries these are.
    pub returned: Option<u32>,
}

/// Where an element lies in the message, by its own word.
#[derive(Clone, Copy, Debug)]
struct Span {
    code: Code,
    offset: u64,
    length: u32,
}

/// What is done with an element.
enum Use {
    /// It is entered.
    Enter,
    /// It is read as a whole.
    Read,
    /// It is passed over.
    Pass,
}

impl ListReader {
    /// A reader at the start of a list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the bytes that come next.
    pub fn push(&mut self, chunk: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(chunk);
    }

    /// The next part, or `None` if that takes more bytes.
    ///
    /// # Errors
    /// The bytes are no list, something in it is longer than [`MAX_ENTRY`], or all of it than [`MAX_LIST`]. After an
    /// error there is nothing more to be had.
    pub fn next_part(&mut self) -> Result<Option<Part<'_>>, ReadError> {
        while let Some(span) = self.next_span()? {
            match self.use_of(span)? {
                Use::Enter => self.enter(span),
                Use::Pass => self.unwanted = Some(span),
                Use::Read => {
                    let Some(range) = self.take(span)? else { return Ok(None) };
                    if span.code == MLIT {
                        self.entries = self.entries.saturating_add(1);
                        let tag = span.tag(self.list, &self.buffer[range])?;
                        return Ok(Some(Part::Entry(tag)));
                    }
                    if let Some(id) = self.note(span, range)? {
                        return Ok(Some(Part::Gone(id)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// What the list has said of itself so far.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Says that no bytes come any more, when [`ListReader::next_part`] has given `None`.
    ///
    /// # Errors
    /// The server says no, or something is missing. A root or a list that announces more bytes than came is forgiven
    /// where as many entries came as were announced, unless deletions can be lost.
    pub fn end(&self) -> Result<Head, ReadError> {
        let (left, offset) = (&self.buffer[self.at..], place(self.offset));
        let begun = header(left).map(|(code, length)| Span { code, offset: self.offset, length });
        if begun.is_none() && !left.is_empty() {
            return Err(DecodeError::TruncatedHeader { offset, left: left.len() }.into());
        }
        if self.root.is_none() {
            return Err(DecodeError::Empty { offset }.into());
        }
        self.status.check()?;
        let is_counted = !self.head.is_update && self.head.returned == Some(self.entries);
        let lists = [self.list, self.root].into_iter().filter(|_| !is_counted);
        let end = self.offset + left.len() as u64;
        let mut spans = [begun, self.unwanted, self.gone].into_iter().chain(lists).flatten();
        match spans.find(|span| span.end() > end) {
            Some(span) => Err(span.cut(end).into()),
            None => Ok(self.head),
        }
    }

    /// The element that comes next, after what is passed over.
    fn next_span(&mut self) -> Result<Option<Span>, ReadError> {
        if let Some(unwanted) = self.unwanted {
            let left = usize::try_from(unwanted.end() - self.offset).unwrap_or(usize::MAX);
            self.advance(left.min(self.buffer.len() - self.at));
            if self.offset < unwanted.end() {
                return Ok(None);
            }
            self.unwanted = None;
        }
        let Some((code, length)) = header(&self.buffer[self.at..]) else { return Ok(None) };
        if self.offset >= MAX_LIST {
            return Err(ReadError::ListTooLong);
        }
        Ok(Some(Span { code, offset: self.offset, length }))
    }

    fn use_of(&self, span: Span) -> Result<Use, ReadError> {
        if self.root.is_none() {
            return match span.code.kind() {
                Kind::Container => Ok(Use::Enter),
                _ => Err(ReadError::Unexpected { expected: "a list", found: span.code }),
            };
        }
        Ok(match span.code {
            MLCL | ABAL | ABAR | ABCP | ABGN | MUDL => Use::Enter,
            MLIT | MUTY | MTCO | MRCO | MSTT | MSTS => Use::Read,
            MIID | MCTI if self.gone.is_some_and(|gone| span.offset < gone.end()) => Use::Read,
            _ => Use::Pass,
        })
    }

    fn enter(&mut self, span: Span) {
        self.advance(HEADER);
        match span.code {
            _ if self.root.is_none() => self.root = Some(span),
            MUDL => self.gone = Some(span),
            _ => self.list = Some(span),
        }
    }

    /// Where in the buffer an element is, which is read by that; `None` if it is not all there.
    fn take(&mut self, span: Span) -> Result<Option<Range<usize>>, ReadError> {
        let Span { code, length, .. } = span;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > MAX_ENTRY {
            return Err(ReadError::TooLong { code, offset: place(span.offset), length });
        }
        let start = self.at;
        if self.buffer.len() - start < HEADER + length {
            return Ok(None);
        }
        self.advance(HEADER + length);
        Ok(Some(start..self.at))
    }

    /// Notes what the list says of itself; gives the id of what is gone.
    fn note(&mut self, span: Span, range: Range<usize>) -> Result<Option<u32>, ReadError> {
        let tag = span.tag(self.list, &self.buffer[range])?;
        match span.code {
            MIID | MCTI => return Ok(id(&tag, Some)),
            MUTY => self.head.is_update = number(&tag) != 0,
            MTCO => self.head.total.set(&tag),
            MRCO => self.head.returned.set(&tag),
            _ => self.status.set(&tag),
        }
        Ok(None)
    }

    fn advance(&mut self, length: usize) {
        self.at += length;
        self.offset += length as u64;
    }
}

impl Span {
    const fn end(&self) -> u64 {
        self.offset + HEADER as u64 + self.length as u64
    }

    /// The element, of which these are the bytes.
    fn tag(self, list: Option<Self>, bytes: &[u8]) -> Result<Tag<'_>, DecodeError> {
        /// The root and the list.
        const DEPTH: usize = 2;
        let (offset, list) = (place(self.offset), list.map_or(MLCL, |list| list.code));
        Tags::inside(list, bytes, offset, DEPTH).next_tag()?.ok_or(DecodeError::Empty { offset })
    }

    /// What is wrong if the message ends before the element does.
    fn cut(self, end: u64) -> DecodeError {
        let (offset, length) = (place(self.offset), place(self.length.into()));
        let left = place(end - self.offset) - HEADER;
        DecodeError::Truncated { code: self.code, offset, length, left }
    }
}

/// A place as errors have it; where memory is that small, the last that can be named.
fn place(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
