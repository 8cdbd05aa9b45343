//! Certificates for the tests.

use ravelin_cluster::NodeName;
use ravelin_cluster::tls::dev_ca::DevCa;
use ravelin_cluster::tls::{CertificateFiles, CertificatePem, Certificates};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How long they are valid.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn authority() -> DevCa {
    DevCa::new(SystemTime::now()).unwrap()
}

pub(crate) fn name(name: &str) -> NodeName {
    name.parse().unwrap()
}

/// Certificates of a node with these names.
pub(crate) fn node(authority: &DevCa, names: &[&str]) -> Certificates {
    let names: Vec<_> = names.iter().map(|text| name(text)).collect();
    let issued = authority.issue(&names, HOUR).unwrap();
    let authority = authority.certificate().as_bytes();
    let (certificate, key) = (issued.certificate.as_bytes(), issued.key.as_bytes());
    Certificates::from_pem(CertificatePem { authority, certificate, key }).unwrap()
}

/// Writes new ones for a node over what is there, as a program that renews certificates does.
pub(crate) fn renew(authority: &DevCa, folder: &Path, node: &NodeName) -> CertificateFiles {
    let files = CertificateFiles::in_folder(folder, node);
    let issued = authority.issue(std::slice::from_ref(node), HOUR).unwrap();
    std::fs::write(&files.authority, authority.certificate()).unwrap();
    std::fs::write(&files.certificate, issued.certificate).unwrap();
    std::fs::write(&files.key, issued.key).unwrap();
    files
}
