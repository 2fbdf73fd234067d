//! The head of a request: start line and fields, read where they lie.

use crate::abi::{self, Bytes, Version};
use crate::cookie;
use crate::fields::{Fields, OwnedFields};
use crate::urlencoded::{self, Pairs};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// The head of a request. Nothing of it is copied or looked up before it is asked for.
#[repr(transparent)]
pub struct Head(pub(crate) abi::Message);

impl Head {
    /// The method, in the case in which it was sent: methods are case-sensitive.
    pub fn method(&self) -> &str {
        self.text(&self.0.line.method)
    }

    /// The request target as it was sent, in most cases path and query (RFC 9112 section 3.2).
    pub fn target(&self) -> &str {
        self.text(&self.0.line.target)
    }

    /// The version as it was sent.
    pub fn version(&self) -> Version {
        self.0.line.version
    }

    /// The path, as it was sent: not decoded, because that would hide which slashes separate.
    /// [`decode`](urlencoded::decode) decodes a segment of it.
    pub fn path(&self) -> &str {
        let origin = origin(self.target());
        let end = origin.find('?').unwrap_or(origin.len());
        &origin[..end]
    }

    /// What stands behind the question mark of the target, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.target().split_once('?').map(|(_, query)| query)
    }

    /// The first variable of the query with a name, decoded: `%20` and `+` are spaces. What is no UTF-8 becomes U+FFFD.
    pub fn query_var(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query_vars().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// All variables of the query in their order, decoded.
    pub fn query_vars(&self) -> Pairs<'_> {
        urlencoded::pairs(self.query().unwrap_or("").as_bytes())
    }

    /// The value of the first field with a name, in whatever case. A value that is no UTF-8 is passed over; `headers()` has it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)
    }

    /// All fields in their order.
    pub fn headers(&self) -> Fields<'_> {
        // SAFETY: they are valid for as long as the head is.
        unsafe { Fields::from_raw(self.0.fields) }
    }

    /// Whether Content-Type names a media type, such as `application/json`, with whatever parameters.
    pub fn has_type(&self, media_type: &str) -> bool {
        let sent = self.header("content-type").unwrap_or("");
        sent.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case(media_type)
    }

    /// The value of the first cookie with a name.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// The names and values of all cookies in their order (RFC 6265 section 5.4), as they were sent.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers().all("cookie").filter_map(|field| field.text()).flat_map(cookie::pairs)
    }

    fn text(&self, bytes: &Bytes) -> &str {
        // SAFETY: the bytes are valid for as long as the head is. The host passes on nothing but ASCII here.
        std::str::from_utf8(unsafe { bytes.as_slice() }).unwrap_or("")
    }
}

/// A target without scheme and authority: what is left of the absolute form is the origin form, whose path may be empty.
fn origin(target: &str) -> &str {
    if target.starts_with('/') {
        return target;
    }
    match target.split_once("://") {
        Some((_, rest)) => match rest.find(['/', '?']) {
            Some(start) if rest[start..].starts_with('/') => &rest[start..],
            _ => "/",
        },
        None => target,
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head")
            .field("method", &self.method())
            .field("target", &self.target())
            .field("headers", &self.headers())
            .finish()
    }
}

/// The head of a request, copied: at first its start line, later its fields.
#[derive(Debug)]
pub(crate) struct OwnedHead {
    head: Head,
    #[allow(dead_code)] // the head points into them
    line: Box<[u8]>,
    #[allow(dead_code)]
    fields: OwnedFields,
}

impl OwnedHead {
    /// Copies a start line. There are no fields yet.
    pub(crate) fn new(line: &abi::Line) -> Self {
        // SAFETY: the record is valid for the call.
        let (method, target) = unsafe { (line.method.as_slice(), line.target.as_slice()) };
        let copy = [method, target].concat().into_boxed_slice();
        let (method, target) = copy.split_at(method.len());
        let line = abi::Line { method: Bytes::new(method), target: Bytes::new(target), version: line.version };
        let message = abi::Message { line, fields: abi::Fields::new(&[]), body: Bytes::new(&[]) };
        OwnedHead { head: Head(message), line: copy, fields: OwnedFields::default() }
    }

    /// Copies the fields.
    pub(crate) fn set_fields(&mut self, fields: Fields<'_>) {
        self.fields = OwnedFields::copy(fields);
        self.head.0.fields = self.fields.raw();
    }

    /// The head with fields that lie elsewhere.
    pub(crate) fn with_fields<'a>(&'a self, fields: Fields<'a>) -> Borrowed<'a> {
        Borrowed { head: Head(abi::Message { fields: fields.raw(), ..self.head.0 }), parts: PhantomData }
    }
}

impl Deref for OwnedHead {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

/// A head made of parts that lie in different places.
pub(crate) struct Borrowed<'a> {
    pub(crate) head: Head,
    parts: PhantomData<&'a ()>,
}
