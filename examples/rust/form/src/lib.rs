//! Shows a form, and tells what was filled in. Files are counted while they come in, so they may be of any size.

use serde::Serialize;
use sluice::aio::Request;
use sluice::{multipart, urlencoded, Response};
use std::error::Error;

const PAGE: &str = r#"<!doctype html>
<title>Form</title>
<form method="post" enctype="multipart/form-data">
  <p><label>Title <input name="title"></label></p>
  <p><label>Cover <input name="cover" type="file"></label></p>
  <p><button>Send</button></p>
</form>
"#;

/// How large a field may be, in bytes.
const LARGEST: usize = 64 << 10;

#[derive(Serialize)]
struct Form {
    parts: Vec<Part>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Part {
    Field { name: String, value: String },
    File { name: String, filename: String, r#type: String, bytes: usize },
}

async fn form(mut req: Request) -> Result<Response, Box<dyn Error>> {
    if matches!(req.method(), "GET" | "HEAD") {
        return Ok(Response::html(PAGE));
    } else if req.method() != "POST" {
        return Ok(error(405, "not allowed").with_header("allow", "GET, HEAD, POST"));
    }
    req.stream()?; // a large file may take its time
    let parts = if req.has_type("application/x-www-form-urlencoded") {
        let body = req.body().bytes().await?;
        urlencoded::pairs(&body).map(|(name, value)| Part::Field { name: name.into(), value: value.into() }).collect()
    } else if req.has_type("multipart/form-data") {
        match read_parts(&mut req).await {
            Err(multipart::Error::Body(error)) => return Err(error.into()),
            Err(multipart::Error::TooLarge) => return Ok(error(413, "a field is too large")),
            Err(_) => return Ok(error(400, "the form is broken")),
            Ok(parts) => parts,
        }
    } else {
        return Ok(error(415, "a form is wanted"));
    };
    Ok(Response::json(&Form { parts }))
}

async fn read_parts(req: &mut Request) -> Result<Vec<Part>, multipart::Error> {
    let (mut found, mut parts) = (Vec::new(), req.parts().ok_or(multipart::Error::Broken("it names no boundary"))?);
    while let Some(part) = parts.next_part().await? {
        found.push(if let Some(filename) = part.filename {
            let mut bytes = 0;
            while let Some(piece) = parts.next_piece().await? {
                bytes += piece.len();
            }
            let r#type = part.content_type.unwrap_or_else(|| "application/octet-stream".to_owned());
            Part::File { name: part.name, filename, r#type, bytes }
        } else {
            let value = String::from_utf8_lossy(&parts.bytes(LARGEST).await?).into_owned();
            Part::Field { name: part.name, value }
        });
    }
    Ok(found)
}

fn error(status: u16, message: &str) -> Response {
    Response::json(&serde_json::json!({ "error": message })).with_status(status)
}

sluice::handler!(async form);
