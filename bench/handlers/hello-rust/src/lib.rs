//! Says hello, with the SDK's requests and responses.

use sluice::{Request, Response};

fn hello(_: Request) -> Response {
    Response::text("Hello, world!\n")
}

sluice::handler!(hello);
