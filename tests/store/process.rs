//! The program: its options, its end, and what a successor finds.

use crate::server::{Server, ask, folder, program};

#[test]
fn help_and_mistakes() {
    let help = program().arg("--help").output().expect("it can be run");
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--chaos RATE"));
    let wrong = program().arg("--chaos=often").output().expect("it can be run");
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("--chaos takes a rate like 20/s"));
}

#[test]
fn a_second_server_on_the_same_data_says_what_is_wrong() {
    let data = folder();
    let _server = Server::start(&data, "");
    let second =
        program().args(["--port", "0", "--data"]).arg(data.path().join("data")).output().expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another process has it open"), "{said}");
}

#[test]
fn after_an_orderly_stop_everything_is_there_again() {
    for (options, signal) in [("", "-TERM"), ("--fsync no", "-INT"), ("--runtime smol", "-TERM")] {
        let data = folder();
        let mut server = Server::start(&data, options);
        let mut client = server.client();
        let mut pipe = redis::pipe();
        for n in 0..1000 {
            pipe.cmd("SET").arg(format!("k{n}")).arg(n).cmd("RPUSH").arg("l").arg(n);
        }
        pipe.exec(&mut client).expect("answers");
        assert!(server.signal(signal).success(), "{options}");
        let report = server.line();
        assert!(report.starts_with("shutdown, SIG") && report.contains(": orderly, in "), "{report}");

        let server = Server::start(&data, "--partitions 5");
        let mut client = server.client();
        assert_eq!(ask(&mut client, "DBSIZE"), ":1001", "{options}");
        assert_eq!(ask(&mut client, "GET k999"), "999", "{options}");
        assert_eq!(ask(&mut client, "LRANGE l 998 -1"), "[998 999]", "{options}");
    }
}
