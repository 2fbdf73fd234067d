//! Bodies as they come in and as they go out, in both styles: however they are split, however slowly the peer reads, and when
//! it goes.

use sluice::testing::{self, Reply, Request};
use sluice::{aio, blocking, Error, Head, Response, Sent};
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{BufRead, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

fn blocking_echo(head: &Head, body: &mut blocking::Body, responder: blocking::Responder) -> Result<Sent, Error> {
    let mut out = responder.start(Response::new(200).with_header("x-target", head.target().to_owned()))?;
    while let Some(piece) = body.next()? {
        out.write(piece)?;
    }
    out.trailers(body.trailers().as_slice())
}

async fn async_echo(mut req: aio::Request) -> Result<Sent, Error> {
    let mut out = req.start(Response::new(200).with_header("x-target", req.target().to_owned()))?;
    while let Some(piece) = req.body().next().await? {
        out.write(piece).await?;
    }
    out.trailers(req.trailers().fields().as_slice())
}

/// Calls both.
fn echo(request: Request) -> [Reply; 2] {
    [request.clone().blocking(blocking_echo), request.asynchronous(async_echo)]
}

#[test]
fn echoes() {
    let body: Vec<u8> = (0..300_000u32).map(|i| (i % 251) as u8).collect();
    for size in [0, 1, 2, 1000, body.len()] {
        for piece_size in [1, 7, 4096, 1 << 20] {
            for room in [1, 1000, 1 << 20] {
                if size / piece_size > 2000 {
                    continue;
                }
                let request = Request::post("/there").body(&body[..size]).piece_size(piece_size).room(room);
                for reply in echo(request.trailer("x-sum", "42")) {
                    assert_eq!(reply.status(), 200);
                    assert_eq!(reply.header("x-target"), Some("/there"));
                    assert!(reply.body() == &body[..size] && reply.is_complete(), "{size} {piece_size} {room}");
                    assert_eq!(reply.trailer("x-sum"), Some("42"));
                    assert_eq!(reply.log(), "");
                }
            }
        }
    }
}

/// A peer that goes is no line of the log, and nothing of the answer is taken for complete.
#[test]
fn peers_that_go() {
    for reply in echo(Request::post("/").body("0123456789").piece_size(4).cut_after(8)) {
        assert!(!reply.is_complete());
        assert_eq!(reply.log(), "");
    }
}

#[test]
fn early_answers() {
    fn refuse(_: &Head, _: &mut blocking::Body, responder: blocking::Responder) -> Result<Sent, Error> {
        responder.send(Response::text("no\n").with_status(405))
    }
    async fn refuse_async(req: aio::Request) -> Response {
        Response::text(format!("no {}\n", req.method())).with_status(405)
    }
    let request = Request::post("/").body("never read").piece_size(1);
    for (reply, text) in [(request.clone().blocking(refuse), "no\n"), (request.asynchronous(refuse_async), "no POST\n")] {
        assert_eq!((reply.text(), reply.delivered()), (text, 0));
    }
}

#[test]
fn collected_bodies() {
    fn collect(_: &Head, body: &mut blocking::Body, responder: blocking::Responder) -> Result<Sent, Error> {
        responder.send(Response::content("a/b", body.bytes(5)?))
    }
    async fn collect_async(mut req: aio::Request) -> Result<Response, Error> {
        Ok(Response::content("a/b", req.body().bytes_up_to(5).await?))
    }
    for (body, status) in [("", 200), ("12345", 200), ("123456", 413)] {
        for piece_size in [1, 3, 10] {
            let request = Request::post("/").body(body).piece_size(piece_size);
            for reply in [request.clone().blocking(collect), request.asynchronous(collect_async)] {
                assert_eq!((reply.status(), reply.log()), (status, ""), "{body}");
                assert!(status != 200 || reply.text() == body);
            }
        }
    }
}

/// The traits of std::io.
#[test]
fn readers_and_writers() {
    fn shout(_: &Head, body: &mut blocking::Body, responder: blocking::Responder) -> std::io::Result<Sent> {
        let mut out = responder.start(Response::new(200))?;
        let mut line = String::new();
        while body.read_line(&mut line)? > 0 {
            Write::write_all(&mut out, line.to_uppercase().as_bytes())?;
            line.clear();
        }
        assert_eq!(body.read(&mut [0; 10])?, 0);
        Ok(out.finish()?)
    }
    for piece_size in 1..10 {
        let reply = Request::post("/").body("one\ntwo\n\nthree").piece_size(piece_size).blocking(shout);
        assert_eq!(reply.text(), "ONE\nTWO\n\nTHREE");
    }
}

/// Waiting is for instances that serve one session at a time. The others are told what to do instead.
#[test]
fn blocking_among_many() {
    let events = sluice::abi::Subscriptions::READY;
    let reply = Request::get("/").events(events, |session, _| {
        let error = session.wait_writable().unwrap_err();
        session.send(200, &[], error.to_string())
    });
    let text = "wait_writable: an instance that serves several sessions must not wait; use an async handler, or isolation = \"request\"";
    assert_eq!(reply.text(), text);
}

#[test]
fn heads_that_are_sent_at_once() {
    async fn now(req: aio::Request) -> Result<Sent, Error> {
        req.session().send_informational(103, &[])?;
        let mut out = req.start_now(Response::text("first, "))?;
        assert!(matches!(req.session().send_informational(103, &[]), Err(Error::State(_))));
        out.write("second\n").await?;
        out.finish()
    }
    let reply = Request::get("/").asynchronous(now);
    assert_eq!((reply.text(), reply.informational()), ("first, second\n", &[103][..]));
}

/// An answer that is given up is not taken for complete.
#[test]
fn streams_without_an_end() {
    async fn forget(req: aio::Request) -> Result<Sent, Error> {
        let mut out = req.start(Response::new(200))?;
        out.write("begun").await?;
        drop(out);
        Err(Error::State(sluice::Call::SEND_END))
    }
    let reply = Request::get("/").asynchronous(forget);
    assert!(!reply.is_complete());
    assert_eq!(reply.log(), "the handler failed: send_end: the answer is complete already, or has no head; end it once\n");
}

// ----- Many sessions in one instance -----

#[test]
fn many_at_a_time() {
    let requests =
        (0..200).map(|i| Request::post(&format!("/{i}")).body("x".repeat(i)).piece_size(3).room(1 + i % 5)).collect();
    for (i, reply) in testing::asynchronous(requests, async_echo).iter().enumerate() {
        assert_eq!((reply.header("x-target"), reply.body().len()), (Some(&*format!("/{i}")), i));
        assert!(reply.is_complete());
    }
}

/// The place where sessions meet: the first of two waits until the second has come.
#[derive(Default)]
struct Meeting {
    message: RefCell<Option<String>>,
    waiting: RefCell<Option<Waker>>,
}

struct Next(Rc<Meeting>);

impl Future for Next {
    type Output = String;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<String> {
        match self.0.message.take() {
            Some(message) => Poll::Ready(message),
            None => {
                *self.0.waiting.borrow_mut() = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// A session wakes another, in whichever order they come, and one that is woken in vain waits again.
#[test]
fn sessions_that_wake_each_other() {
    for requests in [["/wait", "/tell"], ["/tell", "/wait"]] {
        let meeting = Rc::new(Meeting::default());
        let handle = |req: aio::Request| {
            let meeting = meeting.clone();
            async move {
                if req.path() == "/wait" {
                    return Response::text(Next(meeting).await);
                }
                meeting.waiting.borrow().iter().for_each(Waker::wake_by_ref); // in vain
                *meeting.message.borrow_mut() = Some("met".to_owned());
                if let Some(waker) = meeting.waiting.take() {
                    waker.wake();
                }
                Response::text("told")
            }
        };
        let replies = testing::asynchronous(requests.iter().map(|path| Request::get(path)).collect(), handle);
        let texts: Vec<_> = replies.iter().map(Reply::text).collect();
        assert_eq!(texts, requests.map(|path| if path == "/wait" { "met" } else { "told" }));
    }
}

/// A future whose peer goes is dropped, and with it what it holds.
#[test]
fn cancellation() {
    struct Guard(Rc<Cell<u32>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let dropped = Rc::new(Cell::new(0));
    let handle = |_: aio::Request| {
        let guard = Guard(dropped.clone());
        async move {
            std::future::pending::<()>().await;
            drop(guard);
            Response::new(204)
        }
    };
    Request::post("/").body("12").cut_after(0).asynchronous(handle);
    assert_eq!(dropped.get(), 1);
}

/// So is one whose session the host has ended without a word, though later.
#[test]
fn sessions_that_end_unheard() {
    let live = Rc::new(());
    let handle = |_: aio::Request| {
        let mine = live.clone();
        async move {
            std::future::pending::<()>().await;
            drop(mine);
            Response::new(204)
        }
    };
    for _ in 0..1000 {
        assert_eq!(Request::get("/").asynchronous(handle).status(), 500);
    }
    assert!(Rc::strong_count(&live) < 100, "{} futures are kept", Rc::strong_count(&live) - 1);
}

/// A handler that does not take its body is not sent more of it.
#[test]
fn backpressure() {
    async fn slow(mut req: aio::Request) -> Result<Response, Error> {
        struct Turns(u32);
        impl Future for Turns {
            type Output = ();
            fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                self.0 -= 1;
                context.waker().wake_by_ref();
                if self.0 == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
        }
        let mut count = 0;
        while let Some(piece) = req.body().next().await? {
            Turns(3).await;
            count += piece.len();
        }
        Ok(Response::text(count.to_string()))
    }
    assert_eq!(Request::post("/").body([0; 1000]).piece_size(10).asynchronous(slow).text(), "1000");

    // One piece has come, and waits; the others are left with the peer.
    let waiting = |req: aio::Request| async move {
        let _req = req;
        std::future::pending::<Response>().await
    };
    let reply = Request::post("/").body([0; 1000]).piece_size(10).asynchronous(waiting);
    assert_eq!((reply.is_complete(), reply.delivered()), (false, 10));
}
