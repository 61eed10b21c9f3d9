//! A phone that chats in sessions: SIP by hand, MSRP by the endpoint of `sip/msrp` on sockets of its own. No foreign
//! one exists: see the README.

use std::{collections::VecDeque, net::SocketAddr};

use sip_message::digest::{Answer, Challenge, Secret};
use sip_msrp::{Action, Failure, Message, Path, Session, SessionKey, Uri};
use sip_net::msrp::{Fingerprint, Proof, Settings, Target, testing::Peer, tls};
use tokio::runtime::{Builder, Runtime};

use crate::{
    account::{DOMAIN, uri},
    device::{Call, Certificate, Device, certificate},
    program::PATIENCE,
    served::Served,
    wire::Heard,
};

/// The services of RCS that have sessions (rcs sheet §1.2).
pub(crate) const CHAT: &str = "oma.cpm.session";
pub(crate) const LARGE: &str = "oma.cpm.largemsg";
pub(crate) const GROUP: &str = "oma.cpm.session.group";

pub(crate) const CPIM: &str = "message/cpim";
pub(crate) const COMPOSING: &str = "application/im-iscomposing+xml";

/// What a phone says of itself that takes messages in sessions only.
const CHATS: &str = "+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.oma.cpm.session\"";

pub(crate) struct Chatter {
    pub(crate) device: Device,
    // Its tasks end with it, after the peer.
    peer: Peer,
    /// What its certificate is known by, where its sessions go over TLS.
    tls: Option<Fingerprint>,
    /// The relay that its sessions go through.
    behind: Option<Behind>,
    runtime: Runtime,
    /// What came and nobody has asked for yet.
    unread: VecDeque<Action>,
    calls: u32,
    said: u32,
}

/// A relay, and the path that it lends.
struct Behind {
    relay: SocketAddr,
    path: Path,
}

/// A session of it.
pub(crate) struct Chat {
    pub(crate) call: Call,
    pub(crate) session: SessionKey,
    /// How the gateway described its end.
    pub(crate) sdp: String,
}

/// A value of a description.
#[track_caller]
pub(crate) fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let prefix = format!("a={name}:");
    let found = sdp.lines().find_map(|line| line.strip_prefix(&prefix));
    found.unwrap_or_else(|| panic!("no {name} in {sdp}"))
}

/// What a relay that asks is told.
fn credentials(asked: &sip_msrp::Challenge) -> String {
    let values = asked.challenges.iter().map(|value| value.as_bytes());
    let challenge = Challenge::strongest(values).expect("a challenge that can be answered");
    let answer = Answer {
        username: "phone",
        secret: Secret::Password(b"relay secret"),
        method: "AUTH",
        uri: &asked.uri,
        body: b"",
        cnonce: "c0ffee",
        count: 1,
    };
    challenge.answer(&answer).to_string()
}

/// Something said in a session.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) content_type: String,
    pub(crate) body: Vec<u8>,
}

impl Said {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header of its CPIM.
    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> String {
        let text = self.text();
        let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or_else(|| panic!("no {name} in {text}")).trim().to_owned()
    }
}

impl Chatter {
    /// A phone that registered over a connection of its own.
    #[track_caller]
    pub(crate) fn register(user: &'static str, served: &Served) -> Self {
        Self::of(|| Device::register(user, served.sip), None)
    }

    /// A phone whose sessions go over TLS.
    #[track_caller]
    pub(crate) fn register_secure(user: &'static str, served: &Served) -> Self {
        Self::of(|| Device::register(user, served.sip), Some(certificate()))
    }

    /// The same phone, behind a relay; it knows the password that `msrp_relay.cfg` asks for.
    #[track_caller]
    pub(crate) fn behind(mut self, relay: SocketAddr) -> Self {
        let own = self.peer.uri();
        let asked = Uri::parse(&format!("msrp://{relay};tcp")).expect("an address is a host");
        {
            let _inside = self.runtime.enter();
            self.peer.authorize(Target { remote: relay, tls: None }, Path::from(asked), own);
        }
        let path = loop {
            let heard = self.waits("a word of the relay", |heard| match heard {
                Action::Authorized { use_path, .. } => Some(Ok(use_path.clone())),
                Action::Challenged(challenge) => Some(Err(challenge.clone())),
                _ => None,
            });
            match heard {
                Ok(path) => break path,
                Err(asked) => self.peer.credentials(asked.connection, &credentials(&asked)),
            }
        };
        self.behind = Some(Behind { relay, path });
        self
    }

    /// A phone that does nothing but chat.
    #[track_caller]
    pub(crate) fn register_to_chat(user: &'static str, served: &Served) -> Self {
        Self::of(|| Device::register_with(user, served.sip, CHATS), None)
    }

