//! The script of a page, and the policy by which browsers run it and nothing else.

/// What makes a page more convenient that is complete without it.
pub(super) const SCRIPT: &str = include_str!("page.js");
/// The SHA-256 of the script in Base64; a test prints the one of a script that has changed.
const HASH: &str = "Ys16l8SDMGKU0S75JrNhMqLBUNHYBfw/mKOALLFjTIA=";

/// The content security policy: nothing is fetched, and of scripts only this one is run, whatever a text may hold.
pub(super) fn policy() -> String {
    format!("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{HASH}'")
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
    fn browsers_run_the_script_as_it_is() {
        let hash = base64(&sha256(SCRIPT.as_bytes()));
        assert_eq!(HASH, hash, "the script has changed, so its hash has to");
    }

    /// SHA-256 (FIPS 180-4), whose constants are the first bits of roots of the first primes.
    fn sha256(bytes: &[u8]) -> Vec<u8> {
        let primes = (2_u32..).filter(|number| (2..*number).all(|by| number % by != 0)).take(64).map(f64::from);
        let fraction = |root: f64| (root.fract() * 4_294_967_296.0) as u32;
        let rounds: Vec<u32> = primes.clone().map(|prime| fraction(prime.cbrt())).collect();
        let mut state: Vec<u32> = primes.take(8).map(|prime| fraction(prime.sqrt())).collect();
        let mut padded = [bytes, &[0x80]].concat();
        padded.resize((padded.len() + 8).next_multiple_of(64) - 8, 0);
        padded.extend((bytes.len() as u64 * 8).to_be_bytes());
        for block in padded.chunks(64) {
            let mut words: Vec<u32> =
                block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().unwrap())).collect();
            let turned = |word: u32, by: [u32; 3]| by.map(|by| word.rotate_right(by));
            for at in 16..64 {
                let [a, b, _] = turned(words[at - 15], [7, 18, 0]);
                let [c, d, _] = turned(words[at - 2], [17, 19, 0]);
                let (low, high) = (a ^ b ^ (words[at - 15] >> 3), c ^ d ^ (words[at - 2] >> 10));
                words.push(words[at - 16].wrapping_add(low).wrapping_add(words[at - 7]).wrapping_add(high));
            }
            let mut now = state.clone();
            for (word, round) in words.iter().zip(&rounds) {
                let (sum_0, sum_1) = (turned(now[0], [2, 13, 22]), turned(now[4], [6, 11, 25]));
                let choice = (now[4] & now[5]) ^ (!now[4] & now[6]);
                let majority = (now[0] & now[1]) ^ (now[0] & now[2]) ^ (now[1] & now[2]);
                let one = [now[7], sum_1[0] ^ sum_1[1] ^ sum_1[2], choice, *round, *word];
                let one = one.into_iter().fold(0, u32::wrapping_add);
                let two = (sum_0[0] ^ sum_0[1] ^ sum_0[2]).wrapping_add(majority);
                now.rotate_right(1);
                now[4] = now[4].wrapping_add(one);
                now[0] = one.wrapping_add(two);
            }
            state = state.iter().zip(now).map(|(before, now)| before.wrapping_add(now)).collect();
        }
        state.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn base64(bytes: &[u8]) -> String {
        let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
        let mut text = String::new();
        for three in bytes.chunks(3) {
            let bits = [16, 8, 0].iter().zip(three).fold(0, |bits, (shift, byte)| bits | (usize::from(*byte) << shift));
            let used = three.len() + 1;
            text.extend([18, 12, 6, 0].iter().take(used).map(|shift| letters[(bits >> shift) & 63]));
            text.extend(std::iter::repeat_n('=', 4 - used));
        }
        text
    }
}
