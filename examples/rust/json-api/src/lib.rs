//! A library of three books, as JSON. It stores nothing: every request meets a clean instance.

use serde::Serialize;
use serde_json::{json, Value};
use sluice::aio::Request;
use sluice::{Error, Response};

#[derive(Serialize)]
struct Book<'a> {
    id: u32,
    title: &'a str,
    year: i64,
}

#[derive(Serialize)]
struct Books<'a> {
    books: Vec<Book<'a>>,
}

const BOOKS: [Book; 3] = [
    Book { id: 1, title: "Middlemarch", year: 1871 },
    Book { id: 2, title: "Invisible Cities", year: 1972 },
    Book { id: 3, title: "Solaris", year: 1961 },
];

async fn library(mut req: Request) -> Result<Response, Error> {
    let reads = matches!(req.method(), "GET" | "HEAD");
    match (req.path(), req.path().strip_prefix("/books/")) {
        ("/books", _) if reads => Ok(list(&req)),
        ("/books", _) if req.method() == "POST" => add(&mut req).await,
        ("/books", _) => Ok(not_allowed("GET, HEAD, POST")),
        (_, Some(id)) if reads => Ok(find(id)),
        (_, Some(_)) => Ok(not_allowed("GET, HEAD")),
        _ => Ok(error(404, "not found")),
    }
}

fn list(req: &Request) -> Response {
    let after = match req.query_var("after").map(|after| after.parse::<i64>()) {
        Some(Err(_)) => return error(400, "after is not a year"),
        Some(Ok(year)) => year,
        None => i64::MIN,
    };
    Response::json(&Books { books: BOOKS.into_iter().filter(|book| book.year > after).collect() })
}

fn find(id: &str) -> Response {
    match BOOKS.iter().find(|book| book.id.to_string() == id) {
        Some(book) => Response::json(book),
        None => error(404, "no such book"),
    }
}

async fn add(req: &mut Request) -> Result<Response, Error> {
    if !req.has_type("application/json") {
        return Ok(error(415, "application/json is wanted"));
    }
    let book: Value = match serde_json::from_slice(&req.body().bytes().await?) {
        Ok(book) => book,
        Err(_) => return Ok(error(400, "the body is not JSON")),
    };
    match (book["title"].as_str(), book["year"].as_i64()) {
        (Some(title), Some(year)) if !title.is_empty() => {
            let book = Book { id: 4, title, year };
            Ok(Response::json(&book).with_status(201).with_header("location", format!("/books/{}", book.id)))
        }
        _ => Ok(error(400, "a title and a year are wanted")),
    }
}

fn not_allowed(methods: &'static str) -> Response {
    error(405, "not allowed").with_header("allow", methods)
}

fn error(status: u16, message: &str) -> Response {
    Response::json(&json!({ "error": message })).with_status(status)
}

sluice::handler!(async library);
