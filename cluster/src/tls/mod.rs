//! Certificates, and who may connect.
//!
//! A node proves its name by a certificate that the cluster's authority signed. Its names are the entries
//! `URI:ravelin://NAME` of the certificate's subject alternative names: host names and common names say nothing here, so
//! that a certificate made for a web server lets nobody into a cluster. A connection is made only when both sides have
//! shown one.
//!
//! * [`Certificates`] are a node's own certificate, its key, and the authority; they change without a restart.
//! * [`Allow`] says whom of those that the authority vouches for this node talks to.
//! * [`TlsError`] says who was refused and why.
//! * `dev_ca`, and the program `ravelin-ca` (feature `ca`): an authority and certificates for development, by one command.

#[cfg(feature = "tls")]
#[cfg_attr(not(any(feature = "tcp", feature = "quic")), allow(dead_code, reason = "it is for transports"))]
mod certificates;
#[cfg(feature = "ca")]
pub mod dev_ca;
mod error;
mod files;
#[cfg(feature = "tls")]
#[cfg_attr(not(any(feature = "tcp", feature = "quic")), allow(dead_code, reason = "it is for transports"))]
mod handshake;
mod utc;
#[cfg(test)]
mod tests;

#[cfg(feature = "tls")]
pub use certificates::{Allow, CertificatePem, Certificates};
pub use error::{CertificatePart, Fingerprint, InvalidFingerprint, TlsError, Who};
pub use files::CertificateFiles;
#[cfg(any(feature = "tcp", feature = "quic"))]
pub(crate) use handshake::Handshake;
