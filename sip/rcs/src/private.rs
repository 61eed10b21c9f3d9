//! Addresses and texts of people do not print.

use std::fmt;
use std::ops::Deref;

use smol_str::SmolStr;

/// A text from a person or about one. `Debug` says how long it is and nothing else.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Private<T = SmolStr>(pub T);

impl<T: AsRef<str>> Private<T> {
    /// The text in the clear.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl<T: AsRef<str>> Deref for Private<T> {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_ref()
    }
}

impl<T: AsRef<str>> fmt::Debug for Private<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} octets]", self.0.as_ref().len())
    }
}

impl From<&str> for Private<SmolStr> {
    fn from(text: &str) -> Self {
        Self(SmolStr::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_does_not_print() {
        let number: Private = "tel:+821011112222".into();
        assert_eq!(format!("{number:?}"), "[17 octets]");
        assert_eq!(number.as_str(), "tel:+821011112222");
    }
}
