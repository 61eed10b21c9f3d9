//! A simulated RCS handset: registers with its password, shows what it gets, says that it was delivered and read, and
//! answers.

use std::{
    borrow::Cow,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use miette::{IntoDiagnostic, miette};
use sip_message::{
    Frame, Framer, Limits, Message, Method, Name, Request, Response, StatusCode, Transport, Uri,
    digest::{Answer, Challenge, Secret},
};
use sip_rcs::{
    cpim::{ANONYMOUS, Cpim, Field, Writer},
    imdn::{Disposition, Report, Requested},
    mime,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinHandle,
};

use crate::command::demo::Seen;

/// Registrations are renewed in good time.
const REGISTERED_S: u32 = 600;
const ANSWER: Duration = Duration::from_secs(5);

/// Somebody's phone.
pub(crate) struct Handset {
    task: JoinHandle<()>,
}

struct Line {
    stream: TcpStream,
    framer: Framer,
    local: SocketAddr,
    number: &'static str,
    password: &'static str,
    domain: &'static str,
    seen: Arc<Seen>,
    sent: u32,
}

impl Handset {
    /// Registers `number` at the gateway; when this returns, it can be written to.
    pub(crate) async fn register(
        gateway: SocketAddr,
        number: &'static str,
        password: &'static str,
        seen: Arc<Seen>,
    ) -> miette::Result<Self> {
        let stream = TcpStream::connect(gateway).await.into_diagnostic()?;
        let local = stream.local_addr().into_diagnostic()?;
        let framer = Framer::new(Limits::STREAM);
        let mut line = Line { stream, framer, local, number, password, domain: "ims.example", seen, sent: 0 };
        line.register().await?;
        Ok(Self {
            task: tokio::spawn(async move {
                if let Err(error) = line.run().await {
                    tracing::error!(%error, "the simulated handset stopped");
                }
            }),
        })
    }

    pub(crate) fn stop(self) {
        self.task.abort();
    }
}

impl Line {
    async fn register(&mut self) -> miette::Result<()> {
        let request = self.registration(None)?;
        let first = self.exchange(request).await?;
        let values = first.headers.all(Name::WwwAuthenticate);
        let challenge =
            Challenge::strongest(values).ok_or_else(|| miette!("the registrar asks for nothing"))?;
        let uri = format!("sip:{}", self.domain);
        let credentials = challenge.answer(&Answer {
            username: self.number,
            secret: Secret::Password(self.password.as_bytes()),
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
        let own = format!("sip:{}@{}", self.number, self.domain);
        let contact = format!(
            "<sip:{}@{};transport=tcp>;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.msg\";expires={REGISTERED_S}",
            self.number, self.local
        );
        let mut request = self.request(Method::REGISTER, &format!("sip:{}", self.domain), &own)?;
        request.headers.push(Name::Contact, contact);
        if let Some(credentials) = credentials {
            request.headers.push(Name::Authorization, credentials);
        }
        Ok(request)
    }

    fn request(&mut self, method: Method, target: &str, to: &str) -> miette::Result<Request> {
        self.sent += 1;
        let uri: Uri = target.parse().map_err(|_| miette!("{method}: no target"))?;
        let own = format!("sip:{}@{}", self.number, self.domain);
        let call = format!("{}-{}@handset", self.number, self.sent);
        let mut request = Request::builder(method, uri)
            .from(own, "demo")
            .to(to, None)
            .call_id(&call)
            .cseq(self.sent)
            .build();
        request.push_via(Transport::Tcp, self.local, &format!("z9hG4bK-{}-{}", self.number, self.sent));
        Ok(request)
    }

    /// Sends a request and waits for its answer; nothing else comes meanwhile.
    async fn exchange(&mut self, request: Request) -> miette::Result<Response> {
        self.send(&request.to_bytes()).await?;
        let answer = async {
            loop {
                if let Message::Response(response) = self.receive().await?
                    && response.cseq() == request.cseq()
                {
                    return Ok(response);
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

    async fn run(&mut self) -> miette::Result<()> {
        let renew = Duration::from_secs(u64::from(REGISTERED_S) / 2);
        loop {
            match tokio::time::timeout(renew, self.receive()).await {
                Err(_) => self.register().await?,
                Ok(message) => {
                    if let Message::Request(request) = message? {
                        self.answer(&request).await?;
                    }
                }
            }
        }
    }

    /// Takes a message; then says that it was delivered and read, and answers it.
    async fn answer(&mut self, request: &Request) -> miette::Result<()> {
        self.send(&request.response(StatusCode::OK, Some("demo")).to_bytes()).await?;
        let Some(from) = request.from().map(|from| from.uri.to_string()) else { return Ok(()) };
        let Ok(cpim) = Cpim::read(request.body.clone()) else { return Ok(()) };
        let (Some(id), true) = (cpim.message_id(), cpim.kind() == mime::Kind::Text) else { return Ok(()) };
        self.seen.at_handset.fetch_add(1, Ordering::Relaxed);
        let requested = Requested::of(&cpim);
        for disposition in [Disposition::Delivered, Disposition::Displayed] {
            if requested.contains(disposition.asked_by()) {
                self.notify(&from, id, cpim.text(Field::DateTime).unwrap_or_default(), disposition).await?;
            }
        }
        self.write(&from, "(simulated RCS handset) got it, thanks").await
    }

    async fn notify(
        &mut self,
        to: &str,
        id: &str,
        date_time: &str,
        disposition: Disposition,
    ) -> miette::Result<()> {
        let report = Report {
            message_id: Cow::Borrowed(id),
            date_time: Cow::Borrowed(date_time),
            recipient: None,
            original_recipient: None,
            disposition,
        };
        let mut body = Vec::new();
        let own = format!("{}-n{}", self.number, self.sent);
        let head = Writer::new(&mut body).from(ANONYMOUS).to(ANONYMOUS).imdn(&own, Requested::NONE);
        report.write_message(head);
        self.message(to, body).await
    }

    async fn write(&mut self, to: &str, text: &str) -> miette::Result<()> {
        let mut body = Vec::new();
        let own = format!("{}-m{}", self.number, self.sent);
        Writer::new(&mut body)
            .from(ANONYMOUS)
            .to(ANONYMOUS)
            .imdn(&own, Requested::read("positive-delivery"))
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
