//! Dialogs (RFC 3261 §12): who talks with whom about what, and in which order.
//!
//! A [`Dialog`] is a value. It is made of the request and the answer that establish it, writes the requests of its own
//! side, and judges those of the other. Sending them is the transaction layer's.

mod id;
mod routes;
mod session_timer;

use sip_message::{CSeq, HeaderValue, Method, Name, Request, RequestBuilder, Response, StatusCode, Uri};
use smol_str::SmolStr;

pub use id::{DialogId, Dialogs, NoRoom};
pub use session_timer::{Due, Refresher, SessionTimer, Settings as SessionTimerSettings, TooSmall};

use routes::Routes;

/// How far a dialog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// After a provisional answer with a tag.
    Early,
    /// After a 2xx.
    Confirmed,
}

/// Which side of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Ours.
    Local,
    /// The peer's.
    Remote,
}

/// Why no dialog came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoDialog {
    /// A tag is missing: 100, or a peer of RFC 2543.
    #[error("a tag is missing")]
    Tag,
    /// No Contact, or one that cannot be read (RFC 3261 §12.1.1: it must be there).
    #[error("no usable Contact")]
    Contact,
    /// More Record-Route entries than are kept.
    #[error("more than {max} routes", max = routes::ROUTES_MAX)]
    Routes,
    /// No From, To or CSeq.
    #[error("a header is missing")]
    Header,
}

/// Why a request within a dialog is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// CSeq not above the last one (RFC 3261 §12.2.2): 500.
    #[error("CSeq out of order")]
    OutOfOrder,
    /// An INVITE of theirs while ours is open (RFC 3261 §14.2): 491.
    #[error("an INVITE of ours is open")]
    Pending,
    /// An INVITE of theirs while another of theirs is open (RFC 3261 §14.2): 500 with Retry-After of 0 to 10 s.
    #[error("another INVITE is open")]
    Overlapping,
    /// A Contact that cannot be read: 400.
    #[error("no usable Contact")]
    Contact,
}

impl Refusal {
    /// The status to answer with.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::OutOfOrder | Self::Overlapping => StatusCode::SERVER_INTERNAL_ERROR,
            Self::Pending => StatusCode::REQUEST_PENDING,
            Self::Contact => StatusCode::BAD_REQUEST,
        }
    }
}

/// What an answer to a request of ours does to the dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// It goes on.
    Stays,
    /// The peer does not know it, or is gone: 481 or 408 (RFC 3261 §12.2.1.2). BYE is not needed.
    Ended,
}

/// One dialog, seen from our side.
#[derive(Clone)]
pub struct Dialog {
    id: DialogId,
    state: State,
    /// From of our requests.
    local: HeaderValue,
    /// To of our requests.
    remote: HeaderValue,
    local_cseq: u32,
    remote_cseq: Option<u32>,
    target: Uri,
    routes: Routes,
    /// Whose INVITE has no final answer yet.
    inviting: Option<Side>,
    /// Whether the peer made the Call-ID.
    is_theirs: bool,
}

impl Dialog {
    /// The callee's half (RFC 3261 §12.1.1): of a request that came and the tag we answer it with. Its answer, 1xx
    /// with that tag or 2xx, must have the Contact and the Record-Route of the request: [`Dialog::copy_routes`].
    ///
    /// # Errors
    /// [`NoDialog`]; the request should be refused with 400.
    pub fn of_request(request: &Request, local_tag: &str, state: State) -> Result<Self, NoDialog> {
        let remote_tag = request.from_tag().ok_or(NoDialog::Tag)?;
        let local = request.headers.get(Name::To).ok_or(NoDialog::Header)?;
        let local = match request.to_tag() {
            Some(_) => HeaderValue::from(local),
            None => HeaderValue::from([local, b";tag=", local_tag.as_bytes()].concat()),
        };
        Ok(Self {
            id: DialogId::new(request.call_id(), request.to_tag().unwrap_or(local_tag), remote_tag),
            state,
            local,
            remote: request.headers.get(Name::From).ok_or(NoDialog::Header)?.into(),
            local_cseq: 0,
            remote_cseq: Some(request.cseq().ok_or(NoDialog::Header)?.number),
            target: contact(&request.headers)?.ok_or(NoDialog::Contact)?,
            routes: Routes::in_order(&request.headers).ok_or(NoDialog::Routes)?,
            inviting: (request.method == Method::INVITE).then_some(Side::Remote),
            is_theirs: true,
        })
    }

