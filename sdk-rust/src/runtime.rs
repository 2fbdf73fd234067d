//! What `handler!` makes of a function: the exports of a handler, and the ways in which they call it. Nothing here is for
//! handler authors.

use crate::abi::{self, ReceiveBuffer, Subscriptions, WriteState};
use crate::aio;
use crate::blocking;
use crate::event::{Event, Outcome};
#[cfg(feature = "http")]
pub use crate::interop::http;
use crate::request::Request;
use crate::response::{settle, Answer};
use crate::session::Session;
use std::alloc::Layout;
use std::cell::{Cell, UnsafeCell};
use std::fmt::Display;
use std::future::Future;
use std::ptr;

/// Called once, before the first event: has a panic tell the log what and where.
pub fn start() {
    // Where there is WASI the standard library does that by itself.
    #[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
    std::panic::set_hook(Box::new(|panic| tell(panic.payload(), panic.location())));
}

/// Tells the log of a panic.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
#[inline(never)]
fn tell(payload: &dyn std::any::Any, location: Option<&std::panic::Location<'_>>) {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("a value that is no text");
    if let Some(at) = location {
        crate::log!("panicked at {}:{}:{}: {}", at.file(), at.line(), at.column(), text);
    }
}

/// Hears an event at the level of events.
///
/// # Safety
///
/// The payload must be the host's, for this event.
#[inline(always)]
pub unsafe fn events<'a, R: Outcome>(
    session: u32,
    event: u32,
    payload: *const u8,
    payload_len: usize,
    handle: impl FnOnce(Session, Event<'a>) -> R,
) {
    let session = Session::from_number(session);
    handle(session, Event::from_raw(session, abi::Event(event as u8), payload, payload_len)).settle(session);
}

/// Has a whole request answered.
///
/// # Safety
///
/// As [`events`].
pub unsafe fn message<'a, A: Answer>(
    session: u32,
    event: u32,
    payload: *const u8,
    payload_len: usize,
    handle: impl FnOnce(Request<'a>) -> A,
) {
    let session = Session::from_number(session);
    if let Event::Ready(Some(request)) = Event::from_raw(session, abi::Event(event as u8), payload, payload_len) {
        if let Err(error) = handle(request).answer(session) {
            settle(session, error);
        }
    }
}

/// Has a request answered by a function in the blocking style.
///
/// # Safety
///
/// As [`events`].
pub unsafe fn blocking<A: Answer>(
    session: u32,
    event: u32,
    payload: *const u8,
    payload_len: usize,
    handle: impl FnOnce(&crate::Head, &mut blocking::Body, blocking::Responder) -> A,
) {
    let session = Session::from_number(session);
    blocking::hear(session, Event::from_raw(session, abi::Event(event as u8), payload, payload_len), handle);
}

/// Has a request answered by an async function.
///
/// # Safety
///
/// As [`events`].
pub unsafe fn asynchronous<A: Answer, F: Future<Output = A> + 'static>(
    session: u32,
    event: u32,
    payload: *const u8,
    payload_len: usize,
    handle: impl FnOnce(aio::Request) -> F,
) {
    let session = Session::from_number(session);
    aio::hear(session, Event::from_raw(session, abi::Event(event as u8), payload, payload_len), handle);
}

/// What the blocking and the async form hear.
pub const STREAM: Subscriptions = Subscriptions(
    Subscriptions::LINE_READY.0
        | Subscriptions::HEADER_READY.0
        | Subscriptions::DATA_READY.0
        | Subscriptions::TRAILER_READY.0
        | Subscriptions::READY.0,
);

/// What the async form hears besides: that there is room, and that the peer has gone.
pub const ASYNCHRONOUS: Subscriptions =
    Subscriptions(STREAM.0 | Subscriptions::DATA_DONE.0 | Subscriptions::UPGRADED.0 | Subscriptions::CLOSED.0);

/// Prints why a handler has failed, and answers for it: 500, or the end of the connection when an answer has begun.
#[cold]
pub fn fail(session: Session, error: &dyn Display) {
    crate::log!("the handler failed: {error}");
    answer_for(session, 500, "500 Internal Server Error\n");
}

/// Answers for a handler that does not, or closes the connection when it has begun to: the peer must not take that for
/// complete.
#[cold]
pub fn answer_for(session: Session, status: u16, body: &str) {
    let begun = !matches!(session.write_state(), Ok(WriteState::EMPTY | WriteState::CONTINUE_ISSUED));
    let text = [crate::Field::new("content-type", "text/plain; charset=utf-8")];
    // When nothing can be sent, the host answers for us.
    let _ = if begun { session.close() } else { session.send(status, &text, body) };
}

/// How large a buffer to begin with, in bytes. Whole requests are small as a rule, and the buffer grows for those that are
/// not. Pieces of a body are as large as the buffer, and what is pulled cannot make it grow.
pub const fn room_size(events: Subscriptions) -> usize {
    if events.contains(Subscriptions::DATA_READY) {
        64 << 10
    } else {
        8 << 10
    }
}

/// Where the host writes payloads: at first here, and on the heap once a payload is larger.
#[repr(C, align(8))]
pub struct Room<const SIZE: usize> {
    bytes: UnsafeCell<[u8; SIZE]>,
    record: Cell<ReceiveBuffer>,
    larger: Cell<Option<Layout>>,
}

// SAFETY: a module has one thread.
#[cfg(target_arch = "wasm32")]
unsafe impl<const SIZE: usize> Sync for Room<SIZE> {}

impl<const SIZE: usize> Room<SIZE> {
    /// Room that holds nothing.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Room {
            bytes: UnsafeCell::new([0; SIZE]),
            record: Cell::new(ReceiveBuffer { base: ptr::null_mut(), size: 0 }),
            larger: Cell::new(None),
        }
    }

    /// Gives room for so many bytes, or null when there is none.
    pub fn receive_buffer(&self, size: u32) -> *const ReceiveBuffer {
        if self.record.get().size == 0 {
            self.record.set(ReceiveBuffer { base: self.bytes.get() as *mut u8, size: SIZE as u32 });
        }
        if size > self.record.get().size && !self.grow(size) {
            return ptr::null();
        }
        self.record.as_ptr()
    }

    #[cold]
    fn grow(&self, size: u32) -> bool {
        let layout = match Layout::from_size_align(size as usize, 8) {
            Ok(layout) => layout,
            Err(_) => return false,
        };
        // SAFETY: the size is not zero. The room before is not used any more: no event is being heard.
        unsafe {
            let base = std::alloc::alloc(layout);
            if base.is_null() {
                return false;
            }
            if let Some(before) = self.larger.replace(Some(layout)) {
                std::alloc::dealloc(self.record.get().base, before);
            }
            self.record.set(ReceiveBuffer { base, size });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The room is as large as was asked for, at least, and can be written to.
    #[test]
    fn rooms() {
        let room = Room::<4096>::new();
        for (need, size) in [(0, 4096), (4096, 4096), (4097, 4097), (100_000, 100_000), (0, 100_000)] {
            // SAFETY: the record is the room's.
            let record = unsafe { *room.receive_buffer(need) };
            assert_eq!((record.size, record.base as usize % 8), (size, 0));
            // SAFETY: so is what it describes.
            unsafe { record.base.write_bytes(0xff, record.size as usize) };
        }
    }
}
