//! What travels between nodes: messages with a stable name, and how they become bytes.

use ravelin_core::{Message, quietly};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;

/// A message that may travel: it has a name that is the same in every program of the cluster, and becomes bytes.
///
/// Usually derived: `#[derive(Message, Serialize, Deserialize)] #[message(wire = "counter.add")]`.
/// The name, the codec and the shape of the type are a contract between programs: to change one, take a new name.
///
/// ```
/// use ravelin_cluster::{Bincode, Wire};
/// use serde::{Deserialize, Serialize};
/// #[derive(Serialize, Deserialize)]
/// struct Add(i64);
/// impl ravelin_core::Message for Add {
///     type Reply = i64;
/// }
/// impl Wire for Add {
///     const NAME: &'static str = "counter.add";
///     type Codec = Bincode;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` can not travel to another node",
    note = "say what it is called on the wire: `#[derive(Message, Serialize, Deserialize)]` with `#[message(wire = \"name\")]`"
)]
pub trait Wire: Message<Reply: Serialize + DeserializeOwned> + Serialize + DeserializeOwned {
    /// What it is called on the wire; 1 to 255 bytes.
    const NAME: &'static str;
    /// How it, and the answer to it, become bytes.
    type Codec: Codec;
}

/// How values become bytes, and bytes values again.
pub trait Codec: Send + Sync + 'static {
    /// What it is called when nodes meet: 1 to 255 bytes, with the version of its format.
    const NAME: &'static str;

    /// Appends the value's bytes.
    ///
    /// # Errors
    /// The value says that it can not be written; what was appended is worth nothing.
    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Undecodable>;

    /// The value of exactly these bytes.
    ///
    /// # Errors
    /// They are not the bytes of such a value, or more are there than it has. Bytes of a peer that lies cost no more
    /// memory than a small multiple of their number.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable>;
}

/// A value that is no bytes, or bytes that are no value; says why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Undecodable(pub String);

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Undecodable {}

/// The value of exactly these bytes. A panic of the value's own code is an error like another: whoever reads carries for
/// many.
pub(crate) fn read<C: Codec, T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
    quietly(|| C::decode(bytes)).unwrap_or_else(|panic| Err(Undecodable(panic.to_string())))
}

/// bincode 2, in its standard configuration: little endian, variable-length integers.
#[derive(Clone, Copy, Debug)]
pub enum Bincode {}

/// The most bytes that one value may claim while it is read.
const CLAIM_MAX: usize = 256 * 1024 * 1024;

impl Codec for Bincode {
    const NAME: &'static str = "bincode-2";

    fn encode<T: Serialize>(value: &T, out: &mut Vec<u8>) -> Result<(), Undecodable> {
        let config = bincode::config::standard();
        let mut writer = Appending(out);
        bincode::serde::encode_into_writer(value, &mut writer, config)
            .map_err(|why| Undecodable(why.to_string()))
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Undecodable> {
        let config = bincode::config::standard().with_limit::<CLAIM_MAX>();
        match bincode::serde::decode_from_slice(bytes, config) {
            Ok((value, read)) if read == bytes.len() => Ok(value),
            Ok((_, read)) => Err(Undecodable(format!("{} bytes are left over", bytes.len() - read))),
            Err(why) => Err(Undecodable(why.to_string())),
        }
    }
}

struct Appending<'a>(&'a mut Vec<u8>);

impl bincode::enc::write::Writer for Appending<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), bincode::error::EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_the_same_after_the_way_and_bytes_are_not_left_over() {
        let mut bytes = Vec::new();
        Bincode::encode(&("hello", 7_u64, Some(true)), &mut bytes).unwrap();
        let value: (String, u64, Option<bool>) = Bincode::decode(&bytes).unwrap();
        assert_eq!(value, ("hello".to_owned(), 7, Some(true)));
        bytes.push(0);
        let error = Bincode::decode::<(String, u64, Option<bool>)>(&bytes).unwrap_err();
        assert_eq!(error.to_string(), "1 bytes are left over");
    }

    #[test]
    fn a_length_that_lies_is_an_error() {
        // A string that says it has 2^60 bytes.
        let bytes = [253, 0, 0, 0, 0, 0, 0, 0, 16];
        Bincode::decode::<String>(&bytes).unwrap_err();
        Bincode::decode::<Vec<u64>>(&bytes).unwrap_err();
    }
}
