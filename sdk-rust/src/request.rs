//! A request that has come whole.

use crate::fields::Fields;
use crate::head::Head;
use crate::session::Session;
use crate::{multipart, urlencoded};
use std::ops::Deref;

/// A whole request, borrowed from where the host wrote it. [`Head`] has the methods for what stands in front of the body.
///
/// ```
/// use sluice::{Request, Response};
///
/// fn greet(req: Request) -> Response {
///     match req.query_var("name") {
///         Some(name) => Response::text(format!("Hello, {name}!\n")),
///         None => Response::text("Hello, world!\n"),
///     }
/// }
///
/// let answer = sluice::testing::Request::get("/?name=Ada").message(greet);
/// assert_eq!(answer.text(), "Hello, Ada!\n");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    head: &'a Head,
    session: Session,
}

impl<'a> Request<'a> {
    /// The request in a payload.
    #[inline(always)]
    pub(crate) fn new(session: Session, head: &'a Head) -> Self {
        Request { head, session }
    }

    /// The head, for as long as the payload lasts.
    pub fn head(&self) -> &'a Head {
        self.head
    }

    /// All fields in their order.
    pub fn headers(&self) -> Fields<'a> {
        self.head.headers()
    }

    /// The body, empty when there is none.
    pub fn body(&self) -> &'a [u8] {
        // SAFETY: the body is valid for as long as the head is.
        unsafe { self.head.0.body.as_slice() }
    }

    /// The body as text.
    ///
    /// # Errors
    ///
    /// It is no UTF-8.
    pub fn text(&self) -> Result<&'a str, std::str::Utf8Error> {
        std::str::from_utf8(self.body())
    }

    /// The body as JSON, whatever its Content-Type.
    ///
    /// # Errors
    ///
    /// It is no JSON, or not of the form of `T`: `serde_json::Error::classify` tells which.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Deserialize<'a>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(self.body())
    }

    /// The names and values of a body of `application/x-www-form-urlencoded`.
    pub fn form(&self) -> urlencoded::Pairs<'a> {
        urlencoded::pairs(self.body())
    }

    /// The parts of a body of `multipart/form-data`; `None` when it is something else.
    pub fn parts(&self) -> Option<multipart::Parts<'a>> {
        let boundary = multipart::boundary(self.head.header("content-type")?)?;
        Some(multipart::parts(self.body(), boundary))
    }

    /// The session, for what goes beyond an answer: hints ahead of it, draining.
    pub fn session(&self) -> Session {
        self.session
    }
}

impl Deref for Request<'_> {
    type Target = Head;

    fn deref(&self) -> &Head {
        self.head
    }
}
