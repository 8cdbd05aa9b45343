//! What is listened to: one channel, or all whose names match a pattern.

use std::collections::BTreeSet;

use bytes::Bytes;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Channel,
    Pattern,
}

pub type Topic = (Kind, Bytes);

/// The names of a kind that are meant: these, or all that are there if none is named.
pub fn meant(there: &BTreeSet<Topic>, kind: Kind, names: Vec<Bytes>) -> Vec<Bytes> {
    if !names.is_empty() {
        return names;
    }
    there.iter().filter(|topic| topic.0 == kind).map(|topic| topic.1.clone()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Kept,
    Ignored,
}

/// Whether a pattern with `*`, `?`, `[a-z]`, `[^a-z]` and `\` before what stands for itself matches. Only the last
/// `*` is ever tried again, so no pattern is slow.
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while in_text < text.len() {
        if pattern.get(at) == Some(&b'*') {
            at += 1;
            star = Some((at, in_text));
        } else if let Some(width) = one(&pattern[at..], text[in_text], case) {
            at += width;
            in_text += 1;
        } else if let Some((after, from)) = star {
            star = Some((after, from + 1));
            (at, in_text) = (after, from + 1);
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

/// How much of the pattern stands for this byte.
fn one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    let fold = |byte: u8| if case == Case::Ignored { byte.to_ascii_lowercase() } else { byte };
    let (width, fits) = match pattern {
        [b'?', ..] => (1, true),
        [b'\\', this, ..] => (2, fold(*this) == fold(byte)),
        [b'[', set @ ..] => {
            let (is_not, set) = set.strip_prefix(b"^").map_or((false, set), |set| (true, set));
            let (mut rest, mut fits) = (set, false);
            loop {
                let (from, to);
                (from, to, rest) = match rest {
                    // One that is not closed ends with the pattern.
                    [] | [b']', ..] => break,
                    [b'\\', this, rest @ ..] => (*this, *this, rest),
                    [from, b'-', to, rest @ ..] => (*from.min(to), *from.max(to), rest),
                    [this, rest @ ..] => (*this, *this, rest),
                };
                fits |= (fold(from)..=fold(to)).contains(&fold(byte));
            }
            (pattern.len() - rest.len() + usize::from(!rest.is_empty()), fits != is_not)
        }
        [this, ..] => (1, fold(*this) == fold(byte)),
        [] => return None,
    };
    fits.then_some(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_redis() {
        let rows = [
            ("news.*", "news.", true),
            ("news.*", "new", false),
            ("h?llo", "hallo", true),
            ("h?llo", "hllo", false),
            ("h[ae]llo", "hello", true),
            ("h[ae]llo", "hillo", false),
            ("h[^e]llo", "hello", false),
            ("h[^e]llo", "hallo", true),
            ("h[a-c]llo", "hbllo", true),
            ("h[c-a]llo", "hbllo", true),
            ("h[\\]]llo", "h]llo", true),
            ("h[ab", "hb", true),
            ("h\\*llo", "h*llo", true),
            ("h\\*llo", "hallo", false),
            ("A", "a", false),
            ("*a*[b-c]*", "xaxbx", true),
            ("", "", true),
            ("", "x", false),
        ];
        for (pattern, text, expected) in rows {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), Case::Kept),
                expected,
                "{pattern} {text}"
            );
        }
        assert!(matches(b"A[X-Z]", b"ay", Case::Ignored));
    }

    #[test]
    fn a_pattern_of_many_stars_is_not_slow() {
        let pattern = [b"*a".repeat(2000), b"b".to_vec()].concat();
        assert!(!matches(&pattern, &b"a".repeat(10_000), Case::Kept));
        assert!(matches(b"****", b"", Case::Kept));
    }
}
