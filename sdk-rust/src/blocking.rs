//! Handlers that read and write while they run, one statement after the other. Where such code waits, the host waits and
//! lends it no processor; each instance serves one session at a time.
//!
//! ```
//! use sluice::blocking::{Body, Responder};
//! use sluice::{Error, Head, Response, Sent};
//!
//! fn echo(_: &Head, body: &mut Body, responder: Responder) -> Result<Sent, Error> {
//!     let mut out = responder.start(Response::new(200))?;
//!     while let Some(piece) = body.next()? {
//!         out.write(piece)?;
//!     }
//!     out.finish()
//! }
//!
//! sluice::handler!(blocking echo);
//! # fn main() {
//! # let answer = sluice::testing::Request::post("/").body("hello").piece_size(2).blocking(echo);
//! # assert_eq!(answer.text(), "hello");
//! # }
//! ```

use crate::abi;
use crate::error::Error;
use crate::event::Event;
use crate::fields::{Field, Fields, OwnedFields};
use crate::head::{Head, OwnedHead};
use crate::multipart::{self, Parser, PartHead, Step};
use crate::response::{settle, Answer, Response, Sent, LARGEST_PIECE, TOO_LARGE};
use crate::runtime;
use crate::session::Session;
use std::cell::Cell;
use std::io;

thread_local! {
    /// The start line of a request whose fields have not been heard.
    static LINE: Cell<Option<(Session, OwnedHead)>> = const { Cell::new(None) };
}

/// Hears one of the first two events of a request. The handler, called with the second, pulls the others itself.
pub(crate) fn hear<A: Answer>(session: Session, event: Event<'_>, handle: impl FnOnce(&Head, &mut Body, Responder) -> A) {
    match event {
        Event::LineReady(line) => LINE.with(|kept| kept.set(Some((session, OwnedHead::new(line.0))))),
        // What is pulled leaves the payload of this event as it is.
        Event::HeaderReady(fields) => match LINE.with(Cell::take) {
            Some((of, line)) if of == session => serve(session, &line.with_fields(fields).head, handle),
            _ => runtime::fail(
                session,
                &"a blocking handler cannot serve several sessions; use an async one, or another isolation",
            ),
        },
        _ => {} // what comes after the handler has ended
    }
}

fn serve<A: Answer>(session: Session, head: &Head, handle: impl FnOnce(&Head, &mut Body, Responder) -> A) {
    let mut body = Body::new(session);
    if let Err(error) = handle(head, &mut body, Responder { session }).answer(session) {
        settle(session, error);
    }
    if !body.ended {
        let _ = session.discard(); // nobody wants the rest
    }
}

/// The body of a request, as it comes in. It implements [`io::Read`] and [`io::BufRead`] too.
#[derive(Debug)]
pub struct Body {
    session: Session,
    /// What was not taken of the last piece.
    rest: abi::Bytes,
    ended: bool,
    trailers: OwnedFields,
}

impl Body {
    fn new(session: Session) -> Self {
        Body { session, rest: abi::Bytes::new(&[]), ended: false, trailers: OwnedFields::default() }
    }

