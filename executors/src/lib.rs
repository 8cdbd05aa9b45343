//! Adapters for executors beside those of `ravelin-core`, each behind a feature of its own.
