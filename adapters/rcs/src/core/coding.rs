//! `Content-Encoding: deflate` (RFC 3261 §20.12): liblinphone sends its notifications so, and does not send them again
//! otherwise when it is refused.

use bytes::Bytes;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit, decompress_to_vec_zlib_with_limit};
use sip_message::{Name, Request};

/// Why a body cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damaged {
    /// 400.
    Broken,
    /// 413.
    TooLarge,
}

/// The request with its body as it was before it was deflated, at most `octets_max` long. A request with any other
/// coding stays as it is: it is judged by its name.
pub(super) fn inflated(mut request: Request, octets_max: usize) -> Result<Request, Damaged> {
    let mut codings = request.headers.tokens(Name::ContentEncoding);
    let deflated = codings.next().is_some_and(|coding| coding.eq_ignore_ascii_case("deflate"));
    if !deflated || codings.next().is_some() {
        drop(codings);
        return Ok(request);
    }
    drop(codings);
    request.body = inflate(&request.body, octets_max)?;
    request.headers.remove(Name::ContentEncoding);
    Ok(request)
}

/// With the zlib header that the coding has (RFC 9110 §8.4.1.2), or without, as some send it.
fn inflate(octets: &[u8], octets_max: usize) -> Result<Bytes, Damaged> {
    let with_header = decompress_to_vec_zlib_with_limit(octets, octets_max);
    let plain = match with_header {
        Err(error) if error.status != TINFLStatus::HasMoreOutput => {
            decompress_to_vec_with_limit(octets, octets_max)
        }
        other => other,
    };
    match plain {
        Ok(octets) => Ok(octets.into()),
        Err(error) if error.status == TINFLStatus::HasMoreOutput => Err(Damaged::TooLarge),
        Err(_) => Err(Damaged::Broken),
    }
}

#[cfg(test)]
mod tests {
    use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_body_that_becomes_large_is_not_unfolded() {
        let bomb = compress_to_vec_zlib(&vec![0; 1 << 20], 9);
        assert!(bomb.len() < 2_000);
        assert_eq!(inflate(&bomb, 64 * 1024), Err(Damaged::TooLarge));
        assert_eq!(inflate(&compress_to_vec(&vec![0; 1 << 20], 9), 64 * 1024), Err(Damaged::TooLarge));
    }

    proptest! {
        #[test]
        fn what_was_deflated_comes_back(octets in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            prop_assert_eq!(inflate(&compress_to_vec_zlib(&octets, 6), 4_000).expect("whole"), octets);
        }

        #[test]
        fn any_octets_are_bounded(octets in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(plain) = inflate(&octets, 1_000) {
                prop_assert!(plain.len() <= 1_000);
            }
        }
    }
}
