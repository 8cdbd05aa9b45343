//! Who a member is for foca, and how foca's messages become bytes.
//!
//! Every decoder is total: bad bytes are an error, and cost no more memory than a small multiple of their number.
//!
//! ```text
//! member   = identity incarnation:varint(u16) state:u8            0 alive, 1 suspect, 2 down
//! identity = name:text life:varint(u64) times:varint(u32) endpoint:text
//! text     = length:u8 bytes
//! header   = src:identity incarnation:varint(u16) dst:identity kind:u8 [number:u8] [identity]
//! ```

use crate::name::{Endpoint, Incarnation, NodeId, NodeName};
use bytes::{Buf, BufMut};
use foca::{Header, Member, Message, State};
use std::fmt;

/// One life of a node, and where it is reached.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Peer {
    /// Which life of which node.
    pub id: NodeId,
    /// Where it is reached: 1 to 255 bytes without spaces and control characters.
    pub endpoint: Endpoint,
}

impl Peer {
    /// Whether the other is a later life of the same node.
    pub(super) fn is_before(&self, other: &Identity) -> bool {
        self.id.name == other.peer.id.name && self.id.incarnation < other.peer.id.incarnation
    }
}

/// Who foca thinks a member is: a life of a node, and how often it came back after it was declared down.
/// Of two with one name the later in this order is the member.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Identity {
    pub(super) peer: Peer,
    /// How often it came back. [`Identity::GONE`]: it has left, and comes back no more in this life.
    pub(super) times: u32,
}

impl Identity {
    /// The mark of one that has left.
    pub(super) const GONE: u32 = u32::MAX;

    pub(super) fn first(peer: Peer) -> Identity {
        Identity { peer, times: 0 }
    }
}

impl foca::Identity for Identity {
    type Addr = NodeName;

    /// Never by foca itself: [`Members`](super::Members) decides when.
    fn renew(&self) -> Option<Identity> {
        None
    }

    fn addr(&self) -> NodeName {
        self.peer.id.name.clone()
    }

    fn win_addr_conflict(&self, other: &Identity) -> bool {
        let rank = |of: &Identity| (of.peer.id.incarnation, of.times, of.peer.endpoint.clone());
        rank(self) > rank(other)
    }
}

/// Why bytes are no message of membership.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BadGossip {
    /// They are fewer than the message has, or more.
    Length,
    /// A number is too large for what it counts.
    Number,
    /// This kind of message, or state of a member, does not exist.
    Kind(u8),
    /// A name of a node that may not be one.
    Name,
    /// An endpoint that is empty, or not plain text.
    Endpoint,
}

impl fmt::Display for BadGossip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadGossip::Length => f.write_str("it has too few bytes, or too many"),
            BadGossip::Number => f.write_str("a number in it is too large"),
            BadGossip::Kind(kind) => write!(f, "it has a part of the unknown kind {kind}"),
            BadGossip::Name => f.write_str("a name in it is no node's name"),
            BadGossip::Endpoint => f.write_str("an endpoint in it is empty or no plain text"),
        }
    }
}

impl std::error::Error for BadGossip {}

