//! Runs handlers natively, so that `cargo test` tests them: a host for one thread, with requests that come in pieces, peers
//! that read slowly or go away, and the errors that the true host gives.
//!
//! ```
//! use sluice::testing::Request;
//! use sluice::{Response, SetCookie};
//!
//! fn greet(req: sluice::Request) -> Response {
//!     let name = req.cookie("name").unwrap_or("nobody").to_owned();
//!     Response::text(format!("Hello, {name}!\n")).with_cookie(SetCookie::new("seen", "yes"))
//! }
//!
//! let reply = Request::get("/").header("Cookie", "name=Ada").message(greet);
//! assert_eq!(reply.status(), 200);
//! assert_eq!(reply.header("Set-Cookie"), Some("seen=yes"));
//! assert_eq!(reply.text(), "Hello, Ada!\n");
//! ```

use crate::abi::{self, Bytes, CloseReason, ClosedSide, Errno, ReadState, Subscriptions, Version, WriteState};
use crate::{aio, blocking, runtime, Answer, Event, Head, Outcome, Session};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::rc::Rc;

/// A request to call a handler with.
#[derive(Clone, Debug)]
pub struct Request {
    method: String,
    target: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    piece_size: usize,
    room: usize,
    cut_after: Option<usize>,
}

impl Request {
    /// A request with a method and a target.
    pub fn new(method: &str, target: &str) -> Self {
        Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("Host".to_owned(), b"localhost".to_vec())],
            body: Vec::new(),
            trailers: Vec::new(),
            piece_size: 16 << 10,
            room: 128 << 10,
            cut_after: None,
        }
    }

    /// A GET request.
    pub fn get(target: &str) -> Self {
        Request::new("GET", target)
    }

    /// A POST request.
    pub fn post(target: &str) -> Self {
        Request::new("POST", target)
    }

    /// With another field.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// With a body.
    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    /// With another trailer.
    pub fn trailer(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.trailers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// How many bytes of the body come at a time; 16 KiB unless it is told.
    pub fn piece_size(mut self, bytes: usize) -> Self {
        self.piece_size = bytes.max(1);
        self
    }

    /// How many bytes of the answer may wait until the peer takes them; 128 KiB unless it is told.
    pub fn room(mut self, bytes: usize) -> Self {
        self.room = bytes.max(1);
        self
    }

    /// The connection breaks after so many bytes of the body.
    pub fn cut_after(mut self, bytes: usize) -> Self {
        self.cut_after = Some(bytes);
        self
    }

    /// Has a handler of whole requests answer it.
    pub fn message<A: Answer>(self, handle: impl Fn(crate::Request<'_>) -> A) -> Reply {
        one(self, Subscriptions::READY, false, |session, event, payload, size| {
            // SAFETY: the payload is the event's; so below.
            unsafe { runtime::message(session, event, payload, size, &handle) }
        })
    }

    /// Has a handler in the blocking style answer it.
    pub fn blocking<A: Answer>(self, handle: impl Fn(&Head, &mut blocking::Body, blocking::Responder) -> A) -> Reply {
        one(self, runtime::STREAM, false, |session, event, payload, size| unsafe {
            runtime::blocking(session, event, payload, size, |head, body, responder| handle(head, body, responder))
        })
    }

    /// Has an async handler answer it.
    pub fn asynchronous<A: Answer, F: Future<Output = A> + 'static>(self, handle: impl Fn(aio::Request) -> F) -> Reply {
        let mut replies = asynchronous(vec![self], handle);
        replies.remove(0)
    }

    /// Has a handler of events answer it.
    pub fn events<R: Outcome>(self, events: Subscriptions, handle: impl Fn(Session, Event<'_>) -> R) -> Reply {
        one(self, events, true, |session, event, payload, size| unsafe {
            runtime::events(session, event, payload, size, &handle)
        })
    }

    /// Has a handler in the types of the crate `http` answer it.
    #[cfg(feature = "http")]
    pub fn http<B, A: Answer>(self, handle: impl Fn(http::Request<B>) -> A) -> Reply
    where
        B: for<'a> From<&'a [u8]>,
    {
        one(self, Subscriptions::READY, false, |session, event, payload, size| unsafe {
            runtime::http(session, event, payload, size, &handle)
        })
    }
}

/// Has an async handler answer many requests at the same time: their events come by turns.
pub fn asynchronous<A: Answer, F: Future<Output = A> + 'static>(
    requests: Vec<Request>,
    handle: impl Fn(aio::Request) -> F,
) -> Vec<Reply> {
    run(requests, runtime::ASYNCHRONOUS, true, |session, event, payload, size| unsafe {
        runtime::asynchronous(session, event, payload, size, &handle)
    })
}