    /// The caller's half (RFC 3261 §12.1.2): of a request of ours and an answer with a tag. One for each fork.
    ///
    /// # Errors
    /// [`NoDialog`]; a 2xx without one should be acknowledged and ended.
    pub fn of_answer(request: &Request, response: &Response) -> Result<Self, NoDialog> {
        let remote_tag = response.to_tag().ok_or(NoDialog::Tag)?;
        let local_tag = request.from_tag().ok_or(NoDialog::Tag)?;
        let is_final = response.status.is_final();
        Ok(Self {
            id: DialogId::new(request.call_id(), local_tag, remote_tag),
            state: if response.status.is_success() { State::Confirmed } else { State::Early },
            local: request.headers.get(Name::From).ok_or(NoDialog::Header)?.into(),
            remote: response.headers.get(Name::To).ok_or(NoDialog::Header)?.into(),
            local_cseq: request.cseq().ok_or(NoDialog::Header)?.number,
            remote_cseq: None,
            target: contact(&response.headers)?.ok_or(NoDialog::Contact)?,
            routes: Routes::reversed(&response.headers).ok_or(NoDialog::Routes)?,
            inviting: (request.method == Method::INVITE && !is_final).then_some(Side::Local),
            is_theirs: false,
        })
    }

    /// Gives an answer that establishes a dialog the Record-Route of its request (RFC 3261 §12.1.1).
    pub fn copy_routes(request: &Request, response: &mut Response) {
        response.headers.copy_from(&request.headers, Name::RecordRoute);
    }

    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &DialogId {
        &self.id
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The peer's Contact: where requests are meant for.
    #[must_use]
    pub const fn target(&self) -> &Uri {
        &self.target
    }

    /// Number of the last request of ours.
    #[must_use]
    pub const fn local_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Whether our INVITE, or theirs, waits for its final answer.
    #[must_use]
    pub const fn inviting(&self) -> Option<Side> {
        self.inviting
    }

    /// A request of ours within the dialog (RFC 3261 §12.2.1.1): Request-URI, Route, From, To, Call-ID, the next
    /// CSeq. The caller adds Contact and whatever else. `None` for an INVITE while one is open (§14.1).
    pub fn request(&mut self, method: Method) -> Option<Request> {
        if method == Method::INVITE {
            if self.inviting.is_some() {
                return None;
            }
            self.inviting = Some(Side::Local);
        }
        self.local_cseq = self.local_cseq.saturating_add(1).min(CSeq::NUMBER_MAX);
        Some(self.write(method, self.local_cseq))
    }

    /// The ACK of a 2xx to our INVITE of that number (RFC 3261 §13.2.2.4). Goes by [`crate::Layer::send`].
    #[must_use]
    pub fn ack(&self, invite_cseq: u32) -> Request {
        self.write(Method::ACK, invite_cseq)
    }

    fn write(&self, method: Method, cseq: u32) -> Request {
        let (uri, routes) = self.routes.towards(&self.target);
        let mut builder = RequestBuilder::new(method, uri);
        for route in routes {
            builder = builder.header(Name::Route, route);
        }
        builder
            .header(Name::From, self.local.clone())
            .header(Name::To, self.remote.clone())
            .call_id(self.id.call_id())
            .cseq(cseq)
            .build()
    }

    /// A request of theirs within the dialog, found by its name (RFC 3261 §12.2.2): judges its order, takes its
    /// Contact. ACK has the number of its INVITE and is never out of order.
    ///
    /// # Errors
    /// [`Refusal`], with the status to answer; nothing is changed then.
    pub fn received(&mut self, request: &Request) -> Result<(), Refusal> {
        if request.method == Method::ACK {
            return Ok(());
        }
        let number = request.cseq().map_or(0, |cseq| cseq.number);
        if self.remote_cseq.is_some_and(|last| number <= last) {
            return Err(Refusal::OutOfOrder);
        }
        // What is refused for other reasons has used its number all the same.
        self.remote_cseq = Some(number);
        if request.method == Method::INVITE {
            match self.inviting {
                Some(Side::Local) => return Err(Refusal::Pending),
                Some(Side::Remote) => return Err(Refusal::Overlapping),
                None => {}
            }
        }
        if is_target_refresh(&request.method) {
            match contact(&request.headers) {
                Ok(Some(target)) => self.target = target,
                Ok(None) => {}
                Err(_) => return Err(Refusal::Contact),
            }
        }
        if request.method == Method::INVITE {
            self.inviting = Some(Side::Remote);
        }
        Ok(())
    }

    /// We answered a request of theirs within the dialog.
    pub fn answered(&mut self, method: &Method, status: StatusCode) {
        if *method == Method::INVITE && status.is_final() {
            self.inviting = None;
        }
        if status.is_success() {
            self.state = State::Confirmed;
        }
    }

    /// A request of ours, the one that established the dialog or a later one, was answered.
    pub fn heard(&mut self, method: &Method, response: &Response) -> After {
        let status = response.status;
        if *method == Method::INVITE && status.is_final() {
            self.inviting = None;
        }
        if status == StatusCode::NO_SUCH_DIALOG || status == StatusCode::REQUEST_TIMEOUT {
            return After::Ended;
        }
        if status.is_success() {
            if self.state == State::Early {
                self.state = State::Confirmed;
                // Only the 2xx fixes the routes (RFC 3261 §13.2.2.4).
                if let Some(routes) = Routes::reversed(&response.headers) {
                    self.routes = routes;
                }
            }
            if is_target_refresh(method)
                && let Ok(Some(target)) = contact(&response.headers)
            {
                self.target = target;
            }
        }
        After::Stays
    }

    /// A request of ours got no answer at all: for the dialog the same as 408.
    pub fn unheard(&mut self, method: &Method) -> After {
        if *method == Method::INVITE {
            self.inviting = None;
        }
        After::Ended
    }

    /// How long to wait before an INVITE that was refused with 491 is tried again (RFC 3261 §14.1), in microseconds:
    /// between 2.1 and 4 s when we made the Call-ID, below 2 s otherwise, in steps of 10 ms.
    #[must_use]
    pub const fn glare_pause_us(&self, random: u64) -> i64 {
        let steps = if self.is_theirs { (random % 201) as i64 } else { 210 + (random % 191) as i64 };
        steps * 10_000
    }
}

impl std::fmt::Debug for Dialog {
    /// Leaves addresses out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialog")
            .field("state", &self.state)
            .field("local_cseq", &self.local_cseq)
            .field("remote_cseq", &self.remote_cseq)
            .field("routes", &self.routes)
            .finish_non_exhaustive()
    }
}

/// Methods whose Contact moves the target (RFC 3261 §12.2, RFC 3311, RFC 6665 §4.4.1).
const fn is_target_refresh(method: &Method) -> bool {
    matches!(*method, Method::INVITE | Method::UPDATE | Method::SUBSCRIBE | Method::NOTIFY | Method::REFER)
}

/// The URI of the first Contact.
fn contact(headers: &sip_message::Headers) -> Result<Option<Uri>, NoDialog> {
    match headers.addresses(Name::Contact).next() {
        None => Ok(None),
        Some(Ok(address)) => Ok(Some(address.uri.to_uri())),
        Some(Err(_)) => Err(NoDialog::Contact),
    }
}

/// A tag of ours from random bits.
#[must_use]
pub fn tag_of(random: u64) -> SmolStr {
    SmolStr::new(crate::layer::Tag::of_bits(random).as_str())
}
