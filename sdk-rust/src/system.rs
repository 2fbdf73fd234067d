//! What the host has beside HTTP, by WASI preview 1: the log, the environment and the arguments of the route, the time,
//! randomness. With the target wasm32-unknown-unknown the standard library has none of it; these functions work with every
//! target, and natively too.

use std::fmt::{self, Write};
use std::time::Duration;

/// Prints a line to the host's log, with the arguments of `format!`. It costs no allocation. The host keeps at most 4 KiB of
/// a line, and of a request as many bytes as its limit `log` says.
///
/// ```
/// sluice::log!("{} requests so far", 42);
/// ```
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => {
        $crate::system::print(::core::format_args!($($arg)*))
    };
}

/// Prints a line to the log. The macro [`log!`](crate::log!) is the way to call it.
#[cold]
pub fn print(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; LINE], len: 0 };
    let _ = fmt::write(&mut line, text);
    let _ = line.write_str("\n");
    line.flush();
}

const LINE: usize = 256;

/// A line on its way: it goes out in pieces, which the host puts together.
struct Line {
    bytes: [u8; LINE],
    len: usize,
}

impl Line {
    fn flush(&mut self) {
        host::print(&self.bytes[..self.len]);
        self.len = 0;
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            if self.len == LINE {
                self.flush();
            }
            self.bytes[self.len] = byte;
            self.len += 1;
        }
        Ok(())
    }
}

/// A variable of the route's environment, which `[route.env]` sets.
pub fn var(name: &str) -> Option<String> {
    vars().into_iter().find(|(n, _)| n == name).map(|(_, value)| value)
}

/// All variables of the route's environment.
pub fn vars() -> Vec<(String, String)> {
    let pair = |text: String| text.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    host::environ().into_iter().filter_map(pair).collect()
}

/// The module's name, and the arguments that the route's `args` has.
pub fn args() -> Vec<String> {
    host::args()
}

/// The time since 1970-01-01 00:00:00 UTC.
pub fn now() -> Duration {
    host::now()
}

/// Fills a buffer with random bytes that are fit for keys.
pub fn random(bytes: &mut [u8]) {
    host::random(bytes)
}

#[cfg(target_arch = "wasm32")]
mod host {
    use std::time::Duration;

    #[repr(C)]
    struct Vector {
        base: *const u8,
        len: usize,
    }

    #[link(wasm_import_module = "wasi_snapshot_preview1")]
    extern "C" {
        fn fd_write(fd: i32, vectors: *const Vector, count: usize, written: *mut usize) -> i32;
        fn environ_sizes_get(count: *mut usize, size: *mut usize) -> i32;
        fn environ_get(places: *mut *const u8, bytes: *mut u8) -> i32;
        fn args_sizes_get(count: *mut usize, size: *mut usize) -> i32;
        fn args_get(places: *mut *const u8, bytes: *mut u8) -> i32;
        fn clock_time_get(clock: i32, precision: u64, time: *mut u64) -> i32;
        fn random_get(bytes: *mut u8, len: usize) -> i32;
    }

    pub fn print(bytes: &[u8]) {
        let vector = Vector { base: bytes.as_ptr(), len: bytes.len() };
        let mut written = 0;
        // SAFETY: the host reads and writes only what the references name; so in the functions below.
        let _ = unsafe { fd_write(2, &vector, 1, &mut written) };
    }

    pub fn environ() -> Vec<String> {
        unsafe { strings(environ_sizes_get, environ_get) }
    }

    pub fn args() -> Vec<String> {
        unsafe { strings(args_sizes_get, args_get) }
    }

    /// Reads a list of strings, each of which ends with a zero.
    unsafe fn strings(
        sizes: unsafe extern "C" fn(*mut usize, *mut usize) -> i32,
        get: unsafe extern "C" fn(*mut *const u8, *mut u8) -> i32,
    ) -> Vec<String> {
        let (mut count, mut size) = (0, 0);
        if sizes(&mut count, &mut size) != 0 {
            return Vec::new();
        }
        let mut places = vec![std::ptr::null(); count];
        let mut bytes = vec![0; size];
        if get(places.as_mut_ptr(), bytes.as_mut_ptr()) != 0 {
            return Vec::new();
        }
        bytes.split(|b| *b == 0).take(count).map(|s| String::from_utf8_lossy(s).into_owned()).collect()
    }

    pub fn now() -> Duration {
        const REALTIME: i32 = 0;
        let mut nanoseconds = 0;
        let _ = unsafe { clock_time_get(REALTIME, 1, &mut nanoseconds) };
        Duration::from_nanos(nanoseconds)
    }

    pub fn random(bytes: &mut [u8]) {
        let _ = unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) };
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use std::collections::hash_map::RandomState;
    use std::hash::{BuildHasher, Hasher};
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    pub fn print(bytes: &[u8]) {
        crate::testing::print(bytes);
    }

    pub fn environ() -> Vec<String> {
        std::env::vars().map(|(name, value)| format!("{name}={value}")).collect()
    }

    pub fn args() -> Vec<String> {
        std::env::args().collect()
    }

    pub fn now() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// For tests, not for keys.
    pub fn random(bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            let number = RandomState::new().build_hasher().finish().to_le_bytes();
            piece.copy_from_slice(&number[..piece.len()]);
        }
    }
}
