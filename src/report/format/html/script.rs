//! The script of a page, and the policy by which browsers run it and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// What makes a page more convenient that is complete without it.
pub const SCRIPT: &str = include_str!("page.js");

/// The content security policy: nothing is fetched, and of scripts only this one is run, whatever a text may hold.
pub(super) fn policy() -> String {
    let hash = STANDARD.encode(Sha256::digest(SCRIPT));
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'")
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
}