    #[track_caller]
    fn of(register: impl FnOnce() -> Device, own: Option<Certificate>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime starts");
        let device = register();
        let peer = {
            let _inside = runtime.enter();
            let (mut settings, mut acceptor) = (Settings::default(), None);
            if let Some((certificate, key)) = &own {
                let chain = || vec![certificate.clone()];
                settings.by_fingerprint =
                    Some(tls::connector(chain(), key.clone_key()).expect("its own are good"));
                acceptor = Some(tls::acceptor(chain(), key.clone_key()).expect("its own are good"));
            }
            Peer::new(settings, acceptor).expect("the loopback has a free port")
        };
        let tls = own.map(|(certificate, _)| tls::fingerprint(&certificate));
        Self { device, peer, tls, behind: None, runtime, unread: VecDeque::new(), calls: 0, said: 0 }
    }

    /// Opens a session and connects to it.
    #[track_caller]
    pub(crate) fn opens(&mut self, service: &str, target: &str, more: &str) -> Chat {
        let own = self.peer.uri();
        let (call, answer) = self.invites(service, target, &own, more);
        assert_eq!(answer.status(), Some(200), "{}", answer.head);
        self.device.acknowledges(&call);
        let sdp = String::from_utf8(answer.body).expect("a description is text");
        let session = self.connects(&own, &sdp);
        Chat { call, session, sdp }
    }

    /// Creates a group with these members and connects to it.
    #[track_caller]
    pub(crate) fn founds(&mut self, members: &[&str], subject: &str) -> Chat {
        self.calls += 1;
        let own = self.peer.uri();
        let factory = format!("sip:conference-factory@{DOMAIN}");
        let id = format!("group-{}@{}", self.calls, self.device.local());
        let mut call = Call { id, target: factory.clone(), to: format!("<{factory}>") };
        let entries: String = members
            .iter()
            .map(|member| format!("<entry uri=\"tel:{member}\" cp:copyControl=\"to\"/>"))
            .collect();
        let body = format!(
            "--part\r\nContent-Type: application/sdp\r\n\r\n{}\r\n--part\r\n\
             Content-Type: application/resource-lists+xml\r\nContent-Disposition: recipient-list\r\n\r\n\
             <?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\" \
             xmlns:cp=\"urn:ietf:params:xml:ns:copycontrol\"><list>{entries}</list></resource-lists>\r\n--part--\r\n",
            self.description(&own, "")
        );
        let head = format!(
            "Contact: {}\r\n\
             P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.{GROUP}\r\n\
             Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{GROUP}\"\r\n\
             Require: recipient-list-invite\r\nSubject: {subject}\r\n\
             Conversation-ID: 0d1f3a52-7c64-4b8e-9e21-6a5b4c3d2e1f\r\n\
             Contribution-ID: f2e1d0c3-b4a5-4697-8899-a0b1c2d3e4f5\r\n\
             Supported: timer\r\nSession-Expires: 1800\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE, NOTIFY\r\n\
             Content-Type: multipart/mixed;boundary=part\r\n",
            self.contact()
        );
        let answer = self.device.asks_in(&call, "INVITE", &head, body.as_bytes());
        assert_eq!(answer.status(), Some(200), "{}", answer.head);
        call.to = answer.header("To").expect("an answer has it").to_owned();
        let contact = answer.header("Contact").expect("the group's URI");
        assert!(contact.contains(">;isfocus"), "{contact}");
        call.target = contact.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        self.device.acknowledges(&call);
        let sdp = String::from_utf8(answer.body).expect("a description is text");
        let session = self.connects(&own, &sdp);
        Chat { call, session, sdp }
    }

    /// Invites somebody; what that was answered.
    #[track_caller]
    pub(crate) fn invites(&mut self, service: &str, target: &str, own: &Uri, more: &str) -> (Call, Heard) {
        self.calls += 1;
        let id = format!("chat-{}@{}", self.calls, self.device.local());
        let mut call = Call { id, target: target.to_owned(), to: format!("<{target}>") };
        let sdp = self.description(own, more);
        let head = format!(
            "Contact: {}\r\n\
             P-Preferred-Service: urn:urn-7:3gpp-service.ims.icsi.{service}\r\n\
             Accept-Contact: *;+g.3gpp.icsi-ref=\"urn%3Aurn-7%3A3gpp-service.ims.icsi.{service}\"\r\n\
             Conversation-ID: 5b1c7d30-8e0a-4a52-9f6d-2f1f0c9a7e11\r\n\
             Contribution-ID: c2a4f0de-6b39-4d0e-8a77-90b1d5e3f642\r\n\
             Supported: timer\r\nSession-Expires: 1800\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n\
             Content-Type: application/sdp\r\n",
            self.contact()
        );
        let answer = self.device.asks_in(&call, "INVITE", &head, sdp.as_bytes());
        call.to = answer.header("To").expect("an answer has it").to_owned();
        if let Some(contact) = answer.header("Contact") {
            call.target = contact.trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        }
        (call, answer)
    }

