//! What can go wrong between a handler and its host, told so that it can be mended.

use crate::abi::Errno;
use std::fmt;

/// Why a call did not do what it says. It names the call, and its text says what to do about it.
///
/// ```
/// # use sluice::{testing, Error, Event, Session};
/// fn twice(session: Session, _: Event) {
///     session.send(200, &[], "one").unwrap();
///     let error = session.send(200, &[], "two").unwrap_err();
///     assert!(matches!(error, Error::State(_)));
///     assert!(error.to_string().starts_with("send: an answer has begun already"));
/// }
/// testing::Request::get("/").events(sluice::abi::Subscriptions::READY, twice);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The peer has not taken what was sent before: nothing was taken of this. DATA_DONE says when to go on.
    Again(Call),
    /// An argument is outside what the protocol allows, or an answer ended short of its Content-Length.
    Invalid(Call),
    /// An address reaches outside of the handler's memory.
    Fault(Call),
    /// The call is not legal in the message's present state, for instance a second head.
    State(Call),
    /// The session is not one that this instance serves now.
    NoSession(Call),
    /// The peer is gone, or the connection is closing: nothing more can be sent or received.
    Closed(Call),
    /// A limit would be exceeded: of the head, of the announced Content-Length, of a body that is collected.
    TooBig(Call),
    /// Not available here, for instance waiting in an instance that serves many sessions.
    Unsupported(Call),
    /// The host gave a number that this crate does not know.
    Unknown(Call, u16),
}

impl Error {
    /// Which call it was.
    pub fn call(&self) -> Call {
        match *self {
            Error::Again(call) | Error::Invalid(call) | Error::Fault(call) | Error::State(call) => call,
            Error::NoSession(call) | Error::Closed(call) | Error::TooBig(call) | Error::Unsupported(call) => call,
            Error::Unknown(call, _) => call,
        }
    }

    #[inline(always)]
    fn new(call: Call, errno: Errno) -> Self {
        match errno {
            Errno::AGAIN => Error::Again(call),
            Errno::INVALID => Error::Invalid(call),
            Errno::FAULT => Error::Fault(call),
            Errno::STATE => Error::State(call),
            Errno::NO_SESSION => Error::NoSession(call),
            Errno::CLOSED => Error::Closed(call),
            Errno::TOO_BIG => Error::TooBig(call),
            Errno::UNSUPPORTED => Error::Unsupported(call),
            Errno(number) => Error::Unknown(call, number),
        }
    }
}

/// Makes a result of what the host gave back.
#[inline(always)]
pub(crate) fn check(call: Call, errno: Errno) -> Result<(), Error> {
    if errno == Errno::SUCCESS {
        return Ok(());
    }
    Err(Error::new(call, errno))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call().0;
        f.write_str(call.name)?;
        f.write_str(": ")?;
        f.write_str(match self {
            Error::Again(_) => "the peer has not taken what was sent before; go on at DATA_DONE",
            Error::Invalid(_) => call.invalid,
            Error::Fault(_) => "an address reaches outside of the memory; this is a bug of the program or of the SDK",
            Error::State(_) => call.state,
            Error::NoSession(_) => "the session is over; keep no session beyond its last event",
            Error::Closed(_) => "the peer is gone, or the connection is closing; nothing more can be sent or received",
            Error::TooBig(_) => call.too_big,
            Error::Unsupported(_) => call.unsupported,
            Error::Unknown(_, _) => "the host gave an error that this SDK does not know; use a newer one",
        })
    }
}

impl std::error::Error for Error {}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        use std::io::ErrorKind;
        let kind = match error {
            Error::Again(_) => ErrorKind::WouldBlock,
            Error::Invalid(_) => ErrorKind::InvalidInput,
            Error::Closed(_) => ErrorKind::ConnectionAborted,
            Error::Unsupported(_) => ErrorKind::Unsupported,
            _ => ErrorKind::Other,
        };
        std::io::Error::new(kind, error)
    }
}

