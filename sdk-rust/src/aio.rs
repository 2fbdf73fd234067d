//! Handlers as async functions. An await gives the instance back until the event comes that it waits for, so one instance can
//! serve any number of sessions at a time (`isolation = "shared"`); nothing ever waits in the host.
//!
//! ```
//! use sluice::aio::Request;
//! use sluice::{Error, Response, Sent};
//!
//! async fn echo(mut req: Request) -> Result<Sent, Error> {
//!     let mut out = req.start(Response::new(200))?;
//!     while let Some(piece) = req.body().next().await? {
//!         out.write(piece).await?;
//!     }
//!     out.finish()
//! }
//!
//! sluice::handler!(async echo);
//! # fn main() {
//! # let answer = sluice::testing::Request::post("/").body("hello").piece_size(2).asynchronous(echo);
//! # assert_eq!(answer.text(), "hello");
//! # }
//! ```
//!
//! The executor is in this file, and small: a task for each session, polled when an event of its session comes, or when
//! something else has woken it. Futures of other crates can be awaited too, so long as something in this instance wakes them:
//! channels between sessions, for instance, but no timers.

use crate::abi::ClosedSide;
use crate::error::{Call, Error};
use crate::event::Event;
use crate::fields::{Field, Fields, OwnedFields};
use crate::head::{Head, OwnedHead};
use crate::multipart::{self, Parser, PartHead, Step};
use crate::response::{settle, Answer, Response, Sent, LARGEST_PIECE, TOO_LARGE};
use crate::session::Session;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

/// A request whose head has come. [`Head`] has the methods for it, and [`body`](Self::body) what follows.
#[derive(Debug)]
pub struct Request {
    head: OwnedHead,
    body: Body,
}

impl Request {
    /// The body, as it comes in.
    pub fn body(&mut self) -> &mut Body {
        &mut self.body
    }

    /// The trailers that came after the body: none before its end was awaited.
    pub fn trailers(&self) -> OwnedFields {
        self.body.trailers()
    }

    /// The parts of a form, while they come in; `None` when the type is something else.
    ///
    /// ```
    /// # use sluice::{aio::Request, multipart, Response};
    /// async fn names(mut req: Request) -> Result<Response, multipart::Error> {
    ///     let mut list = String::new();
    ///     if let Some(mut parts) = req.parts() {
    ///         while let Some(part) = parts.next_part().await? {
    ///             list += &part.name;
    ///             list.push('\n');
    ///         }
    ///     }
    ///     Ok(Response::text(list))
    /// }
    /// # let form = "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--X--";
    /// # let request = sluice::testing::Request::post("/").header("content-type", "multipart/form-data; boundary=X");
    /// # assert_eq!(request.body(form).asynchronous(names).text(), "a\n");
    /// ```
    pub fn parts(&mut self) -> Option<Parts<'_>> {
        let boundary = multipart::boundary(self.head.header("content-type")?)?;
        Some(Parts { parser: Parser::new(boundary), body: &mut self.body, ahead: None })
    }

    /// Answers whole. A handler that never streams gives back the [`Response`] instead.
    ///
    /// # Errors
    ///
    /// As [`Session::send`].
    pub fn reply(&self, response: Response) -> Result<Sent, Error> {
        response.send(self.session())?;
        Ok(Sent(()))
    }

    /// Begins an answer whose body is written later. Its head goes out with the first byte: until then a peer that waits to
    /// be asked for its body is still asked. Without Content-Length the body is sent in chunks.
    ///
    /// # Errors
    ///
    /// As [`Session::set_head`], and [`Session::send_data`] when the head has a body.
    pub fn start(&self, head: Response) -> Result<Stream, Error> {
        self.begin(head, false)
    }

    /// Begins an answer and sends its head at once.
    ///
    /// # Errors
    ///
    /// As [`Session::send_head`].
    pub fn start_now(&self, head: Response) -> Result<Stream, Error> {
        self.begin(head, true)
    }

    fn begin(&self, head: Response, at_once: bool) -> Result<Stream, Error> {
        head.begin(self.session(), at_once)?;
        if !head.body().is_empty() {
            self.session().send_data(head.body())?;
        }
        Ok(Stream { channel: self.body.channel.clone() })
    }

    /// Lets the request take as long as it likes, as [`Session::stream`]. Then the host counts the handler's CPU time from one
    /// wait to the next, and bodies may be of any size.
    ///
    /// # Errors
    ///
    /// As [`Session::stream`].
    pub fn stream(&self) -> Result<(), Error> {
        self.session().stream()
    }

    /// The session, for what goes beyond an answer: hints ahead of it, draining.
    pub fn session(&self) -> Session {
        self.body.channel.session
    }
}

