//! Who is not let in: both sides are told, and it is logged.

use crate::cast::Who;
use crate::house::{Home, Net, authority, certified, config, lasting, name, run, strange};
use crate::logged;
use ravelin_cluster::tls::{Allow, CertificatePem, Certificates};
use ravelin_cluster::{NodeEvent, NodeHealth};
use std::time::Duration;

#[test]
fn who_is_refused_over_tcp_is_told_and_logged() {
    run(who_is_refused_is_told_and_logged(Net::Tcp));
}

#[test]
fn who_is_refused_over_quic_is_told_and_logged() {
    run(who_is_refused_is_told_and_logged(Net::Quic));
}

#[test]
fn certificates_change_without_a_restart() {
    run(async {
        let authority = authority();
        let mut a = Home::start(config("a", None), Net::Tcp.over(certified(&authority, "a"))).await;
        let certificates = strange(&authority, "b");
        let mut b = Home::start(config("b", Some(&a)), Net::Tcp.over(certificates.clone())).await;
        b.is_refused("it does not trust the authority of this node's certificate").await;
        let issued = authority.issue(&[name("b")], Duration::from_secs(7200)).unwrap();
        let pem = CertificatePem {
            authority: authority.certificate().as_bytes(),
            certificate: issued.certificate.as_bytes(),
            key: issued.key.as_bytes(),
        };
        certificates.replace(pem).unwrap();
        a.meets("b").await;
        b.meets("a").await;
    });
}

impl Home {
    /// Waits until a refusal is told whose reason has these words.
    async fn is_refused(&mut self, words: &str) {
        let is_it = |event: &NodeEvent| match event {
            NodeEvent::Refused { why, .. } if why.to_string().contains(words) => Some(()),
            NodeEvent::Down(id, why) => panic!("{id} is down: {why:?}"),
            _ => None,
        };
        self.events.until(is_it).await;
    }
}

async fn who_is_refused_is_told_and_logged(net: Net) {
    let authority = authority();
    let (expired, other, stranger, unlisted) =
        ["expired", "other", "stranger", "unlisted"].map(|name| format!("{name}-{net:?}")).into();
    let short = lasting(&authority, &expired, Duration::from_secs(60));
    let ours = certified(&authority, "a");
    let listed = ["a", "b", "another", &expired, &stranger].map(name);
    ours.allow(Allow::Names(listed.into()));
    let mut a = Home::start(config("a", None), net.over(ours)).await;
    let b = Home::start(config("b", Some(&a)), net.over(certified(&authority, "b"))).await;
    a.meets("b").await;
    // Its name, its certificate; what is said here, and there.
    let rows: [(&str, Certificates, &str, &str); 5] = [
        (
            &stranger,
            strange(&authority, &stranger),
            &format!("no authority that this node trusts signed the certificate of {stranger}"),
            "it does not trust the authority of this node's certificate",
        ),
        (
            &unlisted,
            certified(&authority, &unlisted),
            &format!("{unlisted} ("),
            "this node is not on its allow-list",
        ),
        (
            &other,
            certified(&authority, "another"),
            &format!("the certificate is not one of {other}"),
            &format!("the certificate is not one of {other}"),
        ),
        ("b", certified(&authority, "b"), "taken", "taken"),
        (
            &expired,
            short,
            &format!("the certificate of {expired}"),
            "this node's certificate is not valid at its time",
        ),
    ];
    for (who, certificates, here, there) in rows {
        let mut home = Home::start(config(who, Some(&a)), net.over(certificates)).await;
        home.is_refused(there).await;
        a.is_refused(here).await;
        assert!(logged::has(&["ravelin.cluster.refused", here]), "{who}: {here}");
        assert!(logged::has(&["ravelin.cluster.refused", there]), "{who}: {there}");
        if who == "b" {
            let is_taken = |event: &NodeEvent| match event {
                NodeEvent::Unwanted(NodeHealth::NameTaken { holder, .. }) => Some(holder.clone()),
                _ => None,
            };
            assert_eq!(home.events.until(is_taken).await, *b.node.id());
        }
        assert_eq!(a.reached().await, ["b"], "{who}");
        home.node.leave().await;
    }
    a.puppet_of(&b).call(Who).await.unwrap();
}
