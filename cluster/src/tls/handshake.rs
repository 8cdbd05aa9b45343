//! How one connection is made: what is shown, and how the peer is judged.

use super::certificates::{Allow, Identity};
use super::{Fingerprint, TlsError, Who};
use crate::name::NodeName;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ServerConfig};
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore};
use rustls::{PeerIncompatible, SignatureScheme};
use std::fmt;
use std::sync::{Arc, OnceLock};
use webpki::{EndEntityCert, KeyUsage};

/// What is spoken inside: the first version.
pub(crate) const ALPN: &[u8] = b"ravelin/1";

/// What a name of a node begins with in a certificate.
pub(super) const SCHEME: &str = "ravelin://";

/// One connection in the making. TLS 1.3, both sides show a certificate, nothing is remembered for the next time: so
/// every connection is judged by what holds when it is made.
pub(crate) struct Handshake {
    identity: Arc<Identity>,
    allow: Arc<Allow>,
    /// What was found about the peer: its names that count, or why it is refused.
    verdict: OnceLock<Result<Vec<NodeName>, TlsError>>,
}

impl Handshake {
    pub(super) fn new(identity: Arc<Identity>, allow: Arc<Allow>) -> Handshake {
        Handshake { identity, allow, verdict: OnceLock::new() }
    }

    /// For the side that dials.
    pub(crate) fn client(self: &Arc<Self>) -> Result<ClientConfig, TlsError> {
        let mut config = ClientConfig::builder_with_provider(self.identity.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(other)?
            .dangerous()
            .with_custom_certificate_verifier(self.clone())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity.key.clone())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.enable_sni = false;
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// For the side that accepts.
    pub(crate) fn server(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.identity.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(other)?
            .with_client_cert_verifier(self.clone())
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity.key.clone())));
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// The names that the peer's certificate allows it, once the connection is made.
    pub(crate) fn names(&self) -> Vec<NodeName> {
        self.verdict.get().and_then(|verdict| verdict.clone().ok()).unwrap_or_default()
    }

    /// Why the connection was not made.
    pub(crate) fn explain(&self, error: &rustls::Error) -> TlsError {
        match self.verdict.get() {
            Some(Err(why)) => why.clone(),
            _ => explain_tls(error),
        }
    }

    /// Judges a peer by what it shows.
    fn judge(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        usage: KeyUsage,
        now: UnixTime,
    ) -> Result<(), rustls::Error> {
        let Identity { authorities, provider, .. } = &*self.identity;
        let who = who(own);
        let verdict = match check(own, between, authorities, provider, usage, now) {
            Err(error) => Err((explain(&who, &error, now), code(&error))),
            Ok(()) if who.names.is_empty() => {
                Err((TlsError::NoName(who.fingerprint), CertificateError::ApplicationVerificationFailure))
            }
            Ok(()) => match self.allow.names(&who) {
                names if names.is_empty() => {
                    Err((TlsError::NotAllowed(who), CertificateError::ApplicationVerificationFailure))
                }
                names => Ok(names),
            },
        };
        let (verdict, answer) = match verdict {
            Ok(names) => (Ok(names), Ok(())),
            Err((why, code)) => (Err(why), Err(rustls::Error::InvalidCertificate(code))),
        };
        let _ = self.verdict.set(verdict);
        answer
    }

    fn verify_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.identity.provider.signature_verification_algorithms;
        verify_tls13_signature(message, own, signed, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.identity.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("verdict", &self.verdict).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Handshake {
    /// The name that was dialled says nothing: what counts is in the certificate.
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _dialled: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.judge(own, between, KeyUsage::server_auth(), now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _own: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Handshake {
    /// Says nothing of whom it trusts to those that have not shown anything.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        self.judge(own, between, KeyUsage::client_auth(), now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _own: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOfferedOrEnabled.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verify_signature(message, own, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// Whose certificate it says it is.
pub(super) fn who(own: &CertificateDer<'_>) -> Who {
    let digest = ring::digest::digest(&ring::digest::SHA256, own);
    let mut fingerprint = Fingerprint([0; 32]);
    fingerprint.0.copy_from_slice(digest.as_ref());
    let name = |uri: &str| NodeName::new(uri.strip_prefix(SCHEME)?).ok();
    let names = EndEntityCert::try_from(own).map(|own| own.valid_uri_names().filter_map(name).collect());
    Who { names: names.unwrap_or_default(), fingerprint }
}

/// Whether an authority signed it, for this use, and it is valid now.
pub(super) fn check(
    own: &CertificateDer<'_>,
    between: &[CertificateDer<'_>],
    authorities: &RootCertStore,
    provider: &CryptoProvider,
    usage: KeyUsage,
    now: UnixTime,
) -> Result<(), webpki::Error> {
    let algorithms = provider.signature_verification_algorithms.all;
    let own = EndEntityCert::try_from(own)?;
    own.verify_for_usage(algorithms, &authorities.roots, between, now, usage, None, None).map(drop)
}

/// What is wrong with a certificate, for people.
pub(super) fn explain(who: &Who, error: &webpki::Error, now: UnixTime) -> TlsError {
    let (who, now_s) = (who.clone(), now.as_secs());
    match error {
        webpki::Error::CertExpired { not_after, .. } => {
            TlsError::Expired { who, at_s: not_after.as_secs(), now_s }
        }
        webpki::Error::CertNotValidYet { not_before, .. } => {
            TlsError::NotYetValid { who, from_s: not_before.as_secs(), now_s }
        }
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            TlsError::UnknownAuthority(who)
        }
        error => TlsError::Unusable { who, why: error.to_string() },
    }
}

/// What is wrong with a certificate, for the peer.
fn code(error: &webpki::Error) -> CertificateError {
    match error {
        webpki::Error::CertExpired { .. } => CertificateError::Expired,
        webpki::Error::CertNotValidYet { .. } => CertificateError::NotValidYet,
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => {
            CertificateError::UnknownIssuer
        }
        webpki::Error::BadDer => CertificateError::BadEncoding,
        error => CertificateError::Other(rustls::OtherError(Arc::new(error.clone()))),
    }
}

/// An error that is not about the peer's certificate.
pub(crate) fn explain_tls(error: &rustls::Error) -> TlsError {
    let rustls::Error::AlertReceived(alert) = error else { return TlsError::Handshake(error.to_string()) };
    TlsError::RefusedByPeer(match alert {
        AlertDescription::CertificateExpired => "this node's certificate is not valid at its time".to_owned(),
        AlertDescription::UnknownCA => {
            "it does not trust the authority of this node's certificate".to_owned()
        }
        AlertDescription::AccessDenied => {
            "this node is not on its allow-list, or has no name in its certificate".to_owned()
        }
        AlertDescription::CertificateRequired => "it wants a certificate".to_owned(),
        alert => format!("it says {alert:?}"),
    })
}

fn other(error: rustls::Error) -> TlsError {
    TlsError::Handshake(error.to_string())
}
