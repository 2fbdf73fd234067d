//! `multipart/form-data`: the parts of a form, with files (RFC 7578, and RFC 2046 section 5.1 for its syntax).
//!
//! [`parts`] goes through a body that has come whole. [`blocking::Body::parts`](crate::blocking::Body::parts) and
//! [`aio::Request::parts`](crate::aio::Request::parts) take parts while they come in, their contents in pieces: however large a
//! file is, no more of it is kept than what has just come. Both are made of the [`Parser`], which waits for nothing and can
//! be used alone.

use std::fmt;
use std::ops::{Deref, Range};

/// How large the header section of a part may be, in bytes.
pub const MAX_HEAD: usize = 8 << 10;

/// The largest boundary (RFC 2046 section 5.1.1), in bytes.
const MAX_BOUNDARY: usize = 70;

/// Why a form cannot be read.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is malformed; the text says where.
    Broken(&'static str),
    /// It ends before its last boundary.
    Truncated,
    /// The header section of a part has more than [`MAX_HEAD`] bytes.
    HeadTooLarge,
    /// The content of a part has more bytes than were to be collected.
    TooLarge,
    /// The body could not be read.
    Body(crate::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Broken(what) => write!(f, "the form is broken: {what}"),
            Error::Truncated => f.write_str("the form ends before its last boundary"),
            Error::HeadTooLarge => write!(f, "the header section of a part has more than {MAX_HEAD} bytes"),
            Error::TooLarge => f.write_str("a part is larger than it may be; take it in pieces"),
            Error::Body(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Error::Body(error)
    }
}

/// What stands in front of a part's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHead {
    /// The name of the form's field.
    pub name: String,
    /// The name of the file, if the part is one. It is what the client says: not to be used as a path.
    pub filename: Option<String>,
    /// The media type, if there is one.
    pub content_type: Option<String>,
}

/// A part of a body that has come whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// What stands in front of the content.
    pub head: PartHead,
    /// The content.
    pub content: &'a [u8],
}

impl Deref for Part<'_> {
    type Target = PartHead;

    fn deref(&self) -> &PartHead {
        &self.head
    }
}

/// Finds the boundary in the value of Content-Type; `None` when it is not that of a form, or not valid.
///
/// ```
/// use sluice::multipart::boundary;
///
/// assert_eq!(boundary("multipart/form-data; charset=utf-8; boundary=\"a b\""), Some("a b"));
/// assert_eq!(boundary("text/plain; boundary=a"), None);
/// ```
pub fn boundary(content_type: &str) -> Option<&str> {
    let (media_type, parameters) = content_type.split_once(';')?;
    if !media_type.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim())
    })?;
    let boundary = boundary.strip_prefix('"').and_then(|b| b.strip_suffix('"')).unwrap_or(boundary);
    let printable = boundary.bytes().all(|b| (b' '..=b'~').contains(&b));
    (printable && !boundary.is_empty() && boundary.len() <= MAX_BOUNDARY && !boundary.ends_with(' ')).then_some(boundary)
}

/// Finds the part of a whole body that begins at an offset, 0 for the first one. It returns the offset of the next.
///
/// ```
/// let body = b"--X\r\nContent-Disposition: form-data; name=title\r\n\r\nUlysses\r\n--X--";
/// let (next, part) = sluice::multipart::part(body, "X", 0)?;
/// let part = part.unwrap();
/// assert_eq!((part.name.as_str(), part.content), ("title", &b"Ulysses"[..]));
/// assert_eq!(sluice::multipart::part(body, "X", next)?, (next, None));
/// # Ok::<(), sluice::multipart::Error>(())
/// ```
///
/// # Errors
///
/// The form is broken, or ends early.
pub fn part<'a>(body: &'a [u8], boundary: &str, offset: usize) -> Result<(usize, Option<Part<'a>>), Error> {
    let delimiter = delimiter(boundary);
    let start = match offset {
        0 if body.starts_with(&delimiter[2..]) => delimiter.len() - 2,
        0 => find(body, &delimiter).ok_or(Error::Truncated)? + delimiter.len(),
        _ => offset,
    };
    let rest = body.get(start..).ok_or(Error::Truncated)?;
    let (last, rest) = rest.strip_prefix(b"--").map_or((false, rest), |rest| (true, rest));
    let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let section = match &rest[padding..] {
        [] | [b'\r', b'\n', ..] if last => return Ok((offset, None)),
        [b'\r', b'\n', ..] => start + padding,
        short if short.len() < 2 => return Err(Error::Truncated),
        _ => return Err(Error::Broken(AFTER_BOUNDARY)),
    };
    let end = head_end(&body[section..])?.ok_or(Error::Truncated)?;
    let content = section + end;
    let head = PartHead::parse(&body[section..content])?;
    // Where there is no content there need not be an empty line in front of it: its end is then the boundary's.
    let line = content - 2;
    let (end, next) = match find(&body[line..], &delimiter).ok_or(Error::Truncated)? {
        0 => (content, line),
        size => (line + size, line + size),
    };
    Ok((next + delimiter.len(), Some(Part { head, content: &body[content..end] })))
}

