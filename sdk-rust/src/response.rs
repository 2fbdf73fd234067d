//! Answers, and what can be made into one.

use crate::cookie::SetCookie;
use crate::error::{Call, Error};
use crate::fields::Field;
use crate::runtime;
use crate::session::Session;
use std::any::Any;
use std::borrow::Cow;
use std::fmt::Display;

/// An answer: status, fields and body. What is constant is not copied.
///
/// ```
/// use sluice::{Response, SetCookie};
///
/// let answer = Response::html("<h1>No such book</h1>")
///     .with_status(404)
///     .with_header("cache-control", "no-store")
///     .with_cookie(SetCookie::new("seen", "yes"));
/// assert_eq!(answer.status(), 404);
/// assert_eq!(answer.header("Content-Type"), Some("text/html; charset=utf-8"));
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: u16,
    headers: Vec<Header>,
    body: Cow<'static, [u8]>,
}

#[derive(Clone, Debug)]
struct Header {
    name: Cow<'static, str>,
    value: Cow<'static, str>,
}

/// An answer of a status, fields and a body.
///
/// ```
/// let answer = sluice::reply(200, [("content-type", "image/gif"), ("cache-control", "max-age=60")], &b"GIF89a"[..]);
/// assert_eq!(answer.body(), b"GIF89a");
/// ```
pub fn reply<N, V>(status: u16, headers: impl IntoIterator<Item = (N, V)>, body: impl IntoBody) -> Response
where
    N: Into<Cow<'static, str>>,
    V: Into<Cow<'static, str>>,
{
    let response = Response { status, headers: Vec::new(), body: body.into_body() };
    headers.into_iter().fold(response, |response, (name, value)| response.with_header(name, value))
}

impl Response {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Response { status, headers: Vec::new(), body: Cow::Borrowed(&[]) }
    }

    /// 200 with a body of any type.
    pub fn content(media_type: impl Into<Cow<'static, str>>, body: impl IntoBody) -> Self {
        reply(200, [("content-type", media_type.into())], body)
    }

    /// 200 with plain text.
    pub fn text(body: impl IntoBody) -> Self {
        Response::content("text/plain; charset=utf-8", body)
    }

    /// 200 with HTML.
    pub fn html(body: impl IntoBody) -> Self {
        Response::content("text/html; charset=utf-8", body)
    }

    /// 200 with JSON. What serde cannot write, such as a map whose keys are no strings, is a logged 500.
    #[cfg(feature = "json")]
    pub fn json(value: &(impl serde::Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Response::content("application/json", body),
            Err(error) => {
                crate::log!("Response::json: {error}; make the value one that JSON can hold");
                Response::new(500)
            }
        }
    }

    /// Sends the client elsewhere: 303 (See Other) to go on with GET, 307 or 308 to repeat what it did.
    pub fn redirect(status: u16, location: impl Into<Cow<'static, str>>) -> Self {
        Response::new(status).with_header("location", location)
    }

    /// The same with another status, 200 to 999.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The same with another field behind those that are there.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push(Header { name: name.into(), value: value.into() });
        self
    }

    /// The same with another cookie.
    #[must_use]
    pub fn with_cookie(self, cookie: SetCookie) -> Self {
        self.with_header("set-cookie", String::from(cookie))
    }

    /// The same with another body.
    #[must_use]
    pub fn with_body(mut self, body: impl IntoBody) -> Self {
        self.body = body.into_body();
        self
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The value of the first field with a name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| &*h.value)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Sends it whole.
    pub(crate) fn send(&self, session: Session) -> Result<(), Error> {
        self.fields(|fields| session.send(self.status, fields, &self.body))
    }

    /// Sends it as the beginning of an answer: its head, which `at_once` sends and which is kept for the first byte otherwise.
    pub(crate) fn begin(&self, session: Session, at_once: bool) -> Result<(), Error> {
        self.fields(|fields| match at_once {
            true => session.send_head(self.status, fields),
            false => session.set_head(self.status, fields),
        })
    }

    /// Calls a function with the fields as the host reads them. Few are on the stack, many on the heap.
    fn fields<R>(&self, call: impl FnOnce(&[Field<'_>]) -> R) -> R {
        const FEW: usize = 8;
        if self.headers.len() > FEW {
            return call(&self.headers.iter().map(Header::field).collect::<Vec<_>>());
        }
        let mut fields = [Field::new("", ""); FEW];
        for (field, header) in fields.iter_mut().zip(&self.headers) {
            *field = header.field();
        }
        call(&fields[..self.headers.len()])
    }
}

impl Header {
    fn field(&self) -> Field<'_> {
        Field::new(&self.name, &self.value)
    }
}

