//! What messages repeat of what was written: names that are probably meant, long texts cut short.

/// The longest name that is compared with others. Comparing takes as many steps as the product of both lengths, which is too
/// many for whole paragraphs.
const NAME_BYTES_MAX: usize = 256;

/// The first characters of a text, and `…` where there are more.
#[must_use]
pub fn shortened(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `did you mean ...?`, where a candidate is similar.
#[must_use]
pub fn did_you_mean<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(written, candidates).map(|name| format!("did you mean `{name}`?"))
}

/// The candidate most similar to what was written, without regard to case, if any is similar.
#[must_use]
pub fn nearest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if written.len() > NAME_BYTES_MAX {
        return None;
    }
    let written = written.to_lowercase();
    let candidates = candidates.into_iter().filter(|candidate| candidate.len() <= NAME_BYTES_MAX);
    let scored = candidates.map(|candidate| (strsim::jaro_winkler(&written, &candidate.to_lowercase()), candidate));
    let (score, best) = scored.max_by(|(left, _), (right, _)| left.total_cmp(right))?;
    (score > 0.75).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_has_a_nearest_name_and_another_word_has_none() {
        assert_eq!(nearest("colunm", ["column", "root"]), Some("column"));
        assert_eq!(nearest("STATUS", ["time", "Status"]), Some("Status"));
        assert_eq!(nearest("zzz", ["column", "root"]), None);
    }

    #[test]
    fn paragraphs_are_not_compared_as_names_are() {
        assert_eq!(nearest("colour", ["color", "width"]), Some("color"));
        let long = "ab".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
    }
}
