//! Secrets, by reference: the file says where a secret is, not what it is.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use super::spelling::{Misspelt, Spelled, spelled};

/// Where a secret is: `env:NAME` (an environment variable), `file:/path` (a file, without its final line
/// end), or, for tests and examples only, `plain:…`.
///
/// Neither `Debug` nor `Display` nor serialisation shows what follows `plain:`.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    Env(String),
    File(PathBuf),
    Plain(Box<str>),
}

/// A secret that others present and the gateway only compares: a [`SecretRef`], or `sha256:` and the 64
/// hexadecimal digits of its hash, so that the gateway need not know it.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    Secret(SecretRef),
    Sha256([u8; 32]),
}

/// The secret itself. Only [`Secret::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

/// Where secrets come from. The gateway uses the environment and the files of the process.
pub trait Environment {
    fn variable(&self, name: &str) -> Option<String>;
    fn file(&self, path: &Path) -> std::io::Result<String>;
}

/// The environment variables and files that this process sees.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

/// Why a secret cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    #[error("the environment variable {0} is empty")]
    EmptyVariable(String),
    #[error("the file {path} cannot be read: {why}")]
    Unreadable { path: String, why: String },
    #[error("the file {0} is empty")]
    EmptyFile(String),
}

/// Larger is not a secret but a mistake in the path.
const SECRET_OCTETS_MAX: u64 = 64 * 1024;

const HELP: &str = r#"write "env:NAME" or "file:/path"; for a first try, "plain:" and the secret itself"#;
const HELP_COMPARED: &str = r#"write "env:NAME", "file:/path" or "sha256:" and its hash; for a first try, "plain:" and the secret itself"#;

impl Secret {
    #[must_use]
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(secret.into())
    }

    /// Shows the secret, to the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl SecretRef {
    #[must_use]
    pub fn plain(secret: &str) -> Self {
        Self::Plain(secret.into())
    }

    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Plain(_))
    }

    /// Fetches the secret. A secret is never empty.
    pub fn resolve(&self, environment: &dyn Environment) -> Result<Secret, SecretError> {
        match self {
            Self::Plain(secret) => Ok(Secret(secret.clone())),
            Self::Env(name) => match environment.variable(name) {
                None => Err(SecretError::NotSet(name.clone())),
                Some(secret) if secret.is_empty() => Err(SecretError::EmptyVariable(name.clone())),
                Some(secret) => Ok(Secret::new(secret)),
            },
            Self::File(path) => {
                let shown = || path.display().to_string();
                let text = environment
                    .file(path)
                    .map_err(|error| SecretError::Unreadable { path: shown(), why: error.to_string() })?;
                // Editors end files with a line end, secrets do not have one.
                let secret = text.strip_suffix('\n').unwrap_or(&text);
                let secret = secret.strip_suffix('\r').unwrap_or(secret);
                if secret.is_empty() { Err(SecretError::EmptyFile(shown())) } else { Ok(Secret::new(secret)) }
            }
        }
    }
}

impl Credential {
    #[must_use]
    pub fn plain(secret: &str) -> Self {
        Self::Secret(SecretRef::plain(secret))
    }

    #[must_use]
    pub const fn is_plain(&self) -> bool {
        matches!(self, Self::Secret(SecretRef::Plain(_)))
    }
}

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &Path) -> std::io::Result<String> {
        let octets = std::fs::metadata(path)?.len();
        if octets > SECRET_OCTETS_MAX {
            return Err(std::io::Error::other(format!(
                "it has {octets} octets, at most {SECRET_OCTETS_MAX} are read"
            )));
        }
        std::fs::read_to_string(path)
    }
}

impl FromStr for SecretRef {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        if text.starts_with("sha256:") {
            return Err(Misspelt::new("the gateway sends this secret, so a hash of it is not enough", HELP));
        }
        reference(text, HELP)
    }
}

fn reference(text: &str, help: &'static str) -> Result<SecretRef, Misspelt> {
    let wrong = |what: &'static str| Misspelt::new(what, help);
    match text.split_once(':') {
        Some(("env", name)) => {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(wrong("after env: comes the name of an environment variable"));
            }
            Ok(SecretRef::Env(name.to_owned()))
        }
        Some(("file", "")) => Err(wrong("after file: comes the path of a file")),
        Some(("file", path)) => Ok(SecretRef::File(PathBuf::from(path))),
        Some(("plain", "")) => Err(wrong("after plain: comes the secret")),
        Some(("plain", secret)) => Ok(SecretRef::Plain(secret.into())),
        _ => Err(wrong("a secret is written as a reference, not as it is")),
    }
}