/// What a handler has answered.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    status: Option<u16>,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    informational: Vec<u16>,
    complete: bool,
    delivered: usize,
    log: String,
}

impl Reply {
    /// The status; 500 when the handler has not answered, as the host would say.
    pub fn status(&self) -> u16 {
        self.status.unwrap_or(500)
    }

    /// The value of the first field with a name, in whatever case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text. It panics when the body is no UTF-8.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The value of the first trailer with a name, in whatever case.
    pub fn trailer(&self, name: &str) -> Option<&str> {
        find(&self.trailers, name)
    }

    /// The statuses of the informational answers that came ahead of it.
    pub fn informational(&self) -> &[u16] {
        &self.informational
    }

    /// Whether the answer was ended, and not cut.
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    /// How many bytes of the request's body the handler was given.
    pub fn delivered(&self) -> usize {
        self.delivered
    }

    /// What was printed to the log while the handler worked.
    pub fn log(&self) -> &str {
        &self.log
    }
}

fn find<'a>(fields: &'a [(String, Vec<u8>)], name: &str) -> Option<&'a str> {
    let (_, value) = fields.iter().find(|(n, _)| n.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(value).ok()
}

// ----- Delivering events -----

thread_local! {
    static HOST: RefCell<Host> = RefCell::new(Host { exchanges: BTreeMap::new(), last: 0, log: Vec::new() });
}

#[derive(Default)]
struct Host {
    exchanges: BTreeMap<u32, Exchange>,
    last: u32,
    log: Vec<u8>,
}

fn one(request: Request, events: Subscriptions, shared: bool, on_event: impl Fn(u32, u32, *const u8, usize)) -> Reply {
    run(vec![request], events, shared, on_event).remove(0)
}

/// Delivers the events of several requests by turns, until no more are due.
pub(crate) fn run(
    requests: Vec<Request>,
    events: Subscriptions,
    shared: bool,
    on_event: impl Fn(u32, u32, *const u8, usize),
) -> Vec<Reply> {
    let sessions: Vec<u32> = requests.into_iter().map(|request| begin(request, events, shared)).collect();
    let mut busy = true;
    while busy {
        busy = false;
        for &session in &sessions {
            if let Some((event, payload)) = with(session, Exchange::next) {
                busy = true;
                on_event(session, event.0.into(), payload.ptr, payload.len);
            }
        }
    }
    sessions.into_iter().map(end).collect()
}

fn begin(request: Request, events: Subscriptions, shared: bool) -> u32 {
    HOST.with(|host| {
        let mut host = host.borrow_mut();
        host.last += 1;
        let session = host.last;
        host.exchanges.insert(session, Exchange::new(request, events, shared));
        session
    })
}

fn end(session: u32) -> Reply {
    HOST.with(|host| {
        let mut host = host.borrow_mut();
        let mut exchange = host.exchanges.remove(&session).expect("the session has begun");
        exchange.reply.log = String::from_utf8_lossy(&host.log).into_owned();
        if host.exchanges.is_empty() {
            host.log.clear();
        }
        exchange.reply
    })
}

/// Calls a function with the exchange of a session that is there.
fn with<R>(session: u32, call: impl FnOnce(&mut Exchange) -> R) -> R {
    HOST.with(|host| call(host.borrow_mut().exchanges.get_mut(&session).expect("the session has begun")))
}

/// Takes what a handler prints. Outside of a session it is printed.
pub(crate) fn print(bytes: &[u8]) {
    HOST.with(|host| {
        let mut host = host.borrow_mut();
        if host.exchanges.is_empty() {
            eprint!("{}", String::from_utf8_lossy(bytes));
        } else {
            host.log.extend_from_slice(bytes);
        }
    })
}

/// What is still to come of a request.
#[derive(Clone, Copy)]
enum Incoming {
    Line,
    Header,
    Data(usize, usize),
    Trailer,
    Ready,
    Broken,
}

/// A session, as the host sees it.
struct Exchange {
    request: Rc<Request>,
    events: Subscriptions,
    shared: bool,
    incoming: VecDeque<Incoming>,
    due: VecDeque<abi::Event>,
    read_state: ReadState,
    write_state: WriteState,
    kept: (u16, Vec<(String, Vec<u8>)>),
    auto_send: bool,
    length: Option<usize>,
    sent: usize,
    waiting: usize,
    paused: bool,
    discarding: bool,
    gone: bool,
    reply: Reply,
    /// The records and tables that payloads are made of, for as long as the session lasts.
    records: Vec<Record>,
    tables: Vec<Box<[abi::Field]>>,
}

