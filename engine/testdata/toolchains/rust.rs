//! Uses what programs in Rust use of a system, and answers with how it went: arguments, environment, clocks, randomness;
//! files, which are not there.

#[allow(dead_code)]
#[path = "../../../sdk-rust/src/abi.rs"]
mod abi;

use abi::{ReceiveBuffer, Session, Subscriptions};
use std::collections::hash_map::RandomState;
use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{BuildHasher, Hasher};
use std::ptr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    println!("started");
    Subscriptions::READY
}

#[no_mangle]
pub extern "C" fn on_event(session: u32, _event: u32, _payload: *const u8, _payload_len: usize) {
    eprintln!("asked");
    // SAFETY: there are no fields, and the body is a string.
    unsafe { abi::send(Session(session), 200, &[], report().as_bytes()) };
}

fn report() -> String {
    let mut out = String::new();
    let _ = writeln!(out, "args {:?}", std::env::args().collect::<Vec<_>>());
    let _ = writeln!(out, "env {} {}", std::env::var("KEY").unwrap_or_default(), std::env::vars().count());
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let _ = writeln!(out, "clock {}", since.as_secs() > 1_600_000_000);
    let began = Instant::now();
    std::thread::sleep(Duration::from_millis(10));
    let _ = writeln!(out, "sleep {}", began.elapsed() >= Duration::from_millis(10));
    let _ = writeln!(out, "random {}", random());
    let file = std::fs::File::open("/etc/hostname");
    let _ = writeln!(out, "file {}", file.is_err());
    out
}

/// The hash of nothing differs by map, because every map's keys are random.
fn random() -> bool {
    let seen: HashMap<u64, ()> = (0..3).map(|_| (RandomState::new().build_hasher().finish(), ())).collect();
    seen.len() == 3
}
