//! The script of a page, and the policy by which browsers run it and nothing else.

use sha2::{Digest, Sha256};

/// What makes a page more convenient that is complete without it.
pub(super) const SCRIPT: &str = include_str!("page.js");

/// The content security policy: nothing is fetched, and of scripts only this one is run, whatever a text may hold.
pub(super) fn policy() -> String {
    let hash = base64(&Sha256::digest(SCRIPT));
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'")
}

/// Base64 (RFC 4648), as policies write a hash.
fn base64(bytes: &[u8]) -> String {
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits = [16, 8, 0].iter().zip(three).fold(0, |bits, (shift, byte)| bits | (usize::from(*byte) << shift));
        let used = three.len() + 1;
        let shifts = [18, 12, 6, 0].iter().take(used);
        text.extend(shifts.filter_map(|shift| letters.get((bits >> shift) & 63)));
        text.extend(std::iter::repeat_n('=', 4 - used));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_ends_where_its_element_ends_and_makes_no_markup_of_texts() {
        for raw in
            ["</script", "<!--", "innerHTML", "insertAdjacentHTML", "outerHTML", "document.write", "eval(", "Function("]
        {
            assert!(!SCRIPT.contains(raw), "{raw}");
        }
    }

    #[test]
    fn the_script_fetches_nothing() {
        for fetch in
            ["fetch(", "XMLHttpRequest", "import", "WebSocket", "EventSource", "sendBeacon", "Worker", "location ="]
        {
            assert!(!SCRIPT.contains(fetch), "`{fetch}` would leave the file");
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        let encoded = ["", "f", "fo", "foo", "foobar"].map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYmFy"]);
    }
}
