//! The end of the path where that is SIP: answers every MESSAGE with 200 and counts.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags};

use super::message::{self, Incoming};
use super::socket::{self, Stock};

const PATIENCE: Duration = Duration::from_millis(20);
const DATAGRAM_OCTETS_MAX: usize = 65_536;
/// Datagrams between two looks at whether to stop.
const TAKEN_TOGETHER: usize = 256;

#[derive(Default)]
struct Shared {
    arrived: AtomicU64,
    stop: AtomicBool,
}

/// Listens until it is dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Sink {
    /// Over UDP and TCP on one port of the loopback.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let socket = UdpSocket::bind(address)?;
        socket::widen(&socket)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let shared = Arc::new(Shared::default());
        let over_udp = Arc::clone(&shared);
        thread::spawn(move || serve_datagrams(&socket, &over_udp));
        let over_tcp = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if over_tcp.stop.load(Ordering::Relaxed) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = Arc::clone(&over_tcp);
                // How a connection ends does not matter here: who sent over it misses its answers.
                thread::spawn(move || serve_stream(stream, &shared).err());
            }
        });
        Ok(Self { address, shared })
    }

    /// MESSAGEs so far, with retransmissions.
    pub(crate) fn arrived(&self) -> &AtomicU64 {
        &self.shared.arrived
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the listener, so that it sees the flag and frees the port.
        drop(TcpStream::connect(self.address));
    }
}

fn serve_datagrams(socket: &UdpSocket, shared: &Shared) {
    let mut buffer = vec![0; DATAGRAM_OCTETS_MAX];
    let mut out = Vec::with_capacity(1024);
    while !shared.stop.load(Ordering::Relaxed) {
        // Waits for the first, then takes whatever else has arrived.
        let mut flags = RecvFlags::empty();
        let mut arrived = 0;
        for _ in 0..TAKEN_TOGETHER {
            let received = rustix::net::recvfrom(socket, &mut buffer[..], flags);
            let Ok((_, octets, Some(from))) = received else { break };
            flags = RecvFlags::DONTWAIT;
            if matches!(message::read(&buffer[..octets]), Incoming::Message { .. }) {
                arrived += 1;
                out.clear();
                message::answer(&buffer[..octets], &mut out);
                // An answer that is lost is asked for again.
                rustix::net::sendto(socket, &out, SendFlags::empty(), &from).ok();
            }
        }
        shared.arrived.fetch_add(arrived, Ordering::Relaxed);
    }
}

fn serve_stream(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut stock, mut out) = (Stock::new(), Vec::with_capacity(256 * 1024));
    while stock.fill(&mut stream)? && !shared.stop.load(Ordering::Relaxed) {
        let mut arrived = 0;
        stock.cut(|octets| {
            if matches!(message::read(octets), Incoming::Message { .. }) {
                arrived += 1;
                message::answer(octets, &mut out);
            }
        });
        shared.arrived.fetch_add(arrived, Ordering::Relaxed);
        stream.write_all(&out)?;
        out.clear();
    }
    Ok(())
}
