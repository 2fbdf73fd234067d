//! One exchange with a peer, and everything that can be done to it. Each method is one call of the host and costs nothing
//! beside it.

use crate::abi::{self, Bytes, ReadState, WriteState};
use crate::error::{check, Call, Error};
use crate::fields::Field;
use crate::host;

/// One request with its answer, named by a number that is never used twice in an instance.
///
/// It can be kept beyond the event that brought it, and used in events of other sessions, until its last event was heard.
/// Every method fails with [`Error::NoSession`] after that.
///
/// ```
/// use sluice::{Error, Event, Field, Session};
///
/// fn hello(session: Session, _: Event) -> Result<(), Error> {
///     session.send(200, &[Field::new("content-type", "text/plain; charset=utf-8")], "Hello!\n")
/// }
/// # sluice::testing::Request::get("/").events(sluice::abi::Subscriptions::READY, hello);
/// ```
#[repr(transparent)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub(crate) abi::Session);

impl Session {
    /// The session with a number, for code that has kept the number.
    #[inline]
    pub const fn from_number(number: u32) -> Self {
        Session(abi::Session(number))
    }

    /// The number.
    #[inline]
    pub const fn number(self) -> u32 {
        self.0 .0
    }

    /// Sends a whole answer: head, body and end. Content-Length and Date are added when they are missing. To HEAD, and with
    /// 204 and 304, the body is left out and its length told.
    ///
    /// # Errors
    ///
    /// `Invalid` for a status outside 200 to 999 or a bad field, `State` when an answer has begun, `Closed`, `TooBig`.
    #[inline]
    pub fn send(self, status: u16, fields: &[Field<'_>], body: impl AsRef<[u8]>) -> Result<(), Error> {
        // SAFETY: a field borrows what it points to.
        check(Call::SEND, unsafe { host::send(self.0, status, raw(fields), body.as_ref()) })
    }

    /// Sends the head of an answer whose body follows. Without Content-Length the body is sent in chunks, to HTTP/1.0 until
    /// the connection closes. A peer that waits for 100 (Continue) is not told to send its body any more: a handler that
    /// wants the body first uses [`set_head`](Self::set_head).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    #[inline]
    pub fn send_head(self, status: u16, fields: &[Field<'_>]) -> Result<(), Error> {
        // SAFETY: as in `send`.
        check(Call::SEND_HEAD, unsafe { host::send_head(self.0, status, raw(fields)) })
    }

    /// Keeps a head that the first [`send_data`](Self::send_data) or [`send_end`](Self::send_end) sends. A later call
    /// replaces an earlier one.
    ///
    /// # Errors
    ///
    /// `Invalid` for the status, `State` when a head was sent, `TooBig`. The fields are checked when they are sent.
    #[inline]
    pub fn set_head(self, status: u16, fields: &[Field<'_>]) -> Result<(), Error> {
        // SAFETY: as in `send`.
        check(Call::SET_HEAD, unsafe { host::set_head(self.0, status, raw(fields)) })
    }

    /// Says whether [`send_data`](Self::send_data) and [`send_end`](Self::send_end) send a missing head by themselves. On at
    /// the start of every message.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn auto_send(self, enabled: bool) -> Result<(), Error> {
        check(Call::AUTO_SEND, host::auto_send(self.0, enabled))
    }

    /// Sends a piece of body. Never blocks.
    ///
    /// # Errors
    ///
    /// `Again` when the peer has not taken what was sent before: nothing was taken, and DATA_DONE says when to go on.
    /// `TooBig` beyond the announced Content-Length, `State` after the end, `Closed`, `Invalid` for the head that was kept.
    #[inline]
    pub fn send_data(self, content: impl AsRef<[u8]>) -> Result<(), Error> {
        check(Call::SEND_DATA, host::send_data(self.0, content.as_ref()))
    }

    /// Ends an answer.
    ///
    /// # Errors
    ///
    /// `Invalid` when fewer bytes were sent than Content-Length announced: the connection is cut. `State`, `Closed`.
    #[inline]
    pub fn send_end(self) -> Result<(), Error> {
        check(Call::SEND_END, host::send_end(self.0))
    }

    /// Ends an answer with trailers. They reach a peer that gets the body in chunks; to others the answer ends without them.
    ///
    /// # Errors
    ///
    /// As [`send_end`](Self::send_end); `Invalid` also for a field that may not be a trailer (RFC 9110 section 6.5.1).
    #[inline]
    pub fn send_trailers(self, fields: &[Field<'_>]) -> Result<(), Error> {
        // SAFETY: as in `send`.
        check(Call::SEND_TRAILERS, unsafe { host::send_trailers(self.0, raw(fields)) })
    }

    /// Sends an informational answer, such as 103 (Early Hints), ahead of the answer (RFC 9110 section 15.2). 100 asks a
    /// peer that waits for it to send its body, which the engine does by itself unless
    /// [`hold_continue`](Self::hold_continue) was called.
    ///
    /// # Errors
    ///
    /// `Invalid` for a status that is not 100 to 199 or is 101, `State` when a head was sent, `Again`, `Closed`, `TooBig`.
    #[inline]
    pub fn send_informational(self, status: u16, fields: &[Field<'_>]) -> Result<(), Error> {
        // SAFETY: as in `send`.
        check(Call::SEND_INFORMATIONAL, unsafe { host::send_informational(self.0, status, raw(fields)) })
    }

    /// Agrees to leave HTTP: 101 to a request with Upgrade (RFC 9110 section 7.8), 200 to CONNECT (section 9.3.6). UPGRADED
    /// follows, then DATA_READY with what the peer sends; [`send_data`](Self::send_data) sends bytes as they are.
    ///
    /// # Errors
    ///
    /// `State` when the request is not complete or does not ask for it, `Unsupported` for a handler that does not hear
    /// UPGRADED, `Invalid`, `Closed`, `TooBig`.
    #[inline]
    pub fn upgrade(self, fields: &[Field<'_>]) -> Result<(), Error> {
        // SAFETY: as in `send`.
        check(Call::UPGRADE, unsafe { host::upgrade(self.0, raw(fields)) })
    }

    /// Keeps the engine from sending 100 (Continue) by itself, for a handler that decides later whether it wants the body.
    /// To be called when HEADER_READY is heard.
    ///
    /// # Errors
    ///
    /// `State` when it is too late.
    #[inline]
    pub fn hold_continue(self) -> Result<(), Error> {
        check(Call::HOLD_CONTINUE, host::hold_continue(self.0))
    }

    /// Has the peer not be read any more until [`resume`](Self::resume).
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn pause(self) -> Result<(), Error> {
        check(Call::PAUSE, host::pause(self.0))
    }

    /// Has the peer be read again.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn resume(self) -> Result<(), Error> {
        check(Call::RESUME, host::resume(self.0))
    }

    /// Throws the rest of the request's body away as it comes. A peer that waits for 100 (Continue) does not get it.
    ///
    /// # Errors
    ///
    /// `State` after an upgrade.
    #[inline]
    pub fn discard(self) -> Result<(), Error> {
        check(Call::DISCARD, host::discard(self.0))
    }

    /// Says that the answer is a stream, which may take as long as it likes, so long as the peer reads what it is sent. CPU
    /// time is then counted from one wait to the next. It may be said before the answer begins.
    ///
    /// # Errors
    ///
    /// `State` when the answer is complete.
    #[inline]
    pub fn stream(self) -> Result<(), Error> {
        check(Call::STREAM, host::stream(self.0))
    }

    /// Closes the connection once everything sent so far, and the rest of this answer, has gone out.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn drain(self) -> Result<(), Error> {
        check(Call::DRAIN, host::drain(self.0))
    }

    /// Closes the connection at once. An answer that is not complete is cut, so that the peer cannot take it for complete.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn close(self) -> Result<(), Error> {
        check(Call::CLOSE, host::close(self.0))
    }

    /// How far the request has come, as it was delivered.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn read_state(self) -> Result<ReadState, Error> {
        let mut state = ReadState::EMPTY;
        check(Call::READ_STATE, host::get_read_state(self.0, &mut state))?;
        Ok(state)
    }

    /// How far the answer has come.
    ///
    /// # Errors
    ///
    /// `NoSession`.
    #[inline]
    pub fn write_state(self) -> Result<WriteState, Error> {
        let mut state = WriteState::EMPTY;
        check(Call::WRITE_STATE, host::get_write_state(self.0, &mut state))?;
        Ok(state)
    }

    /// Waits for the next event. Only where an instance serves one session at a time.
    pub(crate) fn next_event(self) -> Result<abi::Delivery, Error> {
        let mut delivery = abi::Delivery { event: abi::Event::READY, payload: Bytes::new(&[]) };
        check(Call::NEXT_EVENT, host::next_event(self.0, &mut delivery))?;
        Ok(delivery)
    }

    /// Waits until [`send_data`](Self::send_data) takes bytes. Only where an instance serves one session at a time.
    ///
    /// # Errors
    ///
    /// `Closed` when the peer is gone, `Unsupported` where an instance serves several sessions.
    pub fn wait_writable(self) -> Result<(), Error> {
        check(Call::WAIT_WRITABLE, host::wait_writable(self.0))
    }
}

/// The fields as the host reads them.
#[inline(always)]
fn raw<'a>(fields: &'a [Field<'_>]) -> &'a [abi::Field] {
    // SAFETY: a `Field` is a record of the interface and nothing else.
    unsafe { &*(fields as *const [Field<'_>] as *const [abi::Field]) }
}
