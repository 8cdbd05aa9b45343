//! An authority and certificates for development and tests.
//!
//! The key of the authority lies in a file: whoever reads it makes nodes. For production, let the authority of your
//! organisation sign certificates with the name `URI:ravelin://NAME`, for server and client authentication.

use super::certificates::Identity;
use super::handshake::SCHEME;
use super::{CertificateFiles, CertificatePem, Certificates, TlsError};
use crate::name::NodeName;
use rcgen::string::Ia5String;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa};
use rcgen::{Issuer, KeyPair, KeyUsagePurpose, SanType, date_time_ymd};
use rustls::pki_types::UnixTime;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// How long an authority is valid.
const AUTHORITY_VALID: Duration = Duration::from_secs(10 * 365 * 86_400);

/// An authority that signs certificates of nodes.
///
/// ```
/// use ravelin_cluster::tls::dev_ca::DevCa;
/// use ravelin_cluster::tls::{CertificatePem, Certificates};
/// use std::time::{Duration, SystemTime};
/// let authority = DevCa::new(SystemTime::now()).unwrap();
/// let issued = authority.issue(&["a".parse().unwrap()], Duration::from_secs(3600)).unwrap();
/// let (authority, certificate) = (authority.certificate().as_bytes(), issued.certificate.as_bytes());
/// let pem = CertificatePem { authority, certificate, key: issued.key.as_bytes() };
/// assert_eq!(Certificates::from_pem(pem).unwrap().who().names[0].as_str(), "a");
/// ```
pub struct DevCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
    now: SystemTime,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key: a secret.
    pub key: String,
}

/// Why there is no certificate.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DevCaError {
    /// The file is there; nothing was written over.
    Exists(PathBuf),
    /// A file cannot be read or written.
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        why: String,
    },
    /// The key or the certificate cannot be made; says why.
    Make(String),
    /// What was made is of no use.
    Tls(TlsError),
}

impl DevCa {
    /// A new authority, in memory. Valid from a day before `now`, for clocks that differ, to ten years after it.
    ///
    /// # Errors
    /// [`DevCaError::Make`].
    pub fn new(now: SystemTime) -> Result<DevCa, DevCaError> {
        let key = KeyPair::generate().map_err(make)?;
        let params = authority(&key, now)?;
        let certificate = params.self_signed(&key).map_err(make)?.pem();
        Ok(DevCa { issuer: Issuer::new(params, key), certificate, now })
    }

    /// The authority of a folder: `ca.pem`, `ca-key.pem`. Makes both, and the folder, if they are not there; of several
    /// that do so at a time one makes them, and the others wait for it. Keys are only for their owner to read.
    ///
    /// # Errors
    /// One of the two is there without the other, or a file cannot be read or written.
    pub fn in_folder(folder: impl AsRef<Path>, now: SystemTime) -> Result<DevCa, DevCaError> {
        let folder = folder.as_ref();
        let (certificate, key) = (folder.join("ca.pem"), folder.join("ca-key.pem"));
        // Looked for first: the key is made before it.
        let is_certified = certificate.exists();
        let is_made = is_certified || fs::metadata(&key).is_ok_and(|key| key.len() > 0);
        if !is_made {
            fs::create_dir_all(folder).map_err(file(folder))?;
        }
        let mut options = OpenOptions::new();
        options.read(true).write(!is_made).create(!is_made);
        only_for(&mut options, Secret::Yes);
        let mut held = options.open(&key).map_err(file(&key))?;
        // Whoever makes them has it for so long.
        held.lock().map_err(file(&key))?;
        let mut text = String::new();
        held.read_to_string(&mut text).map_err(file(&key))?;
        if text.is_empty() && !is_made {
            let made = DevCa::new(now)?;
            held.write_all(made.issuer.key().serialize_pem().as_bytes()).map_err(file(&key))?;
            write(&certificate, &made.certificate, Secret::No)?;
            return Ok(made);
        }
        let key = KeyPair::from_pem(&text).map_err(make)?;
        let certificate = fs::read_to_string(&certificate).map_err(file(&certificate))?;
        // Its name follows from its key, and no more is needed to sign.
        Ok(DevCa { issuer: Issuer::new(authority(&key, now)?, key), certificate, now })
    }

    /// Its certificate, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// A certificate with these names of nodes, valid from a day before now, and for so long.
    ///
    /// # Errors
    /// There is no name, or [`DevCaError::Make`].
    pub fn issue(&self, names: &[NodeName], valid: Duration) -> Result<Issued, DevCaError> {
        self.identity(names, valid).map(|(issued, _)| issued)
    }

