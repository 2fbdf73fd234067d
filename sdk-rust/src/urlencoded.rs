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
        return String::from_utf8_lossy(encoded);
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) if plus => decoded.push(b' '),
            (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                decoded.push(digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0));
                rest = after;
            }
            _ => decoded.push(*first),
        }
    }
    match String::from_utf8(decoded) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The value of a hexadecimal digit.
fn digit(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|value| value as u8)
}
