//! The supervision law as rows: a supervisor, what happens to it, and what it must do.
//!
//! A scenario is text. Its first line is the supervisor: strategy (or `dynamic`), `restarts/seconds`, options, and
//! after the colon the children in start order, each with its policy in parentheses. Every further line is one step
//! and, after the colon, exactly what the plan did. `a#2` is the second start attempt at id `a`.
//!
//! Policy words: `transient`, `temporary`, `significant`, `supervisor`, `kill`, `tries=N`, `backoff=FIRST..CAP` (ms),
//! and `init=OUTCOME/…`, one outcome per attempt, the last for all further ones: `ok`, `ignore`, `fail:REASON`.
//!
//! Steps: `boot`; `exit KEY REASON`; `retry` (the oldest ticket comes back); `wait MS`; `will ID REASON` (so it will
//! end when stopped); `start SPEC`, `restart ID`, `terminate ID|KEY`, `delete ID`, `which`, `count`, `stop REASON`.
//! Reports other than of ends and failed starts show as `!NAME ID`.

mod world;

mod dynamic;
mod failed_restarts;
mod ours;
mod refusals;
mod requests;
mod restarts;
mod significant;
mod start_stop;