#[allow(dead_code)] // only their places are used
enum Record {
    Line(Box<abi::Line>),
    Header(Box<abi::Header>),
    Data(Box<abi::Data>),
    Message(Box<abi::Message>),
    Closed(Box<abi::Closed>),
}

impl Exchange {
    fn new(request: Request, events: Subscriptions, shared: bool) -> Self {
        let mut incoming: VecDeque<_> = [Incoming::Line, Incoming::Header].into();
        let whole = !events.contains(Subscriptions::DATA_READY);
        let size = request.cut_after.unwrap_or(request.body.len()).min(request.body.len());
        let mut at = 0;
        while at < size && !whole {
            let end = size.min(at + request.piece_size);
            incoming.push_back(Incoming::Data(at, end));
            at = end;
        }
        if request.cut_after.is_some() {
            incoming.push_back(Incoming::Broken);
        } else {
            if !request.trailers.is_empty() {
                incoming.push_back(Incoming::Trailer);
            }
            incoming.push_back(Incoming::Ready);
        }
        Exchange {
            request: Rc::new(request),
            events,
            shared,
            incoming,
            due: VecDeque::new(),
            read_state: ReadState::EMPTY,
            write_state: WriteState::EMPTY,
            kept: (200, Vec::new()),
            auto_send: true,
            length: None,
            sent: 0,
            waiting: 0,
            paused: false,
            discarding: false,
            gone: false,
            reply: Reply::default(),
            records: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// The next event that is due and wanted, with its payload.
    fn next(&mut self) -> Option<(abi::Event, Bytes)> {
        loop {
            if let Some(event) = self.due.pop_front() {
                if self.wants(event) {
                    return Some((event, Bytes::new(&[])));
                }
                continue;
            }
            if self.waiting >= self.request.room {
                self.flush();
                continue;
            }
            if !self.paused || self.reply.complete {
                if let Some(incoming) = self.incoming.pop_front() {
                    if let Some(delivery) = self.deliver(incoming) {
                        return Some(delivery);
                    }
                    continue;
                }
            }
            if self.waiting == 0 {
                return None;
            }
            self.flush();
        }
    }

    /// The peer takes what was sent.
    fn flush(&mut self) {
        self.waiting = 0;
        self.due.push_back(abi::Event::DATA_DONE);
        if self.reply.complete {
            self.due.push_back(abi::Event::DONE);
        }
    }

    fn wants(&self, event: abi::Event) -> bool {
        self.events.contains(Subscriptions(1 << event.0))
    }

    /// Makes the event of what comes, if it is wanted.
    fn deliver(&mut self, incoming: Incoming) -> Option<(abi::Event, Bytes)> {
        let request = self.request.clone();
        let line = abi::Line {
            method: Bytes::new(request.method.as_bytes()),
            target: Bytes::new(request.target.as_bytes()),
            version: Version::HTTP_1_1,
        };
        let (event, record) = match incoming {
            Incoming::Line => (abi::Event::LINE_READY, Record::Line(Box::new(line))),
            Incoming::Header => {
                self.read_state = ReadState::MESSAGE_READY;
                let fields = self.table(&request.headers);
                (abi::Event::HEADER_READY, Record::Header(Box::new(abi::Header { fields })))
            }
            Incoming::Data(_, _) | Incoming::Trailer if self.discarding => return None,
            Incoming::Data(start, end) => {
                self.read_state = ReadState::BODY_READY;
                self.reply.delivered += end - start;
                let content = Bytes::new(&request.body[start..end]);
                (abi::Event::DATA_READY, Record::Data(Box::new(abi::Data { content, flags: abi::DataFlags(0) })))
            }
            Incoming::Trailer => {
                let fields = self.table(&request.trailers);
                (abi::Event::TRAILER_READY, Record::Header(Box::new(abi::Header { fields })))
            }
            Incoming::Ready => {
                self.read_state = ReadState::FINISHED;
                if self.wants(abi::Event::DATA_READY) {
                    return self.wants(abi::Event::READY).then(|| (abi::Event::READY, Bytes::new(&[])));
                }
                let (fields, body) = (self.table(&request.headers), Bytes::new(&request.body));
                (abi::Event::READY, Record::Message(Box::new(abi::Message { line, fields, body })))
            }
            Incoming::Broken => {
                self.gone = true;
                let closed = abi::Closed { side: ClosedSide::BOTH, reason: CloseReason::TRUNCATED };
                (abi::Event::CLOSED, Record::Closed(Box::new(closed)))
            }
        };
        let payload = match &record {
            Record::Line(r) => place(&**r),
            Record::Header(r) => place(&**r),
            Record::Data(r) => place(&**r),
            Record::Message(r) => place(&**r),
            Record::Closed(r) => place(&**r),
        };
        self.records.push(record);
        self.wants(event).then_some((event, payload))
    }

    /// A table of fields that lie in the request.
    fn table(&mut self, fields: &[(String, Vec<u8>)]) -> abi::Fields {
        let field =
            |(name, value): &(String, Vec<u8>)| abi::Field { name: Bytes::new(name.as_bytes()), value: Bytes::new(value) };
        self.tables.push(fields.iter().map(field).collect());
        abi::Fields::new(&self.tables[self.tables.len() - 1])
    }

    // ----- What the handler sends -----

    fn set_head(&mut self, status: u16, fields: Vec<(String, Vec<u8>)>) -> Errno {
        if self.has_head() {
            return Errno::STATE;
        }
        self.kept = (status, fields);
        Errno::SUCCESS
    }

    fn send_head(&mut self) -> Errno {
        if self.gone {
            return Errno::CLOSED;
        }
        if self.has_head() {
            return Errno::STATE;
        }
        if !self.kept.1.iter().all(|(name, value)| is_valid(name, value)) {
            return Errno::INVALID;
        }
        let (status, fields) = std::mem::take(&mut self.kept);
        self.length = find(&fields, "content-length").and_then(|length| length.parse().ok());
        self.reply.status = Some(status);
        self.reply.headers = fields;
        self.write_state = WriteState::METADATA_ISSUED;
        self.due.push_back(abi::Event::HEADER_DONE);
        Errno::SUCCESS
    }

    fn has_head(&self) -> bool {
        !matches!(self.write_state, WriteState::EMPTY | WriteState::CONTINUE_ISSUED)
    }

    /// Sends the head that nobody has sent yet.
    fn send_missing_head(&mut self) -> Errno {
        match self.has_head() {
            true => Errno::SUCCESS,
            false if !self.auto_send => Errno::STATE,
            false => self.send_head(),
        }
    }

    fn send_data(&mut self, content: &[u8]) -> Errno {
        if content.is_empty() {
            return Errno::SUCCESS;
        }
        let errno = self.send_missing_head();
        if errno != Errno::SUCCESS {
            return errno;
        }
        match () {
            _ if self.gone => Errno::CLOSED,
            _ if self.reply.complete => Errno::STATE,
            _ if self.waiting >= self.request.room => Errno::AGAIN,
            _ if self.length.map_or(false, |length| content.len() > length - self.sent) => Errno::TOO_BIG,
            _ => {
                self.sent += content.len();
                self.waiting += content.len();
                if self.request.method != "HEAD" {
                    self.reply.body.extend_from_slice(content);
                }
                Errno::SUCCESS
            }
        }
    }

    fn send_end(&mut self) -> Errno {
        let errno = self.send_missing_head();
        if errno != Errno::SUCCESS {
            return errno;
        }
        match () {
            _ if self.gone => Errno::CLOSED,
            _ if self.reply.complete => Errno::STATE,
            _ if self.length.map_or(false, |length| self.sent < length) && self.request.method != "HEAD" => {
                self.gone = true;
                Errno::INVALID
            }
            _ => {
                self.reply.complete = true;
                self.write_state = WriteState::FINISHED;
                self.waiting = self.waiting.max(1);
                Errno::SUCCESS
            }
        }
    }
}

/// Where a record lies.
fn place<T>(record: &T) -> Bytes {
    Bytes { ptr: record as *const T as *const u8, len: std::mem::size_of::<T>() }
}

/// Whether a field may be sent (RFC 9110 section 5).
fn is_valid(name: &str, value: &[u8]) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token) && !value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n'))
}

