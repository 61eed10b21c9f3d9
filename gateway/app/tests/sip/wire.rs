//! SIP by hand, for what no phone says: octets out, answers as they are.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    net::{IpAddr, SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::account::Transport;

/// A socket that speaks with one listener.
pub(crate) struct Wire {
    way: Way,
    local: SocketAddr,
    /// What came on a stream and is no whole message yet.
    buffer: Vec<u8>,
    heard: VecDeque<Heard>,
    closed: bool,
}

enum Way {
    Datagrams(UdpSocket),
    Stream(TcpStream),
    Secure(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A message that came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Up to the empty line.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    fn of(octets: &[u8]) -> Self {
        let end = head_end(octets).unwrap_or(octets.len());
        let head = String::from_utf8_lossy(octets.get(..end).unwrap_or_default()).into_owned();
        Self { head, body: octets.get(end + 4..).unwrap_or_default().to_vec() }
    }

    /// The code of an answer; a request has none.
    pub(crate) fn status(&self) -> Option<u16> {
        self.head.strip_prefix("SIP/2.0 ")?.get(..3)?.parse().ok()
    }

    /// The first header of this name, as it is written.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All of this name, in order.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.head.lines().skip(1).filter_map(move |line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Wire {
    /// Datagrams from this address of the loopback.
    #[track_caller]
    pub(crate) fn from(host: [u8; 4], listener: SocketAddr) -> Self {
        let socket = UdpSocket::bind((IpAddr::from(host), 0)).expect("the loopback has a free port");
        socket.connect(listener).expect("the loopback is there");
        let local = socket.local_addr().expect("a socket has an address");
        Self { way: Way::Datagrams(socket), local, buffer: Vec::new(), heard: VecDeque::new(), closed: false }
    }

    #[track_caller]
    pub(crate) fn new(transport: Transport, listener: SocketAddr) -> Self {
        let (way, local) = match transport {
            Transport::Udp => return Self::from([127, 0, 0, 1], listener),
            Transport::Tcp => {
                let stream = TcpStream::connect(listener).expect("somebody listens");
                let local = stream.local_addr();
                (Way::Stream(stream), local)
            }
            Transport::Tls => panic!("TLS wants a configuration"),
        };
        let local = local.expect("a socket has an address");
        Self { way, local, buffer: Vec::new(), heard: VecDeque::new(), closed: false }
    }

    /// TLS over TCP.
    #[track_caller]
    pub(crate) fn secure(listener: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let stream = TcpStream::connect(listener).expect("somebody listens");
        let local = stream.local_addr().expect("a socket has an address");
        let session = ClientConnection::new(config, listener.ip().into()).expect("the configuration is good");
        let way = Way::Secure(Box::new(StreamOwned::new(session, stream)));
        Self { way, local, buffer: Vec::new(), heard: VecDeque::new(), closed: false }
    }

    /// Our own end.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends octets; whether anybody still takes them is seen by what is heard.
    pub(crate) fn say(&mut self, octets: &[u8]) {
        let sent = match &mut self.way {
            Way::Datagrams(socket) => socket.send(octets).map(|_| ()),
            Way::Stream(stream) => stream.write_all(octets),
            Way::Secure(stream) => stream.write_all(octets),
        };
        if sent.is_err() {
            self.closed = true;
        }
    }

    /// Nothing more will be said.
    pub(crate) fn hang_up(&mut self) {
        if let Way::Stream(stream) = &self.way {
            // It may have been closed by the other side.
            stream.shutdown(std::net::Shutdown::Write).ok();
        }
    }

    /// The next message that comes in this time, if one does and the other side has not closed.
    pub(crate) fn hears(&mut self, patience: Duration) -> Option<Heard> {
        let end = Instant::now() + patience;
        loop {
            if let Some(heard) = self.heard.pop_front() {
                return Some(heard);
            }
            let left = end.saturating_duration_since(Instant::now());
            if self.closed || left.is_zero() {
                return None;
            }
            self.read(left);
        }
    }

    /// Waits until the other side closes the stream.
    pub(crate) fn closes(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while !self.closed {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            self.read(left);
        }
        true
    }

    fn read(&mut self, patience: Duration) {
        let mut octets = vec![0; 65_536];
        let read = match &mut self.way {
            Way::Datagrams(socket) => {
                socket.set_read_timeout(Some(patience)).and_then(|()| socket.recv(&mut octets))
            }
            Way::Stream(stream) => {
                stream.set_read_timeout(Some(patience)).and_then(|()| stream.read(&mut octets))
            }
            Way::Secure(stream) => {
                stream.sock.set_read_timeout(Some(patience)).and_then(|()| stream.read(&mut octets))
            }
        };
        match (read, &self.way) {
            (Ok(count), Way::Datagrams(_)) => self.heard.push_back(Heard::of(&octets[..count])),
            (Ok(0), _) => self.closed = true,
            (Ok(count), _) => {
                self.buffer.extend_from_slice(&octets[..count]);
                self.cut();
            }
            (Err(error), _) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            (Err(_), _) => self.closed = true,
        }
    }

    fn cut(&mut self) {
        while let Some(end) = head_end(&self.buffer) {
            let head = Heard::of(&self.buffer[..end + 4]);
            let length = head.header("Content-Length").and_then(|length| length.parse::<usize>().ok());
            let whole = end + 4 + length.expect("on a stream every message says how long it is");
            if self.buffer.len() < whole {
                return;
            }
            let octets: Vec<u8> = self.buffer.drain(..whole).collect();
            self.heard.push_back(Heard::of(&octets));
        }
    }
}

fn head_end(octets: &[u8]) -> Option<usize> {
    octets.windows(4).position(|window| window == b"\r\n\r\n")
}
