//! Forms: the same parts however their bytes are split, in every way of reading them.

use sluice::multipart::{self, Parser, PartHead, Step};
use sluice::testing::Request;
use sluice::{aio, blocking, Head, Response, Sent};

type Parts = Result<Vec<(PartHead, Vec<u8>)>, ()>;

/// Reads a form as a whole.
fn whole(body: &[u8]) -> Parts {
    multipart::parts(body, "X").map(|part| part.map(|p| (p.head, p.content.to_vec())).map_err(drop)).collect()
}

/// Reads a form in pieces that end where a function says.
fn pieces(body: &[u8], mut next: impl FnMut(usize) -> usize) -> Parts {
    let (mut parser, mut parts, mut at) = (Parser::new("X"), Vec::<(PartHead, Vec<u8>)>::new(), 0);
    loop {
        match parser.step().map_err(drop)? {
            Step::Part(head) => parts.push((head, Vec::new())),
            Step::Content(range) => {
                assert!(!range.is_empty());
                parts.last_mut().unwrap().1.extend_from_slice(parser.content(range));
            }
            Step::End if at == body.len() => return Ok(parts),
            Step::NeedMore if at == body.len() => parser.finish(),
            Step::End | Step::NeedMore => {
                let end = next(at).clamp(at + 1, body.len());
                parser.push(&body[at..end]);
                at = end;
            }
        }
    }
}

const FORM: &str = "preamble\r\n--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n\
                    --X \t\r\ncontent-type: image/png\r\nCONTENT-DISPOSITION: form-data; name=b; filename=\"c;\\\"d\\\".png\"\r\n\r\n\
                    \r\n--\r\n--Y\r\n-X\r\r\n-\r\n--X\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n\r\n\
                    --X\r\nContent-Disposition: form-data; name=none\r\n\r\n--X-- \r\nepilogue --X";

#[test]
fn form() {
    let parts = whole(FORM.as_bytes()).unwrap();
    let head = |name: &str, filename: Option<&str>, content_type: Option<&str>| PartHead {
        name: name.to_owned(),
        filename: filename.map(str::to_owned),
        content_type: content_type.map(str::to_owned),
    };
    let want = [
        (head("a", None, None), b"one".to_vec()),
        (head("b", Some("c;\"d\".png"), Some("image/png")), b"\r\n--\r\n--Y\r\n-X\r\r\n-".to_vec()),
        (head("", None, None), Vec::new()),
        (head("none", None, None), Vec::new()),
    ];
    assert_eq!(parts, want);
}

#[test]
fn every_split() {
    let want = whole(FORM.as_bytes());
    assert_eq!(want.as_ref().map(Vec::len), Ok(4));
    for size in 1..FORM.len() {
        assert_eq!(pieces(FORM.as_bytes(), |at| at + size), want, "pieces of {size}");
        assert_eq!(pieces(FORM.as_bytes(), |at| if at < size { size } else { FORM.len() }), want, "split at {size}");
    }
}

/// Forms that are cut, changed and put together at random: whatever comes of them, it is the same whole and in pieces.
#[test]
fn random_forms() {
    let words: [&[u8]; 12] = [
        b"--X",
        b"\r\n",
        b"\r\n--X",
        b"--",
        b"X",
        b"\r",
        b"\n",
        b" ",
        b"text",
        b"\r\n\r\n",
        b"\r\nContent-Disposition: form-data; name=a\r\n\r\n",
        b"\r\n--X\r\nContent-Disposition: form-data; name=\"b\"; filename=f\r\n\r\n",
    ];
    let mut random = Random(7);
    let mut read = [0, 0];
    for round in 0..6000 {
        let mut form: Vec<u8> = if round % 2 == 0 { FORM.into() } else { b"--X".to_vec() };
        for _ in 0..random.below(8) {
            let word = words[random.below(words.len())];
            let (from, to) = if round % 2 == 0 {
                let from = random.below(form.len() + 1);
                (from, (from + random.below(4)).min(form.len()))
            } else {
                (form.len(), form.len())
            };
            form.splice(from..to, word.iter().copied());
        }
        if round % 4 == 1 {
            form.extend_from_slice(b"\r\n--X--");
        }
        let want = whole(&form);
        read[usize::from(want.is_ok())] += 1;
        let size = 1 + random.below(20);
        assert_eq!(pieces(&form, |at| at + 1 + random.below(size)), want, "{:?}", String::from_utf8_lossy(&form));
    }
    assert!(read[0] > 600 && read[1] > 600, "{read:?} forms could not, and could be read");
}

/// However large a part is, the parser keeps no more than what it needs.
#[test]
fn bounds() {
    let endless = format!("--X\r\nContent-Disposition: form-data; name=a\r\nX-Long: {}", "y".repeat(multipart::MAX_HEAD));
    assert_eq!(whole(endless.as_bytes()), Err(()));
    for size in [1, 100, 10_000] {
        let mut parser = Parser::new("X");
        let mut failed = false;
        for piece in endless.as_bytes().chunks(size) {
            parser.push(piece);
            failed = failed || parser.step() == Err(multipart::Error::HeadTooLarge);
        }
        assert!(failed, "pieces of {size}");
    }
    let mut parser = Parser::new("X");
    parser.push(b"--X\r\nContent-Disposition: form-data; name=a\r\n\r\n");
    assert!(matches!(parser.step(), Ok(Step::Part(_))));
    for _ in 0..100 {
        parser.push(&[b'\r'; 1000]);
        let passed = match parser.step() {
            Ok(Step::Content(range)) => range.len(),
            other => panic!("{other:?}"),
        };
        assert!(passed >= 995, "{passed} of 1000 bytes were passed on");
        assert_eq!(parser.step(), Ok(Step::NeedMore));
    }
}

