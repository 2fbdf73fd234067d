//! The fields of a header or trailer section, where they lie.

use crate::abi::{self, Bytes};
use std::fmt;
use std::marker::PhantomData;

/// One field: a name and a value, borrowed.
///
/// ```
/// use sluice::Field;
///
/// const PLAIN: Field = Field::new("content-type", "text/plain; charset=utf-8");
/// assert!(PLAIN.is("Content-Type"));
/// assert_eq!(PLAIN.text(), Some("text/plain; charset=utf-8"));
/// ```
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Field<'a>(abi::Field, PhantomData<&'a [u8]>);

// SAFETY: a field is two borrowed slices, which can be shared.
unsafe impl Send for Field<'_> {}
unsafe impl Sync for Field<'_> {}

impl<'a> Field<'a> {
    /// A field with a text for its value. Whether they are valid is found out when they are sent.
    #[inline]
    pub const fn new(name: &'a str, value: &'a str) -> Self {
        Field::from_bytes(name, value.as_bytes())
    }

    /// A field with any value. Bytes above 0x7F are allowed, though nobody knows what they mean (RFC 9110 section 5.5).
    #[inline]
    pub const fn from_bytes(name: &'a str, value: &'a [u8]) -> Self {
        Field(abi::Field { name: Bytes::new(name.as_bytes()), value: Bytes::new(value) }, PhantomData)
    }

    /// The name, in the case in which it was sent.
    #[inline]
    pub fn name(&self) -> &'a str {
        // SAFETY: the field borrows what it points to.
        std::str::from_utf8(unsafe { self.0.name.as_slice() }).unwrap_or("")
    }

    /// The value, without the white space around it.
    #[inline]
    pub fn value(&self) -> &'a [u8] {
        // SAFETY: as above.
        unsafe { self.0.value.as_slice() }
    }

    /// The value, if it is UTF-8, which nearly every value is.
    #[inline]
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.value()).ok()
    }

    /// Whether it has a name, in whatever case.
    #[inline]
    pub fn is(&self, name: &str) -> bool {
        // SAFETY: as above.
        unsafe { self.0.name.as_slice() }.eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), String::from_utf8_lossy(self.value()))
    }
}

/// Fields in the order in which they were sent, repeated names repeated. Looking one up goes through them: there is no map
/// to make, and there are few of them.
///
/// ```
/// use sluice::{Field, Fields};
///
/// let list = [Field::new("Accept", "text/html"), Field::new("accept", "text/plain")];
/// let fields = Fields::new(&list);
/// assert_eq!(fields.get("ACCEPT"), Some("text/html"));
/// assert_eq!(fields.all("accept").count(), 2);
/// ```
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a [Field<'a>]);

impl<'a> Fields<'a> {
    /// Fields of a list.
    pub const fn new(list: &'a [Field<'a>]) -> Self {
        Fields(list)
    }

    /// What the host wrote.
    ///
    /// # Safety
    ///
    /// The fields, and all they point to, must be valid for `'a`.
    pub(crate) unsafe fn from_raw(fields: abi::Fields) -> Self {
        // A `Field` is a record of the interface and nothing else.
        Fields(&*(fields.as_slice() as *const [abi::Field] as *const [Field<'a>]))
    }

    /// As the interface has them.
    pub(crate) fn raw(&self) -> abi::Fields {
        abi::Fields { ptr: self.0.as_ptr() as *const abi::Field, len: self.0.len() }
    }

    /// The value of the first field with a name, in whatever case, that is UTF-8.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.all(name).find_map(|field| field.text())
    }

    /// The fields with a name, in whatever case.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'a>> + 'n
    where
        'a: 'n,
    {
        self.0.iter().copied().filter(move |field| field.is(name))
    }

    /// All of them, one by one.
    pub fn iter(&self) -> std::iter::Copied<std::slice::Iter<'a, Field<'a>>> {
        self.0.iter().copied()
    }

    /// All of them, as [`Session::send`](crate::Session::send) and the others take them.
    pub fn as_slice(&self) -> &'a [Field<'a>] {
        self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for Fields<'a> {
    type Item = Field<'a>;
    type IntoIter = std::iter::Copied<std::slice::Iter<'a, Field<'a>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().copied()
    }
}

impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0).finish()
    }
}

/// Fields that were copied, because what they were read from is used again. Trailers, for instance.
#[derive(Default)]
pub struct OwnedFields {
    table: Vec<abi::Field>,
    #[allow(dead_code)] // the table points into it
    bytes: Vec<u8>,
}

impl OwnedFields {
    /// Copies fields: two allocations, whatever their number.
    pub fn copy(fields: Fields<'_>) -> Self {
        let size = fields.iter().map(|field| field.name().len() + field.value().len()).sum();
        let mut bytes = Vec::with_capacity(size);
        for field in fields {
            bytes.extend_from_slice(field.name().as_bytes());
            bytes.extend_from_slice(field.value());
        }
        // Only now do the bytes stay where they are.
        let mut rest = &bytes[..];
        let mut take = |size| {
            let (part, after) = rest.split_at(size);
            rest = after;
            Bytes::new(part)
        };
        let table = fields
            .iter()
            .map(|field| abi::Field { name: take(field.name().len()), value: take(field.value().len()) })
            .collect();
        OwnedFields { table, bytes }
    }

    /// The fields.
    pub fn fields(&self) -> Fields<'_> {
        // SAFETY: the table points to the bytes, which neither move nor change.
        unsafe { Fields::from_raw(self.raw()) }
    }

    pub(crate) fn raw(&self) -> abi::Fields {
        abi::Fields::new(&self.table)
    }
}

impl fmt::Debug for OwnedFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fields().fmt(f)
    }
}
