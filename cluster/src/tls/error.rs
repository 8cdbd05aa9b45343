//! Who was refused, and why.

use super::utc::utc;
use crate::name::NodeName;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// The SHA-256 of a certificate: 64 hexadecimal digits. Colons between them are allowed, as `openssl x509
/// -fingerprint -sha256` prints them.
///
/// ```
/// use ravelin_cluster::tls::Fingerprint;
/// let text = "0F:".repeat(31) + "ff";
/// assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), "0f".repeat(31) + "ff");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint(pub [u8; 32]);

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidFingerprint;

/// Whose certificate it is. Until its signature is checked, this is what it says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Who {
    /// The names of nodes that are in it.
    pub names: Vec<NodeName>,
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
}

/// One of the three things that a node needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CertificatePart {
    /// The certificates of the authorities that this node trusts.
    Authority,
    /// The node's own certificate, and those between it and the authority.
    Certificate,
    /// The key of the node's own certificate.
    Key,
}

/// Why certificates cannot be used, or a peer was refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// A text is not what it should be.
    Pem {
        /// What it should be.
        part: CertificatePart,
        /// What is wrong with it.
        why: String,
    },
    /// The key is not that of the certificate.
    WrongKey(Who),
    /// There are no files to read again: the certificates were given as texts.
    NoFiles,
    /// No name of a node is in the certificate with this fingerprint.
    NoName(Fingerprint),
    /// The certificate is over, or one between it and the authority is.
    Expired {
        /// Whose it is.
        who: Who,
        /// When it ended, in seconds since 1970.
        at_s: u64,
        /// What time it is here, in seconds since 1970.
        now_s: u64,
    },
    /// The certificate is not yet valid, or one between it and the authority is not.
    NotYetValid {
        /// Whose it is.
        who: Who,
        /// When it begins, in seconds since 1970.
        from_s: u64,
        /// What time it is here, in seconds since 1970.
        now_s: u64,
    },
    /// No authority that this node trusts signed the certificate.
    UnknownAuthority(Who),
    /// The certificate is good, but its owner is not on the allow-list.
    NotAllowed(Who),
    /// The certificate cannot be used for another reason.
    Unusable {
        /// Whose it is.
        who: Who,
        /// What is wrong with it.
        why: String,
    },
    /// The peer does not accept this node's certificate.
    RefusedByPeer(String),
    /// What was said is no TLS as it is spoken here.
    Handshake(String),
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::File { path, why } => write!(f, "cannot read {}: {why}", path.display()),
            TlsError::Pem { part, why } => write!(f, "{part}: {why}"),
            TlsError::WrongKey(who) => write!(f, "the key is not that of the certificate of {who}"),
            TlsError::NoFiles => f.write_str("there are no files to read again: give the new texts"),
            TlsError::NoName(fingerprint) => write!(
                f,
                "the certificate with the fingerprint {fingerprint} names no node: it needs a subject alternative \
                 name `URI:ravelin://NAME`"
            ),
            TlsError::Expired { who, at_s, now_s } => {
                write!(f, "the certificate of {who} ended at {}; here it is {}", utc(*at_s), utc(*now_s))
            }
            TlsError::NotYetValid { who, from_s, now_s } => {
                write!(f, "the certificate of {who} begins at {}; here it is {}", utc(*from_s), utc(*now_s))
            }
            TlsError::UnknownAuthority(who) => {
                write!(f, "no authority that this node trusts signed the certificate of {who}")
            }
            TlsError::NotAllowed(who) => write!(f, "{who} is not on this node's allow-list"),
            TlsError::Unusable { who, why } => write!(f, "the certificate of {who} cannot be used: {why}"),
            TlsError::RefusedByPeer(why) => write!(f, "the peer refuses this node: {why}"),
            TlsError::Handshake(why) => write!(f, "the TLS handshake failed: {why}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl fmt::Display for CertificatePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CertificatePart::Authority => "the authority's certificate",
            CertificatePart::Certificate => "the node's certificate",
            CertificatePart::Key => "the node's key",
        })
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.names.is_empty() {
            return write!(f, "someone without a name (fingerprint {})", self.fingerprint);
        }
        for (index, name) in self.names.iter().enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        write!(f, " (fingerprint {})", self.fingerprint)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;
    fn from_str(text: &str) -> Result<Fingerprint, InvalidFingerprint> {
        let mut digits = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16));
        let mut digit = || digits.next().flatten().ok_or(InvalidFingerprint);
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = (digit()? << 4 | digit()?) as u8;
        }
        match digits.next() {
            None => Ok(Fingerprint(bytes)),
            Some(_) => Err(InvalidFingerprint),
        }
    }
}

impl fmt::Display for InvalidFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits, with or without colons",
        )
    }
}

impl std::error::Error for InvalidFingerprint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_64_digits() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        let rows = [
            (digits.clone(), true),
            (digits.clone() + ":", true),
            (digits.clone() + "0", false),
            (digits[1..].to_owned(), false),
            (digits.replace('a', "g"), false),
            (String::new(), false),
        ];
        for (text, is_one) in rows {
            assert_eq!(text.parse::<Fingerprint>().is_ok(), is_one, "{text}");
        }
    }
}