    /// Is invited to a session of that service, takes it and connects to it.
    #[track_caller]
    pub(crate) fn is_invited(&mut self, service: &str) -> Chat {
        let invite = self.device.is_asked();
        assert!(invite.head.starts_with("INVITE "), "{}", invite.head);
        let wanted = invite.header("Accept-Contact").expect("an INVITE says what it is for");
        assert!(wanted.ends_with(&format!("ims.icsi.{service}\"")), "{wanted}");
        let sdp = String::from_utf8(invite.body.clone()).expect("a description is text");
        assert_eq!(attribute(&sdp, "setup"), "actpass");
        let own = self.peer.uri();
        let head = format!("Contact: {}\r\nContent-Type: application/sdp\r\n", self.contact());
        let answer = self.description(&own, if service == LARGE { "a=recvonly\r\n" } else { "" });
        self.device.answers_with(&invite, "200 OK", &head, answer.as_bytes());
        let ack = self.device.is_asked();
        assert!(ack.head.starts_with("ACK "), "{}", ack.head);
        let session = self.connects(&own, &sdp);
        let of = |name| invite.header(name).expect("every request has it").to_owned();
        let target = of("Contact").trim_start_matches('<').split('>').next().unwrap_or_default().to_owned();
        Chat { call: Call { id: of("Call-ID"), target, to: of("From") }, session, sdp }
    }

    /// The gateway says BYE.
    #[track_caller]
    pub(crate) fn is_hung_up(&mut self, chat: Chat) -> Heard {
        let bye = self.device.is_asked();
        assert!(bye.head.starts_with("BYE "), "{}", bye.head);
        assert_eq!(bye.header("Call-ID"), Some(&*chat.call.id));
        self.device.answers(&bye, "200 OK");
        self.peer.close(chat.session);
        bye
    }

    fn contact(&self) -> String {
        format!("<sip:{}@{};transport=tcp>", self.device.user(), self.device.local())
    }

    /// How it describes its end.
    fn description(&self, own: &Uri, more: &str) -> String {
        let (port, path) = match &self.behind {
            Some(Behind { relay, path }) => (relay.port(), format!("{path} {}", own.as_str())),
            None => (self.peer.address().port(), own.as_str().to_owned()),
        };
        let (protocol, fingerprint) = match self.tls {
            Some(fingerprint) => ("TCP/TLS/MSRP", format!("a=fingerprint:{fingerprint}\r\n")),
            None => ("TCP/MSRP", String::new()),
        };
        format!(
            "v=0\r\no=- 3920001000 3920001000 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
             m=message {port} {protocol} *\r\n{fingerprint}a=path:{path}\r\na=setup:active\r\na=connection:new\r\n\
             a=accept-types:{CPIM} {COMPOSING}\r\na=accept-wrapped-types:*\r\na=max-size:1048576\r\n{more}"
        )
    }

    /// The active end connects.
    #[track_caller]
    fn connects(&mut self, own: &Uri, sdp: &str) -> SessionKey {
        let path = Path::parse(attribute(sdp, "path")).expect("a path of MSRP");
        let announced = self.tls.and_then(|_| Fingerprint::parse(attribute(sdp, "fingerprint")));
        let there = path.hops().last().expect("a path has an end").as_str();
        let there = there.split('/').nth(2).and_then(|host| host.parse().ok()).expect("an address");
        let remote = self.behind.as_ref().map_or(there, |behind| behind.relay);
        let session = Session { fingerprint: announced, ..Session::new(own.clone(), path) };
        let session = self.peer.open(session).expect("one session a URI");
        let _inside = self.runtime.enter();
        self.peer.reach(session, Target { remote, tls: announced.map(Proof::Fingerprint) });
        session
    }

    /// Says something and waits for what becomes of it.
    #[track_caller]
    pub(crate) fn says(&mut self, chat: &Chat, content_type: &str, body: &[u8]) -> Result<(), Failure> {
        self.said += 1;
        let id = format!("said{:04}", self.said);
        let message = Message::new(id.as_str(), content_type, body.to_vec());
        self.peer.send(chat.session, message).expect("it is taken");
        self.waits("an answer of MSRP", |heard| match heard {
            Action::Sent { message_id, .. } if *message_id == id => Some(Ok(())),
            Action::Failed { message_id, failure, .. } if *message_id == id => Some(Err(*failure)),
            _ => None,
        })
    }

