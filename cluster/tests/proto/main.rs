//! The pure link protocol, through the front door: frames, the handshake, the two halves of a link.

mod any;
mod compression;
mod corpus;
mod feed;
mod frames;
mod handshake;
mod hostile;
mod link;
mod order;
