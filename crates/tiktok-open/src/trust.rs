//! Whose word is taken for who a server is, and what is wrong with a certificate, in words.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error as TlsError, SignatureScheme};
use rustls_platform_verifier::Verifier;

use crate::text;

/// The longest file of certificates that is counted, in bytes.
const LONGEST: u64 = 64 << 20;

/// Certificate authorities that the environment names besides the built-in ones, and whether they could be
/// read. While it names any, those of the system are not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authorities(Vec<Place>);

/// Where the environment says that certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    variable: &'static str,
    path: PathBuf,
    found: Found,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    /// A file with so many certificates.
    Certificates(usize),
    /// A device or a pipe, in which nobody looks for any.
    Device,
    /// A file that is longer than any list of certificates.
    TooLong,
    /// A directory.
    Directory,
    /// It cannot be read.
    Nothing(String),
}

impl Authorities {
    /// Looks at what this process's environment names.
    pub(crate) fn look() -> Self {
        let file = env::var_os("SSL_CERT_FILE").map(|path| file(Path::new(&path)));
        let directories = env::var_os("SSL_CERT_DIR").unwrap_or_default();
        let directories = env::split_paths(&directories)
            .filter(|path| !path.as_os_str().is_empty())
            .map(|path| directory(&path))
            .collect::<Vec<_>>();
        Self(file.into_iter().chain(directories).collect())
    }

    /// What the environment names in vain, in words.
    pub fn trouble(&self) -> Option<String> {
        let in_vain = self
            .0
            .iter()
            .filter(|place| matches!(place.found, Found::Nothing(_) | Found::Certificates(0)));
        let words: Vec<_> = in_vain.map(ToString::to_string).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

impl fmt::Display for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.iter().any(|place| place.variable == "SSL_CERT_FILE") {
            f.write_str("SSL_CERT_FILE is not set")?;
        }
        for (at, place) in self.0.iter().enumerate() {
            let gap = if at > 0 || place.variable != "SSL_CERT_FILE" { "; " } else { "" };
            write!(f, "{gap}{place}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = text::plain(&self.path.display().to_string());
        write!(f, "{} names `{path}`, which ", self.variable)?;
        match &self.found {
            Found::Certificates(0) => f.write_str("holds no certificate in the form PEM"),
            Found::Certificates(1) => f.write_str("holds 1 certificate"),
            Found::Certificates(count) => write!(f, "holds {count} certificates"),
            Found::Device => f.write_str("is a device or a pipe"),
            Found::TooLong => f.write_str("is too long to be a list of certificates"),
            Found::Directory => f.write_str("is a directory"),
            Found::Nothing(why) => write!(f, "could not be read: {why}"),
        }
    }
}

fn file(path: &Path) -> Place {
    let found = match count(path) {
        Ok(found) => found,
        Err(error) => Found::Nothing(error.to_string()),
    };
    Place { variable: "SSL_CERT_FILE", path: path.to_owned(), found }
}

fn count(path: &Path) -> io::Result<Found> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() && metadata.len() > LONGEST {
        return Ok(Found::TooLong);
    }
    if metadata.is_file() {
        let text = fs::read(path)?;
        let certificates = CertificateDer::pem_slice_iter(&text).flatten();
        return Ok(Found::Certificates(certificates.count()));
    }
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // It is not opened once more: a pipe would wait for somebody who writes into it.
    Ok(Found::Device)
}

fn directory(path: &Path) -> Place {
    let found = match fs::read_dir(path) {
        Ok(_) => Found::Directory,
        Err(error) => Found::Nothing(error.to_string()),
    };
    Place { variable: "SSL_CERT_DIR", path: path.to_owned(), found }
}

/// Trusts Mozilla's roots and the platform's, which are read when the first server shows its certificate: that
/// takes longer than all else that a run does which calls nobody.
#[derive(Debug)]
pub(crate) struct TrustOnDemand {
    provider: Arc<CryptoProvider>,
    verifier: OnceLock<Result<Verifier, TlsError>>,
    /// When the certificates end that were trusted, by the names of their hosts. What `reqwest` tells of a
    /// connection lacks that where a proxy is passed.
    ends: Mutex<HashMap<String, Timestamp>>,
}

impl TrustOnDemand {
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        Self { provider, verifier: OnceLock::new(), ends: Mutex::default() }
    }

    /// When the certificate ends that a host has shown, if it was trusted and can be read.
    pub(crate) fn end_of(&self, host: &str) -> Option<Timestamp> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(host).copied()
    }

    fn verifier(&self) -> Result<&Verifier, TlsError> {
        let read = || {
            let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned();
            Verifier::new_with_extra_roots(roots, Arc::clone(&self.provider))
        };
        self.verifier.get_or_init(read).as_ref().map_err(TlsError::clone)
    }
}

