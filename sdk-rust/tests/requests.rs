//! What requests are read as, and what answers are made of.

use sluice::abi::Subscriptions;
use sluice::testing::Request;
use sluice::{Error, Event, Field, Response, SameSite, Session, SetCookie};

/// Answers with what a function finds in a request.
fn ask(request: Request, find: impl Fn(sluice::Request<'_>) -> String) -> String {
    request.message(|req| Response::text(find(req))).text().to_owned()
}

#[test]
fn targets() {
    for (target, path, query) in [
        ("/", "/", None),
        ("/a/b?c=d", "/a/b", Some("c=d")),
        ("/a?", "/a", Some("")),
        ("/a?b?c", "/a", Some("b?c")),
        ("/%2F", "/%2F", None),
        ("/a//b", "/a//b", None),
        ("http://example.org/a?b", "/a", Some("b")),
        ("http://example.org", "/", None),
        ("http://example.org?b/c", "/", Some("b/c")),
        ("/?x=http://a/b", "/", Some("x=http://a/b")),
        ("*", "*", None),
    ] {
        let found = ask(Request::get(target), |req| format!("{} {:?}", req.path(), req.query()));
        assert_eq!(found, format!("{path} {query:?}"), "{target}");
    }
}

#[test]
fn query_variables() {
    for (query, name, value) in [
        ("a=1&b=2", "b", Some("2")),
        ("a=1&a=2", "a", Some("1")),
        ("a", "a", Some("")),
        ("a=", "a", Some("")),
        ("&&a=1", "a", Some("1")),
        ("a=b=c", "a", Some("b=c")),
        ("a+b=c+d", "a b", Some("c d")),
        ("%61=%4a%4A", "a", Some("JJ")),
        ("a=%", "a", Some("%")),
        ("a=%4", "a", Some("%4")),
        ("a=%zz", "a", Some("%zz")),
        ("a=%25%32", "a", Some("%2")),
        ("a=%C3%A9", "a", Some("é")),
        ("a=x%FFy", "a", Some("x\u{fffd}y")),
        ("a=%E2%82", "a", Some("\u{fffd}")),
        ("a=1", "b", None),
    ] {
        let found = ask(Request::get(&format!("/?{query}")), |req| format!("{:?}", req.query_var(name)));
        assert_eq!(found, format!("{value:?}"), "{query}");
    }
}

/// Decoding does what the standard library does with bytes that are no UTF-8.
#[test]
fn lossy_decoding() {
    let mut random = Random(1);
    for _ in 0..2000 {
        let bytes: Vec<u8> =
            (0..random.below(12)).map(|_| [0x41, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xff, 0xf0][random.below(8)]).collect();
        let encoded: String = bytes.iter().map(|b| format!("%{b:02x}")).collect();
        assert_eq!(sluice::urlencoded::decode(&encoded), String::from_utf8_lossy(&bytes), "{encoded}");
    }
}

#[test]
fn fields() {
    let request =
        || Request::get("/").header("X-One", "1").header("x-one", "2").header("X-Bytes", b"\xff").header("X-Empty", "");
    assert_eq!(ask(request(), |req| req.header("X-ONE").unwrap().to_owned()), "1");
    assert_eq!(ask(request(), |req| format!("{:?}", req.header("x-bytes"))), "None");
    assert_eq!(ask(request(), |req| format!("{:?}", req.header("x-empty"))), "Some(\"\")");
    assert_eq!(ask(request(), |req| format!("{:?}", req.header("x-two"))), "None");
    assert_eq!(ask(request(), |req| req.headers().all("x-one").count().to_string()), "2");
    assert_eq!(
        ask(request(), |req| req.headers().iter().map(|f| f.name().to_owned() + ",").collect()),
        "Host,X-One,x-one,X-Bytes,X-Empty,"
    );
}

#[test]
fn media_types() {
    for (sent, is) in [
        ("application/json", true),
        ("Application/JSON; charset=utf-8", true),
        ("application/json;charset=utf-8", true),
        ("application/json-patch+json", false),
        ("text/plain", false),
        ("", false),
    ] {
        let request = Request::get("/").header("Content-Type", sent);
        assert_eq!(ask(request, |req| req.has_type("application/json").to_string()), is.to_string(), "{sent}");
    }
}

#[test]
fn cookies() {
    let request = || Request::get("/").header("Cookie", "a=1; b=\"2\";c=3=3; nonsense; a=4").header("Cookie", "d=");
    for (name, value) in [("a", Some("1")), ("b", Some("2")), ("c", Some("3=3")), ("d", Some("")), ("nonsense", None)] {
        assert_eq!(ask(request(), |req| format!("{:?}", req.cookie(name))), format!("{value:?}"), "{name}");
    }
    assert_eq!(ask(request(), |req| req.cookies().count().to_string()), "5");
}

/// Nothing in a name or a value can add an attribute or a field.
#[test]
fn cookies_that_are_set() {
    let bad = SetCookie::new("n=;\r\n", "v; Domain=evil\r\nSet-Cookie: x=y").path("/;\r\nX: y").same_site(SameSite::Strict);
    assert_eq!(bad.to_string(), "n=vDomain=evilSet-Cookie:x=y; Path=/X: y; SameSite=Strict");
    assert_eq!(SetCookie::removed("id").to_string(), "id=; Max-Age=0");
}

#[test]
fn bodies() {
    assert_eq!(ask(Request::post("/").body("text"), |req| req.text().unwrap().to_owned()), "text");
    assert_eq!(ask(Request::post("/").body(b"\xff"), |req| req.text().is_err().to_string()), "true");
    let form = Request::post("/").body("a=1&b=x+y");
    assert_eq!(ask(form, |req| req.form().map(|(name, value)| format!("{name}:{value};")).collect()), "a:1;b:x y;");
    assert_eq!(ask(Request::get("/"), |req| req.body().len().to_string()), "0");
}

#[cfg(feature = "json")]
#[test]
fn json() {
    let double = |req: sluice::Request<'_>| -> Result<Response, serde_json::Error> {
        let (number, label): (i32, &str) = req.json()?;
        Ok(Response::json(&(2 * number, label)))
    };
    let reply = Request::post("/").body(r#"[21, "a"]"#).message(double);
    assert_eq!((reply.text(), reply.header("content-type")), (r#"[42,"a"]"#, Some("application/json")));
    let reply = Request::post("/").body("[").message(double);
    assert_eq!(reply.status(), 500);
    assert!(reply.log().starts_with("the handler failed: EOF while parsing"), "{}", reply.log());
    let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
    assert_eq!(Response::json(&no_json).status(), 500);
}

#[cfg(feature = "http")]
#[test]
fn http_types() {
    fn handle(req: http::Request<Vec<u8>>) -> http::Response<Vec<u8>> {
        let answer = http::Response::builder().status(201).header("x-method", req.method().as_str());
        answer.header("x-query", req.uri().query().unwrap_or("")).body(req.into_body()).unwrap()
    }
    let reply = Request::post("/a?b").body("body").http(handle);
    assert_eq!((reply.status(), reply.text()), (201, "body"));
    assert_eq!((reply.header("x-method"), reply.header("x-query")), (Some("POST"), Some("b")));

    let borrowed = |req: sluice::Request<'_>| {
        let converted = http::Request::<&[u8]>::try_from(req).unwrap();
        Response::from(http::Response::new(format!("{:?}", converted.headers().get_all("x").iter().collect::<Vec<_>>())))
    };
    assert_eq!(Request::get("/").header("X", "1").header("x", "2").message(borrowed).text(), r#"["1", "2"]"#);
}

/// Many fields are sent as few are.
#[test]
fn answers() {
    for count in [0, 1, 7, 8, 9, 100] {
        let reply = Request::get("/").message(|_| {
            (0..count).fold(Response::new(204), |response, i| response.with_header(format!("x-{i}"), i.to_string()))
        });
        assert_eq!(reply.status(), 204);
        for i in 0..count {
            assert_eq!(reply.header(&format!("X-{i}")), Some(&*i.to_string()));
        }
    }
    let reply = Request::get("/").message(|_| Response::redirect(303, "/there"));
    assert_eq!((reply.status(), reply.header("location")), (303, Some("/there")));
}

/// What cannot be sent is told, and answered 500.
#[test]
fn answers_that_are_wrong() {
    for response in
        [Response::new(99), Response::new(200).with_header("no token", ""), Response::new(200).with_header("a", "b\r\nc: d")]
    {
        let reply = Request::get("/").message(|_| response.clone());
        assert_eq!(reply.status(), 500);
        assert!(reply.log().contains("the handler failed: send: the status is not one of 200 to 999"), "{}", reply.log());
    }
}

#[test]
fn misuse() {
    fn handle(session: Session, _: Event<'_>) -> Result<(), Error> {
        session.send_head(200, &[Field::new("content-length", "5")])?;
        assert!(matches!(session.send_head(404, &[]), Err(Error::State(call)) if call.name() == "send_head"));
        assert!(matches!(session.send(404, &[], ""), Err(Error::State(_))));
        assert!(matches!(session.send_data("123456"), Err(Error::TooBig(_))));
        session.send_data("12345")?;
        session.send_end()?;
        assert!(matches!(session.send_end(), Err(Error::State(_))));
        assert!(matches!(session.send_data("6"), Err(Error::State(_))));
        assert!(matches!(session.set_head(200, &[]), Err(Error::State(_))));
        assert!(matches!(Session::from_number(0).send_end(), Err(Error::NoSession(_))));
        Ok(())
    }
    let reply = Request::get("/").events(Subscriptions::READY, handle);
    assert_eq!((reply.text(), reply.log()), ("12345", ""));
}

/// An error after the answer has begun cuts it.
#[test]
fn late_errors() {
    let reply = Request::get("/").events(Subscriptions::READY, |session, _| {
        session.send_data("begun")?;
        Err::<(), Box<dyn std::error::Error>>("too late".into())
    });
    assert_eq!((reply.text(), reply.is_complete(), reply.log()), ("begun", false, "the handler failed: too late\n"));
}

#[test]
fn events() {
    use std::cell::RefCell;
    let heard = RefCell::new(Vec::new());
    let all = Subscriptions(0x3ff);
    Request::post("/a").body("12345").piece_size(2).trailer("t", "v").events(all, |session, event| {
        heard.borrow_mut().push(match event {
            Event::LineReady(line) => format!("{} {} {:x}", line.method(), line.target(), line.version().0),
            Event::HeaderReady(fields) => format!("{fields:?}"),
            Event::DataReady(data) => String::from_utf8_lossy(data.content()).into_owned(),
            Event::TrailerReady(fields) => format!("{fields:?}"),
            Event::Ready(request) => {
                session.send(200, &[], "answer").unwrap();
                format!("ready {}", request.is_some())
            }
            other => format!("{other:?}"),
        });
    });
    let want = ["POST /a 101", "[Host: localhost]", "12", "34", "5", "[t: v]", "ready false", "HeaderDone", "DataDone", "Done"];
    assert_eq!(*heard.borrow(), want);
}

/// A generator of numbers that are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}