/// What stands behind a boundary, to the end of its line.
#[test]
fn line_ends() {
    for (end, reads) in [("--", true), ("--\r\n", true), ("-- \t", true), ("--\r\nmore", true), ("", false), ("-", false)] {
        let form = format!("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X{end}");
        assert_eq!(whole(form.as_bytes()).is_ok(), reads, "{form:?}");
        assert_eq!(pieces(form.as_bytes(), |at| at + 1).is_ok(), reads, "{form:?}");
    }
    for end in ["--more", "-- more", "--\rmore", "more", " more", "\rmore", " --"] {
        let form = format!("--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X{end}\r\n");
        assert_eq!(whole(form.as_bytes()), Err(()), "{form:?}");
        assert_eq!(pieces(form.as_bytes(), |at| at + 1), Err(()), "{form:?}");
    }
}

#[test]
fn boundaries() {
    for (content_type, boundary) in [
        ("multipart/form-data; boundary=X", Some("X")),
        ("Multipart/Form-Data;BOUNDARY=\"X Y\"", Some("X Y")),
        ("multipart/form-data; charset=utf-8; boundary=----X", Some("----X")),
        ("multipart/form-data", None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=\"X \"", None),
        ("multipart/form-data; boundary=\r\n", None),
        ("multipart/mixed; boundary=X", None),
    ] {
        assert_eq!(multipart::boundary(content_type), boundary, "{content_type}");
    }
    assert_eq!(multipart::boundary(&format!("multipart/form-data; boundary={}", "x".repeat(71))), None);
}

/// What is heard of a form in a handler.
const HEARD: &str = "a = one; b (c;\"d\".png) = 17 bytes;  = ; none = ; ";

#[test]
fn whole_requests() {
    let handle = |req: sluice::Request<'_>| -> Result<Response, multipart::Error> {
        let mut heard = String::new();
        for part in req.parts().expect("a form") {
            let part = part?;
            heard += &match &part.filename {
                Some(file) => format!("{} ({file}) = {} bytes; ", part.name, part.content.len()),
                None => format!("{} = {}; ", part.name, String::from_utf8_lossy(part.content)),
            };
        }
        Ok(Response::text(heard))
    };
    let request = Request::post("/").header("Content-Type", "multipart/form-data; boundary=X").body(FORM);
    assert_eq!(request.message(handle).text(), HEARD);
}

#[test]
fn streams() {
    fn read(head: &Head, body: &mut blocking::Body, responder: blocking::Responder) -> Result<Sent, multipart::Error> {
        let (mut heard, mut parts) = (String::new(), body.parts(head).expect("a form"));
        while let Some(part) = parts.next_part()? {
            heard += &match part.filename {
                Some(file) => format!("{} ({file}) = {} bytes; ", part.name, parts.bytes(20)?.len()),
                None => format!("{} = {}; ", part.name, String::from_utf8_lossy(&parts.bytes(20)?)),
            };
        }
        Ok(responder.send(Response::text(heard))?)
    }
    async fn read_async(mut req: aio::Request) -> Result<Response, multipart::Error> {
        let (mut heard, mut parts) = (String::new(), req.parts().expect("a form"));
        while let Some(part) = parts.next_part().await? {
            heard += &match part.filename {
                Some(file) => {
                    let mut size = 0;
                    while let Some(piece) = parts.next_piece().await? {
                        size += piece.len();
                    }
                    format!("{} ({file}) = {size} bytes; ", part.name)
                }
                None => format!("{} = {}; ", part.name, String::from_utf8_lossy(&parts.bytes(20).await?)),
            };
        }
        Ok(Response::text(heard))
    }
    for size in [1, 2, 3, 10, 1000] {
        let request = Request::post("/").header("Content-Type", "multipart/form-data; boundary=X").body(FORM).piece_size(size);
        assert_eq!(request.clone().blocking(read).text(), HEARD, "blocking, pieces of {size}");
        assert_eq!(request.asynchronous(read_async).text(), HEARD, "async, pieces of {size}");
    }
    let cut = Request::post("/").header("Content-Type", "multipart/form-data; boundary=X").body(&FORM[..60]);
    for reply in [cut.clone().blocking(read), cut.asynchronous(read_async)] {
        assert_eq!((reply.status(), reply.log()), (500, "the handler failed: the form ends before its last boundary\n"));
    }
}

/// Parts that nobody reads are passed over.
#[test]
fn names_alone() {
    async fn names(mut req: aio::Request) -> Result<Response, multipart::Error> {
        let (mut heard, mut parts) = (String::new(), req.parts().expect("a form"));
        while let Some(part) = parts.next_part().await? {
            heard += &format!("{};", part.name);
        }
        assert_eq!(parts.next_part().await?, None);
        assert_eq!(parts.next_piece().await?, None);
        Ok(Response::text(heard))
    }
    let request = Request::post("/").header("Content-Type", "multipart/form-data; boundary=X").body(FORM).piece_size(5);
    assert_eq!(request.asynchronous(names).text(), "a;b;;none;");
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
