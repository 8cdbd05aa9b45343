//! Large messages over a slow line, compressed where both nodes want it.

use crate::cast::{Blob, Get};
use crate::house::{House, NODES};
use futures::FutureExt;
use ravelin_cluster::Compression;
use ravelin_sim::Sim;
use ravelin_sim::net::{Bandwidth, Link};
use std::pin::pin;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const BYTES: usize = 512 << 10;

/// How the line is while a message is sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    Open,
    Clogged,
}

/// The like of a log.
fn lines() -> Vec<u8> {
    (0..).flat_map(|n| format!("order {n}: 3 apples, paid, at the till\n").into_bytes()).take(BYTES).collect()
}

#[test]
fn a_large_message_takes_fewer_bytes_where_both_nodes_want_that() {
    let bulk = Compression::bulk();
    let rows = [(bulk, bulk), (bulk, Compression::Never), (Compression::Never, bulk)];
    for (here, there) in rows {
        Sim::new().seeds(1).twice_every(0).check(async |world| {
            let house = House::tuned(world, &NODES[..2], move |config| {
                config.compression = if config.name.as_str() == "a" { here } else { there };
            })
            .await;
            world.advance(3000 * MS).await;
            let bandwidth = Bandwidth { bytes_per_second: BYTES as u64, backlog_max: 60_000 * MS };
            world.set_link("a", "b", Some(Link { bandwidth: Some(bandwidth), ..Link::lan() }));
            let to = house.addr("b", "a");
            let before = world.elapsed();
            to.send(Blob(lines())).await.unwrap();
            let took = world.elapsed() - before;
            assert_eq!(to.call(Get).await.unwrap(), [BYTES as u64]);

            let figures = house.node("a").figures();
            let [of] = &figures[..] else { panic!("{figures:?}") };
            assert!(of.bulk_bytes > BYTES as u64, "{of:?}");
            let saved = of.bulk_saved_bytes;
            if here == there {
                assert!(saved > of.bulk_bytes / 2, "{of:?}");
                assert!(took < 500 * MS, "{took:?} at a line that takes a second for so many bytes");
            } else {
                assert_eq!(saved, 0);
                assert!(took >= 1000 * MS, "{took:?} at a line that takes a second for so many bytes");
            }
        });
    }
}

#[test]
fn a_message_that_becomes_much_more_than_it_was_is_whole_without_waiting_for_anything_else() {
    Sim::new().seeds(1).twice_every(0).check(async |world| {
        let house = House::tuned(world, &NODES[..2], |config| config.compression = Compression::bulk()).await;
        world.advance(3000 * MS).await;
        let to = house.addr("b", "a");
        for way in [Way::Open, Way::Clogged] {
            let mut send = pin!(to.send(Blob(vec![0; 4 * BYTES])));
            if way == Way::Clogged {
                // So that all of it comes at once.
                world.clog(&["a"], &["b"]);
            }
            assert!(send.as_mut().now_or_never().is_none());
            if way == Way::Clogged {
                world.advance(100 * MS).await;
                world.unclog(&["a"], &["b"]);
            }
            world.advance(100 * MS).await;
            let sent = send.as_mut().now_or_never();
            sent.unwrap_or_else(|| panic!("{way:?}: it waits for a heartbeat")).unwrap();
        }
        assert_eq!(to.call(Get).await.unwrap(), [4 * BYTES as u64; 2]);
    });
}