impl Deref for Request {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

/// The body of a request, as it comes in. While a piece waits to be taken, the peer is not read.
#[derive(Debug)]
pub struct Body {
    channel: Rc<Channel>,
}

impl Body {
    /// The next piece, of at most 64 KiB and never empty; `None` at the end.
    ///
    /// # Errors
    ///
    /// `Closed` when the peer is gone or breaks the protocol.
    #[allow(clippy::should_implement_trait)]
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Wait(|context: &mut Context<'_>| self.channel.poll_next(context)).await
    }

    /// The whole body, of at most 1 MiB.
    ///
    /// # Errors
    ///
    /// As [`bytes_up_to`](Self::bytes_up_to).
    pub async fn bytes(&mut self) -> Result<Vec<u8>, Error> {
        self.bytes_up_to(1 << 20).await
    }

    /// The whole body, of at most so many bytes.
    ///
    /// # Errors
    ///
    /// `TooBig` when there are more, and as [`next`](Self::next).
    pub async fn bytes_up_to(&mut self, limit: usize) -> Result<Vec<u8>, Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next().await? {
            append(&mut all, piece, limit, TOO_LARGE)?;
        }
        Ok(all)
    }

    fn trailers(&self) -> OwnedFields {
        OwnedFields::copy(self.channel.state.borrow().trailers.fields())
    }
}

/// Collects a piece. The first one is not copied.
fn append<E>(all: &mut Vec<u8>, piece: Vec<u8>, limit: usize, too_large: E) -> Result<(), E> {
    if piece.len() > limit - all.len() {
        return Err(too_large);
    }
    if all.is_empty() {
        *all = piece;
    } else {
        all.extend_from_slice(&piece);
    }
    Ok(())
}

/// The parts of a form, while they come in. [`Request::parts`] makes it.
#[derive(Debug)]
pub struct Parts<'a> {
    parser: Parser,
    body: &'a mut Body,
    /// A part that was found behind the content of the one before.
    ahead: Option<Step>,
}

impl Parts<'_> {
    /// The next part, past what was not taken of this one's content; `None` at the end.
    ///
    /// # Errors
    ///
    /// The form is broken, or the body cannot be read.
    pub async fn next_part(&mut self) -> Result<Option<PartHead>, multipart::Error> {
        loop {
            match self.step().await? {
                Step::Part(head) => return Ok(Some(head)),
                Step::End => {
                    self.ahead = Some(Step::End);
                    return Ok(None);
                }
                _ => {}
            }
        }
    }

    /// The next piece of this part's content, never empty; `None` at its end.
    ///
    /// # Errors
    ///
    /// As [`next_part`](Self::next_part).
    pub async fn next_piece(&mut self) -> Result<Option<&[u8]>, multipart::Error> {
        match self.step().await? {
            Step::Content(range) => Ok(Some(self.parser.content(range))),
            other => {
                self.ahead = Some(other);
                Ok(None)
            }
        }
    }

    /// The rest of this part's content, of at most so many bytes.
    ///
    /// # Errors
    ///
    /// `TooLarge` when there are more, and as [`next_part`](Self::next_part).
    pub async fn bytes(&mut self, limit: usize) -> Result<Vec<u8>, multipart::Error> {
        let mut all = Vec::new();
        while let Some(piece) = self.next_piece().await? {
            append(&mut all, piece.to_vec(), limit, multipart::Error::TooLarge)?;
        }
        Ok(all)
    }

    /// Has the parser go on, with more of the body when it needs that.
    async fn step(&mut self) -> Result<Step, multipart::Error> {
        if let Some(step) = self.ahead.take() {
            return Ok(step);
        }
        loop {
            match self.parser.step()? {
                Step::NeedMore => match self.body.next().await? {
                    Some(piece) => self.parser.push(&piece),
                    None => self.parser.finish(),
                },
                step => return Ok(step),
            }
        }
    }
}

/// The body of an answer that has begun. One that is dropped before [`finish`](Self::finish) cuts the connection.
#[derive(Debug)]
#[must_use = "an answer wants an end"]
pub struct Stream {
    channel: Rc<Channel>,
}

impl Stream {
    /// Writes all of some bytes. While the peer does not take them it waits.
    ///
    /// # Errors
    ///
    /// `Closed` when the peer is gone, and as [`Session::send_data`].
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        for piece in bytes.as_ref().chunks(LARGEST_PIECE) {
            Wait(|context: &mut Context<'_>| self.channel.poll_send(context, piece)).await?;
        }
        Ok(())
    }

