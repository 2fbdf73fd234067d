//! All endpoints of the benchmarks in one module, written as the SDK's documentation would have it.

mod tenant;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sluice::aio::Request;
use sluice::{Error, Response, Sent};

async fn serve(req: Request) -> Result<Sent, Error> {
    match (req.method(), req.path()) {
        ("GET", "/hello") => req.reply(Response::text("Hello, world!\n")),
        ("POST", "/json") => total(req).await,
        ("GET", "/64k") => download(req, 64 << 10).await,
        ("GET", "/100m") => download(req, 100 << 20).await,
        ("POST", "/echo") => echo(req).await,
        ("GET", "/compute") => req.reply(compute()),
        ("GET", "/tenant") => req.reply(tenant::answer()),
        _ => req.reply(Response::text("not found\n").with_status(404)),
    }
}

// ----- /json -----

#[derive(Deserialize)]
struct Order {
    id: u64,
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    quantity: u64,
    cents: u64,
}

#[derive(Serialize)]
struct Total {
    id: u64,
    items: usize,
    quantity: u64,
    cents: u64,
}

async fn total(mut req: Request) -> Result<Sent, Error> {
    let order: Order = match serde_json::from_slice(&req.body().bytes().await?) {
        Ok(order) => order,
        Err(error) => return req.reply(Response::text(format!("the body is no order: {error}\n")).with_status(400)),
    };
    req.reply(Response::json(&Total {
        id: order.id,
        items: order.items.len(),
        quantity: order.items.iter().map(|item| item.quantity).sum(),
        cents: order.items.iter().map(|item| item.quantity * item.cents).sum(),
    }))
}

// ----- /64k, /100m, /echo -----

const PIECE: usize = 64 << 10;

/// Every piece of the content lies in here: it is the same every 26 bytes.
static CONTENT: [u8; PIECE + 26] = content();

const fn content() -> [u8; PIECE + 26] {
    let mut bytes = [0; PIECE + 26];
    let mut i = 0;
    while i < bytes.len() {
        bytes[i] = b'a' + (i % 26) as u8;
        i += 1;
    }
    bytes
}

/// The pieces of so many bytes of the content.
fn pieces(size: usize) -> impl Iterator<Item = &'static [u8]> {
    (0..size).step_by(PIECE).map(move |at| &CONTENT[at % 26..][..PIECE.min(size - at)])
}

async fn download(req: Request, size: usize) -> Result<Sent, Error> {
    req.stream()?; // a large body takes its time
    let mut out = req.start(octets(size.to_string()))?;
    for piece in pieces(size) {
        out.write(piece).await?;
    }
    out.finish()
}

async fn echo(mut req: Request) -> Result<Sent, Error> {
    let head = match req.header("content-length") {
        Some(length) => octets(length.to_owned()),
        None => Response::content("application/octet-stream", ""),
    };
    req.stream()?;
    let mut out = req.start(head)?;
    while let Some(piece) = req.body().next().await? {
        out.write(piece).await?;
    }
    out.finish()
}

fn octets(length: String) -> Response {
    Response::content("application/octet-stream", "").with_header("content-length", length)
}

// ----- /compute -----

#[derive(Serialize, Deserialize)]
struct Document {
    sha256: String,
    records: Vec<Record>,
}

#[derive(Serialize, Deserialize)]
struct Record {
    id: u32,
    name: String,
    value: u32,
}

#[derive(Serialize)]
struct Digested<'a> {
    sha256: &'a str,
    sum: u32,
}

fn compute() -> Response {
    let mut hash = Sha256::new();
    pieces(1 << 20).for_each(|piece| hash.update(piece));
    let record = |id| Record { id, name: format!("record {id}"), value: id };
    let document = Document { sha256: format!("{:x}", hash.finalize()), records: (0..100).map(record).collect() };
    let text = serde_json::to_string(&document).expect("text and numbers have a form in JSON");
    let parsed: Document = serde_json::from_str(&text).expect("what was written can be read");
    Response::json(&Digested { sha256: &parsed.sha256, sum: parsed.records.iter().map(|record| record.value).sum() })
}

sluice::handler!(async serve);
