//! Sends a file of any size in pieces, or the range of it that is asked for (RFC 9110 section 14).

use sluice::aio::Request;
use sluice::{Error, Response, Sent};

const PIECE: usize = 64 << 10;
const LARGEST: usize = 1 << 30;

async fn download(req: Request) -> Result<Sent, Error> {
    if !matches!(req.method(), "GET" | "HEAD") {
        return req.reply(Response::new(405).with_header("allow", "GET, HEAD"));
    }
    let size = match req.query_var("size").map(|size| number(&size)) {
        None => 1 << 20,
        Some(Some(size)) if size <= LARGEST => size,
        Some(_) => return req.reply(Response::text("size is a number of bytes, at most 1 GiB\n").with_status(400)),
    };
    let range = req.header("range").filter(|_| req.method() == "GET").and_then(|range| find_range(range, size));
    let (status, (start, end), content_range) = match range {
        None => (200, (0, size), None),
        Some(None) => (416, (0, 0), Some(format!("bytes */{size}"))),
        Some(Some((start, end))) => (206, (start, end), Some(format!("bytes {start}-{}/{size}", end - 1))),
    };
    let mut head = Response::content("application/octet-stream", "")
        .with_status(status)
        .with_header("accept-ranges", "bytes")
        .with_header("content-length", (end - start).to_string());
    if let Some(content_range) = content_range {
        head = head.with_header("content-range", content_range);
    }
    req.stream()?; // a large file may take its time
    let mut out = req.start(head)?;
    if req.method() == "GET" {
        let file: Vec<u8> = (0..251).cycle().take(251 + PIECE).collect(); // its content is the same every 251 bytes
        for at in (start..end).step_by(PIECE) {
            out.write(&file[at % 251..][..PIECE.min(end - at)]).await?;
        }
    }
    out.finish()
}

/// The first byte and the one behind the last, for one range of bytes. `Some(None)` lies behind the end; `None` is to be
/// ignored: several ranges, another unit, what cannot be understood.
fn find_range(range: &str, size: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (start, end) = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => (first, size.min(last.saturating_add(1))),
        (Some(first), None) if last.is_empty() => (first, size),
        (None, Some(suffix)) if first.is_empty() => (size.saturating_sub(suffix), size),
        _ => return None,
    };
    Some(if start < size { Some((start, end)) } else { None })
}

/// A number of digits only. One that is too large for a computer is larger than any file, too.
fn number(digits: &str) -> Option<usize> {
    let valid = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    valid.then(|| digits.parse().unwrap_or(usize::MAX))
}

sluice::handler!(async download);
