//! Ranges of case ids, by which the events of cases are partitioned.

/// Ranges of case ids in ascending order that together hold every id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseRanges {
    /// The first id of each range but the first.
    starts: Vec<String>,
    /// The text with which all of these begin.
    prefix: String,
    /// Of each of them the eight bytes after the prefix, as a number: quicker to compare than texts.
    keys: Vec<u64>,
}

impl CaseRanges {
    /// About `wanted` ranges that hold about equal parts of the sample; ids that recur weigh more.
    #[must_use]
    pub fn cut(mut sample: Vec<String>, wanted: usize) -> CaseRanges {
        sample.sort_unstable();
        let at = |range: usize| sample.get(range * sample.len() / wanted.max(1));
        let mut starts: Vec<String> = (1..wanted).filter_map(at).cloned().collect();
        starts.dedup();
        CaseRanges::starting_at(starts)
    }

    /// The ranges of which all but the first begin at those ids, which ascend.
    #[must_use]
    pub fn starting_at(starts: Vec<String>) -> CaseRanges {
        // They are sorted, so the common beginning of the first and the last is common to all.
        let ends = starts.first().zip(starts.last());
        let prefix = ends.map_or("", |(first, last)| common_prefix(first, last)).to_owned();
        let keys = starts.iter().map(|start| key(&prefix, start)).collect();
        CaseRanges { starts, prefix, keys }
    }

    /// The first id of each range but the first.
    #[must_use]
    pub fn starts(&self) -> &[String] {
        &self.starts
    }

    /// The range of a case.
    #[must_use]
    pub fn of(&self, case_id: &str) -> usize {
        let key = key(&self.prefix, case_id);
        let before = self.keys.partition_point(|start| *start < key);
        let alike = self.keys.iter().skip(before).take_while(|start| **start == key).count();
        let alike = self.starts.get(before..before + alike).unwrap_or(&[]);
        before + alike.partition_point(|start| start.as_str() <= case_id)
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.starts.len() + 1
    }
}

fn common_prefix<'t>(left: &'t str, right: &str) -> &'t str {
    let alike = left.char_indices().zip(right.chars()).find(|((_, left), right)| left != right);
    let end = alike.map_or(left.len().min(right.len()), |((at, _), _)| at);
    left.get(..end).unwrap_or_default()
}

/// A number that is not greater than that of a greater text.
fn key(prefix: &str, text: &str) -> u64 {
    match text.as_bytes().strip_prefix(prefix.as_bytes()) {
        Some(rest) => rest.iter().chain([&0; 8]).take(8).fold(0, |key, byte| key << 8 | u64::from(*byte)),
        None if text < prefix => 0,
        None => u64::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_by_the_weight_of_the_sample() {
        let sample = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let ranges = CaseRanges::cut(sample("d b a c"), 2);
        assert_eq!(ranges.starts, ["c"]);
        assert_eq!((ranges.of("a"), ranges.of("bz"), ranges.of("c"), ranges.of("z")), (0, 0, 1, 1));
        assert_eq!(CaseRanges::cut(sample("a a a a"), 4).starts, ["a"]);
        let ids = "C C- C-0 C-00000012 C-000000120 C-000000121 C-00000013 C-0000002 C-~ C-é D c";
        let all: Vec<&str> = ids.split(' ').collect();
        for wanted in 1..=all.len() {
            let ranges = CaseRanges::cut(sample(&ids.replace("C C- ", "").replace(" D c", "")), wanted);
            for id in &all {
                assert_eq!(ranges.of(id), ranges.starts.partition_point(|start| start.as_str() <= *id), "{id}");
            }
        }
        assert_eq!(CaseRanges::cut(Vec::new(), 8).count(), 1);
    }
}
