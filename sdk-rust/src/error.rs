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

    #[cold]
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
        f.write_str(self.call().name())?;
        f.write_str(": ")?;
        match *self {
            Error::Again(_) => f.write_str("the peer has not taken what was sent before; go on at DATA_DONE"),
            Error::Invalid(call) => f.write_str(invalid(call)),
            Error::Fault(_) => f.write_str("an address reaches outside of the memory; this is a bug of the program or of the SDK"),
            Error::State(call) => f.write_str(state(call)),
            Error::NoSession(_) => f.write_str("the session is over; keep no session beyond its last event"),
            Error::Closed(_) => f.write_str("the peer is gone, or the connection is closing; nothing more can be sent or received"),
            Error::TooBig(call) => f.write_str(too_big(call)),
            Error::Unsupported(call) => f.write_str(unsupported(call)),
            Error::Unknown(_, number) => write!(f, "the host says error {number}, which this SDK does not know; use a newer one"),
        }
    }
}

fn invalid(call: Call) -> &'static str {
    match call {
        Call::SendEnd => {
            "fewer bytes were sent than Content-Length announced, or the kept head is not valid; \
             send all that is announced, or announce nothing"
        }
        Call::SendTrailers => {
            "a field may not be a trailer, or fewer bytes were sent than Content-Length announced; \
             trailers must not frame or route a message"
        }
        Call::SendData => "the head that is kept has a status or a field that HTTP does not allow; correct it before the body",
        Call::SendInformational => "the status is not one of 100 to 199 without 101, or a field is not allowed there",
        Call::Upgrade => "a field is not valid, or Upgrade does not name a protocol that the peer offers",
        _ => "the status is not one of 200 to 999, or a field is not valid: a name is a token, a value has no line ends",
    }
}

fn state(call: Call) -> &'static str {
    match call {
        Call::Send => "an answer has begun already; answer once, and use send_data to go on with an answer",
        Call::SendHead | Call::SetHead => "a head was sent already; set status and fields before the first byte of the body",
        Call::SendData => "the answer is complete, or has no head yet while auto_send is off; write before the end, not after it",
        Call::SendEnd | Call::SendTrailers => "the answer is complete already, or has no head; end it once",
        Call::SendInformational => "the answer has begun, or the peer does not wait for a 100; send it ahead of the answer",
        Call::Upgrade => "the request is not complete, asks for no upgrade, or is answered; upgrade at READY, instead of answering",
        Call::HoldContinue => "a 100 or an answer was sent already; call it when the head is heard",
        Call::Discard => "the connection was upgraded; there is no body any more",
        Call::Stream => "the answer is complete; call it before its end",
        Call::NextEvent => "the session has no further events",
        _ => "the call does not fit what was done before",
    }
}

fn too_big(call: Call) -> &'static str {
    match call {
        Call::SendData => "more bytes than Content-Length announced; announce the true length, or none",
        Call::Collect => "the body is larger than is to be collected; answer 413, or take it in pieces",
        _ => "the fields are larger than the server allows; send fewer",
    }
}

fn unsupported(call: Call) -> &'static str {
    match call {
        Call::NextEvent | Call::WaitWritable => {
            "an instance that serves several sessions must not wait; \
             use an async handler, or isolation = \"request\""
        }
        Call::Upgrade => "subscribe to UPGRADED first",
        _ => "not available here",
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

macro_rules! calls {
    ($($(#[$doc:meta])* $call:ident $name:literal,)*) => {
        /// A call that can fail: a function of the host, or work that this crate does with several of them.
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Call {
            $($(#[$doc])* $call,)*
        }

        impl Call {
            /// The name of the function in events.witx.
            pub fn name(self) -> &'static str {
                match self {
                    $(Call::$call => $name,)*
                }
            }
        }
    };
}

calls! {
    /// A whole answer.
    Send "send",
    /// The head of an answer.
    SendHead "send_head",
    /// A head that is kept.
    SetHead "set_head",
    /// The switch for missing heads.
    AutoSend "auto_send",
    /// A piece of body.
    SendData "send_data",
    /// The end of an answer.
    SendEnd "send_end",
    /// Closing once everything was sent.
    Drain "drain",
    /// Waiting for an event.
    NextEvent "next_event",
    /// Waiting for room.
    WaitWritable "wait_writable",
    /// An informational answer.
    SendInformational "send_informational",
    /// The end of an answer, with trailers.
    SendTrailers "send_trailers",
    /// Leaving HTTP.
    Upgrade "upgrade",
    /// Keeping 100 (Continue) back.
    HoldContinue "hold_continue",
    /// Reading no more.
    Pause "pause",
    /// Reading again.
    Resume "resume",
    /// Throwing the body away.
    Discard "discard",
    /// An answer that takes as long as it likes.
    Stream "stream",
    /// Closing at once.
    Close "close",
    /// How far the request has come.
    ReadState "get_read_state",
    /// How far the answer has come.
    WriteState "get_write_state",
    /// Collecting a body, which this crate does.
    Collect "body",
}
