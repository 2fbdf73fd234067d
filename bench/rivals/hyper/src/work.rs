//! What endpoints compute. The component for `wasmtime serve` is built of this very file, too.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

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

/// The sums of an order, as JSON.
pub fn total(order: &[u8]) -> serde_json::Result<Vec<u8>> {
    let order: Order = serde_json::from_slice(order)?;
    serde_json::to_vec(&Total {
        id: order.id,
        items: order.items.len(),
        quantity: order.items.iter().map(|item| item.quantity).sum(),
        cents: order.items.iter().map(|item| item.quantity * item.cents).sum(),
    })
}

// ----- /64k, /100m -----

const PIECE: usize = 256 << 10;

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

/// Pieces that together are so many bytes of the content.
pub fn pieces(size: usize) -> impl Iterator<Item = &'static [u8]> {
    (0..size).step_by(PIECE).map(move |at| &CONTENT[at % 26..][..PIECE.min(size - at)])
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
struct Digested {
    sha256: String,
    sum: u32,
}

/// A digest of 1 MiB, and the sum of what was written as JSON and read again, as JSON.
pub fn compute() -> Vec<u8> {
    let mut hash = Sha256::new();
    pieces(1 << 20).for_each(|piece| hash.update(piece));
    let record = |id| Record { id, name: format!("record {id}"), value: id };
    let document = Document { sha256: format!("{:x}", hash.finalize()), records: (0..100).map(record).collect() };
    let text = serde_json::to_string(&document).expect("text and numbers have a form in JSON");
    let parsed: Document = serde_json::from_str(&text).expect("what was written can be read");
    let sum = parsed.records.iter().map(|record| record.value).sum();
    serde_json::to_vec(&Digested { sha256: parsed.sha256, sum }).expect("text and numbers have a form in JSON")
}
