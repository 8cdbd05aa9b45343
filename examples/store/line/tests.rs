//! Conversations without a socket: a client's bytes in, errands out, deliveries in, the server's bytes out.

use super::*;
use crate::command::{Admin, OnKey};
use crate::info::tests::facts;

/// Two partitions; `a` is in the second, `b` in the first.
fn dialogue(bytes: &str) -> Dialogue {
    let mut dialogue = Dialogue::new(1, Partitions::new(2).unwrap());
    give(&mut dialogue, bytes);
    dialogue
}

fn give(dialogue: &mut Dialogue, bytes: &str) {
    dialogue.handle_bytes(bytes.as_bytes());
    dialogue.advance(facts);
}

fn deliver(dialogue: &mut Dialogue, delivery: Delivery) {
    dialogue.handle_delivery(delivery);
    dialogue.advance(facts);
}

type Sent = (usize, Vec<Asked<KeyCommand>>);

/// All errands that are ready to be sent, and how many commands each has.
fn sent(dialogue: &mut Dialogue) -> Vec<Sent> {
    std::iter::from_fn(|| dialogue.poll_keys()).collect()
}

fn sizes(sent: &[Sent]) -> Vec<(usize, usize)> {
    sent.iter().map(|(lane, asked)| (*lane, asked.len())).collect()
}

/// Answers each command of an errand with these integers.
fn answer(dialogue: &mut Dialogue, (lane, asked): Sent, replies: &[i64]) {
    let end = End::Answered(replies.iter().map(|n| Reply::Integer(*n)).collect());
    deliver(dialogue, Delivery::Keys(Outcome { lane, asked, end }));
}

fn fail(dialogue: &mut Dialogue, (lane, asked): Sent, end: End) {
    deliver(dialogue, Delivery::Keys(Outcome { lane, asked, end }));
}

#[track_caller]
fn check_said(dialogue: &mut Dialogue, expected: &str) {
    let said = dialogue.output().split();
    assert_eq!(String::from_utf8_lossy(&said), expected);
}

#[test]
fn a_partition_has_one_errand_at_a_time_and_what_waits_goes_together() {
    let mut dialogue = dialogue("INCR a\r\nINCR b\r\nINCR a\r\n");
    let first = sent(&mut dialogue);
    assert_eq!(sizes(&first), [(0, 1), (1, 2)]);
    give(&mut dialogue, "INCR a\r\nINCR a\r\n");
    assert_eq!(sizes(&sent(&mut dialogue)), []);
    let [of_b, of_a] = first.try_into().unwrap();
    answer(&mut dialogue, of_a, &[1, 2]);
    check_said(&mut dialogue, ":1\r\n");
    assert_eq!(sizes(&sent(&mut dialogue)), [(1, 2)]);
    answer(&mut dialogue, of_b, &[7]);
    check_said(&mut dialogue, ":7\r\n:2\r\n");
}

#[test]
fn what_was_lost_is_sent_again_before_what_came_after_it() {
    let mut dialogue = dialogue("APPEND a 1\r\n");
    let first = sent(&mut dialogue).remove(0);
    give(&mut dialogue, "STRLEN a\r\n");
    fail(&mut dialogue, first, End::Lost);
    let (lane, asked) = sent(&mut dialogue).remove(0);
    assert!(
        matches!(asked[0].command, KeyCommand::On(_, OnKey::Append(_)))
            && matches!(asked[1].command, KeyCommand::On(_, OnKey::StrLen))
    );
    dialogue.keys_unsent(lane, asked);
    let again = sent(&mut dialogue).remove(0);
    answer(&mut dialogue, again, &[1, 2]);
    check_said(&mut dialogue, ":1\r\n:2\r\n");
}

#[test]
fn a_command_that_breaks_who_executes_it_is_not_sent_again() {
    let mut dialogue = dialogue("INCR a\r\nPING\r\n");
    let errand = sent(&mut dialogue).remove(0);
    check_said(&mut dialogue, "");
    fail(&mut dialogue, errand, End::Broken);
    check_said(&mut dialogue, "-ERR internal error: the command could not be executed\r\n+PONG\r\n");
    assert!(sent(&mut dialogue).is_empty());
}

