//! Where a node's certificates are.

use crate::name::NodeName;
use std::path::{Path, PathBuf};

/// The files of a node, in PEM.
///
/// ```
/// use ravelin_cluster::tls::CertificateFiles;
/// let files = CertificateFiles::in_folder("certs", &"chat@10.0.0.1:4000".parse().unwrap());
/// assert_eq!(files.certificate, std::path::Path::new("certs/chat@10.0.0.1_4000.pem"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CertificateFiles {
    /// The certificates of the authorities that it trusts: one, or two while one follows the other.
    pub authority: PathBuf,
    /// Its own certificate, then those between it and the authority.
    pub certificate: PathBuf,
    /// The key of its certificate.
    pub key: PathBuf,
}

impl CertificateFiles {
    /// What they are called in a folder that `ravelin-ca` made: `ca.pem`, `NAME.pem`, `NAME-key.pem`, with `_` for what
    /// is no good in the name of a file.
    pub fn in_folder(folder: impl AsRef<Path>, node: &NodeName) -> CertificateFiles {
        let stem = node.as_str().replace(['/', ':'], "_");
        let folder = folder.as_ref();
        CertificateFiles {
            authority: folder.join("ca.pem"),
            certificate: folder.join(format!("{stem}.pem")),
            key: folder.join(format!("{stem}-key.pem")),
        }
    }
}
