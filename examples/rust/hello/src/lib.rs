//! Says hello, to the world or to whom the query names.

use sluice::{Request, Response};

fn hello(req: Request) -> Response {
    let name = req.query_var("name").unwrap_or_default();
    let name = if name.is_empty() { "world" } else { &name };
    Response::text(format!("Hello, {name}!\n"))
}

sluice::handler!(hello);
