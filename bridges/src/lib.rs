//! The edges of a system of actors: where streams, bytes, services and OS processes come in and go out.
