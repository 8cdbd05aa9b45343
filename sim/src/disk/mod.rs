//! [pure] A simulated disk.
