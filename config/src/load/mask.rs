//! Blots out secrets in the text that is shown beside an error.
//!
//! Octets are replaced one by one, so that every span still points at what it pointed at.

use super::{
    suggest::distance,
    tree::{Node, Value},
};
use crate::path::{Path, Step};

const KEYS: [&str; 3] = ["password", "secret", "token"];

/// The value of this key is a secret, or was meant to be one.
pub(crate) fn is_secret(path: &Path) -> bool {
    let keys = path.steps().iter().filter_map(|step| match step {
        Step::Key(key) => Some(key.as_str()),
        Step::Index(_) => None,
    });
    let mut above = None;
    // What is below such a key was meant to be one, too.
    keys.into_iter().any(|key| {
        let near = |word: &&str| key.contains(*word) || distance(key, word) <= 2;
        let is_file = above.replace(key) == Some("tls");
        KEYS.iter().any(near) || key == "keys" || (key == "key" && !is_file)
    })
}

/// Masks by the tree: exact.
pub(crate) fn by_tree(text: &str, root: &Node) -> String {
    let mut octets = text.as_bytes().to_vec();
    root.walk(&Path::root(), &mut |path, node| {
        let Value::String(value) = &node.value else {
            // `password = 12345678` is a secret too, though not a legal one.
            if is_secret(path) && !matches!(node.value, Value::List(_) | Value::Table(_)) {
                blot(&mut octets, node.at.range.clone());
            }
            return;
        };
        let hides = if is_secret(path) { !is_reference(value) } else { is_telling(value) };
        if hides {
            blot(&mut octets, node.at.range.clone());
        }
    });
    String::from_utf8(octets).unwrap_or_default()
}

/// Masks by the look of the lines: for texts that are not TOML.
pub(crate) fn by_lines(text: &str) -> String {
    let mut octets = Vec::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let suspicious = KEYS.iter().chain(&["key"]).any(|word| line.contains(word)) || is_telling(line);
        let start = line.find('=').map_or(0, |at| at + 1);
        let mut shown = line.as_bytes().to_vec();
        if suspicious {
            let end = shown.len();
            blot(&mut shown, start..end);
        }
        octets.extend_from_slice(&shown);
    }
    String::from_utf8(octets).unwrap_or_default()
}

fn is_reference(value: &str) -> bool {
    value.starts_with("env:") || value.starts_with("file:")
}

/// A secret wherever it stands: written out, hashed, or inside an address.
pub(crate) fn is_telling(value: &str) -> bool {
    value.contains("plain:")
        || value.contains("sha256:")
        || (value.contains("://") && (value.contains('@') || value.contains("password")))
}

/// Quotes, spaces and line ends stay, so that the shape of the line can still be seen.
fn blot(octets: &mut [u8], range: std::ops::Range<usize>) {
    for octet in octets.get_mut(range).into_iter().flatten() {
        if !matches!(octet, b'"' | b'\'' | b' ' | b'\t' | b'\r' | b'\n') {
            *octet = b'*';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_length() {
        let text =
            "a = 1\npassword = \"비밀 hunter2\nx = { token = 'hunter2'\nurl = \"postgres://u:hunter2@h\"\n";
        let masked = by_lines(text);
        assert_eq!(masked.len(), text.len());
        assert!(masked.starts_with("a = 1\npassword = \"*"), "{masked}");
        assert!(!masked.contains("hunter2") && !masked.contains("비밀"), "{masked}");
    }
}
