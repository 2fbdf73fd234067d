//! `application/x-www-form-urlencoded`, as queries and simple forms have it (WHATWG URL section 5.1).
//!
//! ```
//! let mut pairs = sluice::urlencoded::pairs(b"title=Invisible+Cities&year=1972");
//! assert_eq!(pairs.next(), Some(("title".into(), "Invisible Cities".into())));
//! assert_eq!(pairs.next(), Some(("year".into(), "1972".into())));
//! assert_eq!(pairs.next(), None);
//! ```

use std::borrow::Cow;

/// The names and values in a query, or in the body of a form, in their order and decoded.
pub fn pairs(encoded: &[u8]) -> Pairs<'_> {
    Pairs { rest: encoded }
}

/// An iterator over names and values. [`pairs`] makes it.
#[derive(Clone, Debug)]
pub struct Pairs<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        while !self.rest.is_empty() {
            let (pair, rest) = cut(self.rest, b'&');
            self.rest = rest;
            if !pair.is_empty() {
                let (name, value) = cut(pair, b'=');
                return Some((form_decode(name), form_decode(value)));
            }
        }
        None
    }
}

/// Splits at the first separator, which neither half has. Without one the second half is empty.
fn cut(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|b| *b == separator) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// Decodes `%20` and the like (RFC 3986 section 2.1). What is no UTF-8 becomes U+FFFD, and a percent sign that two
/// hexadecimal digits do not follow stays as it is.
///
/// ```
/// assert_eq!(sluice::urlencoded::decode("caf%C3%A9+100%"), "café+100%");
/// ```
pub fn decode(encoded: &str) -> Cow<'_, str> {
    decode_bytes(encoded.as_bytes(), false)
}

/// Decodes a name or a value, in which a plus sign stands for a space.
fn form_decode(encoded: &[u8]) -> Cow<'_, str> {
    decode_bytes(encoded, true)
}

fn decode_bytes(encoded: &[u8], plus: bool) -> Cow<'_, str> {
    if !encoded.iter().any(|b| *b == b'%' || plus && *b == b'+') {
        return match std::str::from_utf8(encoded) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(lossy(encoded.to_vec())),
        };
    }
    // What is decoded is no longer than it was, so it is written over it.
    let mut decoded = encoded.to_vec();
    let (mut from, mut to) = (0, 0);
    while let Some(&byte) = encoded.get(from) {
        let (value, size) = match (byte, encoded.get(from + 1).and_then(digit), encoded.get(from + 2).and_then(digit)) {
            (b'+', _, _) if plus => (b' ', 1),
            (b'%', Some(high), Some(low)) => (high << 4 | low, 3),
            _ => (byte, 1),
        };
        decoded[to] = value;
        from += size;
        to += 1;
    }
    decoded.truncate(to);
    Cow::Owned(lossy(decoded))
}

/// What stands for bytes that are no UTF-8.
const REPLACEMENT: &str = "\u{fffd}";

/// Makes text of bytes. What `String::from_utf8_lossy` does, in a tenth of its code.
fn lossy(bytes: Vec<u8>) -> String {
    let error = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error,
    };
    let (mut rest, mut text) = (error.as_bytes(), String::new());
    while let Err(error) = std::str::from_utf8(rest) {
        let (valid, after) = rest.split_at(error.valid_up_to());
        text.push_str(std::str::from_utf8(valid).unwrap_or(""));
        text.push_str(REPLACEMENT);
        rest = &after[error.error_len().unwrap_or(after.len())..];
    }
    text.push_str(std::str::from_utf8(rest).unwrap_or(""));
    text
}

/// The value of a hexadecimal digit.
fn digit(c: &u8) -> Option<u8> {
    (*c as char).to_digit(16).map(|value| value as u8)
}
