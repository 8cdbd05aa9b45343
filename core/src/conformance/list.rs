//! The cases of the suite, by name. A test below sees to it that none is missing.

#[doc(hidden)]
#[macro_export]
macro_rules! __executor_cases {
    ($run:expr) => {
        $crate::__executor_tests! { $run;
            sends:
                messages_of_one_sender_arrive_in_the_order_sent,
                messages_of_many_senders_keep_the_order_of_each,
                messages_and_exit_signals_of_one_sender_arrive_in_the_order_sent,
                nothing_sent_after_a_fatal_exit_signal_is_handled,
                a_message_to_the_dead_comes_back,
                a_place_that_nobody_lives_at_hands_messages_back,
                a_place_reaches_the_present_incarnation,
                a_recipient_sends_like_its_actor,
                dropping_every_reference_stops_nothing,
                what_init_continues_with_goes_before_any_message,
                a_continuation_follows_its_handler_and_may_stop,
                a_busy_actor_lets_others_run,
                a_handler_that_yields_for_ever_lets_others_run,
                an_actor_that_continues_for_ever_lets_others_run_and_can_be_stopped,
                large_and_overaligned_messages_arrive_whole,
                a_living_actor_can_be_described,
                an_init_may_send_to_its_own_actor,
            ;
            mailboxes:
                a_full_mailbox_does_what_its_policy_says,
                a_mailbox_is_bounded_unless_one_says_otherwise,
                senders_that_wait_get_room_in_the_order_they_came,
                a_send_that_is_dropped_has_sent_nothing,
                senders_that_wait_learn_of_the_end,
                a_full_mailbox_gives_a_call_back_or_says_that_it_was_discarded,
                a_call_waits_for_room_within_its_time_limit,
                notices_are_not_lost_in_a_full_mailbox,
                a_stop_overtakes_any_number_of_messages,
                a_bounded_mailbox_under_pressure_loses_nothing,
            ;
            calls:
                a_call_is_answered,
                a_call_ends_with_the_reason_of_its_callees_end,
                a_call_ends_however_its_callee_ends,
                a_panic_is_reported_with_its_message_and_place,
                a_call_that_waits_in_the_mailbox_ends_with_its_callee,
                a_call_times_out_and_its_late_answer_reaches_nobody,
                whoever_answers_can_see_whether_somebody_waits,
                a_call_that_nobody_will_answer_ends_at_once,
                a_handler_that_answers_nothing_and_ends_gives_its_callers_the_reason,
                an_actor_that_would_wait_for_its_own_end_is_told_so,
                a_call_to_oneself_is_a_deadlock_and_is_refused,
                an_actor_may_call_others_while_it_is_called,
                an_answer_may_come_later_and_from_elsewhere,
                an_actor_that_forwarded_a_call_may_end_before_the_answer,
                answers_come_in_the_order_they_are_given,
                a_call_that_is_dropped_leaves_nothing_behind,
                a_cast_has_nobody_to_answer,
                calls_answered_before_the_end_keep_their_answers,
                what_is_owed_ends_after_the_state_is_gone_and_the_name_is_free,
                a_call_lost_in_a_panicking_destructor_still_ends,
                a_call_owed_by_a_message_whose_destructor_panics_still_ends,
                an_init_that_calls_and_is_called_is_no_deadlock,
            ;
            kept:
                what_waits_is_handled_by_the_next_incarnation_in_its_order,
                the_message_in_hand_is_not_kept,
                what_is_kept_for_nobody_becomes_dead_letters_and_its_calls_end,
                notices_to_one_that_ended_are_not_kept,
                a_mailbox_is_kept_over_many_ends_and_with_very_many_messages,
            ;
            circles:
                a_call_around_a_circle_ends_at_once_and_names_it,
                two_that_call_each_other_at_once_do_not_wait_for_ever,
                a_circle_is_seen_among_many_waits,
                who_was_answered_is_waited_for_by_nobody,
                a_request_that_was_passed_on_is_no_link_of_a_circle,
                an_init_that_calls_the_actor_that_starts_it_is_a_circle,
                a_child_that_calls_the_parent_that_waits_for_its_end_is_told,
                who_waits_for_whom_can_be_asked,
                a_wait_that_is_given_up_is_no_link_of_a_circle,
                a_call_that_waits_elsewhere_than_in_its_actor_harms_nobody,
            ;
            budgets:
                a_call_made_to_answer_another_ends_with_its_time,
                a_handler_with_no_time_left_is_told_before_it_asks,
                a_time_limit_is_the_shorter_of_two,
                who_serves_a_cast_has_no_deadline_and_no_caller,
                a_running_handler_learns_that_its_caller_has_gone,
                a_request_whose_caller_has_gone_is_not_begun,
                a_message_may_say_that_it_is_handled_all_the_same,
                the_usual_time_is_not_begun_anew_by_each_call,
            ;
            starts:
                a_start_returns_when_init_is_done,
                nothing_is_started_before_the_start_is_awaited,
                a_start_that_fails_leaves_nothing,
                an_init_that_panics_is_a_failed_start,
                a_parent_gets_no_exit_signal_for_a_start_that_fails,
                a_place_has_one_actor_at_a_time,
                a_place_belongs_to_one_system,
                systems_in_one_process_do_not_see_each_other,
                messages_that_come_during_init_wait,
                calls_that_wait_for_an_init_that_fails_end_with_its_reason,
                an_actor_killed_in_init_was_not_started,
                a_stop_during_init_waits_for_it,
                an_init_may_stop_its_actor_which_has_then_started,
                a_child_of_the_dead_ends_with_noproc,
                a_parent_that_dies_during_a_start_takes_the_child,
                a_start_that_is_dropped_half_way_goes_on,
                a_child_is_linked_before_its_init_runs,
                a_pid_is_never_used_again,
                thousands_of_actors_come_and_go_and_leave_the_system_empty,
                a_place_is_ready_when_an_incarnation_is_up,
                a_parent_outlives_the_children_that_it_adopted,
                an_adopted_child_that_overstays_its_grace_is_killed,
            ;
            ends:
                an_exit_signal_ends_one_that_does_not_trap_unless_it_is_normal,
                an_exit_signal_is_a_message_to_one_that_traps,
                an_exit_signal_of_its_parent_ends_one_that_traps_in_good_order,
                an_exit_signal_to_oneself_is_a_signal,
                the_first_fatal_signal_wins,
                signals_to_the_dead_do_nothing,
                trapping_can_be_switched,
                a_stop_waits_until_the_actor_is_dead,
                a_stop_reports_another_end_than_the_one_asked_for,
                a_stop_lets_the_present_handler_finish,
                a_stop_comes_before_what_is_behind_a_handler_that_waits,
                the_first_reason_given_to_stop_counts,
                terminate_runs_after_a_panic,
                an_order_to_shut_down_runs_terminate_only_in_one_that_traps,
                a_shut_down_that_takes_too_long_becomes_a_kill,
                a_panic_in_terminate_becomes_the_reason,
                a_terminate_that_hangs_can_be_killed,
                a_terminate_may_wait_and_call_and_its_reason_stands,
                a_trapping_actor_is_not_disturbed_in_terminate,
                the_state_is_gone_and_the_name_free_before_anybody_learns,
                all_can_be_told_to_end,
                one_that_does_not_end_when_told_to_is_killed,
                an_order_to_all_waits_for_the_children_of_those_that_are_gone,
                an_order_in_turn_waits_behind_the_messages_that_came_before,
                a_kill_does_not_wait_for_its_turn,
            ;
            kills:
                a_kill_cannot_be_trapped_and_is_seen_as_killed,
                an_exit_signal_with_the_reason_killed_is_no_kill,
                a_kill_ends_a_handler_that_hangs,
                a_kill_takes_effect_under_a_full_mailbox,
                an_actor_that_kills_itself_goes_no_further_than_its_next_await,
                a_kill_passes_through_links_as_killed,
                a_killed_parent_takes_a_trapping_child_in_good_order,
                a_kill_twice_is_one_end,
                nothing_sent_after_a_kill_is_handled,
                nothing_sent_after_a_kill_is_received_by_a_task,
                a_kill_ends_a_task_that_waits_or_receives,
                a_kill_reaches_an_actor_that_waits_for_a_call,
                a_kill_in_init_drops_what_init_held,
            ;
            bonds:
                a_link_works_both_ways,
                a_link_ends_one_that_does_not_trap_unless_the_end_was_normal,
                a_chain_of_links_falls_from_one_end_to_the_other,
                after_an_unlink_from_either_side_ends_are_no_longer_shared,
                an_unlink_of_a_stranger_or_of_the_dead_does_nothing,
                a_link_to_the_dead_is_a_signal_noproc,
                a_link_to_oneself_is_nothing,
                there_is_one_link_per_pair,
                a_link_can_be_made_again,
                links_made_and_broken_from_both_ends_at_once_converge,
                an_unlink_that_races_with_the_end_is_followed_by_no_signal,
            ;
            monitors:
                a_down_tells_the_reason_once,
                a_monitor_of_the_dead_fires_at_once_with_noproc,
                each_monitor_has_a_down_of_its_own,
                one_of_two_monitors_can_be_ended,
                a_demonitor_twice_or_by_a_stranger_does_nothing,
                a_demonitor_takes_back_a_down_that_waits_in_the_mailbox,
                a_down_that_was_handled_cannot_be_taken_back,
                a_down_comes_after_all_that_the_dead_had_sent,
                a_name_is_free_once_the_down_of_its_owner_came,
                a_monitor_goes_with_its_watcher,
                a_monitor_is_not_a_link,
                a_monitor_watches_an_incarnation_and_not_a_place,
                many_that_watch_and_many_that_die_all_meet,
                whoever_waits_for_an_end_gets_its_reason,
            ;
            names:
                a_name_is_registered_found_and_freed,
                a_name_has_one_owner,
                the_dead_cannot_be_registered,
                names_are_free_before_links_learn_of_the_end,
                a_restart_begins_when_the_end_before_it_is_over,
                many_names_come_and_go,
                a_name_asked_for_at_the_start_is_there_before_init,
                a_start_whose_name_is_taken_tells_the_owner_and_runs_no_init,
            ;
            groups:
                a_group_is_a_multiset,
                one_that_is_no_member_cannot_leave,
                an_empty_group_disappears,
                members_go_when_they_end,
                the_dead_cannot_join,
                a_join_that_races_with_the_end_leaves_no_dead_member,
                a_monitor_of_a_group_sees_the_members_and_then_each_change,
                the_changes_of_a_group_come_without_a_gap,
                an_ended_monitor_of_a_group_says_nothing_more,
                a_monitor_of_a_group_goes_with_its_watcher,
            ;
            timers:
                messages_for_later_come_in_the_order_they_are_due,
                timers_due_at_once_fire_in_the_order_they_were_set,
                a_cancelled_timer_tells_the_time_left_and_sends_nothing,
                a_timer_that_has_fired_cannot_be_cancelled,
                cancelling_one_timer_leaves_the_others,
                timers_go_with_their_incarnation,
                a_repeating_timer_repeats_until_it_is_cancelled,
                a_busy_actor_gets_as_many_missed_ticks_as_the_policy_says,
                a_period_of_nothing_does_not_hold_the_actor,
                an_idle_actor_gets_its_receive_timeout_once,
                a_message_takes_a_receive_timeout_away,
                a_message_that_waits_comes_instead_of_a_receive_timeout,
                a_receive_timeout_that_is_set_again_starts_anew,
                a_timer_that_fires_while_a_handler_waits_is_not_missed,
                timers_get_into_a_full_mailbox,
                a_storm_of_timers_and_cancels_leaves_what_is_due,
                a_time_far_away_does_not_overflow,
                a_kill_cuts_off_a_sleep,
                a_wait_with_a_limit_ends_at_the_limit_or_before,
            ;
            tasks:
                a_task_receives_in_order,
                a_task_ends_as_its_function_does,
                a_task_answers_calls,
                a_call_that_a_task_does_not_answer_ends,
                a_call_that_waits_in_the_inbox_ends_with_the_task,
                a_selective_receive_leaves_the_others_in_order,
                a_selective_receive_looks_at_each_message_once,
                a_receive_that_is_dropped_loses_no_message,
                a_receive_with_a_limit_gives_up,
                a_task_that_traps_is_told_to_end_and_returns,
                a_task_that_does_not_trap_ends_on_the_spot,
                a_stop_is_the_end_of_an_inbox_ahead_of_its_messages,
                a_task_that_is_ended_in_turn_receives_what_came_before,
                a_task_that_goes_on_receiving_after_the_end_can_be_killed,
                a_task_has_bonds,
                a_task_may_call_and_be_called_at_once,
                a_task_that_calls_itself_is_refused,
                a_task_that_floods_itself_lets_others_run,
                what_a_selective_receive_left_is_a_dead_letter_at_the_end,
            ;
            pipes:
                the_outcome_of_a_future_comes_back_as_a_message,
                a_panic_in_a_piped_future_is_an_error_and_harms_nobody,
                a_call_lost_in_a_panicking_pipe_ends,
                a_piped_future_ends_with_the_incarnation,
                the_items_of_a_stream_come_as_messages_and_then_its_end,
                a_busy_actor_slows_its_stream_down,
                a_stream_waits_for_room,
                a_stream_ends_with_the_incarnation,
                many_pipes_leave_nothing_behind,
            ;
            faults:
                a_panicking_destructor_of_a_state_harms_nobody,
                a_panicking_destructor_in_a_handler_that_is_cut_off_harms_nobody,
                panicking_destructors_of_messages_harm_nobody,
                a_panic_whose_payload_panics_ends_its_actor_only,
                a_crash_is_nobody_elses_business,
                a_runtime_that_ends_ends_its_actors,
                actors_that_never_ran_on_a_runtime_end_with_it,
                what_is_started_on_a_runtime_that_has_ended_is_lost,
                faults_that_the_runtime_injects_are_ordinary_ends,
                every_message_has_one_fate,
                a_system_keeps_the_ledger_of_the_living_and_the_gone,
                the_ledger_balances_after_all_kinds_of_trouble,
                dead_letters_can_be_observed,
                a_panicking_observer_of_dead_letters_harms_nobody,
            ;
            crashes:
                a_panic_is_reported_with_all_that_is_known,
                a_kill_is_reported_with_what_it_cut_off_and_how_often_the_place_was_restarted,
                an_init_that_fails_is_reported_and_a_normal_end_is_not,
                a_report_shows_the_state_if_the_actor_offers_it,
                a_report_names_the_children_that_end_with_their_parent,
                a_panicking_reader_of_crash_reports_harms_nobody,
                a_recorder_for_all_is_that_of_those_who_start_later,
                a_watchdog_names_an_actor_that_sits_in_its_handler,
                a_watchdog_names_an_init_that_does_not_end,
                a_watchdog_does_not_name_who_is_suspended_or_idle_or_a_task_that_receives,
                a_watchdog_that_cannot_look_does_not_start,
            ;
            suspensions:
                a_suspended_actor_handles_nothing_until_it_is_resumed,
                a_suspension_waits_for_the_present_handler_and_stands,
                a_suspension_breaks_into_a_long_batch,
                a_suspended_actor_obeys_stops_exits_and_kills,
                an_order_in_turn_does_not_wait_for_one_that_is_suspended,
                a_suspension_is_one_however_often_and_by_whomever,
                a_suspended_task_receives_nothing_until_it_is_resumed,
                timers_of_a_suspended_actor_fire_when_it_is_resumed,
                a_suspended_mailbox_keeps_its_capacity,
            ;
            sys:
                a_status_tells_what_an_actor_is_does_and_has,
                a_stuck_actor_has_a_status_all_the_same,
                a_state_is_shown_and_replaced_between_messages_if_the_actor_offers_it,
                a_question_to_a_stuck_actor_names_its_handler_and_is_not_done_later,
                a_question_ends_with_the_actor,
                an_actor_that_asks_itself_is_told_so,
                a_state_that_panics_when_it_is_shown_harms_nobody,
                the_top_of_all_actors_goes_by_a_figure,
                looking_disturbs_no_message_and_no_ledger,
            ;
            traces:
                a_trace_tells_of_each_message_its_sender_and_its_outcome,
                a_trace_knows_the_senders_of_what_came_since_in_any_order,
                a_trace_ends_itself_at_its_limit_and_counts_what_it_drops,
                a_trace_of_a_kind_of_actors_is_of_those_that_start_later_too,
                statistics_count_while_they_are_on,
            ;
        }
    };
}