/// The parts of a whole body, one by one.
pub fn parts<'a>(body: &'a [u8], boundary: &'a str) -> Parts<'a> {
    Parts { body, boundary, offset: 0, ended: false }
}

/// An iterator over parts. [`parts`] makes it.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    body: &'a [u8],
    boundary: &'a str,
    offset: usize,
    ended: bool,
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<Part<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match part(self.body, self.boundary, self.offset) {
            Ok((next, Some(part))) => {
                self.offset = next;
                Some(Ok(part))
            }
            Ok((_, None)) => {
                self.ended = true;
                None
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}

/// Reads a form from bytes in whatever pieces they come. What it keeps is no more than the last piece, and what was left of
/// the one before: a boundary at most, or the header section of a part.
///
/// ```
/// use sluice::multipart::{Parser, Step};
///
/// let mut parser = Parser::new("X");
/// for piece in ["--X\r\nContent-Disposition: form", "-data; name=a\r\n\r\n1\r\n-", "-X--"] {
///     parser.push(piece.as_bytes());
///     loop {
///         match parser.step()? {
///             Step::Part(head) => assert_eq!(head.name, "a"),
///             Step::Content(range) => assert_eq!(parser.content(range), b"1"),
///             Step::NeedMore | Step::End => break,
///         }
///     }
/// }
/// parser.finish();
/// assert_eq!(parser.step(), Ok(Step::End));
/// # Ok::<(), sluice::multipart::Error>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    delimiter: Vec<u8>,
    state: State,
    buffer: Vec<u8>,
    start: usize,
    finished: bool,
}

/// What [`Parser::step`] has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A part begins.
    Part(PartHead),
    /// A piece of the part's content, never empty, for [`Parser::content`].
    Content(Range<usize>),
    /// The form has ended.
    End,
    /// Nothing, until there are more bytes.
    NeedMore,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In front of the first boundary.
    Preamble,
    /// Behind a boundary.
    Boundary,
    /// Behind a boundary and white space.
    Padding,
    /// In a header section, with the CRLF in front of it.
    Head,
    /// In front of a content, at the CRLF that ends the header section: a boundary's, where there is no content.
    Line,
    /// In a content.
    Content,
    /// Behind the last boundary and its hyphens.
    Last,
    /// Behind the line of the last boundary.
    End,
}

impl Parser {
    /// A parser for a boundary, as [`boundary`] finds it.
    pub fn new(boundary: &str) -> Self {
        // A boundary stands at the beginning of a line. With a line's end in front of the first one they are all alike.
        Parser { delimiter: delimiter(boundary), state: State::Preamble, buffer: b"\r\n".to_vec(), start: 0, finished: false }
    }

    /// Takes the next bytes. What was found before is forgotten.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.state != State::End {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Says that there are no more bytes.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// Goes on to the next part, or the next piece of its content.
    ///
    /// # Errors
    ///
    /// The form is broken, or ends early.
    pub fn step(&mut self) -> Result<Step, Error> {
        loop {
            let rest = &self.buffer[self.start..];
            match self.state {
                State::Preamble | State::Content => match self.content_step()? {
                    Some(step) => return Ok(step),
                    None => continue,
                },
                State::Boundary if rest.len() < 2 => return self.need_more(),
                State::Boundary if rest.starts_with(b"--") => {
                    self.start += 2;
                    self.state = State::Last;
                }
                State::Boundary => self.state = State::Padding,
                State::Padding => match rest {
                    [b' ' | b'\t', ..] => self.start += 1,
                    [b'\r', b'\n', ..] => self.state = State::Head,
                    [] | [b'\r'] => return self.need_more(),
                    _ => return Err(Error::Broken(AFTER_BOUNDARY)),
                },
                State::Last => match rest {
                    [b' ' | b'\t', ..] => self.start += 1,
                    [b'\r', b'\n', ..] => self.state = State::End,
                    [] if self.finished => self.state = State::End,
                    [] | [b'\r'] => return self.need_more(),
                    _ => return Err(Error::Broken(AFTER_BOUNDARY)),
                },
                State::Line if rest.starts_with(&self.delimiter) => self.state = State::Content,
                State::Line if self.delimiter.starts_with(rest) => return self.need_more(),
                State::Line => {
                    self.start += 2;
                    self.state = State::Content;
                }
                State::Head => match head_end(rest)? {
                    Some(end) => {
                        let head = PartHead::parse(&rest[..end])?;
                        self.start += end - 2;
                        self.state = State::Line;
                        return Ok(Step::Part(head));
                    }
                    None => return self.need_more(),
                },
                State::End => {
                    self.start = self.buffer.len();
                    return Ok(Step::End);
                }
            }
        }
    }

