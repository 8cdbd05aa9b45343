//! Partitions: a key has one child.

use crate::host::{everywhere, ms, until, up};
use crate::workers::{Break, Who, Worker};
use ravelin::prelude::*;
use ravelin::{CallError, Counts, Outside, PartitionSupervisor, TaskSupervisor, hashing};

#[test]
fn a_key_has_one_partition_which_keeps_it_over_a_restart() {
    everywhere(async |system| {
        let partitions = PartitionSupervisor::<ActorRef<Worker>>::place("parts", 5).intensity(9, ms(1000));
        let app = up(&system, partitions.child_spec(|number, place| child(place, move || number))).await;
        let counts = partitions.supervisor().count_children().await.expect("it lives");
        assert_eq!(counts, Counts { specs: 5, active: 5, supervisors: 0, workers: 5 });
        for key in ["a", "b", "c", "d", "e"] {
            let owner = hashing::owner(hashing::hash(key), 0..5);
            assert_eq!(partitions.of(key).call(Who).await.ok(), owner);
            assert!(matches!(partitions.of(key).call(Break).await, Err(CallError::Exited(_))));
            partitions.of(key).ready().await;
            assert_eq!(partitions.of(key).call(Who).await.ok(), owner);
        }
        let names: Vec<_> = partitions.partitions().iter().map(|place| place.name().cloned()).collect();
        assert_eq!(names[4].as_deref(), Some("parts/4"));
        app.stop().await;
    });
}

#[test]
fn the_end_of_one_partition_is_not_the_others_business() {
    everywhere(async |system| {
        let partitions = PartitionSupervisor::<ActorRef<Worker>>::place("parts", 3);
        let app = up(&system, partitions.child_spec(|number, place| child(place, move || number))).await;
        let before: Vec<_> = partitions.partitions().iter().map(ActorRef::pid).collect();
        assert!(system.kill(before[1].expect("it lives")));
        until(|| partitions.partitions()[1].pid() != before[1]).await;
        partitions.partitions()[1].ready().await;
        let after: Vec<_> = partitions.partitions().iter().map(ActorRef::pid).collect();
        assert_eq!((after[0], after[2]), (before[0], before[2]));
        app.stop().await;
    });
}

#[test]
fn a_partition_may_be_a_tree() {
    everywhere(async |system| {
        let tasks =
            PartitionSupervisor::new("tasks", 0, |number| TaskSupervisor::place(format!("tasks/{number}")));
        assert_eq!(tasks.partitions().len(), 1, "0 counts as 1");
        let app = up(&system, tasks.child_spec(|_, place| place.into())).await;
        let sum = tasks.clone().of(&(1_u8, "x")).async_task(&Outside, async { 1 + 1 }).await;
        assert_eq!(sum.expect("it starts").await, Ok(2));
        app.stop().await;
    });
}