impl ServerCertVerifier for TrustOnDemand {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let verifier = self.verifier()?;
        let trusted = verifier.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        )?;
        if let Some(end) = end_of(end_entity) {
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.insert(server_name.to_str().into_owned(), end);
        }
        Ok(trusted)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier()?.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        self.verifier()?.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Until when a certificate (DER) is valid. Of all that stands in one only this is wanted, which no library in
/// use tells (RFC 5280, 4.1.2.5).
pub(crate) fn end_of(certificate: &[u8]) -> Option<Timestamp> {
    const VERSION: u8 = 0xA0;
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;
    let (_, certificate, _) = element(certificate)?;
    let (_, signed, _) = element(certificate)?;
    let after_version = match element(signed)? {
        (VERSION, _, rest) => rest,
        _ => signed,
    };
    // Serial number, algorithm, issuer.
    let (_, _, rest) = element(after_version)?;
    let (_, _, rest) = element(rest)?;
    let (_, _, rest) = element(rest)?;
    let (_, validity, _) = element(rest)?;
    let (_, _, rest) = element(validity)?;
    let (kind, time, _) = element(rest)?;
    let text = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let text = match kind {
        GENERALIZED_TIME => text.to_owned(),
        UTC_TIME if *text.as_bytes().first()? >= b'5' => format!("19{text}"),
        UTC_TIME => format!("20{text}"),
        _ => return None,
    };
    let time = DateTime::strptime("%Y%m%d%H%M%S", text).ok()?;
    TimeZone::UTC.to_timestamp(time).ok()
}

/// The first element of DER: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
        if bytes.len() > size_of::<u32>() {
            return None;
        }
        let length = bytes.iter().fold(0_usize, |length, byte| (length << 8) | usize::from(*byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// What is wrong with the certificate of a server, if an error says that something is.
pub(crate) fn distrust(error: &TlsError) -> Option<String> {
    use CertificateError as C;
    let TlsError::InvalidCertificate(why) = error else { return None };
    Some(match why {
        C::UnknownIssuer => "nobody who is trusted here has issued its certificate".to_owned(),
        C::Expired | C::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        C::NotValidYet | C::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => {
            "its certificate is that of another host".to_owned()
        }
        C::Revoked => "its certificate was revoked".to_owned(),
        other => format!("its certificate is not trusted: {}", text::plain(&other.to_string())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_environment_names_is_said_with_what_came_of_it() {
        let folder = std::env::temp_dir().join(format!("tiktok-open-trust-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let none = folder.join("empty.pem");
        fs::write(&none, "no certificate").unwrap();
        let said = |place: Place| Authorities(vec![place]);
        let missing = said(file(&folder.join("missing.pem")));
        assert!(missing.to_string().starts_with("SSL_CERT_FILE names `"), "{missing}");
        assert!(missing.to_string().contains("could not be read: No such file"), "{missing}");
        assert_eq!(missing.trouble(), Some(missing.to_string()));
        assert!(said(file(&none)).trouble().unwrap().contains("holds no certificate"));
        assert!(said(file(&folder)).trouble().unwrap().contains("could not be read"));
        assert_eq!(said(file(Path::new("/dev/null"))).trouble(), None);
        let directory = said(directory(&folder));
        assert!(directory.to_string().starts_with("SSL_CERT_FILE is not set; SSL_CERT_DIR names"));
        assert_eq!(directory.trouble(), None);
        assert_eq!(Authorities::default().to_string(), "SSL_CERT_FILE is not set");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn the_end_of_a_certificate_is_read_wherever_it_is_cut_off() {
        let utc_time = b"\x30\x30\x30\x2E\xA0\x03\x02\x01\x02\x02\x01\x07\x30\x00\x30\x00\
            \x30\x1E\x17\x0D210101000000Z\x17\x0D310203040506Z\x30\x00";
        assert_eq!(end_of(utc_time), "2031-02-03T04:05:06Z".parse().ok());
        let generalized = b"\x30\x2D\x30\x2B\x02\x01\x07\x30\x00\x30\x00\
            \x30\x20\x17\x0D490101000000Z\x18\x0F20510203040506Z\x30\x00";
        assert_eq!(end_of(generalized), "2051-02-03T04:05:06Z".parse().ok());
        for length in 0..utc_time.len() {
            assert_eq!(end_of(&utc_time[..length]), None, "{length}");
        }
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            assert!(end_of(root).is_some_and(|end| end > Timestamp::UNIX_EPOCH));
        }
    }

    #[test]
    fn only_certificates_are_distrusted() {
        let wrong = TlsError::InvalidCertificate(CertificateError::Expired);
        assert_eq!(distrust(&wrong).unwrap(), "its certificate has expired");
        assert_eq!(distrust(&TlsError::HandshakeNotComplete), None);
    }
}
