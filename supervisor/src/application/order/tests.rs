//! Rows, and random graphs.

use super::{Order, OrderError};
use proptest::prelude::*;
use std::sync::Arc;

/// `"web: store log, store, log"`: what each needs behind its name.
fn order_of(declared: &str) -> Result<(Vec<String>, Order), OrderError> {
    let rows: Vec<(Arc<str>, Vec<Arc<str>>)> = declared
        .split(", ")
        .map(|row| {
            let (name, needs) = row.split_once(':').unwrap_or((row, ""));
            (name.into(), needs.split_whitespace().map(Arc::from).collect())
        })
        .collect();
    let order = Order::of(rows.iter().map(|(name, needs)| (name, &needs[..])))?;
    let names = order.starts.iter().map(|at| rows[*at].0.to_string()).collect();
    Ok((names, order))
}

#[track_caller]
fn starts(declared: &str, expected: &str) {
    assert_eq!(order_of(declared).map(|(names, _)| names.join(" ")), Ok(expected.to_owned()), "{declared}");
}

#[track_caller]
fn refused(declared: &str, expected: &str) {
    let error = order_of(declared).expect_err("it is refused");
    assert_eq!(error.to_string(), expected, "{declared}");
}

#[test]
fn needs_start_first_and_others_as_declared() {
    starts("a, b, c", "a b c");
    starts("a: b, b: c, c", "c b a");
    starts("a: c, b, c", "b c a");
    starts("web: store log, log, store: log", "log store web");
    starts("d: b c, b: a, c: a, a", "a b c d");
    starts("a: b b, b", "b a");
}

#[test]
fn what_cannot_start_is_refused_with_names() {
    refused("a: a", "applications need each other: a needs a");
    refused("x, a: b x, b: c, c: a", "applications need each other: a needs b needs c needs a");
    refused("z: a, a: b, b: a", "applications need each other: a needs b needs a");
    refused("a: b", "application \"a\" needs \"b\", which there is not");
    refused("a, b, a", "two applications are called \"a\"");
}

#[test]
fn what_one_needs_is_all_that_it_needs_in_start_order() {
    let (_, order) = order_of("web: store, log, store: log, mail, idle: web").expect("it has an order");
    let names = ["web", "log", "store", "mail", "idle"];
    let with_needs = |at| order.with_needs(at).into_iter().map(|at| names[at]).collect::<Vec<_>>().join(" ");
    assert_eq!(with_needs(0), "log store web");
    assert_eq!(with_needs(3), "mail");
    assert_eq!(with_needs(4), "log store web idle");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_order_starts_each_once_and_after_its_needs_or_names_a_cycle(
        needs in prop::collection::vec(prop::collection::vec(0..8_usize, 0..3), 8)
    ) {
        let names: Vec<Arc<str>> = (0..8).map(|at| at.to_string().into()).collect();
        let needed: Vec<Vec<Arc<str>>> =
            needs.iter().map(|needs| needs.iter().map(|at| names[*at].clone()).collect()).collect();
        match Order::of(names.iter().zip(needed.iter().map(|needs| &needs[..]))) {
            Ok(order) => {
                let mut placed = Vec::new();
                for at in &order.starts {
                    let is_ready = |at: usize| needs[at].iter().all(|need| placed.contains(need));
                    prop_assert!(is_ready(*at) && !placed.contains(at));
                    // Nobody who was declared before was ready and had to wait.
                    prop_assert!((0..*at).all(|other| placed.contains(&other) || !is_ready(other)));
                    placed.push(*at);
                }
                prop_assert_eq!(placed.len(), 8);
            }
            Err(OrderError::Cycle(path)) => {
                for (at, name) in path.iter().enumerate() {
                    let next = &path[(at + 1) % path.len()];
                    let needs = &needed[name.parse::<usize>().expect("a number")];
                    prop_assert!(needs.contains(next), "{} needs {}", name, next);
                }
                prop_assert!(!path.is_empty());
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
    }
}
