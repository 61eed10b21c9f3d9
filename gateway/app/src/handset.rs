//! A simulated RCS handset: registers with its password, shows what it gets, says that it was delivered and read, and
//! writes.

use std::{borrow::Cow, collections::VecDeque, net::SocketAddr, time::Duration};

use miette::{IntoDiagnostic, WrapErr, miette};
use sip_message::{
    Frame, Framer, Limits, Message, Method, Name, Request, Response, StatusCode, Transport, Uri,
    digest::{Answer, Challenge, Secret},
};
use sip_rcs::{
    cpim::{ANONYMOUS, Cpim, Field, Writer},
    imdn::{self, Disposition, Report, Requested},
    mime,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Registrations are renewed in good time.
const REGISTERED_S: u32 = 600;
const ANSWER: Duration = Duration::from_secs(5);

/// Whose phone it is.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    pub(crate) number: String,
    pub(crate) password: String,
    pub(crate) domain: String,
}

/// Somebody's phone, registered over TCP.
pub(crate) struct Handset {
    stream: TcpStream,
    framer: Framer,
    local: SocketAddr,
    owner: Owner,
    sent: u32,
    /// Came while an answer was waited for.
    waiting: VecDeque<Request>,
}

/// What a phone is told.
pub(crate) enum Heard {
    /// The URI it is from, and the words.
    Text { from: String, text: String, about: Ask },
    /// Of a message of ours.
    Report(Disposition),
    /// A message of ours was refused.
    Refused(StatusCode),
}

/// What a sender wants to know of a message.
pub(crate) struct Ask {
    id: String,
    date_time: String,
    wanted: Requested,
}

impl Handset {
    /// Registers; when this returns, its owner can be written to.
    pub(crate) async fn register_at(gateway: SocketAddr, owner: Owner) -> miette::Result<Self> {
        let stream = TcpStream::connect(gateway)
            .await
            .into_diagnostic()
            .wrap_err_with(|| format!("nobody takes SIP over TCP at {gateway}"))?;
        let local = stream.local_addr().into_diagnostic()?;
        let framer = Framer::new(Limits::STREAM);
        let mut handset = Self { stream, framer, local, owner, sent: 0, waiting: VecDeque::new() };
        handset.register().await?;
        Ok(handset)
    }

    async fn register(&mut self) -> miette::Result<()> {
        let request = self.registration(None)?;
        let first = self.exchange(request).await?;
        let values = first.headers.all(Name::WwwAuthenticate);
        let challenge =
            Challenge::strongest(values).ok_or_else(|| miette!("the registrar asks for nothing"))?;
        let uri = format!("sip:{}", self.owner.domain);
        let credentials = challenge.answer(&Answer {
            username: &self.owner.number,
            secret: Secret::Password(self.owner.password.as_bytes()),
            method: "REGISTER",
            uri: &uri,
            body: b"",
            cnonce: "d3m0",
            count: 1,
        });
        let request = self.registration(Some(credentials.to_string()))?;
        let second = self.exchange(request).await?;
        if second.status == StatusCode::OK {
            Ok(())
        } else {
            Err(miette!("the registrar answers {}", second.status))
        }
    }

    fn registration(&mut self, credentials: Option<String>) -> miette::Result<Request> {
        let own = format!("sip:{}@{}", self.owner.number, self.owner.domain);
        let contact = format!(
            "<sip:{}@{};transport=tcp>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\";expires={REGISTERED_S}",
            self.owner.number, self.local
        );
        let mut request = self.request(Method::REGISTER, &format!("sip:{}", self.owner.domain), &own)?;
        request.headers.push(Name::Contact, contact);
        if let Some(credentials) = credentials {
            request.headers.push(Name::Authorization, credentials);
        }
        Ok(request)
    }

    fn request(&mut self, method: Method, target: &str, to: &str) -> miette::Result<Request> {
        self.sent += 1;
        let uri: Uri = target.parse().map_err(|_| miette!("{method}: no target"))?;
        let own = format!("sip:{}@{}", self.owner.number, self.owner.domain);
        let call = format!("{}-{}@handset", self.owner.number, self.sent);
        let mut request = Request::builder(method, uri)
            .from(own, "demo")
            .to(to, None)
            .call_id(&call)
            .cseq(self.sent)
            .build();
        request.push_via(Transport::Tcp, self.local, &format!("z9hG4bK-{}-{}", self.owner.number, self.sent));
        Ok(request)
    }

    /// Sends a request and waits for its answer.
    async fn exchange(&mut self, request: Request) -> miette::Result<Response> {
        self.send(&request.to_bytes()).await?;
        let answer = async {
            loop {
                match self.receive().await? {
                    Message::Response(response) if response.cseq() == request.cseq() => return Ok(response),
                    Message::Response(_) => {}
                    Message::Request(request) => self.waiting.push_back(request),
                }
            }
        };
        tokio::time::timeout(ANSWER, answer).await.map_err(|_| miette!("the gateway does not answer"))?
    }

