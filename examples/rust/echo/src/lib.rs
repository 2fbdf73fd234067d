//! Sends the body of a request back while it still comes in, and its trailers after it.

use sluice::aio::Request;
use sluice::{Error, Response, Sent};

async fn echo(mut req: Request) -> Result<Sent, Error> {
    let content_type = req.header("content-type").unwrap_or("application/octet-stream").to_owned();
    req.stream()?; // a large body may take its time
    let mut out = req.start(Response::new(200).with_header("content-type", content_type))?;
    while let Some(piece) = req.body().next().await? {
        out.write(piece).await?;
    }
    out.trailers(req.trailers().fields().as_slice())
}

sluice::handler!(async echo);
