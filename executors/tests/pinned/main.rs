//! What actors pinned to a thread promise: each claim once, over several executors and in the simulator.

#![allow(clippy::disallowed_methods, reason = "the real executors and threads are what is tested here")]

#[macro_use]
mod hosts;

mod claims;
mod ends;
mod faults;
mod shy;

claims!(
    answers_come_from_a_state_that_is_not_send,
    all_of_it_happens_on_its_thread,
    a_panic_is_the_exit_reason_with_message_and_place,
    a_panic_in_terminate_is_the_exit_reason,
    an_init_that_fails_fails_the_start_and_leaves_nothing,
    a_kill_drops_future_and_state_on_their_thread_before_the_end_is_announced,
    a_kill_in_init_does_so_too,
    nothing_sent_after_a_kill_is_handled,
    a_stop_waits_for_the_handler_and_runs_terminate,
    an_actor_that_stops_itself_still_answers,
    a_restart_makes_a_new_one_on_the_same_thread_after_the_old_one_is_gone,
    a_monitor_of_its_own_tells_it_of_an_end_on_its_thread,
    a_linked_actor_dies_with_it_and_the_other_way_round,
    it_traps_exits_when_it_says_so,
    a_timer_of_its_own_comes_as_a_message,
    a_panic_on_the_way_to_the_actor_proper_is_its_own,
);
