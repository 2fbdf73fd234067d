//! Says hello. Nothing but `core` is used, so the module is small and needs no allocator.

#![no_std]

#[allow(dead_code)]
#[path = "../../../sdk-rust/src/abi.rs"]
mod abi;

use abi::{Bytes, Field, ReceiveBuffer, Session, Subscriptions};
use core::panic::PanicInfo;
use core::ptr;

/// The host writes requests here. One that does not fit is answered 413 or 431 without us.
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

/// READY without DATA_READY: the request comes in one piece, once it is complete.
#[no_mangle]
pub extern "C" fn subscriptions() -> Subscriptions {
    Subscriptions::READY
}

#[no_mangle]
pub extern "C" fn on_event(session: u32, _event: u32, _payload: *const u8, _payload_len: usize) {
    let fields = [Field {
        name: Bytes::new(b"content-type"),
        value: Bytes::new(b"text/plain; charset=utf-8"),
    }];
    // SAFETY: the fields refer to constants.
    unsafe { abi::send(Session(session), 200, &fields, b"Hello from Rust!\n") };
}

/// A panic ends the session, not the program: the host answers 500 and drops this instance.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
