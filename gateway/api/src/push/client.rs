//! The one client for calls to messengers: addresses are judged after resolution and then used as they
//! are, connections are kept, nothing is followed, and everything has a deadline and a limit.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client as Pooled, connect::Connection},
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use model::Duration;
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tower::Service;

use super::guard;

/// Addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;
/// Shorter than common servers keep theirs: a connection that dies under a call costs certainty.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// How to call.
#[derive(Debug, Clone)]
pub struct ClientSettings {
    /// Also private, loopback and link-local addresses, and plain HTTP. For laboratories and for peers in
    /// the operator's own network.
    pub allow_private_addresses: bool,
    pub trust: Trust,
    /// Name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// From the first octet sent to the last octet of the answer; what connecting left over is added.
    pub call_timeout: Duration,
    /// Octets of an answer's body.
    pub answer_octets_max: usize,
    /// Connections kept open to one host while nothing is sent.
    pub idle_connections_max: usize,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            allow_private_addresses: false,
            trust: Trust::Platform,
            connect_timeout: Duration::from_secs(5),
            call_timeout: Duration::from_secs(10),
            answer_octets_max: 1 << 20,
            idle_connections_max: 8,
        }
    }
}

/// Whose certificates are believed.
#[derive(Debug, Clone)]
pub enum Trust {
    /// What the operating system trusts.
    Platform,
    /// These authorities and no others.
    Only(Arc<[CertificateDer<'static>]>),
}

/// How a call ended without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// No connection: certainly nothing was sent.
    NotSent,
    /// It may have arrived.
    Lost,
}

#[derive(Clone)]
pub(super) struct Client {
    pooled: Pooled<Timed<HttpsConnector<Guarded>>, Full<Bytes>>,
    call_timeout: Duration,
    answer_octets_max: usize,
}

impl Client {
    pub(super) fn new(settings: &ClientSettings) -> Result<Self, rustls::Error> {
        let guarded = Guarded { allow_private: settings.allow_private_addresses };
        let https = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls(&settings.trust)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(guarded);
        let timed = Timed { inner: https, timeout: settings.connect_timeout };
        let pooled = Pooled::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(settings.idle_connections_max)
            .build(timed);
        let call_timeout = settings.connect_timeout + settings.call_timeout;
        Ok(Self { pooled, call_timeout, answer_octets_max: settings.answer_octets_max })
    }

    /// Calls once. Redirects are answers like others.
    pub(super) async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Failed> {
        let exchange = async {
            let response = self
                .pooled
                .request(request.map(Full::new))
                .await
                .map_err(|error| if error.is_connect() { Failed::NotSent } else { Failed::Lost })?;
            let (head, body) = response.into_parts();
            match Limited::new(body, self.answer_octets_max).collect().await {
                Ok(body) => Ok(Response::from_parts(head, body.to_bytes())),
                // Without its body a refusal is still a refusal; a success is not yet one.
                Err(_) if !head.status.is_success() => Ok(Response::from_parts(head, Bytes::new())),
                Err(_) => Err(Failed::Lost),
            }
        };
        tokio::time::timeout(self.call_timeout, exchange).await.unwrap_or(Err(Failed::Lost))
    }
}

fn tls(trust: &Trust) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
    Ok(match trust {
        Trust::Platform => {
            let verifier = rustls_platform_verifier::Verifier::new(provider)?;
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
        }
        Trust::Only(authorities) => {
            let mut roots = RootCertStore::empty();
            for authority in authorities.iter() {
                roots.add(authority.clone())?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    })
}

/// Why no connection came about. Carries no address: it may belong to a neighbour.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error("the address names no host")]
    NoHost,
    #[error("the host has no address that may be called")]
    NotPermitted,
    #[error("no connection came about in time")]
    Late,
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("connecting failed")]
    Tls(#[source] BoxError),
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Connecting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

/// Resolves, judges, and connects to what was judged: the name is not asked a second time.
#[derive(Clone)]
struct Guarded {
    allow_private: bool,
}

impl Guarded {
    async fn connect(self, url: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = guard::host(&url).ok_or(ConnectError::NoHost)?;
        let port = url.port_u16().unwrap_or_else(|| if url.scheme_str() == Some("http") { 80 } else { 443 });
        let resolved = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => tokio::net::lookup_host((host, port)).await?.take(ADDRESSES_MAX * 2).collect(),
        };
        let permitted =
            resolved.into_iter().filter(|address| self.allow_private || guard::is_public(address.ip()));
        let mut failed = ConnectError::NotPermitted;
        for address in permitted.take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Err(error) => failed = error.into(),
            }
        }
        Err(failed)
    }
}

impl Service<Uri> for Guarded {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Connecting<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        Box::pin(self.clone().connect(url))
    }
}

/// One deadline over connecting as a whole.
#[derive(Clone)]
struct Timed<C> {
    inner: C,
    timeout: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri, Error = BoxError>,
    C::Response: Connection,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = ConnectError;
    type Future = Connecting<Self::Response, Self::Error>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(ConnectError::Tls)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, self.inner.call(url));
        Box::pin(async move { connecting.await.map_err(|_| ConnectError::Late)?.map_err(ConnectError::Tls) })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("call_timeout", &self.call_timeout).finish_non_exhaustive()
    }
}