    /// Says texts one behind the other without waiting; how many were answered 200 before the other end was gone.
    #[track_caller]
    pub(crate) fn says_until_the_end(
        &mut self,
        chat: &Chat,
        texts: usize,
        mut answered: impl FnMut(usize),
    ) -> usize {
        for text in 0..texts {
            let content = format!("Content-Type: text/plain\r\n\r\ntext {text}");
            let cpim = self.cpim(&format!("Flood{text}"), "", &content);
            let message = Message::new(format!("flood{text:04}"), CPIM, cpim.into_bytes());
            self.peer.send(chat.session, message).expect("it is taken");
        }
        let mut taken = 0;
        loop {
            let over = self.waits("an answer or the end", |heard| match heard {
                Action::Sent { .. } => Some(false),
                Action::Parted { .. } | Action::Failed { .. } | Action::Ended { .. } => Some(true),
                _ => None,
            });
            if over || taken == texts {
                return taken;
            }
            taken += 1;
            answered(taken);
        }
    }

    /// Writes a text under that id, and asks for both notifications.
    #[track_caller]
    pub(crate) fn writes(&mut self, chat: &Chat, id: &str, text: &str) {
        let wants = "imdn.Disposition-Notification: positive-delivery, display\r\n";
        let content = format!("Content-Type: text/plain;charset=UTF-8\r\n\r\n{text}");
        let cpim = self.cpim(id, wants, &content);
        assert_eq!(self.says(chat, CPIM, cpim.as_bytes()), Ok(()));
    }

    /// Says what became of something that it heard (RFC 5438).
    #[track_caller]
    pub(crate) fn notifies(&mut self, chat: &Chat, of: &Said, kind: &str, status: &str) {
        let (id, at) = (of.header("imdn.Message-ID"), of.header("DateTime"));
        let content = format!(
            "Content-Type: message/imdn+xml\r\nContent-Disposition: notification\r\n\r\n\
             <?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n\
             <imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{id}</message-id><datetime>{at}</datetime>\
             <{kind}-notification><status><{status}/></status></{kind}-notification></imdn>"
        );
        let cpim = self.cpim(&format!("{status}-{id}"), "", &content);
        assert_eq!(self.says(chat, CPIM, cpim.as_bytes()), Ok(()));
    }

    /// The two people are named by the session.
    fn cpim(&self, id: &str, more: &str, content: &str) -> String {
        format!(
            "From: <{}>\r\nTo: <sip:anonymous@anonymous.invalid>\r\nNS: imdn <urn:ietf:params:imdn>\r\n\
             imdn.Message-ID: {id}\r\nDateTime: 2025-03-01T09:30:00.000+09:00\r\n{more}\r\n{content}",
            uri(self.device.user())
        )
    }

    /// The next thing that is said to it.
    #[track_caller]
    pub(crate) fn hears(&mut self) -> Said {
        self.waits("something said", |heard| match heard {
            Action::Deliver { content_type, body, .. } => {
                Some(Said { content_type: content_type.to_string(), body: body.to_vec() })
            }
            _ => None,
        })
    }

    /// What is said to it that fits; what comes before is kept.
    #[track_caller]
    pub(crate) fn hears_that(&mut self, fits: impl Fn(&Said) -> bool) -> Said {
        self.waits("something said that fits", |heard| match heard {
            Action::Deliver { content_type, body, .. } => {
                Some(Said { content_type: content_type.to_string(), body: body.to_vec() }).filter(&fits)
            }
            _ => None,
        })
    }

    /// BYE for good: of a group, that is leaving it.
    #[track_caller]
    pub(crate) fn leaves(&mut self, chat: Chat) {
        let reason = "Reason: SIP;cause=200;text=\"Call completed\"\r\n";
        assert_eq!(self.device.asks_in(&chat.call, "BYE", reason, b"").status(), Some(200));
        self.peer.close(chat.session);
    }

    /// BYE.
    #[track_caller]
    pub(crate) fn hangs_up(&mut self, chat: Chat) {
        assert_eq!(self.device.asks_in(&chat.call, "BYE", "", b"").status(), Some(200));
        self.peer.close(chat.session);
    }

    /// What comes before is kept.
    #[track_caller]
    fn waits<T>(&mut self, what: &str, wanted: impl Fn(&Action) -> Option<T>) -> T {
        let known = self.unread.iter().enumerate().find_map(|(at, heard)| Some((at, wanted(heard)?)));
        if let Some((at, found)) = known {
            self.unread.remove(at);
            return found;
        }
        loop {
            let heard = self.runtime.block_on(self.peer.next(PATIENCE));
            let heard = heard.unwrap_or_else(|| panic!("in vain: {what}; {:?}", self.unread));
            match wanted(&heard) {
                Some(found) => return found,
                None => self.unread.push_back(heard),
            }
        }
    }
}