/// What can be the body of a [`Response`]: text and bytes, constant or owned.
pub trait IntoBody {
    /// The bytes.
    fn into_body(self) -> Cow<'static, [u8]>;
}

impl IntoBody for &'static str {
    fn into_body(self) -> Cow<'static, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl IntoBody for String {
    fn into_body(self) -> Cow<'static, [u8]> {
        Cow::Owned(self.into_bytes())
    }
}

impl IntoBody for Cow<'static, str> {
    fn into_body(self) -> Cow<'static, [u8]> {
        match self {
            Cow::Borrowed(text) => text.into_body(),
            Cow::Owned(text) => text.into_body(),
        }
    }
}

impl IntoBody for &'static [u8] {
    fn into_body(self) -> Cow<'static, [u8]> {
        Cow::Borrowed(self)
    }
}

impl IntoBody for Vec<u8> {
    fn into_body(self) -> Cow<'static, [u8]> {
        Cow::Owned(self)
    }
}

/// What a handler may give back.
///
/// A [`Response`] is sent. [`Sent`] says that the answer was given already. With `Result`, the error is printed to the log
/// and answered 500, or the connection is cut when an answer has begun. What the peer alone has done is not worth a line: that
/// it is gone, and that its body is larger than is collected, which is answered 413.
///
/// ```
/// use sluice::{Request, Response};
///
/// fn double(req: Request) -> Result<Response, Box<dyn std::error::Error>> {
///     let number: u32 = req.text()?.trim().parse()?;
///     Ok(Response::text(format!("{}\n", number * 2)))
/// }
///
/// assert_eq!(sluice::testing::Request::post("/").body("21").message(double).text(), "42\n");
/// assert_eq!(sluice::testing::Request::post("/").body("no").message(double).status(), 500);
/// ```
pub trait Answer {
    /// Answers the request of a session.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    fn answer(self, session: Session) -> Result<(), Error>;
}

impl Answer for Response {
    fn answer(self, session: Session) -> Result<(), Error> {
        self.send(session)
    }
}

impl<A: Answer, E: Display + 'static> Answer for Result<A, E> {
    fn answer(self, session: Session) -> Result<(), Error> {
        match self {
            Ok(answer) => answer.answer(session),
            Err(error) => {
                settle(session, error);
                Ok(())
            }
        }
    }
}

/// Deals with the error that a handler gives back. Two errors are the peer's doing, and no line of the log: that it is gone,
/// and that its body is larger than the handler collects.
#[cold]
pub(crate) fn settle(session: Session, error: impl Display + 'static) {
    match own(&error) {
        Some(Error::Closed(_)) => {}
        Some(error) if *error == TOO_LARGE => runtime::answer_for(session, 413, "413 Content Too Large\n"),
        _ => runtime::fail(session, &error),
    }
}

/// The error of this crate that an error is, perhaps in a box.
fn own(error: &dyn Any) -> Option<&Error> {
    match error.downcast_ref::<Box<dyn std::error::Error>>() {
        Some(boxed) => boxed.downcast_ref(),
        None => error.downcast_ref(),
    }
}

/// Proof that a request was answered: what ends an answer gives it, and a streaming handler gives it back, so that no way
/// through the handler forgets to answer.
#[derive(Debug)]
#[must_use = "a streaming handler gives it back, to show that it has answered"]
pub struct Sent(pub(crate) ());

impl Answer for Sent {
    fn answer(self, _: Session) -> Result<(), Error> {
        Ok(())
    }
}

/// Sends a piece of any size as pieces that the host takes one by one: so much of an answer waits in its memory at most.
pub(crate) const LARGEST_PIECE: usize = 64 << 10;

/// What is wrong with a body that is larger than is to be collected.
pub(crate) const TOO_LARGE: Error = Error::TooBig(Call::COLLECT);