    /// A certificate, and what a node makes of it at the time that the authority was given.
    fn identity(&self, names: &[NodeName], valid: Duration) -> Result<(Issued, Identity), DevCaError> {
        let mut params = valid_between(self.now, valid)?;
        if let Some(name) = names.first() {
            params.distinguished_name.push(DnType::CommonName, name.as_str());
        }
        for name in names {
            let uri = Ia5String::try_from(format!("{SCHEME}{name}")).map_err(make)?;
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().map_err(make)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(make)?.pem();
        let issued = Issued { certificate, key: key.serialize_pem() };
        let (certificate, key) = (issued.certificate.as_bytes(), issued.key.as_bytes());
        let pem = CertificatePem { authority: self.certificate.as_bytes(), certificate, key };
        let now = UnixTime::since_unix_epoch(since_1970(self.now));
        let identity = Identity::read(pem, now).map_err(DevCaError::Tls)?;
        Ok((issued, identity))
    }

    /// Certificates for a node, of which nothing is written: they are gone with the program. So programs that share the
    /// folder of an authority need nothing more to meet. That they are valid is looked at as of the time that the authority
    /// was given: of a time long ago they may have expired.
    ///
    /// # Errors
    /// As [`DevCa::issue`].
    pub fn certificates(&self, node: &NodeName, valid: Duration) -> Result<Certificates, DevCaError> {
        let (_, identity) = self.identity(std::slice::from_ref(node), valid)?;
        Ok(Certificates::new(None, identity))
    }

    /// Writes a certificate for a node, and its key, into the folder of [`DevCa::in_folder`], as
    /// [`CertificateFiles::in_folder`] finds them.
    ///
    /// # Errors
    /// As [`DevCa::issue`]; [`DevCaError::Exists`], and nothing was written; a file cannot be written.
    pub fn issue_into(
        &self,
        folder: impl AsRef<Path>,
        node: &NodeName,
        valid: Duration,
    ) -> Result<CertificateFiles, DevCaError> {
        let files = CertificateFiles::in_folder(folder, node);
        if let Some(there) = [&files.certificate, &files.key].into_iter().find(|path| path.exists()) {
            return Err(DevCaError::Exists(there.clone()));
        }
        let issued = self.issue(std::slice::from_ref(node), valid)?;
        write(&files.key, &issued.key, Secret::Yes)?;
        write(&files.certificate, &issued.certificate, Secret::No)?;
        Ok(files)
    }
}

/// Whether a file is only for its owner.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Secret {
    Yes,
    No,
}

/// What an authority with this key says of itself.
fn authority(key: &KeyPair, now: SystemTime) -> Result<CertificateParams, DevCaError> {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.public_key_raw());
    let id: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = valid_between(now, AUTHORITY_VALID)?;
    params.distinguished_name.push(DnType::CommonName, format!("ravelin development authority {id}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn valid_between(now: SystemTime, valid: Duration) -> Result<CertificateParams, DevCaError> {
    let (from, until) = (since_1970(now).saturating_sub(DAY), since_1970(now).saturating_add(valid));
    // A certificate cannot say a later year than 9999.
    if until > DAY * 365 * 8000 {
        return Err(DevCaError::Make("it would be valid after the year 9999".to_owned()));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.not_before = date_time_ymd(1970, 1, 1) + from;
    params.not_after = date_time_ymd(1970, 1, 1) + until;
    Ok(params)
}

fn since_1970(time: SystemTime) -> Duration {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Writes a file that is not there yet.
fn write(path: &Path, text: &str, secret: Secret) -> Result<(), DevCaError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    only_for(&mut options, secret);
    let wrote = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    wrote.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => DevCaError::Exists(path.to_owned()),
        _ => file(path)(error),
    })
}

/// Says who may read a file that is made.
fn only_for(options: &mut OpenOptions, secret: Secret) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, if secret == Secret::Yes { 0o600 } else { 0o644 });
    #[cfg(not(unix))]
    let _ = (options, secret);
}

fn file(path: &Path) -> impl Fn(io::Error) -> DevCaError {
    move |error| DevCaError::File { path: path.to_owned(), why: error.to_string() }
}

fn make(error: impl fmt::Display) -> DevCaError {
    DevCaError::Make(error.to_string())
}

impl fmt::Debug for DevCa {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DevCa").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl fmt::Debug for Issued {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl fmt::Display for DevCaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DevCaError::Exists(path) => {
                write!(f, "{} is there, and is not written over: remove it first", path.display())
            }
            DevCaError::File { path, why } => write!(f, "{}: {why}", path.display()),
            DevCaError::Make(why) => write!(f, "the certificate cannot be made: {why}"),
            DevCaError::Tls(error) => write!(f, "the certificate would be of no use: {error}"),
        }
    }
}

impl std::error::Error for DevCaError {}