    /// Ends the answer.
    ///
    /// # Errors
    ///
    /// As [`Session::send_end`].
    pub fn finish(self) -> Result<Sent, Error> {
        self.channel.session.send_end()?;
        Ok(Sent(()))
    }

    /// Ends the answer with trailers.
    ///
    /// # Errors
    ///
    /// As [`Session::send_trailers`].
    pub fn trailers(self, fields: &[Field<'_>]) -> Result<Sent, Error> {
        self.channel.session.send_trailers(fields)?;
        Ok(Sent(()))
    }
}

/// A future made of a function that is polled. The standard library has one since Rust 1.64.
struct Wait<F>(F);

impl<T, F: FnMut(&mut Context<'_>) -> Poll<T> + Unpin> Future for Wait<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        (self.0)(context)
    }
}

// ----- Between events and futures -----

/// What the events of a session have brought, and who waits for them.
#[derive(Debug)]
struct Channel {
    session: Session,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    pieces: VecDeque<Vec<u8>>,
    trailers: OwnedFields,
    /// The request is complete.
    ended: bool,
    /// Nothing more will come, and nothing can be sent.
    closed: bool,
    /// The peer is not read, because a piece waits.
    paused: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Channel {
    /// Notes an event that comes after the head, and wakes who waits for it.
    fn hear(&self, event: Event<'_>) {
        let mut state = self.state.borrow_mut();
        match event {
            Event::DataReady(data) => state.pieces.push_back(data.content().to_vec()),
            Event::TrailerReady(fields) => state.trailers = OwnedFields::copy(fields),
            Event::Ready(_) => state.ended = true,
            Event::Closed(ClosedSide::BOTH, _) => state.closed = true,
            _ => {}
        }
        let wakers = match event {
            Event::DataReady(_) | Event::Ready(_) => [state.reader.take(), None],
            Event::DataDone => [None, state.writer.take()],
            Event::Closed(ClosedSide::BOTH, _) => [state.reader.take(), state.writer.take()],
            _ => [None, None],
        };
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }

    fn poll_next(&self, context: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>, Error>> {
        let mut state = self.state.borrow_mut();
        if let Some(piece) = state.pieces.pop_front() {
            return Poll::Ready(Ok(Some(piece)));
        }
        if state.ended {
            return Poll::Ready(Ok(None));
        }
        if state.closed {
            return Poll::Ready(Err(Error::Closed(Call::NEXT_EVENT)));
        }
        if std::mem::take(&mut state.paused) {
            self.session.resume()?;
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_send(&self, context: &mut Context<'_>, piece: &[u8]) -> Poll<Result<(), Error>> {
        match self.session.send_data(piece) {
            Err(Error::Again(_)) => {
                self.state.borrow_mut().writer = Some(context.waker().clone());
                Poll::Pending
            }
            result => Poll::Ready(result),
        }
    }

    /// Has the peer not be read while a piece waits to be taken.
    fn hold_back(&self) {
        let mut state = self.state.borrow_mut();
        if !state.pieces.is_empty() && !state.paused && !state.ended {
            state.paused = self.session.pause().is_ok();
        }
    }

    /// Lets the rest of the request go by: nobody waits for it any more.
    fn leave(&self) {
        let state = self.state.borrow();
        if !state.ended && !state.closed {
            let _ = self.session.discard();
        }
        if state.paused {
            let _ = self.session.resume();
        }
    }
}

// ----- The executor -----

thread_local! {
    static TASKS: RefCell<Tasks> = RefCell::new(Tasks { list: Vec::new(), woken: VecDeque::new(), most: FEW });
}

struct Tasks {
    /// By session; newer sessions have larger numbers.
    list: Vec<Task>,
    /// The sessions whose tasks are to be polled, the next one first.
    woken: VecDeque<Session>,
    /// When there are so many tasks, those are looked for whose sessions are over.
    most: usize,
}

/// How many tasks there may be until then, at least.
const FEW: usize = 64;

/// The work on one request.
struct Task {
    session: Session,
    stage: Stage,
}

enum Stage {
    /// The fields have not been heard.
    Line(OwnedHead),
    /// The handler is at work; its future is elsewhere while it is polled.
    Work(Rc<Channel>, Option<Work>),
}

type Work = Pin<Box<dyn Future<Output = ()>>>;

impl Tasks {
    fn find(&mut self, session: Session) -> Option<&mut Task> {
        let at = self.list.binary_search_by_key(&session, |task| task.session).ok()?;
        Some(&mut self.list[at])
    }

    fn set(&mut self, task: Task) {
        match self.list.binary_search_by_key(&task.session, |task| task.session) {
            Ok(at) => self.list[at] = task,
            Err(at) => self.list.insert(at, task),
        }
    }

    fn remove(&mut self, session: Session) -> Option<Task> {
        let at = self.list.binary_search_by_key(&session, |task| task.session).ok()?;
        Some(self.list.remove(at))
    }

    fn channel(&mut self, session: Session) -> Option<Rc<Channel>> {
        match &self.find(session)?.stage {
            Stage::Work(channel, _) => Some(channel.clone()),
            Stage::Line(_) => None,
        }
    }
}

/// Calls a function with the tasks. It must call nothing of a handler's: that may come here itself.
fn tasks<R>(call: impl FnOnce(&mut Tasks) -> R) -> R {
    TASKS.with(|tasks| call(&mut tasks.borrow_mut()))
}

/// Hears an event, and goes on with all that it has woken.
pub(crate) fn hear<A: Answer, F: Future<Output = A> + 'static>(
    session: Session,
    event: Event<'_>,
    handle: impl FnOnce(Request) -> F,
) {
    match event {
        Event::LineReady(line) => {
            sweep();
            let stage = Stage::Line(OwnedHead::new(line.0));
            return tasks(|tasks| tasks.set(Task { session, stage }));
        }
        Event::HeaderReady(fields) => begin(session, fields, handle),
        event => {
            if let Some(channel) = tasks(|tasks| tasks.channel(session)) {
                channel.hear(event);
            }
        }
    }
    run();
    match event {
        // Whoever still waits does so in vain.
        Event::Closed(ClosedSide::BOTH, _) => drop(tasks(|tasks| tasks.remove(session))),
        _ => {
            if let Some(channel) = tasks(|tasks| tasks.channel(session)) {
                channel.hold_back();
            }
        }
    }
}

/// Drops the work on sessions that the host has ended by itself, of which no event tells: their time was over, or it has
/// refused their bodies. To look at every task when their number has doubled costs each of them a constant.
fn sweep() {
    if tasks(|tasks| tasks.list.len() < tasks.most) {
        return;
    }
    let over = |task: &Task| matches!(task.session.read_state(), Err(Error::NoSession(_)));
    let (gone, list): (Vec<Task>, Vec<Task>) = tasks(|tasks| std::mem::take(&mut tasks.list)).into_iter().partition(over);
    tasks(|tasks| {
        tasks.list = list;
        tasks.most = FEW.max(2 * tasks.list.len());
    });
    drop(gone); // only now: what a future does when it is dropped may come here
}

/// Makes the task of a request whose head is complete.
fn begin<A: Answer, F: Future<Output = A> + 'static>(session: Session, fields: Fields<'_>, handle: impl FnOnce(Request) -> F) {
    let mut head = match tasks(|tasks| tasks.remove(session)) {
        Some(Task { stage: Stage::Line(head), .. }) => head,
        _ => return,
    };
    head.set_fields(fields);
    let channel = Rc::new(Channel { session, state: RefCell::default() });
    let answer = handle(Request { head, body: Body { channel: channel.clone() } });
    let work = Box::pin(async move {
        if let Err(error) = answer.await.answer(session) {
            settle(session, error);
        }
    });
    tasks(|tasks| {
        tasks.set(Task { session, stage: Stage::Work(channel, Some(work)) });
        tasks.woken.push_back(session);
    });
}

/// Polls what was woken, until nothing is.
fn run() {
    while let Some(session) = tasks(|tasks| tasks.woken.pop_front()) {
        let work = tasks(|tasks| match &mut tasks.find(session)?.stage {
            Stage::Work(_, work) => work.take(),
            Stage::Line(_) => None,
        });
        let mut work = match work {
            Some(work) => work,
            None => continue, // it has ended
        };
        let waker = waker(session);
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => tasks(|tasks| {
                if let Some(Task { stage: Stage::Work(_, place), .. }) = tasks.find(session) {
                    *place = Some(work);
                }
            }),
            Poll::Ready(()) => {
                if let Some(Task { stage: Stage::Work(channel, _), .. }) = tasks(|tasks| tasks.remove(session)) {
                    channel.leave();
                }
            }
        }
    }
}

/// A waker is the number of a session: it needs no memory, and waking one that has ended does nothing.
fn waker(session: Session) -> Waker {
    // SAFETY: the functions do nothing with the pointer but take it for a number.
    unsafe { Waker::from_raw(raw_waker(session.number() as usize as *const ())) }
}

fn raw_waker(number: *const ()) -> RawWaker {
    static FUNCTIONS: RawWakerVTable = RawWakerVTable::new(raw_waker, wake, wake, |_| {});
    RawWaker::new(number, &FUNCTIONS)
}

fn wake(number: *const ()) {
    tasks(|tasks| tasks.woken.push_back(Session::from_number(number as usize as u32)));
}
