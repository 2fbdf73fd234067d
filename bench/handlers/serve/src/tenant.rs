//! What makes modules of many tenants out of this one: its number, in the data and in the code. handlers.go writes others over
//! both.

use serde::Serialize;
use sluice::Response;
use std::ptr;

static IN_DATA: [u8; 15] = *b"tenant 00000000";

#[inline(never)]
fn in_code() -> u32 {
    0x5eed_7e4a // as long as every number that takes its place
}

static IN_CODE: fn() -> u32 = in_code;

#[derive(Serialize)]
struct Tenant<'a> {
    data: &'a str,
    code: u32,
}

pub fn answer() -> Response {
    // SAFETY: they point at constants. The compiler must not know which, or it would fold them.
    let (data, code) = unsafe { (ptr::read_volatile(&IN_DATA), ptr::read_volatile(&IN_CODE)()) };
    Response::json(&Tenant { data: &String::from_utf8_lossy(&data), code })
}
