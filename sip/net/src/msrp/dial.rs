//! Whom we call.

use std::io;

use rustls_pki_types::ServerName;
use sip_msrp::Security;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::client::TlsStream;

use super::{
    Event, Proof,
    connection::Connection,
    connections::{Shared, tune},
    tls,
};
use crate::Ended;

/// Opens the connection and runs it. What was queued meanwhile goes out first.
pub(super) async fn dial(shared: &Shared, connection: &Connection) {
    let Some(target) = &connection.target else { return };
    let ending = || Err(Ended::Stopped);
    let reached = connection.ending.run_until_cancelled(reach(shared, connection)).await;
    let stream = match reached.unwrap_or_else(ending) {
        Ok(stream) => stream,
        Err(why) => return fail(shared, connection, why),
    };
    let (id, remote) = (connection.id, target.remote);
    let opened = |security| Event::Opened { connection: id, security, remote, incoming: false };
    let Some(proof) = &target.tls else {
        shared.numbers.dialled.one();
        return shared.run(connection, opened(Security::Plain), stream).await;
    };
    let Some(Some(stream)) =
        connection.ending.run_until_cancelled(shake(shared, proof, remote, stream)).await
    else {
        shared.numbers.handshake_failed.one();
        return fail(shared, connection, connection.ended().unwrap_or(Ended::Handshake));
    };
    shared.numbers.dialled.one();
    let shown = tls::shown(stream.get_ref().1.peer_certificates());
    shared.run(connection, opened(Security::Tls(shown)), stream).await;
}

async fn reach(shared: &Shared, connection: &Connection) -> Result<TcpStream, Ended> {
    let Some(target) = &connection.target else { return Err(Ended::Stopped) };
    match timeout(shared.settings.dial_timeout, TcpStream::connect(target.remote)).await {
        Ok(Ok(stream)) => {
            tune(&stream);
            Ok(stream)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => Err(Ended::Refused),
        Ok(Err(_)) => Err(Ended::Broken),
        Err(_elapsed) => Err(Ended::TimedOut),
    }
}

/// The other end has to prove what it was called for.
async fn shake(
    shared: &Shared,
    proof: &Proof,
    remote: std::net::SocketAddr,
    stream: TcpStream,
) -> Option<TlsStream<TcpStream>> {
    let (connector, name) = match proof {
        Proof::Fingerprint(_) => (&shared.settings.by_fingerprint, ServerName::IpAddress(remote.ip().into())),
        Proof::Name(name) => (&shared.settings.by_name, ServerName::try_from(name.to_string()).ok()?),
    };
    let connecting = connector.as_ref()?().connect(name, stream);
    let stream = timeout(shared.settings.handshake_timeout, connecting).await.ok()?.ok()?;
    let right = match proof {
        Proof::Fingerprint(announced) => {
            tls::shown(stream.get_ref().1.peer_certificates()) == Some(*announced)
        }
        Proof::Name(_) => true,
    };
    right.then_some(stream)
}

fn fail(shared: &Shared, connection: &Connection, why: Ended) {
    connection.end(why);
    shared.numbers.dial_failed.one();
    shared.finish(connection);
}