    async fn send(&mut self, octets: &[u8]) -> miette::Result<()> {
        self.stream.write_all(octets).await.into_diagnostic()
    }

    async fn receive(&mut self) -> miette::Result<Message> {
        loop {
            match self.framer.next_frame() {
                Some(Ok(Frame::Message(message))) => return Ok(message),
                Some(Ok(_)) => {}
                Some(Err(_)) => return Err(miette!("the gateway sends what cannot be read")),
                None => {
                    if self.stream.read_buf(self.framer.buffer_mut()).await.into_diagnostic()? == 0 {
                        return Err(miette!("the gateway has closed"));
                    }
                }
            }
        }
    }

    /// Waits for the next thing to be shown, and renews the registration meanwhile.
    pub(crate) async fn next(&mut self) -> miette::Result<Heard> {
        let renew = Duration::from_secs(u64::from(REGISTERED_S) / 2);
        loop {
            if let Some(request) = self.waiting.pop_front() {
                if let Some(heard) = self.take(&request).await? {
                    return Ok(heard);
                }
                continue;
            }
            match tokio::time::timeout(renew, self.receive()).await {
                Err(_) => self.register().await?,
                Ok(message) => match message? {
                    Message::Request(request) => self.waiting.push_back(request),
                    Message::Response(response) if response.status.code() >= 300 => {
                        return Ok(Heard::Refused(response.status));
                    }
                    Message::Response(_) => {}
                },
            }
        }
    }

    /// Takes a message, and says that it was delivered.
    async fn take(&mut self, request: &Request) -> miette::Result<Option<Heard>> {
        self.send(&request.response(StatusCode::OK, Some("demo")).to_bytes()).await?;
        let Some(from) = request.from().map(|from| from.uri.to_string()) else { return Ok(None) };
        let Ok(cpim) = Cpim::read(request.body.clone()) else { return Ok(None) };
        match cpim.kind() {
            mime::Kind::Imdn => {
                let Ok(document) = cpim.decoded() else { return Ok(None) };
                let Ok(reports) = imdn::read(&document) else { return Ok(None) };
                Ok(reports.first().map(|report| Heard::Report(report.disposition)))
            }
            mime::Kind::Text => {
                let (Some(id), Ok(text)) = (cpim.message_id(), cpim.decoded()) else { return Ok(None) };
                let ask = Ask {
                    id: id.to_owned(),
                    date_time: cpim.text(Field::DateTime).unwrap_or_default().to_owned(),
                    wanted: Requested::of(&cpim),
                };
                self.notify(&from, &ask, Disposition::Delivered).await?;
                let text = String::from_utf8_lossy(&text).into_owned();
                Ok(Some(Heard::Text { from, text, about: ask }))
            }
            _ => Ok(None),
        }
    }

    /// Its owner has read a message.
    pub(crate) async fn read(&mut self, from: &str, about: &Ask) -> miette::Result<()> {
        self.notify(from, about, Disposition::Displayed).await
    }

    /// Where it was asked for.
    async fn notify(&mut self, to: &str, about: &Ask, disposition: Disposition) -> miette::Result<()> {
        if !about.wanted.contains(disposition.asked_by()) {
            return Ok(());
        }
        let report = Report {
            message_id: Cow::Borrowed(&about.id),
            date_time: Cow::Borrowed(&about.date_time),
            recipient: None,
            original_recipient: None,
            disposition,
        };
        let mut body = Vec::new();
        let own = format!("{}-n{}", self.owner.number, self.sent);
        let head = Writer::new(&mut body).from(ANONYMOUS).to(ANONYMOUS).imdn(&own, Requested::NONE);
        report.write_message(head);
        self.message(to, body).await
    }

    /// Writes to somebody, and asks whether it arrives and is read.
    pub(crate) async fn write(&mut self, to: &str, text: &str) -> miette::Result<()> {
        let mut body = Vec::new();
        let own = uuid::Uuid::new_v4().simple().to_string();
        Writer::new(&mut body)
            .from(ANONYMOUS)
            .to(ANONYMOUS)
            .imdn(&own, Requested::read("positive-delivery, display"))
            .date_time(crate::runtime::now().micros(), 0)
            .content("text/plain;charset=UTF-8", text.as_bytes());
        self.message(to, body).await
    }

    async fn message(&mut self, to: &str, body: Vec<u8>) -> miette::Result<()> {
        let mut request = self.request(Method::MESSAGE, to, to)?;
        request.headers.set(Name::ContentType, "message/cpim");
        request.body = body.into();
        self.send(&request.to_bytes()).await
    }
}
