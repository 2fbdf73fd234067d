//! Stands for what tenants bring, in size and kind of code: a handler with an allocator that reads JSON and prints it again.
//! It answers with its number, which a benchmark writes over the zeros in the built module.

#[allow(dead_code)]
#[path = "../../sdk-rust/src/abi.rs"]
mod abi;
#[path = "../internal/rewrite/testdata/json.rs"]
mod json;

use abi::{ReceiveBuffer, Session, Subscriptions};
use std::ptr;

static NUMBER: [u8; 25] = *b"00000000 is this tenant's";

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
    Subscriptions::READY
}

#[no_mangle]
pub extern "C" fn on_event(session: u32, _event: u32, _payload: *const u8, _payload_len: usize) {
    // SAFETY: it points at a constant. The compiler must not know which, or it would make it part of the code.
    let number = unsafe { ptr::read_volatile(&NUMBER) };
    let number = String::from_utf8_lossy(&number);
    let answer = format!("{number}, {} bytes of JSON", json::json(1));
    // SAFETY: there are no fields, and the body is a string.
    unsafe { abi::send(Session(session), 200, &[], answer.as_bytes()) };
}
