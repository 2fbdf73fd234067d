//! The bodies of answers: bytes, the content in pieces, or what the client sends.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Frame, Incoming, SizeHint};

use crate::work;

pub enum Body {
    Whole(Option<Bytes>),
    Pieces { pieces: Box<dyn Iterator<Item = &'static [u8]> + Send>, left: u64 },
    Echo(Incoming),
}

impl Body {
    pub fn whole(bytes: impl Into<Bytes>) -> Body {
        Body::Whole(Some(bytes.into()))
    }

    /// So many bytes of the content, none of which is copied.
    pub fn content(size: usize) -> Body {
        Body::Pieces { pieces: Box::new(work::pieces(size)), left: size as u64 }
    }

    /// What the client sends, as it comes. Its length, where the client gave one, is the answer's.
    pub fn echo(body: Incoming) -> Body {
        Body::Echo(body)
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Pieces { pieces, left } => Poll::Ready(pieces.next().map(|piece| {
                *left -= piece.len() as u64;
                Ok(Frame::data(Bytes::from_static(piece)))
            })),
            Body::Echo(body) => Pin::new(body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Body::Whole(bytes) => bytes.is_none(),
            Body::Pieces { left, .. } => *left == 0,
            Body::Echo(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Body::Pieces { left, .. } => SizeHint::with_exact(*left),
            Body::Echo(body) => body.size_hint(),
        }
    }
}