#[test]
fn after_a_command_that_is_not_about_keys_nothing_is_looked_at_before_its_turn() {
    let mut dialogue = dialogue("INCR a\r\nSUBSCRIBE c\r\nINCR a\r\n");
    let errand = sent(&mut dialogue).remove(0);
    assert!(dialogue.poll_words().is_none() && !dialogue.wants_bytes());
    answer(&mut dialogue, errand, &[1]);
    let asked = dialogue.poll_words().unwrap();
    let lost = Outcome { lane: 0, asked, end: End::Lost };
    deliver(&mut dialogue, Delivery::Words(lost));
    let asked = dialogue.poll_words().unwrap();
    let done = Outcome { lane: 0, asked, end: End::Answered(vec![Reply::OK]) };
    deliver(&mut dialogue, Delivery::Words(done));
    assert!(sent(&mut dialogue).is_empty());
    let said = dialogue.output().split();
    let said = String::from_utf8_lossy(&said);
    assert!(
        said.starts_with(":1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n-ERR Can't execute 'incr'"),
        "{said}"
    );
}

#[test]
fn a_client_that_does_not_read_gets_no_more_executed() {
    let mut dialogue = dialogue(&"GET a\r\n".repeat(1000));
    let large = Reply::bulk(vec![b'x'; 1 << 18]);
    let mut rounds = 0;
    while let Some((lane, asked)) = dialogue.poll_keys() {
        rounds += 1;
        let end = End::Answered(vec![large.clone(); asked.len()]);
        deliver(&mut dialogue, Delivery::Keys(Outcome { lane, asked, end }));
        assert!(dialogue.output().len() < (1 << 20) + (1 << 19));
    }
    assert_eq!((rounds, dialogue.wants_bytes()), (1, false));
    dialogue.output().clear();
    dialogue.advance(facts);
    assert!(!dialogue.output().is_empty(), "it goes on when there is room");
}

#[test]
fn a_listener_that_does_not_read_is_told_and_gets_nothing_more() {
    let mut dialogue = dialogue("");
    let message = Reply::bulk(vec![b'x'; 1 << 20]);
    for _ in 0..20 {
        deliver(&mut dialogue, Delivery::Published(message.clone()));
    }
    assert!(dialogue.is_ending());
    assert!(dialogue.output().len() < PUBLISHED_LIMIT + (2 << 20));
    dialogue.output().clear();
    dialogue.advance(facts);
    check_said(&mut dialogue, "-ERR closing: this client reads too slowly, its output buffer is full\r\n");
    assert!(dialogue.is_over());
}

#[test]
fn what_was_asked_before_the_end_is_answered() {
    let mut dialogue = dialogue("INCR a\r\n*1\r\nx");
    let errand = sent(&mut dialogue).remove(0);
    assert!(dialogue.is_ending() && !dialogue.is_over());
    answer(&mut dialogue, errand, &[1]);
    check_said(&mut dialogue, ":1\r\n-ERR Protocol error: expected '$', got 'x'\r\n");
    assert!(dialogue.is_over());
}

#[test]
fn when_the_server_ends_what_was_asked_is_answered_and_nothing_more_is_taken() {
    let mut dialogue = dialogue("INCR a\r\n");
    let errand = sent(&mut dialogue).remove(0);
    deliver(&mut dialogue, Delivery::End);
    give(&mut dialogue, "INCR a\r\n");
    assert!(!dialogue.wants_bytes() && !dialogue.is_over());
    answer(&mut dialogue, errand, &[1]);
    assert!(sent(&mut dialogue).is_empty());
    check_said(&mut dialogue, ":1\r\n");
    assert!(dialogue.is_over());
}

#[test]
fn what_is_asked_of_the_system_is_asked_again_until_it_is_answered() {
    let mut dialogue = dialogue("INCR a\r\nADMIN WAITS\r\nPING\r\n");
    let errand = sent(&mut dialogue).remove(0);
    assert_eq!(dialogue.poll_admin(), None);
    answer(&mut dialogue, errand, &[1]);
    for _ in 0..2 {
        assert_eq!(dialogue.poll_admin(), Some(Admin::Waits));
    }
    dialogue.handle_admin(&Reply::Array(vec![]));
    dialogue.advance(facts);
    check_said(&mut dialogue, ":1\r\n*0\r\n+PONG\r\n");
    assert_eq!(dialogue.poll_admin(), None);
}
