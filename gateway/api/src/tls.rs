//! TLS for any listener: certificates are loaded from files and exchanged while it serves.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio_rustls::TlsAcceptor;

/// Where the material is. All files are PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, then the chain towards the root.
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// Where peers must show a certificate: the authorities that may have issued it.
    pub client_ca: Option<PathBuf>,
}

/// Why the material cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: {what}", path.display())]
    Unusable { path: PathBuf, what: &'static str },
    #[error("{}: {error}", path.display())]
    Refused { path: PathBuf, error: rustls::Error },
}

/// The TLS side of a listener.
///
/// [`Self::reload`] changes what the next handshake shows; connections that stand are not touched.
pub struct Tls {
    files: TlsFiles,
    current: Arc<Current>,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Loads the material. `protocols` are offered by ALPN (RFC 7301), none by default.
    ///
    /// # Errors
    /// When a file cannot be read, or key and certificate do not belong together.
    pub fn load(files: TlsFiles, protocols: &[&[u8]]) -> Result<Self, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(ArcSwap::from_pointee(certified_key(&files, &provider)?)));
        let refused = |error| TlsError::Refused { path: files.certificate.clone(), error };
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(refused)?;
        let config = match &files.client_ca {
            None => config.with_no_client_auth(),
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider)
                    .build()
                    .map_err(|_| TlsError::Unusable {
                        path: path.clone(),
                        what: "holds no usable authority",
                    })?;
                config.with_client_cert_verifier(verifier)
            }
        };
        let mut config = config.with_cert_resolver(current.clone());
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
        Ok(Self { files, current, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// Reads certificate and key again. On an error the old ones stay in use. Other client authorities
    /// need a restart.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let fresh = certified_key(&self.files, &aws_lc_rs::default_provider())?;
        self.current.0.store(Arc::new(fresh));
        Ok(())
    }

    /// Accepts connections; shows what is current at each handshake, however long it is kept.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        self.acceptor.clone()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

struct Current(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

fn certified_key(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let chain = certificates(&files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| pem_error(&files.key, error, "holds no private key"))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| TlsError::Refused { path: files.key.clone(), error })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| pem_error(path, error, "is not PEM"));
    match found {
        Ok(chain) if chain.is_empty() => {
            Err(TlsError::Unusable { path: path.to_owned(), what: "holds no certificate" })
        }
        found => found,
    }
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| TlsError::Refused { path: path.to_owned(), error })?;
    }
    Ok(roots)
}

/// What a PEM error quotes comes from a file with secrets.
fn pem_error(path: &Path, error: rustls_pki_types::pem::Error, what: &'static str) -> TlsError {
    match error {
        rustls_pki_types::pem::Error::Io(error) => TlsError::Unreadable { path: path.to_owned(), error },
        _ => TlsError::Unusable { path: path.to_owned(), what },
    }
}
