//! Lists of hops: `To-Path`, `From-Path`, `Use-Path` and `a=path`.

use std::fmt;

use smallvec::{SmallVec, smallvec};

use crate::{Uri, UriError, limits::HOPS_MAX};

/// Hops, the next one first and the endpoint last.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Path(SmallVec<[Uri; 1]>);

impl Path {
    /// Reads URIs with spaces between them.
    ///
    /// # Errors
    ///
    /// The first URI that cannot be read; `TooLong` for more than [`HOPS_MAX`] of them or none.
    pub fn parse(text: &str) -> Result<Self, UriError> {
        let mut hops = SmallVec::new();
        for one in text.split([' ', '\t']).filter(|one| !one.is_empty()) {
            if hops.len() == HOPS_MAX {
                return Err(UriError::TooLong);
            }
            hops.push(Uri::parse(one)?);
        }
        if hops.is_empty() { Err(UriError::TooLong) } else { Ok(Self(hops)) }
    }

    /// The hops in order.
    pub fn hops(&self) -> &[Uri] {
        &self.0
    }

    /// The hop that gets it next.
    pub fn first(&self) -> Option<&Uri> {
        self.0.first()
    }

    /// The endpoint.
    pub fn last(&self) -> Option<&Uri> {
        self.0.last()
    }

    /// No hops.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The hops in the other order: a relay lists what it gave as `Use-Path` from the outside to the inside,
    /// requests go from the inside to the outside.
    #[must_use]
    pub fn reversed(&self) -> Self {
        self.0.iter().rev().cloned().collect()
    }
}

impl From<Uri> for Path {
    fn from(uri: Uri) -> Self {
        Self(smallvec![uri])
    }
}

impl FromIterator<Uri> for Path {
    fn from_iter<T: IntoIterator<Item = Uri>>(hops: T) -> Self {
        Self(hops.into_iter().collect())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, hop) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(hop.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({} hops)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_in_order_and_back() {
        let text = "msrp://relay.example/a;tcp  msrp://end.example/b;tcp ";
        let path = Path::parse(text).unwrap();
        assert_eq!(path.to_string(), "msrp://relay.example/a;tcp msrp://end.example/b;tcp");
        assert_eq!(path.first().map(Uri::host), Some("relay.example"));
        assert_eq!(path.last().map(Uri::host), Some("end.example"));
        assert_eq!(path.reversed().first(), path.last());
        assert_eq!(format!("{path:?}"), "Path(2 hops)");
    }

    #[test]
    fn a_path_is_bounded_and_never_empty() {
        assert!(Path::parse("").is_err() && Path::parse("  ").is_err());
        let many = ["msrp://a/b;tcp"; HOPS_MAX + 1].join(" ");
        assert_eq!(Path::parse(&many).err(), Some(UriError::TooLong));
    }
}
