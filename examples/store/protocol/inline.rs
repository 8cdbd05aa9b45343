//! Inline commands: a line of words, as typed into telnet.
//!
//! Words are split as Redis splits them: `"..."` knows escapes (`\n \r \t \b \a \xHH`, any other character
//! stands for itself), `'...'` knows only `\'`, and a closing quote must end its word.

use bytes::Bytes;

/// The words of a line, or nothing when its quotes don't balance.
pub(super) fn words(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let mut word = Vec::new();
        rest = take_word(rest, &mut word)?.trim_ascii_start();
        words.push(Bytes::from(word));
    }
    Some(words)
}

fn take_word<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        match rest {
            [] => return Some(rest),
            [space, ..] if space.is_ascii_whitespace() => return Some(rest),
            [b'"', quoted @ ..] => return double_quoted(quoted, word),
            [b'\'', quoted @ ..] => return single_quoted(quoted, word),
            [plain, after @ ..] => {
                word.push(*plain);
                rest = after;
            }
        }
    }
}

fn double_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, after) = match rest {
            [b'"', after @ ..] => return ends_word(after),
            [b'\\', b'x', high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                (hex(*high) << 4 | hex(*low), after)
            }
            [b'\\', escaped, after @ ..] => (unescaped(*escaped), after),
            [plain, after @ ..] => (*plain, after),
            [] => return None,
        };
        word.push(byte);
        rest = after;
    }
}

fn single_quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        let (byte, after) = match rest {
            [b'\'', after @ ..] => return ends_word(after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [plain, after @ ..] => (*plain, after),
            [] => return None,
        };
        word.push(byte);
        rest = after;
    }
}

fn ends_word(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(u8::is_ascii_whitespace).then_some(rest)
}

fn hex(digit: u8) -> u8 {
    char::from(digit).to_digit(16).map_or(0, |digit| digit as u8)
}

fn unescaped(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'a' => 7,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_as_redis_splits_it() {
        let rows: [(&str, Option<&[&[u8]]>); 14] = [
            ("", Some(&[])),
            ("   ", Some(&[])),
            ("PING", Some(&[b"PING"])),
            ("  set  k\tv ", Some(&[b"set", b"k", b"v"])),
            (r#"echo "a b""#, Some(&[b"echo", b"a b"])),
            (r#"echo "\x41\n\"\q""#, Some(&[b"echo", b"A\n\"q"])),
            (r#"echo "\xZZ""#, Some(&[b"echo", b"xZZ"])),
            (r"echo 'it\'s \n'", Some(&[b"echo", br"it's \n"])),
            (r#"echo """#, Some(&[b"echo", b""])),
            (r#"echo ab"c d""#, Some(&[b"echo", b"abc d"])),
            (r#"echo "open"#, None),
            (r"echo 'open", None),
            (r#"echo "a"b"#, None),
            (r"echo 'a'b", None),
        ];
        for (line, expected) in rows {
            let got = words(line.as_bytes());
            let got: Option<Vec<&[u8]>> = got.as_ref().map(|w| w.iter().map(|b| &b[..]).collect());
            assert_eq!(got.as_deref(), expected, "{line}");
        }
    }
}