impl FromStr for Credential {
    type Err = Misspelt;

    fn from_str(text: &str) -> Result<Self, Misspelt> {
        let Some(hex) = text.strip_prefix("sha256:") else {
            return reference(text, HELP_COMPARED).map(Self::Secret);
        };
        decode_sha256(hex).map(Self::Sha256).ok_or_else(|| {
            Misspelt::new(
                "after sha256: come 64 hexadecimal digits",
                "make them with: printf %s 'the secret' | sha256sum",
            )
        })
    }
}

fn decode_sha256(hex: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    let octets: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    octets.try_into().ok()
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Plain(_) => f.write_str("plain:***"),
        }
    }
}

impl fmt::Display for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(secret) => secret.fmt(f),
            Self::Sha256(_) => f.write_str("sha256:***"),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Spelled for SecretRef {
    const EXPECTED: &'static str = r#"a reference to a secret, such as "env:NAME""#;

    fn from_integer(_: i64) -> Result<Self, Misspelt> {
        Err(Misspelt::new("a secret is written as a reference, not as it is", HELP))
    }
}

impl Spelled for Credential {
    const EXPECTED: &'static str = r#"a reference to a secret, such as "env:NAME""#;

    fn from_integer(_: i64) -> Result<Self, Misspelt> {
        Err(Misspelt::new("a secret is written as a reference, not as it is", HELP_COMPARED))
    }
}

spelled!(SecretRef, "SecretRef", {
    "description": "Where a secret is: env:NAME, file:/path, or, for tests and examples only, plain:…",
    "type": "string",
    "pattern": "^(env:[A-Za-z0-9_]+|file:.+|plain:.+)$"
});

spelled!(Credential, "Credential", {
    "description": "A secret that is only compared: env:NAME, file:/path, sha256:<hash in hexadecimal>, or, for tests and examples only, plain:…",
    "type": "string",
    "pattern": "^(env:[A-Za-z0-9_]+|file:.+|plain:.+|sha256:[0-9A-Fa-f]{64})$"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_shown() {
        let secret = SecretRef::plain("hunter2");
        let credential: Credential = format!("sha256:{}", "ab".repeat(32)).parse().unwrap();
        for shown in [
            format!("{secret:?} {secret}"),
            format!("{:?}", Credential::plain("hunter2")),
            format!("{:?}", secret.resolve(&ProcessEnvironment).unwrap()),
            toml::Value::try_from(&secret).unwrap().to_string(),
            "hunter2".parse::<SecretRef>().unwrap_err().to_string(),
            format!("{credential:?} {credential}"),
        ] {
            assert!(!shown.contains("hunter2") && !shown.contains("abab"), "{shown}");
        }
    }

    #[test]
    fn a_hash_is_enough_only_for_comparing() {
        let hash = format!("sha256:{}", "0F".repeat(32));
        assert_eq!(hash.parse::<Credential>().unwrap(), Credential::Sha256([15; 32]));
        assert_eq!(
            hash.parse::<SecretRef>().unwrap_err().what,
            "the gateway sends this secret, so a hash of it is not enough"
        );
        assert!("sha256:0f".parse::<Credential>().is_err());
        assert!(format!("sha256:{}", "zz".repeat(32)).parse::<Credential>().is_err());
    }

    #[test]
    fn files_lose_their_final_line_end() {
        struct Files;
        impl Environment for Files {
            fn variable(&self, _: &str) -> Option<String> {
                None
            }
            fn file(&self, path: &Path) -> std::io::Result<String> {
                if path == Path::new("/empty") { Ok("\n".into()) } else { Ok("one two\r\n".into()) }
            }
        }
        let get = |text: &str| text.parse::<SecretRef>().unwrap().resolve(&Files);
        assert_eq!(get("file:/x").unwrap().expose(), "one two");
        assert_eq!(get("file:/empty").unwrap_err(), SecretError::EmptyFile("/empty".into()));
        assert_eq!(get("env:NOPE").unwrap_err(), SecretError::NotSet("NOPE".into()));
    }
}