    /// Waits for the next piece, of at most 64 KiB and never empty; `None` at the end. It is not copied: the next call
    /// overwrites it.
    ///
    /// # Errors
    ///
    /// `Closed` when the peer is gone or breaks the protocol, `Unsupported` in an instance that serves several sessions.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.rest.len == 0 {
            self.pull()?;
        }
        let piece = std::mem::replace(&mut self.rest, abi::Bytes::new(&[]));
        // SAFETY: the piece lies in the receive buffer, which the next pull writes to: it needs `self`.
        let piece = unsafe { piece.as_slice() };
        Ok(if piece.is_empty() { None } else { Some(piece) })
    }

    /// Hears events until there is a piece, or no more of them.
    fn pull(&mut self) -> Result<(), Error> {
        while !self.ended {
            let next = self.session.next_event()?;
            // SAFETY: the payload is the event's, and valid until the next pull.
            match unsafe { Event::from_raw(self.session, next.event, next.payload.ptr, next.payload.len) } {
                Event::DataReady(data) => {
                    self.rest = abi::Bytes::new(data.content());
                    return Ok(());
                }
                Event::TrailerReady(fields) => self.trailers = OwnedFields::copy(fields),
                Event::Ready(_) => self.ended = true,
                _ => {}
            }
        }
        Ok(())
    }

    /// Collects the rest of the body, of at most so many bytes.
    ///
    /// # Errors
    ///
    /// `TooBig` when there are more, and as [`next`](Self::next).
    pub fn bytes(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next()? {
            if piece.len() > limit - all.len() {
                return Err(TOO_LARGE);
            }
            all.extend_from_slice(piece);
        }
        Ok(all)
    }

    /// The trailers that came after the body: none before its end.
    pub fn trailers(&self) -> Fields<'_> {
        self.trailers.fields()
    }

    /// The parts of a form, while they come in. `head` is the request's; `None` when its type is something else.
    ///
    /// ```
    /// # use sluice::blocking::{Body, Responder};
    /// # use sluice::{multipart, Head, Response, Sent};
    /// fn names(head: &Head, body: &mut Body, responder: Responder) -> Result<Sent, multipart::Error> {
    ///     let mut list = String::new();
    ///     if let Some(mut parts) = body.parts(head) {
    ///         while let Some(part) = parts.next_part()? {
    ///             list += &part.name;
    ///             list.push('\n');
    ///         }
    ///     }
    ///     Ok(responder.send(Response::text(list))?)
    /// }
    /// # let form = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--";
    /// # let request = sluice::testing::Request::post("/").header("content-type", "multipart/form-data; boundary=X");
    /// # assert_eq!(request.body(form).blocking(names).text(), "a\n");
    /// ```
    pub fn parts(&mut self, head: &Head) -> Option<Parts<'_>> {
        let boundary = multipart::boundary(head.header("content-type")?)?;
        Some(Parts { body: self, parser: Parser::new(boundary), ahead: None })
    }
}

impl io::Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = io::Read::read(&mut io::BufRead::fill_buf(self)?, buffer)?;
        io::BufRead::consume(self, size);
        Ok(size)
    }
}

impl io::BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.rest.len == 0 {
            self.pull()?;
        }
        // SAFETY: as in `next`.
        Ok(unsafe { self.rest.as_slice() })
    }

    fn consume(&mut self, size: usize) {
        // SAFETY: as in `next`.
        self.rest = abi::Bytes::new(&unsafe { self.rest.as_slice() }[size..]);
    }
}

/// The parts of a form, while they come in. [`Body::parts`] makes it.
#[derive(Debug)]
pub struct Parts<'a> {
    body: &'a mut Body,
    parser: Parser,
    /// A part that was found behind the content of the one before.
    ahead: Option<Step>,
}

impl Parts<'_> {
    /// Waits for the next part, past what was not taken of this one's content; `None` at the end.
    ///
    /// # Errors
    ///
    /// The form is broken, or the body cannot be read.
    pub fn next_part(&mut self) -> Result<Option<PartHead>, multipart::Error> {
        loop {
            match self.step()? {
                Step::Part(head) => return Ok(Some(head)),
                Step::End => {
                    self.ahead = Some(Step::End);
                    return Ok(None);
                }
                _ => {}
            }
        }
    }

    /// Waits for the next piece of this part's content, never empty; `None` at its end.
    ///
    /// # Errors
    ///
    /// As [`next_part`](Self::next_part).
    pub fn next_piece(&mut self) -> Result<Option<&[u8]>, multipart::Error> {
        match self.step()? {
            Step::Content(range) => Ok(Some(self.parser.content(range))),
            other => {
                self.ahead = Some(other);
                Ok(None)
            }
        }
    }

    /// Collects the rest of this part's content, of at most so many bytes.
    ///
    /// # Errors
    ///
    /// `TooLarge` when there are more, and as [`next_part`](Self::next_part).
    pub fn bytes(&mut self, limit: usize) -> Result<Vec<u8>, multipart::Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next_piece()? {
            if piece.len() > limit - all.len() {
                return Err(multipart::Error::TooLarge);
            }
            all.extend_from_slice(piece);
        }
        Ok(all)
    }

    /// Has the parser go on, with more of the body when it needs that.
    fn step(&mut self) -> Result<Step, multipart::Error> {
        if let Some(step) = self.ahead.take() {
            return Ok(step);
        }
        loop {
            match self.parser.step()? {
                Step::NeedMore => match self.body.next()? {
                    Some(piece) => self.parser.push(piece),
                    None => self.parser.finish(),
                },
                step => return Ok(step),
            }
        }
    }
}

