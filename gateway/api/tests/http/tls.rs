//! TLS: certificates shown, exchanged and asked for.

use std::{path::Path, sync::Arc};

use api::{ConnectionLimits, Tls, TlsError, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use crate::world::Call;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certificate(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// PEM of a certificate for `name`, and of its key.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    fn install(&self, folder: &Path, name: &str) -> TlsFiles {
        let (certificate, key) = self.issue(name);
        let files =
            TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem"), client_ca: None };
        std::fs::write(&files.certificate, certificate).unwrap();
        std::fs::write(&files.key, key).unwrap();
        files
    }

    fn trusting(&self) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
    }
}

async fn serve(tls: Arc<Tls>) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
    let stopping = CancellationToken::new();
    tokio::spawn(api::serve(listener, Some(tls), router, ConnectionLimits::default(), stopping));
    address
}

async fn get(address: std::net::SocketAddr, config: ClientConfig, name: &str) -> std::io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    // With TLS 1.3 a client learns that its certificate was refused from the first read.
    tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await?;
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn certificates_are_exchanged_while_serving() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = authority.install(folder.path(), "old.test");
    let tls = Arc::new(Tls::load(files, &[b"http/1.1"]).unwrap());
    let address = serve(tls.clone()).await;
    let get = |name| get(address, authority.trusting().with_no_client_auth(), name);
    assert!(get("old.test").await.unwrap().ends_with("hello"));
    assert!(get("new.test").await.is_err());

    // A connection that stands is not touched by what follows.
    let connector = TlsConnector::from(Arc::new(authority.trusting().with_no_client_auth()));
    let standing = TcpStream::connect(address).await.unwrap();
    let standing = connector.connect("old.test".try_into().unwrap(), standing).await.unwrap();

    authority.install(folder.path(), "new.test");
    assert!(get("old.test").await.is_ok(), "files alone change nothing");
    tls.reload().unwrap();
    assert!(get("new.test").await.unwrap().ends_with("hello"));
    assert!(get("old.test").await.is_err());
    assert_eq!(Call::new("GET", "/").send_over(standing).await.text(), "hello");
}

#[tokio::test]
async fn material_that_cannot_be_used_leaves_the_old_in_place() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let files = authority.install(folder.path(), "gw.test");
    let tls = Arc::new(Tls::load(files.clone(), &[]).unwrap());
    let address = serve(tls.clone()).await;
    let good = std::fs::read(&files.key).unwrap();

    let (_, foreign) = authority.issue("gw.test");
    for (key, reason) in [(foreign.as_str(), "another's key"), ("", "no key"), ("secret words", "not PEM")] {
        std::fs::write(&files.key, key).unwrap();
        let error = tls.reload().unwrap_err().to_string();
        assert!(error.contains("key.pem") && !error.contains("secret"), "{reason}: {error}");
    }
    std::fs::remove_file(&files.key).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Unreadable { .. })));
    std::fs::write(&files.key, good).unwrap();
    std::fs::write(&files.certificate, "").unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Unusable { .. })));
    assert!(matches!(Tls::load(files, &[]), Err(TlsError::Unusable { .. })));

    let answer = get(address, authority.trusting().with_no_client_auth(), "gw.test").await.unwrap();
    assert!(answer.ends_with("hello"));
}

#[tokio::test]
async fn peers_without_a_certificate_of_the_authority_are_refused() {
    let (folder, authority, partners) = (tempfile::tempdir().unwrap(), Authority::new(), Authority::new());
    let mut files = authority.install(folder.path(), "gw.test");
    let client_ca = folder.path().join("partners.pem");
    std::fs::write(&client_ca, partners.0.pem()).unwrap();
    files.client_ca = Some(client_ca);
    let address = serve(Arc::new(Tls::load(files, &[]).unwrap())).await;

    let client = |(certificate, key): (String, String)| {
        let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        authority.trusting().with_client_auth_cert(chain, key).unwrap()
    };
    assert!(get(address, client(partners.issue("partner")), "gw.test").await.unwrap().ends_with("hello"));
    assert!(get(address, client(authority.issue("stranger")), "gw.test").await.is_err());
    assert!(get(address, authority.trusting().with_no_client_auth(), "gw.test").await.is_err());
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up() {
    let (folder, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let tls = Arc::new(Tls::load(authority.install(folder.path(), "gw.test"), &[]).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = ConnectionLimits {
        handshake_timeout: std::time::Duration::from_millis(50),
        ..ConnectionLimits::default()
    };
    tokio::spawn(api::serve(listener, Some(tls), axum::Router::new(), limits, CancellationToken::new()));
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut octets = Vec::new();
    drop(tokio::io::AsyncReadExt::read_to_end(&mut silent, &mut octets).await);
    assert!(octets.is_empty());
}
