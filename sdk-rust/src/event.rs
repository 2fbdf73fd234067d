//! What happens to a session, as values borrowed for the call.

use crate::abi::{self, CloseReason, ClosedSide, DataFlags, Version};
use crate::fields::Fields;
use crate::head::Head;
use crate::request::Request;
use crate::session::Session;
use std::str;

/// An event, with what came with it. A handler hears those that it subscribes to:
///
/// ```
/// use sluice::{Error, Event, Session};
///
/// fn echo(session: Session, event: Event) -> Result<(), Error> {
///     match event {
///         Event::HeaderReady(_) => session.set_head(200, &[]),
///         Event::DataReady(data) => session.send_data(data.content()),
///         Event::Ready(_) => session.send_end(),
///         _ => Ok(()),
///     }
/// }
///
/// sluice::handler!(events echo, HEADER_READY | DATA_READY | READY);
/// # fn main() {}
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// Read: the start line is complete.
    LineReady(Line<'a>),
    /// Read: the header section is complete.
    HeaderReady(Fields<'a>),
    /// Read: a piece of the body.
    DataReady(Data<'a>),
    /// Read: the trailer section is complete; only when there are fields in it.
    TrailerReady(Fields<'a>),
    /// Read: the message is complete. The whole request, for a handler that does not subscribe to DATA_READY.
    Ready(Option<Request<'a>>),
    /// Write: the head of the answer was handed to the operating system.
    HeaderDone,
    /// Write: what was sent was handed to the operating system; there is room again.
    DataDone,
    /// Write: the whole answer was handed to the operating system.
    Done,
    /// The connection has left HTTP: what the peer sends from now on comes as DATA_READY.
    Upgraded,
    /// One side of the connection, or both, will send nothing more.
    Closed(ClosedSide, CloseReason),
    /// An event that this crate does not know.
    Unknown(abi::Event),
}

impl<'a> Event<'a> {
    /// The event that `on_event` was called with, or that `next_event` gave.
    ///
    /// # Safety
    ///
    /// The payload must be the host's, for this event, and valid for `'a`.
    #[inline(always)]
    pub unsafe fn from_raw(session: Session, event: abi::Event, payload: *const u8, payload_len: usize) -> Self {
        match event {
            abi::Event::LINE_READY => Event::LineReady(Line(&*(payload as *const abi::Line))),
            abi::Event::HEADER_READY => Event::HeaderReady(Fields::from_raw((*(payload as *const abi::Header)).fields)),
            abi::Event::DATA_READY => Event::DataReady(Data(&*(payload as *const abi::Data))),
            abi::Event::TRAILER_READY => Event::TrailerReady(Fields::from_raw((*(payload as *const abi::Trailer)).fields)),
            abi::Event::READY if payload_len == 0 => Event::Ready(None),
            abi::Event::READY => Event::Ready(Some(Request::new(session, &*(payload as *const Head)))),
            abi::Event::HEADER_DONE => Event::HeaderDone,
            abi::Event::DATA_DONE => Event::DataDone,
            abi::Event::DONE => Event::Done,
            abi::Event::UPGRADED => Event::Upgraded,
            abi::Event::CLOSED => {
                let closed = &*(payload as *const abi::Closed);
                Event::Closed(closed.side, closed.reason)
            }
            other => Event::Unknown(other),
        }
    }
}

/// The start line of a request (RFC 9112 section 3).
#[derive(Clone, Copy, Debug)]
pub struct Line<'a>(pub(crate) &'a abi::Line);

impl<'a> Line<'a> {
    /// The method, case kept.
    pub fn method(&self) -> &'a str {
        // SAFETY: the bytes are valid for as long as the record is. The host passes on nothing but ASCII here.
        str::from_utf8(unsafe { self.0.method.as_slice() }).unwrap_or("")
    }

    /// The request target as sent.
    pub fn target(&self) -> &'a str {
        // SAFETY: as above.
        str::from_utf8(unsafe { self.0.target.as_slice() }).unwrap_or("")
    }

    /// The version as sent.
    pub fn version(&self) -> Version {
        self.0.version
    }
}

/// A piece of a request's body, its transfer coding removed.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a>(&'a abi::Data);

impl<'a> Data<'a> {
    /// The bytes, never empty.
    #[inline(always)]
    pub fn content(&self) -> &'a [u8] {
        // SAFETY: the bytes are valid for as long as the record is.
        unsafe { self.0.content.as_slice() }
    }

    /// Where it stands in the chunks of a chunked message.
    pub fn flags(&self) -> DataFlags {
        self.0.flags
    }
}

/// What an event handler may give back: nothing, or an error, which is printed to the log and answered 500, or cuts the
/// connection when an answer has begun.
pub trait Outcome {
    /// Deals with it.
    fn settle(self, session: Session);
}

impl Outcome for () {
    #[inline(always)]
    fn settle(self, _: Session) {}
}

impl<E: std::fmt::Display + 'static> Outcome for Result<(), E> {
    #[inline(always)]
    fn settle(self, session: Session) {
        if let Err(error) = self {
            crate::response::settle(session, error);
        }
    }
}
