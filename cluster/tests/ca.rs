//! The authority for development, and what is wrong with certificates.
#![allow(clippy::disallowed_methods, reason = "certificates are valid at the time that the machine has")]

use ravelin_cluster::tls::dev_ca::{DevCa, DevCaError};
use ravelin_cluster::tls::{CertificateFiles, CertificatePart, CertificatePem, Certificates, TlsError};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

fn ravelin_ca(folder: &Path, arguments: &[&str]) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_ravelin-ca")).current_dir(folder).args(arguments).output();
    program.unwrap()
}

#[test]
fn one_command_makes_what_two_nodes_need() {
    let folder = tempfile::tempdir().unwrap();
    let made = ravelin_ca(folder.path(), &["--dir", "certs", "a", "b@10.0.0.1:4000"]);
    let said = String::from_utf8(made.stdout).unwrap();
    assert!(made.status.success() && said.contains("certs/a.pem"), "{said}");
    let certs = folder.path().join("certs");
    for node in ["a", "b@10.0.0.1:4000"] {
        let files = CertificateFiles::in_folder(&certs, &node.parse().unwrap());
        let certificates = Certificates::from_files(files).unwrap();
        assert_eq!(certificates.who().names, [node.parse().unwrap()]);
    }
    // Later another one, from the same authority.
    let authority = fs::read(certs.join("ca.pem")).unwrap();
    assert!(ravelin_ca(folder.path(), &["--dir", "certs", "c"]).status.success());
    Certificates::from_files(CertificateFiles::in_folder(&certs, &"c".parse().unwrap())).unwrap();
    assert_eq!(fs::read(certs.join("ca.pem")).unwrap(), authority);
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevCa::in_folder(folder.path(), SystemTime::now()).unwrap();
    let files = authority.issue_into(folder.path(), &"a".parse().unwrap(), DAY).unwrap();
    let before = fs::read(&files.certificate).unwrap();
    let again = authority.issue_into(folder.path(), &"a".parse().unwrap(), DAY);
    assert_eq!(again.map(drop), Err(DevCaError::Exists(files.certificate.clone())));
    fs::remove_file(&files.key).unwrap();
    let again = authority.issue_into(folder.path(), &"a".parse().unwrap(), DAY);
    assert_eq!(again.map(drop), Err(DevCaError::Exists(files.certificate.clone())));
    assert_eq!(fs::read(&files.certificate).unwrap(), before);
    assert!(!files.key.exists(), "nor is half of it written");
}

#[test]
fn of_several_that_make_an_authority_at_a_time_one_does() {
    let folder = tempfile::tempdir().unwrap();
    let certs = folder.path().join("certs");
    let made = std::thread::scope(|scope| {
        let makers: Vec<_> =
            (0..8).map(|_| scope.spawn(|| DevCa::in_folder(&certs, SystemTime::now()).unwrap())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect::<Vec<_>>()
    });
    for authority in &made {
        assert_eq!(authority.certificate(), made[0].certificate());
        // Found good with the authority's certificate, so they are of one key.
        let certificates = authority.certificates(&"a".parse().unwrap(), DAY).unwrap();
        assert_eq!(certificates.who().names[0].as_str(), "a");
    }
}

#[test]
fn half_an_authority_is_none() {
    let folder = tempfile::tempdir().unwrap();
    drop(DevCa::in_folder(folder.path(), SystemTime::now()).unwrap());
    for half in ["ca.pem", "ca-key.pem"] {
        let (path, text) = (folder.path().join(half), fs::read(folder.path().join(half)).unwrap());
        fs::remove_file(&path).unwrap();
        let why = DevCa::in_folder(folder.path(), SystemTime::now()).map(drop).unwrap_err();
        assert!(matches!(&why, DevCaError::File { path: missing, .. } if *missing == path), "{why}");
        fs::write(&path, text).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let authority = DevCa::in_folder(folder.path(), SystemTime::now()).unwrap();
    let files = authority.issue_into(folder.path(), &"a".parse().unwrap(), DAY).unwrap();
    for key in [files.key, folder.path().join("ca-key.pem")] {
        assert_eq!(fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_asked_wrongly_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let rows: [(&[&str], &str); 5] = [
        (&[], "no node is named"),
        (&["--days", "x", "a"], "--days x: it is no number"),
        (&["--dir"], "--dir needs a value"),
        (&["--force", "a"], "--force is unknown"),
        (&["a b"], "`a b`: a node's name has the character ' '"),
    ];
    for (arguments, expected) in rows {
        let failed = ravelin_ca(folder.path(), arguments);
        let said = String::from_utf8(failed.stderr).unwrap();
        assert!(!failed.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
    assert!(ravelin_ca(folder.path(), &["--help"]).status.success());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn certificates_that_are_no_good_are_refused_with_the_reason() {
    let now = SystemTime::now();
    let (ours, theirs) = (DevCa::new(now).unwrap(), DevCa::new(now).unwrap());
    let names = ["a".parse().unwrap()];
    let good = ours.issue(&names, DAY).unwrap();
    let other = ours.issue(&names, DAY).unwrap();
    let over = DevCa::new(now - 40 * DAY).unwrap();
    let ended = over.issue(&names, DAY).unwrap();
    let early = DevCa::new(now + 40 * DAY).unwrap();
    let to_come = early.issue(&names, DAY).unwrap();
    let load = |authority: &str, certificate: &str, key: &str| {
        let (authority, certificate) = (authority.as_bytes(), certificate.as_bytes());
        Certificates::from_pem(CertificatePem { authority, certificate, key: key.as_bytes() }).map(drop)
    };
    let (ca, certificate, key) = (ours.certificate(), &*good.certificate, &*good.key);
    assert_eq!(load(ca, certificate, key), Ok(()));
    assert!(matches!(load(ca, certificate, &other.key), Err(TlsError::WrongKey(who)) if who.names == names));
    let stranger = load(theirs.certificate(), certificate, key);
    assert!(matches!(stranger, Err(TlsError::UnknownAuthority(who)) if who.names == names));
    let Err(ended) = load(over.certificate(), &ended.certificate, &ended.key) else { panic!("it has ended") };
    assert!(matches!(&ended, TlsError::Expired { at_s, now_s, .. } if at_s < now_s), "{ended:?}");
    assert!(ended.to_string().starts_with("the certificate of a (fingerprint "), "{ended}");
    let to_come = load(early.certificate(), &to_come.certificate, &to_come.key);
    assert!(
        matches!(&to_come, Err(TlsError::NotYetValid { from_s, now_s, .. }) if from_s > now_s),
        "{to_come:?}"
    );
    let rows = [
        (load("", certificate, key), CertificatePart::Authority),
        (load(ca, "", key), CertificatePart::Certificate),
        (load(ca, certificate, ""), CertificatePart::Key),
        (load(ca, certificate, certificate), CertificatePart::Key),
        (load(ca, &certificate.replace("-----END", "-----AND"), key), CertificatePart::Certificate),
    ];
    for (loaded, expected) in rows {
        assert!(matches!(&loaded, Err(TlsError::Pem { part, .. }) if *part == expected), "{loaded:?}");
    }
    let nameless = ours.issue(&[], DAY).map(drop);
    assert!(matches!(nameless, Err(DevCaError::Tls(TlsError::NoName(_)))), "{nameless:?}");
    let missing = CertificateFiles::in_folder("nowhere", &names[0]);
    assert!(
        matches!(Certificates::from_files(missing), Err(TlsError::File { path, .. }) if path.ends_with("ca.pem"))
    );
}
