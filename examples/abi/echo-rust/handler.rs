//! Sends a request's body back while it still comes in, in the event style: nothing here ever waits.
//!
//! A body of any size passes through one buffer. The host delivers DATA_READY only while the answer is below its
//! high-water mark, so a peer that reads slowly slows down the one that writes, and `again` cannot meet us.

#![no_std]

#[allow(dead_code)]
#[path = "../../../sdk-rust/src/abi.rs"]
mod abi;

use abi::{Data, Errno, Event, Field, Header, ReceiveBuffer, Session, Subscriptions};
use core::panic::PanicInfo;
use core::ptr;

#[repr(align(8))]
struct Room([u8; 64 << 10]);

static mut ROOM: Room = Room([0; 64 << 10]);

static mut BUFFER: ReceiveBuffer = ReceiveBuffer { base: ptr::null_mut(), size: 64 << 10 };

#[no_mangle]
pub extern "C" fn receive_buffer(size: u32) -> *const ReceiveBuffer {
    // SAFETY: a module has one thread, and the host alone uses the room.
    unsafe {
        BUFFER.base = ptr::addr_of_mut!(ROOM) as *mut u8;
        if size > BUFFER.size {
            return ptr::null();
        }
        ptr::addr_of!(BUFFER)
    }
}

#[no_mangle]
pub extern "C" fn subscriptions() -> Subscriptions {
    Subscriptions::HEADER_READY | Subscriptions::DATA_READY | Subscriptions::READY
}

#[no_mangle]
pub extern "C" fn on_event(session: u32, event: u32, payload: *const u8, _payload_len: usize) {
    let session = Session(session);
    // SAFETY: the payload holds the record that the event names, valid until we return.
    let result = match Event(event as u8) {
        Event::HEADER_READY => set_head(session, unsafe { (*(payload as *const Header)).fields.as_slice() }),
        Event::DATA_READY => abi::send_data(session, unsafe { (*(payload as *const Data)).content.as_slice() }),
        Event::READY => abi::send_end(session),
        _ => Errno::SUCCESS,
    };
    // A peer that is gone wants no answer. Anything else is a mistake of ours, and an echo with a hole is worse than none.
    if result != Errno::SUCCESS && result != Errno::CLOSED {
        core::arch::wasm32::unreachable();
    }
}

/// The answer has the type that the request has. Its head goes out with the first piece of body, not before: a peer that
/// asked whether to send the body (Expect: 100-continue) is told to go on for as long as no answer has begun.
fn set_head(session: Session, fields: &[Field]) -> Errno {
    // SAFETY: the names and values lie in the payload.
    let content_type = fields.iter().position(|f| unsafe { f.name.as_slice() }.eq_ignore_ascii_case(b"content-type"));
    let copied = match content_type {
        Some(i) => &fields[i..=i],
        None => &[],
    };
    unsafe { abi::set_head(session, 200, copied) }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
