//! A network behind SIP: MESSAGEs over UDP, each 202 a promise, each IMDN a receipt.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::ledger::{Key, Ledger, recipient, text_of};
use crate::line::Counters;
use crate::sip::message::{self, Incoming};

/// MESSAGEs without an answer; beyond it they wait.
const WINDOW: usize = 50;
/// Between two bursts.
const PAUSE: Duration = Duration::from_millis(5);
const BURST: usize = 8;
/// Whoever has not answered by then has been killed.
const GIVEN_UP: Duration = Duration::from_secs(2);
const DATAGRAM_MAX: usize = 65_535;

/// One socket for all lives of the gateway: receipts of one life may come in another.
pub(super) struct Network {
    socket: UdpSocket,
}

impl Network {
    pub(super) fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(1)))?;
        Ok(Self { socket })
    }

    /// Submits until the gateway is killed.
    pub(super) fn submit(&self, gateway: SocketAddr, ledger: &Ledger, counters: &Counters) -> Result<()> {
        let mut waiting: HashMap<Key, Instant> = HashMap::new();
        let mut next = Instant::now();
        while !counters.stop.load(Ordering::Relaxed) {
            let now = Instant::now();
            if now >= next {
                for _ in waiting.len()..WINDOW.min(waiting.len() + BURST) {
                    let key = ledger.next_key();
                    // A port that nobody holds any more says so at the next call.
                    self.socket.send_to(&self.message(key)?, gateway).ok();
                    waiting.insert(key, now);
                }
                waiting.retain(|_, sent| now.duration_since(*sent) < GIVEN_UP);
                next = now + PAUSE;
            }
            self.take(ledger, &mut waiting)?;
        }
        Ok(())
    }

    /// Hears the receipts that are still on their way.
    pub(super) fn listen(&self, ledger: &Ledger, listening: &AtomicBool) -> Result<()> {
        while listening.load(Ordering::Relaxed) {
            self.take(ledger, &mut HashMap::new())?;
        }
        Ok(())
    }

    /// One datagram, if one comes.
    fn take(&self, ledger: &Ledger, waiting: &mut HashMap<Key, Instant>) -> Result<()> {
        let mut buffer = [0; DATAGRAM_MAX];
        let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { return Ok(()) };
        let octets = &buffer[..length];
        match message::read(octets) {
            Incoming::Answer(100..200) | Incoming::Other => {}
            Incoming::Answer(status) => {
                let Some(key) = after(octets, b"branch=z9hG4bK-kill-").and_then(number) else {
                    return Ok(());
                };
                waiting.remove(&key);
                ensure!(status < 300 || status == 503, "a MESSAGE was refused with {status}");
                if status < 300 {
                    ledger.promise(key, &id_of(key), true);
                }
            }
            Incoming::Message { notification } => {
                if notification && let Some(key) = after(octets, b"<message-id>kill-").and_then(number) {
                    ledger.receipt(&id_of(key));
                }
                let mut answer = Vec::new();
                message::answer(octets, &mut answer);
                self.socket.send_to(&answer, from).ok();
            }
        }
        Ok(())
    }

    fn message(&self, key: Key) -> io::Result<Vec<u8>> {
        let local = self.socket.local_addr()?;
        let (to, text) = (recipient(key), text_of(key));
        let (to, text) = (String::from_utf8_lossy(&to), String::from_utf8_lossy(&text));
        let id = id_of(key);
        let body = format!(
            "From: <sip:anonymous@anonymous.invalid>\r\n\
             To: <sip:anonymous@anonymous.invalid>\r\n\
             NS: imdn <urn:ietf:params:imdn>\r\n\
             imdn.Message-ID: {id}\r\n\
             DateTime: 2026-03-01T09:30:00.000+09:00\r\n\
             imdn.Disposition-Notification: positive-delivery\r\n\
             \r\n\
             Content-Type: text/plain;charset=UTF-8\r\n\
             \r\n\
             {text}"
        );
        let head = format!(
            "MESSAGE tel:+{to} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK-{id};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <tel:+821000000000>;tag={id}\r\n\
             To: <tel:+{to}>\r\n\
             Call-ID: {id}@kill.invalid\r\n\
             CSeq: 1 MESSAGE\r\n\
             P-Asserted-Identity: <tel:+821000000000>\r\n\
             Content-Type: message/cpim\r\n\
             Content-Length: {}\r\n\
             \r\n",
            body.len()
        );
        Ok((head + &body).into_bytes())
    }
}

/// The id of a message for its sender.
fn id_of(key: Key) -> String {
    format!("kill-{key}")
}

fn after<'a>(octets: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let at = octets.windows(mark.len()).position(|window| window == mark)?;
    octets.get(at + mark.len()..)
}

fn number(octets: &[u8]) -> Option<Key> {
    let digits = octets.iter().take_while(|octet| octet.is_ascii_digit()).count();
    std::str::from_utf8(&octets[..digits]).ok()?.parse().ok()
}
