//! A node's own certificates, and whom it talks to.

use super::handshake::{self, Handshake};
use super::{CertificateFiles, CertificatePart, Fingerprint, TlsError, Who};
use crate::name::NodeName;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;
use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A node's certificate, its key, and the authorities that it trusts.
///
/// Clones are the same certificates: what is changed by one is changed for all, among them the transports that hold one.
/// A change is for connections that are made from then on; those that are there stay. Nothing is read again by itself.
#[derive(Clone)]
pub struct Certificates {
    shared: Arc<Shared>,
}

struct Shared {
    files: Option<CertificateFiles>,
    current: Mutex<Current>,
}

/// What the next connection is made with.
struct Current {
    identity: Arc<Identity>,
    allow: Arc<Allow>,
}

/// A certificate, its key and the trusted authorities, found good together.
pub(super) struct Identity {
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) authorities: RootCertStore,
    pub(super) key: Arc<CertifiedKey>,
    pub(super) who: Who,
}

/// The texts of a node's certificates, in PEM.
#[derive(Clone, Copy)]
pub struct CertificatePem<'a> {
    /// The certificates of the authorities that it trusts.
    pub authority: &'a [u8],
    /// Its own certificate, then those between it and the authority.
    pub certificate: &'a [u8],
    /// The key of its certificate.
    pub key: &'a [u8],
}

/// Whom, of those that an authority vouches for, a node talks to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Allow {
    /// All of them.
    #[default]
    All,
    /// Those with one of these names. Of a certificate with several names, only these count.
    Names(BTreeSet<NodeName>),
    /// Those with these certificates.
    Fingerprints(BTreeSet<Fingerprint>),
}

impl Certificates {
    /// Reads the files, now, while the caller waits: they are small.
    ///
    /// # Errors
    /// A file cannot be read or is not what it should be; the key is not that of the certificate; the certificate names
    /// no node, is not signed by the authority, or is not valid at this time.
    pub fn from_files(files: CertificateFiles) -> Result<Certificates, TlsError> {
        let identity = read(&files)?;
        Ok(Certificates::new(Some(files), identity))
    }

    /// Takes texts.
    ///
    /// # Errors
    /// As [`Certificates::from_files`], without the files.
    pub fn from_pem(pem: CertificatePem<'_>) -> Result<Certificates, TlsError> {
        Ok(Certificates::new(None, Identity::read(pem, UnixTime::now())?))
    }

    pub(super) fn new(files: Option<CertificateFiles>, identity: Identity) -> Certificates {
        let current = Current { identity: Arc::new(identity), allow: Arc::default() };
        Certificates { shared: Arc::new(Shared { files, current: Mutex::new(current) }) }
    }

    /// Says whom this node talks to from now on; at first [`Allow::All`].
    pub fn allow(&self, allow: Allow) {
        self.current().allow = Arc::new(allow);
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// As [`Certificates::from_files`], and the old ones stay in use; [`TlsError::NoFiles`].
    pub fn reload(&self) -> Result<(), TlsError> {
        let identity = read(self.shared.files.as_ref().ok_or(TlsError::NoFiles)?)?;
        self.current().identity = Arc::new(identity);
        Ok(())
    }

    /// Takes other texts.
    ///
    /// # Errors
    /// As [`Certificates::from_pem`], and the old ones stay in use.
    pub fn replace(&self, pem: CertificatePem<'_>) -> Result<(), TlsError> {
        let identity = Identity::read(pem, UnixTime::now())?;
        self.current().identity = Arc::new(identity);
        Ok(())
    }

    /// The names that this node's certificate allows it, and its fingerprint.
    pub fn who(&self) -> Who {
        self.current().identity.who.clone()
    }

    /// What one connection is made with.
    pub(crate) fn handshake(&self) -> Arc<Handshake> {
        let current = self.current();
        Arc::new(Handshake::new(current.identity.clone(), current.allow.clone()))
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.shared.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { files, .. } = &*self.shared;
        f.debug_struct("Certificates").field("who", &self.who()).field("files", files).finish_non_exhaustive()
    }
}

impl fmt::Debug for CertificatePem<'_> {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificatePem").finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads the texts, and sees that they are good together at this time.
    pub(super) fn read(pem: CertificatePem<'_>, now: UnixTime) -> Result<Identity, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut authorities = RootCertStore::empty();
        for authority in certificates(pem.authority, CertificatePart::Authority)? {
            let wrong = |error: rustls::Error| wrong(CertificatePart::Authority, error);
            authorities.add(authority).map_err(wrong)?;
        }
        let chain = certificates(pem.certificate, CertificatePart::Certificate)?;
        let key =
            PrivateKeyDer::from_pem_slice(pem.key).map_err(|error| wrong(CertificatePart::Key, error))?;
        let (own, between) = chain.split_first().ok_or_else(|| nothing(CertificatePart::Certificate))?;
        let who = handshake::who(own);
        if who.names.is_empty() {
            return Err(TlsError::NoName(who.fingerprint));
        }
        for usage in [webpki::KeyUsage::server_auth(), webpki::KeyUsage::client_auth()] {
            handshake::check(own, between, &authorities, &provider, usage, now)
                .map_err(|error| handshake::explain(&who, &error, now))?;
        }
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::WrongKey(who.clone()),
            error => wrong(CertificatePart::Key, error),
        })?;
        Ok(Identity { provider, authorities, key: Arc::new(key), who })
    }
}

impl Allow {
    /// The names of a peer that count; none: it is not allowed.
    pub(super) fn names(&self, who: &Who) -> Vec<NodeName> {
        match self {
            Allow::All => who.names.clone(),
            Allow::Names(names) => who.names.iter().filter(|name| names.contains(name)).cloned().collect(),
            Allow::Fingerprints(known) if known.contains(&who.fingerprint) => who.names.clone(),
            Allow::Fingerprints(_) => Vec::new(),
        }
    }
}

fn read(files: &CertificateFiles) -> Result<Identity, TlsError> {
    let (authority, certificate, key) =
        (read_file(&files.authority)?, read_file(&files.certificate)?, read_file(&files.key)?);
    let pem = CertificatePem { authority: &authority, certificate: &certificate, key: &key };
    Identity::read(pem, UnixTime::now())
}

fn read_file(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| TlsError::File { path: path.to_owned(), why: error.to_string() })
}

/// The certificates in a text; there is one at least.
fn certificates(pem: &[u8], part: CertificatePart) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| wrong(part, error))?;
    if found.is_empty() { Err(nothing(part)) } else { Ok(found) }
}

fn nothing(part: CertificatePart) -> TlsError {
    TlsError::Pem { part, why: "there is no `-----BEGIN CERTIFICATE-----` in it".to_owned() }
}

fn wrong(part: CertificatePart, error: impl fmt::Display) -> TlsError {
    TlsError::Pem { part, why: error.to_string() }
}
