//! All endpoints as a component with wasi:http's handler of WASI 0.3, for `wasmtime serve`. An instance answers several requests
//! at a time.

#[path = "../../../hyper/src/work.rs"]
mod work;

use wasip3::http::types::{ErrorCode, Fields, Method, Request, Response, Trailers};
use wasip3::wit_bindgen::rt::async_support::{FutureReader, StreamReader};
use wasip3::{wit_bindgen, wit_future, wit_stream};

struct Server;

wasip3::http::service::export!(Server);

impl wasip3::exports::http::handler::Guest for Server {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        Ok(match (request.get_method(), path.as_str()) {
            (Method::Get, "/hello") => reply(200, TEXT, b"Hello, world!\n".to_vec()),
            (Method::Post, "/json") => total(request).await?,
            (Method::Get, "/64k") => download(64 << 10),
            (Method::Get, "/100m") => download(100 << 20),
            (Method::Post, "/echo") => echo(request),
            (Method::Get, "/compute") => reply(200, JSON, work::compute()),
            _ => reply(404, TEXT, b"not found\n".to_vec()),
        })
    }
}

async fn total(request: Request) -> Result<Response, ErrorCode> {
    let (body, end) = Request::consume_body(request, good());
    let order = body.collect().await;
    end.await?; // or the body is not whole
    Ok(match work::total(&order) {
        Ok(total) => reply(200, JSON, total),
        Err(error) => reply(400, TEXT, format!("the body is no order: {error}\n").into_bytes()),
    })
}

fn download(size: usize) -> Response {
    let (mut writer, body) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        for piece in work::pieces(size) {
            if !writer.write_all(piece.to_vec()).await.is_empty() {
                return; // the client has gone
            }
        }
    });
    answer(200, OCTETS, Some(size.to_string().as_bytes()), body, end())
}

/// The answer's body is the request's, which the host moves.
fn echo(request: Request) -> Response {
    let length = request.get_headers().get("content-length").pop();
    let (body, end) = Request::consume_body(request, good());
    answer(200, OCTETS, length.as_deref(), body, end)
}

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

fn reply(status: u16, content_type: &str, bytes: Vec<u8>) -> Response {
    let length = bytes.len().to_string();
    let (mut writer, body) = wit_stream::new();
    wit_bindgen::spawn_local(async move {
        writer.write_all(bytes).await;
    });
    answer(status, content_type, Some(length.as_bytes()), body, end())
}

type End = FutureReader<Result<Option<Trailers>, ErrorCode>>;

fn answer(status: u16, content_type: &str, length: Option<&[u8]>, body: StreamReader<u8>, end: End) -> Response {
    let mut fields = vec![("content-type".to_owned(), content_type.as_bytes().to_vec())];
    fields.extend(length.map(|length| ("content-length".to_owned(), length.to_vec())));
    let fields = Fields::from_list(&fields).expect("these are valid fields");
    let (response, _) = Response::new(fields, Some(body), end);
    response.set_status_code(status).expect("this is a valid status");
    response
}

/// A good end of a body, without trailers.
fn end() -> End {
    let (_, end) = wit_future::new(|| Ok(None)); // which is what it comes to without a writer
    end
}

/// That the body of a request was good.
fn good() -> FutureReader<Result<(), ErrorCode>> {
    let (_, good) = wit_future::new(|| Ok(()));
    good
}
