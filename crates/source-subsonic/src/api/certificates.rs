//! Which servers are believed to be who they say.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::ApiError;

/// Believes what the system believes, who has a certificate by one of those that were given, and who has one of them.
///
/// The last is for servers that signed their own: most such certificates say that they are an authority's, or name no
/// address, and no chain of trust ends with them.
#[derive(Debug)]
struct Believer {
    given: Vec<CertificateDer<'static>>,
    system: Verifier,
}

/// How to speak TLS with a server, with these certificates trusted, as PEM.
pub(super) fn tls(certificates: &[u8]) -> Result<ClientConfig, ApiError> {
    let given: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let given = given.map_err(|error| ApiError::Certificate(error.to_string()))?;
    config(given).map_err(|error| ApiError::Certificate(error.to_string()))
}

fn config(given: Vec<CertificateDer<'static>>) -> Result<ClientConfig, Error> {
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let system = Verifier::new_with_extra_roots(given.clone(), Arc::clone(&provider))?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Believer { given, system }));
    Ok(config.with_no_client_auth())
}

impl ServerCertVerifier for Believer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.system.verify_server_cert(certificate, others, server, ocsp, now) {
            // That it has the key to it is seen by its signature, as always.
            Err(_) if self.given.contains(certificate) => Ok(ServerCertVerified::assertion()),
            belief => belief,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}
