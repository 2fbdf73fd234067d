//! All endpoints by hyper on tokio's runtime with a thread for each processor: Rust in native code, the measure for what a
//! sandbox costs.

mod body;
mod work;

use std::convert::Infallible;
use std::error::Error;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::header::{HeaderValue, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::body::Body;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    if std::env::args().nth(1).as_deref() == Some("--version") {
        println!("{}", env!("HYPER_VERSION"));
        return Ok(());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream));
    }
}

async fn serve_connection(stream: TcpStream) {
    // An answer in two writes would otherwise wait for the client's acknowledgement.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    // What ends a connection early is the client's doing, and nobody waits for an answer any more.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)).await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/hello") => reply(TEXT, Body::whole("Hello, world!\n")),
        (&Method::POST, "/json") => total(request).await,
        (&Method::GET, "/64k") => reply(OCTETS, Body::content(64 << 10)),
        (&Method::GET, "/100m") => reply(OCTETS, Body::content(100 << 20)),
        (&Method::POST, "/echo") => reply(OCTETS, Body::echo(request.into_body())),
        (&Method::GET, "/compute") => reply(JSON, Body::whole(work::compute())),
        _ => failure(StatusCode::NOT_FOUND, "not found\n".into()),
    })
}

async fn total(request: Request<Incoming>) -> Response<Body> {
    let body = match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return failure(StatusCode::BAD_REQUEST, format!("the body did not come: {error}\n")),
    };
    match work::total(&body) {
        Ok(json) => reply(JSON, Body::whole(json)),
        Err(error) => failure(StatusCode::BAD_REQUEST, format!("the body is no order: {error}\n")),
    }
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// hyper adds Content-Length, from what the body says of itself, and Date.
fn reply(content_type: HeaderValue, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn failure(status: StatusCode, reason: String) -> Response<Body> {
    let mut response = reply(TEXT, Body::whole(reason));
    *response.status_mut() = status;
    response
}