#[cfg(test)]
mod tests {
    const FILES: &[(&str, &str)] = &[
        ("sends", include_str!("sends.rs")),
        ("mailboxes", include_str!("mailboxes.rs")),
        ("calls", include_str!("calls.rs")),
        ("circles", include_str!("circles.rs")),
        ("kept", include_str!("kept.rs")),
        ("budgets", include_str!("budgets.rs")),
        ("starts", include_str!("starts.rs")),
        ("ends", include_str!("ends.rs")),
        ("kills", include_str!("kills.rs")),
        ("bonds", include_str!("bonds.rs")),
        ("monitors", include_str!("monitors.rs")),
        ("names", include_str!("names.rs")),
        ("groups", include_str!("groups.rs")),
        ("timers", include_str!("timers.rs")),
        ("tasks", include_str!("tasks.rs")),
        ("pipes", include_str!("pipes.rs")),
        ("faults", include_str!("faults.rs")),
        ("crashes", include_str!("crashes.rs")),
        ("suspensions", include_str!("suspensions.rs")),
        ("sys", include_str!("sys.rs")),
        ("traces", include_str!("traces.rs")),
    ];

    #[test]
    fn every_case_is_in_the_suite_once() {
        let list = include_str!("list.rs");
        for (file, text) in FILES {
            for (_, rest) in
                text.match_indices("\npub async fn ").map(|(at, mark)| text.split_at(at + mark.len()))
            {
                let case = rest.split('(').next().unwrap_or_default();
                let entries = list.lines().filter(|line| line.trim() == format!("{case},")).count();
                assert_eq!(entries, 1, "`{case}` of {file}.rs has {entries} entries in list.rs");
            }
        }
    }
}
