//! Counts and hashes a body of any size while it comes in, in the blocking style: nothing of it is kept.

use sha2::{Digest, Sha256};
use sluice::blocking::{Body, Responder};
use sluice::{Error, Head, Response, Sent};

fn upload(head: &Head, body: &mut Body, responder: Responder) -> Result<Sent, Error> {
    if !matches!(head.method(), "POST" | "PUT") {
        return responder.send(Response::new(405).with_header("allow", "POST, PUT"));
    }
    responder.stream()?; // a large body may take its time
    let (mut bytes, mut hash) = (0, Sha256::new());
    while let Some(piece) = body.next()? {
        bytes += piece.len();
        hash.update(piece);
    }
    let json = format!(r#"{{"bytes":{bytes},"sha256":"{:x}"}}"#, hash.finalize());
    responder.send(Response::content("application/json", json))
}

sluice::handler!(blocking upload);
