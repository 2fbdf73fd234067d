//! Says hello at the level of events: it hears one, and answers with one call.

use sluice::{Error, Event, Field, Session};

fn hello(session: Session, _: Event) -> Result<(), Error> {
    session.send(200, &[Field::new("content-type", "text/plain; charset=utf-8")], "Hello from Rust!\n")
}

sluice::handler!(events hello, READY);
