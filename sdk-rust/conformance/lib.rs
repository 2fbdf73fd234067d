//! What a handler exports. The rest is records_gen.rs.

#![no_std]

#[path = "../src/abi.rs"]
#[allow(dead_code)]
mod abi;
mod records_gen;

use abi::*;

const _: SubscriptionsExport = subscriptions;
const _: ReceiveBufferExport = receive_buffer;
const _: OnEventExport = on_event;

#[no_mangle]
pub extern "C" fn subscriptions() -> Subscriptions {
    Subscriptions::READY | Subscriptions::DONE
}

#[no_mangle]
pub extern "C" fn receive_buffer(_size: u32) -> *const ReceiveBuffer {
    core::ptr::null()
}

#[no_mangle]
pub extern "C" fn on_event(_session: u32, _event: u32, _payload: *const u8, _payload_len: usize) {}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
