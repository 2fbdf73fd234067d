//! Does what a handler must not do, one thing for each path, to show what comes of it: an error that says what to do where
//! the program can go on, and the end of the session where it cannot. internal/e2e holds the host against it.

use sluice::{Error, Event, Field, Session};

fn misuse(session: Session, event: Event) -> Result<(), Error> {
    let req = match event {
        Event::Ready(Some(req)) => req,
        _ => return Ok(()),
    };
    match req.path() {
        "/write-after-end" => write_after_end(session),
        "/wrong-length" => wrong_length(session),
        "/short-length" => short_length(session),
        "/double-head" => double_head(session),
        "/bad-field" => session.send(200, &[Field::new("no token", "")], ""),
        "/throw" => panic!("thrown for {}", req.path()),
        "/block" => block(),
        _ => session.send(200, &[], "ok\n"),
    }
}

fn write_after_end(session: Session) -> Result<(), Error> {
    session.send_data("complete\n")?;
    session.send_end()?;
    tell(session.send_data("more"));
    Ok(())
}

/// Says 5 bytes and writes more: what is too much is refused, and what was announced can still be sent.
fn wrong_length(session: Session) -> Result<(), Error> {
    session.send_head(200, &[Field::new("content-length", "5")])?;
    tell(session.send_data("far too much\n"));
    session.send_data("five\n")?;
    session.send_end()
}

/// Says 5 bytes and writes 2: the answer cannot be completed.
fn short_length(session: Session) -> Result<(), Error> {
    session.send_head(200, &[Field::new("content-length", "5")])?;
    session.send_data("2\n")?;
    tell(session.send_end());
    Ok(())
}

fn double_head(session: Session) -> Result<(), Error> {
    session.send_head(200, &[])?;
    tell(session.send_head(404, &[]));
    session.send_data("the first head counts\n")?;
    session.send_end()
}

fn block() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// Prints the error that a call has given, and goes on.
fn tell(result: Result<(), Error>) {
    match result {
        Err(error) => sluice::log!("refused: {error}"),
        Ok(()) => sluice::log!("not refused"),
    }
}

sluice::handler!(events misuse, READY);
