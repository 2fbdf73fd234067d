//! HTTP handlers for [Sluice](https://github.com/sluicehttp/sluice), in Rust.
//!
//! A handler is a function and a line that registers it:
//!
//! ```
//! use sluice::{Request, Response};
//!
//! fn hello(req: Request) -> Response {
//!     let name = req.query_var("name").unwrap_or("world".into());
//!     Response::text(format!("Hello, {name}!\n"))
//! }
//!
//! sluice::handler!(hello);
//! # fn main() {
//! # assert_eq!(sluice::testing::Request::get("/").message(hello).text(), "Hello, world!\n");
//! # }
//! ```
//!
//! There are four kinds of functions, each with its word in [`handler!`]:
//!
//! | | the function | for |
//! |---|---|---|
//! | `handler!(f)` | `fn(Request) -> Response` | requests that come whole, up to the limit `buffered` of the host (1 MiB) |
//! | `handler!(async f)` | `async fn(aio::Request) -> Response` | bodies as they come in, early answers, streams; many sessions in one instance |
//! | `handler!(blocking f)` | `fn(&Head, &mut blocking::Body, blocking::Responder) -> Result<Sent, E>` | the same, one statement after the other; one session at a time |
//! | `handler!(events f, READY)` | `fn(Session, Event)` | every event, at no cost beside that of the binary interface |
//!
//! [`testing`] runs handlers natively, so that `cargo test` tests them. [`system`] has the log, the environment, the time.
//!
//! # Features
//!
//! - `json`: bodies in JSON, by serde.
//! - `http`: handlers in the types of the crate [`http`](https://docs.rs/http).
//! - `allocator` (default): a small allocator for wasm32-unknown-unknown. Without it the program has that of the standard
//!   library, or one of its own.

#![deny(missing_docs)]
#![warn(rust_2018_idioms)]

#[rustfmt::skip]
pub mod abi;
pub mod aio;
#[cfg_attr(not(all(target_arch = "wasm32", target_os = "unknown", feature = "allocator")), allow(dead_code))]
mod allocator;
pub mod blocking;
mod cookie;
mod error;
mod event;
mod fields;
mod head;
#[cfg(feature = "http")]
mod interop;
pub mod multipart;
mod request;
mod response;
#[doc(hidden)]
pub mod runtime;
mod session;
pub mod system;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod urlencoded;

pub use cookie::{SameSite, SetCookie};
pub use error::{Call, Error};
pub use event::{Data, Event, Line, Outcome};
pub use fields::{Field, Fields, OwnedFields};
pub use head::Head;
#[cfg(feature = "http")]
pub use http;
pub use request::Request;
pub use response::{reply, Answer, IntoBody, Response, Sent};
pub use session::Session;

/// The guide. Its examples are compiled with those of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../docs/rust.md")]
mod guide {}

/// The host's functions: those that are imported, or natively those of a host for tests.
#[cfg(target_arch = "wasm32")]
use abi as host;
#[cfg(not(target_arch = "wasm32"))]
use testing::host;

/// Registers a function as the handler: makes the exports that the host calls. Natively it makes nothing, but checks the
/// function's type.
///
/// ```
/// # use sluice::*;
/// # mod whole { use sluice::*;
/// fn hello(_: Request) -> Response {
///     Response::text("Hello!\n")
/// }
/// sluice::handler!(hello);
/// # }
///
/// # mod asynchronous { use sluice::*;
/// async fn wait(mut req: aio::Request) -> Result<Response, Error> {
///     Ok(Response::text(req.body().bytes().await?))
/// }
/// sluice::handler!(async wait);
/// # }
///
/// # mod blocking_ { use sluice::*;
/// fn copy(_: &Head, body: &mut blocking::Body, responder: blocking::Responder) -> Result<Sent, Error> {
///     responder.send(Response::text(body.bytes(1 << 20)?))
/// }
/// sluice::handler!(blocking copy);
/// # }
///
/// # mod events { use sluice::*;
/// fn discard(session: Session, event: Event) -> Result<(), Error> {
///     match event {
///         Event::HeaderReady(_) => session.discard(),
///         _ => session.send(204, &[], ""),
///     }
/// }
/// sluice::handler!(events discard, HEADER_READY | READY);
/// # }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! handler {
    (async $handle:path) => {
        $crate::__exports!(asynchronous, $handle, $crate::runtime::ASYNCHRONOUS);
    };
    (blocking $handle:path) => {
        $crate::__exports!(blocking, $handle, $crate::runtime::STREAM);
    };
    (http $handle:path) => {
        $crate::__exports!(http, $handle, $crate::abi::Subscriptions::READY);
    };
    (events $handle:path, $($event:ident)|+) => {
        $crate::__exports!(
            events,
            $handle,
            $crate::abi::Subscriptions(0 $(| $crate::abi::Subscriptions::$event.0)+)
        );
    };
    ($handle:path) => {
        $crate::__exports!(message, $handle, $crate::abi::Subscriptions::READY);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __exports {
    ($form:ident, $handle:path, $events:expr) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            const EVENTS: $crate::abi::Subscriptions = $events;
            static ROOM: $crate::runtime::Room<{ $crate::runtime::room_size(EVENTS) }> = $crate::runtime::Room::new();

            #[no_mangle]
            extern "C" fn _initialize() {
                $crate::runtime::start();
            }

            #[no_mangle]
            extern "C" fn subscriptions() -> $crate::abi::Subscriptions {
                EVENTS
            }

            #[no_mangle]
            extern "C" fn receive_buffer(size: u32) -> *const $crate::abi::ReceiveBuffer {
                ROOM.receive_buffer(size)
            }

            #[no_mangle]
            extern "C" fn on_event(session: u32, event: u32, payload: *const u8, payload_len: usize) {
                // SAFETY: the host calls this with what events.witx says.
                unsafe { $crate::runtime::$form(session, event, payload, payload_len, $handle) }
            }
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: unsafe fn(u32, u32, *const u8, usize) = |session, event, payload, payload_len| {
            // SAFETY: nobody calls it.
            unsafe { $crate::runtime::$form(session, event, payload, payload_len, $handle) }
        };
    };
}
