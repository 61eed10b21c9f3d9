//! A connected UDP socket or TCP connection: octets out in batches, whole messages in.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};

use rustix::net::{MMsgHdr, RecvFlags, SendAncillaryBuffer, SendFlags, sockopt};

use super::message;

/// Room for several windows of messages; the kernel counts more than their octets.
const KERNEL_OCTETS: usize = 4 * 1024 * 1024;
/// No message of ours or of a peer comes near it.
const DATAGRAM_OCTETS_MAX: usize = 65_536;
const STREAM_OCTETS: usize = 512 * 1024;

/// How messages travel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// As it stands in Via.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// Messages that go out together.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) octets: Vec<u8>,
    /// Where each message ends.
    ends: Vec<usize>,
}

impl Batch {
    /// What was appended to `octets` since the last end is one message.
    pub(crate) fn end(&mut self) {
        self.ends.push(self.octets.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, &end)| &self.octets[begin..end])
    }
}

pub(crate) enum Socket {
    Udp { socket: UdpSocket, buffer: Vec<u8> },
    Tcp { stream: TcpStream, stock: Stock },
}

impl Socket {
    pub(crate) fn connect(transport: Transport, to: SocketAddr) -> io::Result<Self> {
        match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
                widen(&socket)?;
                socket.connect(to)?;
                Ok(Self::Udp { socket, buffer: vec![0; DATAGRAM_OCTETS_MAX] })
            }
            Transport::Tcp => {
                let stream = TcpStream::connect(to)?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp { stream, stock: Stock::new() })
            }
        }
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Udp { socket, .. } => socket.local_addr(),
            Self::Tcp { stream, .. } => stream.local_addr(),
        }
    }

    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Udp { .. } => Transport::Udp,
            Self::Tcp { .. } => Transport::Tcp,
        }
    }

    /// Sends a batch and empties it.
    pub(crate) fn send(&mut self, batch: &mut Batch) -> io::Result<()> {
        match self {
            Self::Udp { socket, .. } => send_datagrams(socket, batch)?,
            Self::Tcp { stream, .. } => stream.write_all(&batch.octets)?,
        }
        batch.clear();
        Ok(())
    }

    /// Hands over every message that has arrived, without waiting for more.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        match self {
            Self::Udp { socket, buffer } => loop {
                match rustix::net::recv(&*socket, &mut buffer[..], RecvFlags::DONTWAIT) {
                    Ok((_, octets)) => each(&buffer[..octets]),
                    Err(rustix::io::Errno::AGAIN) => return Ok(()),
                    // Nobody listened when we sent; the next may be luckier.
                    Err(rustix::io::Errno::CONNREFUSED) => {}
                    Err(error) => return Err(error.into()),
                }
            },
            Self::Tcp { stream, stock } => {
                let into = stock.room();
                match rustix::net::recv(&*stream, into, RecvFlags::DONTWAIT) {
                    Ok((_, 0)) => return Err(ErrorKind::UnexpectedEof.into()),
                    Ok((_, octets)) => stock.filled(octets),
                    Err(rustix::io::Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
                stock.cut(each);
                Ok(())
            }
        }
    }
}

fn send_datagrams(socket: &UdpSocket, batch: &Batch) -> io::Result<()> {
    /// Datagrams of one call to the kernel.
    const CALL: usize = 64;
    let slices: Vec<_> = batch.messages().map(|message| [IoSlice::new(message)]).collect();
    for chunk in slices.chunks(CALL) {
        let mut nothing: Vec<_> = chunk.iter().map(|_| SendAncillaryBuffer::default()).collect();
        let mut headers: Vec<_> =
            chunk.iter().zip(&mut nothing).map(|(slice, control)| MMsgHdr::new(slice, control)).collect();
        let mut sent = 0;
        while sent < headers.len() {
            match rustix::net::sendmmsg(socket, &mut headers[sent..], SendFlags::empty()) {
                Ok(count) => sent += count,
                Err(rustix::io::Errno::CONNREFUSED) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Gives a socket buffers that a burst fits into.
pub(crate) fn widen(socket: &UdpSocket) -> io::Result<()> {
    sockopt::set_socket_recv_buffer_size(socket, KERNEL_OCTETS)?;
    sockopt::set_socket_send_buffer_size(socket, KERNEL_OCTETS)?;
    Ok(())
}

/// What came over a stream and is not cut yet.
pub(crate) struct Stock {
    buffer: Vec<u8>,
    end: usize,
}

impl Stock {
    pub(crate) fn new() -> Self {
        Self { buffer: vec![0; STREAM_OCTETS], end: 0 }
    }

    fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    fn filled(&mut self, octets: usize) {
        self.end += octets;
    }

    /// One read that may wait; `Ok(false)` when the other side hung up.
    pub(crate) fn fill(&mut self, from: &mut impl Read) -> io::Result<bool> {
        let octets = from.read(self.room())?;
        self.filled(octets);
        Ok(octets > 0)
    }

    /// Hands over every whole message and keeps the rest.
    pub(crate) fn cut(&mut self, mut each: impl FnMut(&[u8])) {
        let mut begin = 0;
        loop {
            // Keep-alives between messages (RFC 5626 §3.5.1).
            while self.buffer[begin..self.end].starts_with(b"\r\n") {
                begin += 2;
            }
            let rest = &self.buffer[begin..self.end];
            let Some(octets) = message::whole(rest) else { break };
            each(&rest[..octets]);
            begin += octets;
        }
        self.buffer.copy_within(begin..self.end, 0);
        self.end -= begin;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stock_cuts_messages_that_come_in_pieces() {
        let one = b"SIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nab";
        let stream = [&one[..], b"\r\n\r\n", one, one].concat();
        for piece in [1, 7, stream.len()] {
            let (mut stock, mut cut) = (Stock::new(), 0);
            for mut chunk in stream.chunks(piece) {
                assert!(stock.fill(&mut chunk).unwrap());
                stock.cut(|message| {
                    assert_eq!(message, one);
                    cut += 1;
                });
            }
            assert_eq!((cut, stock.end), (3, 0));
        }
    }

    #[test]
    fn a_batch_knows_its_messages() {
        let mut batch = Batch::default();
        for text in ["one", "", "three"] {
            batch.octets.extend_from_slice(text.as_bytes());
            batch.end();
        }
        assert_eq!(batch.messages().collect::<Vec<_>>(), [&b"one"[..], b"", b"three"]);
    }
}
