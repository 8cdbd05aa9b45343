//! [pure] Small numbers and texts as bytes, and back. Bytes of a stranger cost an error, never a panic.

use std::fmt;

/// Bytes of a peer that mean nothing here; says why. Nothing was changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Malformed {}

/// Appends a number, seven bits a byte, the lowest first.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a text with its length before it.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// What is left to read.
#[derive(Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed("the bytes end too early"))?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number. Each has one form: the shortest.
    pub(crate) fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("a number has more than 64 bits"));
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let is_shortest = byte != 0 || shift == 0;
                return is_shortest.then_some(number).ok_or(Malformed("a number is longer than it need be"));
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    /// A number that fits 32 bits.
    pub(crate) fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed("a number has more than 32 bits"))
    }

    /// A text of `min` to `max` bytes.
    pub(crate) fn text(&mut self, min: usize, max: usize) -> Result<&'a str, Malformed> {
        let length = usize::try_from(self.number()?).unwrap_or(usize::MAX);
        if length < min || length > max {
            return Err(Malformed("a text is too short or too long"));
        }
        let (text, rest) = self.0.split_at_checked(length).ok_or(Malformed("the bytes end too early"))?;
        self.0 = rest;
        str::from_utf8(text).map_err(|_| Malformed("a text is not UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_has_one_form() {
        let rows: [(&[u8], Result<u64, &str>); 7] = [
            (&[0], Ok(0)),
            (&[0x80, 1], Ok(128)),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], Ok(u64::MAX)),
            (&[], Err("the bytes end too early")),
            (&[0x80], Err("the bytes end too early")),
            (&[0x80, 0], Err("a number is longer than it need be")),
            (
                &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2],
                Err("a number has more than 64 bits"),
            ),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Reader::new(bytes).number(), expected.map_err(Malformed), "{bytes:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_put_is_read(number: u64, text in ".{0,20}") {
            let mut out = Vec::new();
            put_number(&mut out, number);
            put_text(&mut out, &text);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.text(0, 80), Ok(&*text));
            prop_assert!(reader.is_empty());
        }
    }
}