    /// Looks for the next boundary, and passes on what stands in front of it if it is content.
    fn content_step(&mut self) -> Result<Option<Step>, Error> {
        let rest = &self.buffer[self.start..];
        let found = find(rest, &self.delimiter);
        let size = found.unwrap_or_else(|| rest.len() - begun(rest, &self.delimiter));
        let content = self.start..self.start + size;
        self.start += size;
        if size > 0 && self.state == State::Content {
            return Ok(Some(Step::Content(content)));
        }
        if found.is_none() {
            return self.need_more().map(Some);
        }
        self.start += self.delimiter.len();
        self.state = State::Boundary;
        Ok(None)
    }

    fn need_more(&self) -> Result<Step, Error> {
        if self.finished {
            return Err(Error::Truncated);
        }
        Ok(Step::NeedMore)
    }

    /// The piece of content that [`step`](Self::step) has found last.
    pub fn content(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }
}

const AFTER_BOUNDARY: &str = "something else than the end of the line stands behind a boundary";

/// What stands in front of every part: the end of a line, and the boundary with two dashes.
fn delimiter(boundary: &str) -> Vec<u8> {
    [b"\r\n--", boundary.as_bytes()].concat()
}

/// Finds a delimiter.
fn find(bytes: &[u8], delimiter: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = bytes[from..].iter().position(|b| *b == b'\r') {
        if bytes[from + at..].starts_with(delimiter) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}

/// How many bytes at the end may be the beginning of a delimiter.
fn begun(bytes: &[u8], delimiter: &[u8]) -> usize {
    let most = bytes.len().min(delimiter.len() - 1);
    (1..=most).rev().find(|size| delimiter.starts_with(&bytes[bytes.len() - size..])).unwrap_or(0)
}

/// Finds the end of a header section that begins with a CRLF: behind the empty line that ends it.
fn head_end(bytes: &[u8]) -> Result<Option<usize>, Error> {
    let end = bytes.windows(4).take(MAX_HEAD).position(|w| w == b"\r\n\r\n");
    if end.is_none() && bytes.len() >= MAX_HEAD + 4 {
        return Err(Error::HeadTooLarge);
    }
    Ok(end.map(|end| end + 4))
}

impl PartHead {
    /// Reads a header section.
    fn parse(section: &[u8]) -> Result<Self, Error> {
        let section = std::str::from_utf8(section).map_err(|_| Error::Broken("a part's header section is no UTF-8"))?;
        let (mut name, mut filename, mut content_type) = (None, None, None);
        for line in section.split("\r\n").filter(|line| !line.is_empty()) {
            let (field, value) = line.split_once(':').ok_or(Error::Broken("a line of a part's header section has no colon"))?;
            if field.eq_ignore_ascii_case("content-disposition") {
                for (parameter, value) in parameters(value) {
                    match parameter {
                        _ if parameter.eq_ignore_ascii_case("name") => name = Some(value),
                        _ if parameter.eq_ignore_ascii_case("filename") => filename = Some(value),
                        _ => {}
                    }
                }
            } else if field.eq_ignore_ascii_case("content-type") {
                content_type = Some(value.trim().to_owned());
            }
        }
        let name = name.ok_or(Error::Broken("a part has no name"))?;
        Ok(PartHead { name, filename, content_type })
    }
}

/// The parameters behind the first semicolon of a value, without their quotes. A semicolon may stand within quotes.
fn parameters(value: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = value.split_once(';').map_or("", |(_, rest)| rest);
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        rest = after.split_once(';').map_or("", |(_, rest)| rest);
        Some((name.trim_matches(|c: char| c == ';' || c.is_whitespace()), value))
    })
}

/// Reads up to the closing quote. A backslash stands for itself unless a quote or another one follows: there are clients that
/// send whole paths of Windows.
fn unquote(quoted: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = quoted.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        match (character, characters.peek()) {
            ('"', _) => return (value, &quoted[at + 1..]),
            ('\\', Some((_, next @ ('"' | '\\')))) => {
                value.push(*next);
                characters.next();
            }
            _ => value.push(character),
        }
    }
    (value, "")
}