/// A call that can fail: a function of the host, or work that this crate does with several of them.
#[derive(Clone, Copy)]
pub struct Call(&'static Texts);

/// What the errors of a call mean. Each call has its own, so that a program holds those of the calls that it makes.
struct Texts {
    name: &'static str,
    invalid: &'static str,
    state: &'static str,
    too_big: &'static str,
    unsupported: &'static str,
}

/// The texts of a call that has no better ones.
const PLAIN: Texts = Texts {
    name: "",
    invalid: "the status is not one of 200 to 999, or a field is not valid: a name is a token, a value has no line ends",
    state: "the call does not fit what was done before",
    too_big: "the fields are larger than the server allows; send fewer",
    unsupported: "not available here",
};

impl Call {
    /// The name of the function in events.witx.
    pub fn name(self) -> &'static str {
        self.0.name
    }
}

impl PartialEq for Call {
    fn eq(&self, other: &Call) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Call {}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident $name:literal $({ $($error:ident: $text:expr,)* })?)*) => {
        impl Call {
            $(
                $(#[$doc])*
                pub const $call: Call = Call(&Texts { name: $name, $($($error: $text,)*)? ..PLAIN });
            )*
        }
    };
}

calls! {
    /// A whole answer.
    SEND "send" {
        state: "an answer has begun already; answer once, and use send_data to go on with an answer",
    }
    /// The head of an answer.
    SEND_HEAD "send_head" { state: SECOND_HEAD, }
    /// A head that is kept.
    SET_HEAD "set_head" { state: SECOND_HEAD, }
    /// The switch for missing heads.
    AUTO_SEND "auto_send"
    /// A piece of body.
    SEND_DATA "send_data" {
        invalid: "the head that is kept has a status or a field that HTTP does not allow; correct it before the body",
        state: "the answer is complete, or has no head yet while auto_send is off; write before the end, not after it",
        too_big: "more bytes than Content-Length announced; announce the true length, or none",
    }
    /// The end of an answer.
    SEND_END "send_end" {
        invalid: "fewer bytes were sent than Content-Length announced, or the kept head is not valid; \
                  send all that is announced, or announce nothing",
        state: SECOND_END,
    }
    /// Closing once everything was sent.
    DRAIN "drain"
    /// Waiting for an event.
    NEXT_EVENT "next_event" {
        state: "the session has no further events",
        unsupported: NO_WAITING,
    }
    /// Waiting for room.
    WAIT_WRITABLE "wait_writable" { unsupported: NO_WAITING, }
    /// An informational answer.
    SEND_INFORMATIONAL "send_informational" {
        invalid: "the status is not one of 100 to 199 without 101, or a field is not allowed there",
        state: "the answer has begun, or the peer does not wait for a 100; send it ahead of the answer",
    }
    /// The end of an answer, with trailers.
    SEND_TRAILERS "send_trailers" {
        invalid: "a field may not be a trailer, or fewer bytes were sent than Content-Length announced; \
                  trailers must not frame or route a message",
        state: SECOND_END,
    }
    /// Leaving HTTP.
    UPGRADE "upgrade" {
        invalid: "a field is not valid, or Upgrade does not name a protocol that the peer offers",
        state: "the request is not complete, asks for no upgrade, or is answered; upgrade at READY, instead of answering",
        unsupported: "subscribe to UPGRADED first",
    }
    /// Keeping 100 (Continue) back.
    HOLD_CONTINUE "hold_continue" { state: "a 100 or an answer was sent already; call it when the head is heard", }
    /// Reading no more.
    PAUSE "pause"
    /// Reading again.
    RESUME "resume"
    /// Throwing the body away.
    DISCARD "discard" { state: "the connection was upgraded; there is no body any more", }
    /// An answer that takes as long as it likes.
    STREAM "stream" { state: "the answer is complete; call it before its end", }
    /// Closing at once.
    CLOSE "close"
    /// How far the request has come.
    READ_STATE "get_read_state"
    /// How far the answer has come.
    WRITE_STATE "get_write_state"
    /// Collecting a body, which this crate does.
    COLLECT "body" { too_big: "the body is larger than is to be collected; answer 413, or take it in pieces", }
}

const SECOND_HEAD: &str = "a head was sent already; set status and fields before the first byte of the body";
const SECOND_END: &str = "the answer is complete already, or has no head; end it once";
const NO_WAITING: &str =
    "an instance that serves several sessions must not wait; use an async handler, or isolation = \"request\"";