/// Whether it can be told to others.
pub(super) fn is_plain(endpoint: &Endpoint) -> bool {
    let text = &*endpoint.0;
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// foca's messages in bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytewise;

impl foca::Codec<Identity> for Bytewise {
    type Error = BadGossip;

    fn encode_header(&mut self, header: &Header<Identity>, mut buf: impl BufMut) -> Result<(), BadGossip> {
        put_identity(&header.src, &mut buf)?;
        put_number(header.src_incarnation.into(), &mut buf)?;
        put_identity(&header.dst, &mut buf)?;
        let (kind, number, other) = match &header.message {
            Message::Ping(n) => (0, Some(*n), None),
            Message::Ack(n) => (1, Some(*n), None),
            Message::PingReq { target, probe_number } => (2, Some(*probe_number), Some(target)),
            Message::IndirectPing { origin, probe_number } => (3, Some(*probe_number), Some(origin)),
            Message::IndirectAck { target, probe_number } => (4, Some(*probe_number), Some(target)),
            Message::ForwardedAck { origin, probe_number } => (5, Some(*probe_number), Some(origin)),
            Message::Announce => (6, None, None),
            Message::Feed => (7, None, None),
            Message::Gossip => (8, None, None),
            Message::Broadcast => (9, None, None),
            Message::TurnUndead => (10, None, None),
        };
        put_byte(kind, &mut buf)?;
        number.map_or(Ok(()), |n| put_byte(n, &mut buf))?;
        other.map_or(Ok(()), |who| put_identity(who, &mut buf))
    }

    fn decode_header(&mut self, mut buf: impl Buf) -> Result<Header<Identity>, BadGossip> {
        let src = take_identity(&mut buf)?;
        let src_incarnation = take_number(&mut buf)?.try_into().map_err(|_| BadGossip::Number)?;
        let dst = take_identity(&mut buf)?;
        let kind = take_byte(&mut buf)?;
        let probe_number = if kind <= 5 { take_byte(&mut buf)? } else { 0 };
        let message = match kind {
            0 => Message::Ping(probe_number),
            1 => Message::Ack(probe_number),
            2 => Message::PingReq { target: take_identity(&mut buf)?, probe_number },
            3 => Message::IndirectPing { origin: take_identity(&mut buf)?, probe_number },
            4 => Message::IndirectAck { target: take_identity(&mut buf)?, probe_number },
            5 => Message::ForwardedAck { origin: take_identity(&mut buf)?, probe_number },
            6 => Message::Announce,
            7 => Message::Feed,
            8 => Message::Gossip,
            9 => Message::Broadcast,
            10 => Message::TurnUndead,
            kind => return Err(BadGossip::Kind(kind)),
        };
        Ok(Header { src, src_incarnation, dst, message })
    }

    fn encode_member(&mut self, member: &Member<Identity>, mut buf: impl BufMut) -> Result<(), BadGossip> {
        put_identity(member.id(), &mut buf)?;
        put_number(member.incarnation().into(), &mut buf)?;
        let state = match member.state() {
            State::Alive => 0,
            State::Suspect => 1,
            State::Down => 2,
        };
        put_byte(state, &mut buf)
    }

    fn decode_member(&mut self, mut buf: impl Buf) -> Result<Member<Identity>, BadGossip> {
        let id = take_identity(&mut buf)?;
        let incarnation = take_number(&mut buf)?.try_into().map_err(|_| BadGossip::Number)?;
        let state = match take_byte(&mut buf)? {
            0 => State::Alive,
            1 => State::Suspect,
            2 => State::Down,
            state => return Err(BadGossip::Kind(state)),
        };
        Ok(Member::new(id, incarnation, state))
    }
}

fn put_identity(id: &Identity, buf: &mut impl BufMut) -> Result<(), BadGossip> {
    put_text(id.peer.id.name.as_str(), buf)?;
    put_number(id.peer.id.incarnation.0, buf)?;
    put_number(id.times.into(), buf)?;
    put_text(&id.peer.endpoint.0, buf)
}

fn take_identity(buf: &mut impl Buf) -> Result<Identity, BadGossip> {
    let mut space = [0; 255];
    let name =
        NodeName::new(take_text(buf, &mut space).ok_or(BadGossip::Length)?.map_err(|_| BadGossip::Name)?)
            .map_err(|_| BadGossip::Name)?;
    let incarnation = Incarnation(take_number(buf)?);
    let times = take_number(buf)?.try_into().map_err(|_| BadGossip::Number)?;
    let endpoint = take_text(buf, &mut space).ok_or(BadGossip::Length)?.map_err(|_| BadGossip::Endpoint)?;
    let endpoint = Endpoint(endpoint.into());
    if !is_plain(&endpoint) {
        return Err(BadGossip::Endpoint);
    }
    Ok(Identity { peer: Peer { id: NodeId { name, incarnation }, endpoint }, times })
}

fn put_text(text: &str, buf: &mut impl BufMut) -> Result<(), BadGossip> {
    let length = u8::try_from(text.len()).map_err(|_| BadGossip::Length)?;
    put_byte(length, buf)?;
    if buf.remaining_mut() < text.len() {
        return Err(BadGossip::Length);
    }
    buf.put_slice(text.as_bytes());
    Ok(())
}

/// `None`: it is cut off. An error inside: it is no text.
fn take_text<'a>(
    buf: &mut impl Buf,
    space: &'a mut [u8; 255],
) -> Option<Result<&'a str, std::str::Utf8Error>> {
    let length = usize::from(take_byte(buf).ok()?);
    let bytes = &mut space[..length];
    if buf.remaining() < length {
        return None;
    }
    buf.copy_to_slice(bytes);
    Some(std::str::from_utf8(bytes))
}

/// Seven bits a byte, the lowest first; the highest bit says that another follows.
fn put_number(mut number: u64, buf: &mut impl BufMut) -> Result<(), BadGossip> {
    while number >= 0x80 {
        put_byte(number as u8 | 0x80, buf)?;
        number >>= 7;
    }
    put_byte(number as u8, buf)
}

fn take_number(buf: &mut impl Buf) -> Result<u64, BadGossip> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_byte(buf)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            return Err(BadGossip::Number);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(BadGossip::Number)
}

fn put_byte(byte: u8, buf: &mut impl BufMut) -> Result<(), BadGossip> {
    if !buf.has_remaining_mut() {
        return Err(BadGossip::Length);
    }
    buf.put_u8(byte);
    Ok(())
}

fn take_byte(buf: &mut impl Buf) -> Result<u8, BadGossip> {
    if buf.has_remaining() { Ok(buf.get_u8()) } else { Err(BadGossip::Length) }
}