/// What handlers import, natively: the functions of [`abi`] with the same names.
pub(crate) mod host {
    use super::*;

    /// Calls a function with the exchange that a handler names.
    fn of(session: abi::Session, call: impl FnOnce(&mut Exchange) -> Errno) -> Errno {
        HOST.with(|host| host.borrow_mut().exchanges.get_mut(&session.0).map_or(Errno::NO_SESSION, call))
    }

    unsafe fn copy(fields: &[abi::Field]) -> Vec<(String, Vec<u8>)> {
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes.as_slice()).into_owned();
        fields.iter().map(|field| (text(&field.name), field.value.as_slice().to_vec())).collect()
    }

    pub unsafe fn send(session: abi::Session, status: u16, fields: &[abi::Field], body: &[u8]) -> Errno {
        let errno = send_head(session, status, fields);
        if errno != Errno::SUCCESS {
            return errno;
        }
        of(session, |exchange| {
            exchange.reply.headers.push(("Content-Length".to_owned(), body.len().to_string().into_bytes()));
            exchange.send_data(body);
            exchange.send_end()
        })
    }

    pub unsafe fn send_head(session: abi::Session, status: u16, fields: &[abi::Field]) -> Errno {
        let errno = set_head(session, status, fields);
        if errno != Errno::SUCCESS {
            return errno;
        }
        of(session, Exchange::send_head)
    }

    pub unsafe fn set_head(session: abi::Session, status: u16, fields: &[abi::Field]) -> Errno {
        if !(200..=999).contains(&status) {
            return Errno::INVALID;
        }
        let fields = copy(fields);
        of(session, |exchange| exchange.set_head(status, fields))
    }

    pub fn auto_send(session: abi::Session, enabled: bool) -> Errno {
        of(session, |exchange| {
            exchange.auto_send = enabled;
            Errno::SUCCESS
        })
    }

    pub fn send_data(session: abi::Session, content: &[u8]) -> Errno {
        of(session, |exchange| exchange.send_data(content))
    }

    pub fn send_end(session: abi::Session) -> Errno {
        of(session, Exchange::send_end)
    }

    pub unsafe fn send_trailers(session: abi::Session, fields: &[abi::Field]) -> Errno {
        let fields = copy(fields);
        of(session, |exchange| match fields.iter().all(|(name, value)| is_valid(name, value)) {
            false => Errno::INVALID,
            true => {
                let errno = exchange.send_end();
                if errno == Errno::SUCCESS {
                    exchange.reply.trailers = fields;
                }
                errno
            }
        })
    }

    pub unsafe fn send_informational(session: abi::Session, status: u16, _: &[abi::Field]) -> Errno {
        of(session, |exchange| match status {
            _ if exchange.has_head() => Errno::STATE,
            100..=199 if status != 101 => {
                exchange.reply.informational.push(status);
                Errno::SUCCESS
            }
            _ => Errno::INVALID,
        })
    }

    pub unsafe fn upgrade(session: abi::Session, _: &[abi::Field]) -> Errno {
        of(session, |_| Errno::UNSUPPORTED)
    }

    pub fn hold_continue(session: abi::Session) -> Errno {
        of(session, |exchange| if exchange.has_head() { Errno::STATE } else { Errno::SUCCESS })
    }

    pub fn pause(session: abi::Session) -> Errno {
        of(session, |exchange| {
            exchange.paused = true;
            Errno::SUCCESS
        })
    }

    pub fn resume(session: abi::Session) -> Errno {
        of(session, |exchange| {
            exchange.paused = false;
            Errno::SUCCESS
        })
    }

    pub fn discard(session: abi::Session) -> Errno {
        of(session, |exchange| {
            exchange.discarding = true;
            Errno::SUCCESS
        })
    }

    pub fn stream(session: abi::Session) -> Errno {
        of(session, |exchange| if exchange.reply.complete { Errno::STATE } else { Errno::SUCCESS })
    }

    pub fn drain(session: abi::Session) -> Errno {
        of(session, |_| Errno::SUCCESS)
    }

    pub fn close(session: abi::Session) -> Errno {
        of(session, |exchange| {
            exchange.gone = true;
            exchange.incoming.clear();
            Errno::SUCCESS
        })
    }

    pub fn get_read_state(session: abi::Session, state: &mut ReadState) -> Errno {
        of(session, |exchange| {
            *state = exchange.read_state;
            Errno::SUCCESS
        })
    }

    pub fn get_write_state(session: abi::Session, state: &mut WriteState) -> Errno {
        of(session, |exchange| {
            *state = exchange.write_state;
            Errno::SUCCESS
        })
    }

    pub fn next_event(session: abi::Session, delivery: &mut abi::Delivery) -> Errno {
        of(session, |exchange| match () {
            _ if exchange.shared => Errno::UNSUPPORTED,
            _ if exchange.gone => Errno::CLOSED,
            _ => match exchange.next() {
                Some((event, payload)) => {
                    *delivery = abi::Delivery { event, payload };
                    Errno::SUCCESS
                }
                None if exchange.gone => Errno::CLOSED,
                None => Errno::STATE,
            },
        })
    }

    pub fn wait_writable(session: abi::Session) -> Errno {
        of(session, |exchange| match () {
            _ if exchange.shared => Errno::UNSUPPORTED,
            _ if exchange.gone => Errno::CLOSED,
            _ => {
                exchange.waiting = 0;
                Errno::SUCCESS
            }
        })
    }
}
