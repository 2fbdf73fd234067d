//! The types of the crate `http`: `handler!(http f)` registers a function that takes and gives them, and conversions serve
//! those that use them here and there.
//!
//! ```
//! fn hello(req: http::Request<Vec<u8>>) -> http::Response<String> {
//!     http::Response::new(format!("{} {}\n", req.method(), req.uri().path()))
//! }
//! # assert_eq!(sluice::testing::Request::get("/a?b").http(hello).text(), "GET /a\n");
//! ```

use crate::abi::Version;
use crate::error::Error;
use crate::event::Event;
use crate::fields::{Field, Fields};
use crate::head::Head;
use crate::request::Request;
use crate::response::{reply, settle, Answer, Response};
use crate::session::Session;
use crate::{abi, runtime};
use http::{HeaderMap, HeaderValue};

/// Has a whole request answered in the types of the crate `http`.
///
/// # Safety
///
/// As [`runtime::events`].
pub unsafe fn http<'a, B: From<&'a [u8]>, A: Answer>(
    session: u32,
    event: u32,
    payload: *const u8,
    payload_len: usize,
    handle: impl FnOnce(http::Request<B>) -> A,
) {
    let session = Session::from_number(session);
    if let Event::Ready(Some(request)) = Event::from_raw(session, abi::Event(event as u8), payload, payload_len) {
        let answer = http::Request::<B>::try_from(request).map(handle);
        if let Err(error) = answer.map_err(|error| runtime::fail(session, &error)).map_or(Ok(()), |a| a.answer(session)) {
            settle(session, error);
        }
    }
}

/// A request in the types of the crate `http`. The body is copied if its type owns it.
impl<'a, B: From<&'a [u8]>> TryFrom<Request<'a>> for http::Request<B> {
    type Error = http::Error;

    fn try_from(request: Request<'a>) -> Result<Self, http::Error> {
        Ok(http::Request::from_parts(request.head().try_into()?, B::from(request.body())))
    }
}

/// The head of a request in the types of the crate `http`.
impl TryFrom<&Head> for http::request::Parts {
    type Error = http::Error;

    fn try_from(head: &Head) -> Result<Self, http::Error> {
        let builder = http::Request::builder().method(head.method()).uri(head.target()).version(match head.version() {
            Version::HTTP_1_0 => http::Version::HTTP_10,
            _ => http::Version::HTTP_11,
        });
        let (mut parts, ()) = builder.body(())?.into_parts();
        parts.headers = headers(head.headers())?;
        Ok(parts)
    }
}

fn headers(fields: Fields<'_>) -> Result<HeaderMap, http::Error> {
    let mut map = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = http::HeaderName::from_bytes(field.name().as_bytes())?;
        map.append(name, HeaderValue::from_bytes(field.value())?);
    }
    Ok(map)
}

impl<B: AsRef<[u8]>> Answer for http::Response<B> {
    fn answer(self, session: Session) -> Result<(), Error> {
        let fields: Vec<_> = self.headers().iter().map(|(n, v)| Field::from_bytes(n.as_str(), v.as_bytes())).collect();
        session.send(self.status().as_u16(), &fields, self.body())
    }
}

/// An answer in the types of the crate `http`. A value that is no UTF-8 is changed to be.
impl<B: Into<Vec<u8>>> From<http::Response<B>> for Response {
    fn from(response: http::Response<B>) -> Self {
        let (parts, body) = response.into_parts();
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = parts.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value)));
        reply(parts.status.as_u16(), headers, body.into())
    }
}
