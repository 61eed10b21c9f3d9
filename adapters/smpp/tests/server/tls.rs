//! The listener with TLS.

use std::sync::Arc;

use rcgen::generate_simple_self_signed;
use rustls::{ClientConfig, RootCertStore, ServerConfig, crypto::aws_lc_rs};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use smpp::{Command, CommandStatus, Version, pdu::BindKind};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::{
    desk::{Desk, accepted, account, messages, settings},
    esme::{Esme, submit},
};

#[tokio::test]
async fn a_session_over_tls_is_a_session() {
    let made = generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("supported")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .expect("they belong together");
    let config = Arc::new(config);
    let mut desk =
        Desk::over(settings(), account(), Some(Arc::new(move || TlsAcceptor::from(config.clone())))).await;

    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let trusting = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("supported")
        .with_root_certificates(roots)
        .with_no_client_auth();
    // One that never shakes hands does not keep the others waiting.
    let _silent = TcpStream::connect(desk.address).await.expect("loopback");
    let stream = TcpStream::connect(desk.address).await.expect("loopback");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(trusting)).connect(name, stream).await.expect("trusted");
    let mut esme = Esme::over(stream);
    esme.bind(BindKind::Transceiver, Version::V34).await;
    esme.write(&submit(2, "sealed")).await;
    let (text, ticket) = desk.text().await;
    assert_eq!(text, "sealed");
    desk.answer(ticket, accepted(3));
    esme.accepted(2, "3").await;
    desk.send(messages(1));
    let (sequence, text) = esme.delivery().await;
    assert_eq!(text, "text 0");
    esme.took(sequence, CommandStatus::ROK).await;
    desk.outcome().await;
    esme.empty(Command::Unbind, CommandStatus::ROK, 9).await;
    esme.answered(Command::UnbindResp, CommandStatus::ROK, 9).await;
    esme.closed().await;
}

#[tokio::test]
async fn row_02_plain_words_to_a_tls_port_and_the_other_way_round_are_closed() {
    let desk = Desk::start().await;
    let mut esme = Esme::connect(desk.address).await;
    esme.write(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0])
        .await;
    esme.expect(Command::GenericNack, CommandStatus::RINVCMDLEN).await;
    esme.closed().await;
}