/// Gives the answer to a request, whole or as a stream.
#[derive(Debug)]
#[must_use = "a request wants an answer"]
pub struct Responder {
    session: Session,
}

impl Responder {
    /// Sends a whole answer.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn send(self, response: Response) -> Result<Sent, Error> {
        response.send(self.session)?;
        Ok(Sent(()))
    }

    /// Begins an answer whose body is written later. Its head goes out with the first byte: until then a peer that waits to
    /// be asked for its body is still asked. Without Content-Length the body is sent in chunks.
    ///
    /// # Errors
    ///
    /// As [`Session::set_head`].
    pub fn start(self, head: Response) -> Result<Writer, Error> {
        self.begin(head, false)
    }

    /// Begins an answer and sends its head at once.
    ///
    /// # Errors
    ///
    /// As [`Session::send_head`].
    pub fn start_now(self, head: Response) -> Result<Writer, Error> {
        self.begin(head, true)
    }

    fn begin(self, head: Response, at_once: bool) -> Result<Writer, Error> {
        head.begin(self.session, at_once)?;
        let mut writer = Writer { session: self.session };
        writer.write(head.body())?;
        Ok(writer)
    }

    /// Lets the request take as long as it likes, as [`Session::stream`]. Then the host counts the handler's CPU time from one
    /// wait to the next, and bodies may be of any size.
    ///
    /// # Errors
    ///
    /// As [`Session::stream`].
    pub fn stream(&self) -> Result<(), Error> {
        self.session.stream()
    }

    /// The session, for what goes beyond an answer: hints ahead of it, draining.
    pub fn session(&self) -> Session {
        self.session
    }
}

/// The body of an answer that has begun. It implements [`io::Write`] too. One that is dropped before
/// [`finish`](Self::finish) cuts the connection.
#[derive(Debug)]
#[must_use = "an answer wants an end"]
pub struct Writer {
    session: Session,
}

impl Writer {
    /// Writes all of some bytes, and waits while the peer does not take them.
    ///
    /// # Errors
    ///
    /// `Closed` when the peer is gone, and as [`Session::send_data`].
    pub fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        for piece in bytes.as_ref().chunks(LARGEST_PIECE) {
            loop {
                match self.session.send_data(piece) {
                    Err(Error::Again(_)) => self.session.wait_writable()?,
                    result => {
                        result?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// As [`Session::send_end`].
    pub fn finish(self) -> Result<Sent, Error> {
        self.session.send_end()?;
        Ok(Sent(()))
    }

    /// Ends the answer with trailers.
    ///
    /// # Errors
    ///
    /// As [`Session::send_trailers`].
    pub fn trailers(self, fields: &[Field<'_>]) -> Result<Sent, Error> {
        self.session.send_trailers(fields)?;
        Ok(Sent(()))
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Writer::write(self, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // the host sends what it has whenever the handler waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{run, Request};

    /// Where events of several sessions are mixed, no request is answered as if it were another's.
    #[test]
    fn mixed_sessions() {
        let requests = vec![Request::get("/one"), Request::get("/two")];
        let replies = run(requests, runtime::STREAM, true, |session, event, payload, size| {
            // SAFETY: the payload is the event's.
            unsafe {
                runtime::blocking(session, event, payload, size, |head, _, responder| {
                    responder.send(Response::text(head.target().to_owned()))
                })
            }
        });
        for (reply, target) in replies.iter().zip(["/one", "/two"]) {
            assert!(reply.status() == 500 || reply.text() == target, "{target} was answered {}", reply.text());
            assert!(reply.log().contains("cannot serve several sessions"));
        }
    }
}
