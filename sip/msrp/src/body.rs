//! Looking into bodies, which are nobody's business otherwise.

use crate::TransactionId;

/// Octets of a CPIM message in which the type of its content stands.
const CPIM_HEAD_OCTETS: usize = 4096;

const IS_COMPOSING: &str = "application/im-iscomposing+xml";

/// Is there anything that could end this body early? Line ends before it are not asked for: a search that
/// finds too much only costs another random value.
pub(crate) fn holds_end_line(body: &[u8], transaction: &TransactionId) -> bool {
    let id = transaction.as_str().as_bytes();
    let mut at = 0;
    // Seven dashes cannot be missed by who looks at every seventh octet.
    while let Some(octet) = body.get(at + 6) {
        if *octet != b'-' {
            at += 7;
            continue;
        }
        let before =
            body.get(..at + 6).unwrap_or_default().iter().rev().take_while(|octet| **octet == b'-').count();
        let rest = body.get(at + 6..).unwrap_or_default();
        let after = rest.iter().take_while(|octet| **octet == b'-').count();
        if before + after >= 7 && rest.get(after..).is_some_and(|rest| rest.starts_with(id)) {
            return true;
        }
        at += after.max(1);
    }
    false
}

/// A message that only says that somebody types: it does not keep a session from being idle.
pub(crate) fn is_composing(content_type: &str, body: &[u8]) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case(IS_COMPOSING) {
        return true;
    }
    if !essence.eq_ignore_ascii_case("message/cpim") {
        return false;
    }
    let head = body.get(..CPIM_HEAD_OCTETS).unwrap_or(body);
    let head = String::from_utf8_lossy(head);
    // The headers of the content are the second block.
    let content = head.split("\r\n\r\n").nth(1).unwrap_or_default();
    content.lines().any(|line| {
        let (name, value) = line.split_once(':').unwrap_or_default();
        name.trim().eq_ignore_ascii_case("content-type")
            && value.split(';').next().is_some_and(|value| value.trim().eq_ignore_ascii_case(IS_COMPOSING))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_typing_mark_is_known_alone_and_in_cpim() {
        assert!(is_composing("application/im-iscomposing+xml", b""));
        let cpim =
            |inner: &str| format!("From: <sip:a@b>\r\n\r\nContent-type: {inner}\r\n\r\n<isComposing/>");
        assert!(is_composing("message/cpim", cpim("application/im-isComposing+xml; x=1").as_bytes()));
        assert!(!is_composing("message/cpim", cpim("text/plain").as_bytes()));
        assert!(!is_composing("message/cpim", b"Content-Type: application/im-iscomposing+xml\r\n\r\n"));
        assert!(!is_composing("text/plain", cpim("application/im-iscomposing+xml").as_bytes()));
    }

    proptest! {
        #[test]
        fn no_end_line_is_missed(before in "[-ax\r\n]{0,30}", dashes in 5_usize..10, after in "[-ax$]{0,30}") {
            let id = TransactionId::parse(b"axax").unwrap();
            let body = format!("{before}{}axax{after}", "-".repeat(dashes));
            prop_assert_eq!(holds_end_line(body.as_bytes(), &id), body.contains("-------axax"));
        }
    }
}
