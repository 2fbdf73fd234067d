//! All endpoints as a component with wasi:http's incoming-handler, for `wasmtime serve`.

#[path = "../../../hyper/src/work.rs"]
mod work;

use wasip2::http::types::{Fields, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

struct Server;

wasip2::http::proxy::export!(Server);

impl wasip2::exports::http::incoming_handler::Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        match (request.method(), path.as_str()) {
            (Method::Get, "/hello") => reply(out, 200, TEXT, b"Hello, world!\n"),
            (Method::Post, "/json") => total(request, out),
            (Method::Get, "/64k") => download(out, 64 << 10),
            (Method::Get, "/100m") => download(out, 100 << 20),
            (Method::Post, "/echo") => echo(request, out),
            (Method::Get, "/compute") => reply(out, 200, JSON, &work::compute()),
            _ => reply(out, 404, TEXT, b"not found\n"),
        }
    }
}

fn total(request: IncomingRequest, out: ResponseOutparam) {
    let Some(order) = read_all(request) else {
        return reply(out, 400, TEXT, b"the body did not come\n");
    };
    match work::total(&order) {
        Ok(total) => reply(out, 200, JSON, &total),
        Err(error) => reply(out, 400, TEXT, format!("the body is no order: {error}\n").as_bytes()),
    }
}

fn read_all(request: IncomingRequest) -> Option<Vec<u8>> {
    let body = request.consume().ok()?;
    let stream = body.stream().ok()?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(PIECE) {
            Ok(piece) if bytes.is_empty() => bytes = piece,
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Some(bytes),
            Err(_) => return None,
        }
    }
}

fn download(out: ResponseOutparam, size: usize) {
    answer(out, 200, OCTETS, Some(&size.to_string()), |stream| {
        work::pieces(size).try_for_each(|piece| write(stream, piece))
    });
}

fn echo(request: IncomingRequest, out: ResponseOutparam) {
    let length = request.headers().get("content-length").pop().and_then(|value| String::from_utf8(value).ok());
    let body = request.consume().expect("nobody has taken the body before");
    let input = body.stream().expect("nobody has taken the stream before");
    answer(out, 200, OCTETS, length.as_deref(), |stream| splice(stream, &input));
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

fn reply(out: ResponseOutparam, status: u16, content_type: &str, body: &[u8]) {
    answer(out, status, content_type, Some(&body.len().to_string()), |stream| write(stream, body));
}

/// Answers with what `send` writes. When that fails, the client has gone, and the body ends without its end.
fn answer(
    out: ResponseOutparam,
    status: u16,
    content_type: &str,
    length: Option<&str>,
    send: impl FnOnce(&OutputStream) -> Result<(), StreamError>,
) {
    let mut fields = vec![("content-type".to_owned(), content_type.as_bytes().to_vec())];
    fields.extend(length.map(|length| ("content-length".to_owned(), length.as_bytes().to_vec())));
    let response = OutgoingResponse::new(Fields::from_list(&fields).expect("these are valid fields"));
    response.set_status_code(status).expect("this is a valid status");
    let body = response.body().expect("nobody has taken the body before");
    ResponseOutparam::set(out, Ok(response));
    let stream = body.write().expect("nobody has taken the stream before");
    let sent = send(&stream);
    drop(stream); // before the body, of which it is a part
    if sent.is_ok() {
        let _ = OutgoingBody::finish(body, None);
    }
}

/// How much is asked for at once.
const PIECE: u64 = 256 << 10;

/// Writes as much as the stream takes, and waits whenever it takes nothing.
fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let takes = stream.check_write()?;
        if takes == 0 {
            stream.subscribe().block();
            continue;
        }
        let (piece, rest) = bytes.split_at(bytes.len().min(takes as usize));
        stream.write(piece)?;
        bytes = rest;
    }
    Ok(())
}

/// Has the host move all that comes, so that none of it is copied into this memory and out again.
fn splice(to: &OutputStream, from: &InputStream) -> Result<(), StreamError> {
    loop {
        match to.blocking_splice(from, PIECE) {
            Ok(_) => {}
            Err(StreamError::Closed) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}
