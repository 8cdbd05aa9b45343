//! Derives for ravelin. They remove typing and never add an ability: what they write can be written by hand.

mod message;
mod remote;
mod sim_test;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes an async function over a `World` a test that runs with many seeds.
///
/// What stands in the brackets is passed on to `ravelin::sim::Sim`: `seeds`, `threads`, `order`, `faults`,
/// `twice_every`, `only`, `invariant`. The function returns nothing, or a `Result` whose error is a failure.
/// Other attributes, such as `#[should_panic]`, stay. It needs the facade's feature `sim`.
///
/// ```text
/// #[ravelin::sim_test(seeds = 1000, faults = Faults::none().kills("worker", 2))]
/// async fn the_worker_comes_back(world: &mut World) {
///     …
/// }
/// ```
#[proc_macro_attribute]
pub fn sim_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    let arguments = parse_macro_input!(arguments as sim_test::Arguments);
    let function = parse_macro_input!(function as sim_test::Function);
    sim_test::expand(arguments, &function).into()
}

/// Implements `Message`. `#[message(...)]` says what is not as usual; several keys may stand side by side:
///
/// | key | means |
/// | --- | --- |
/// | `reply = T` | what a call is answered with; `()` if nothing is said |
/// | `class = "control"`, `"interactive"`, `"bulk"` | `Message::CLASS`: who gets in when room is short |
/// | `ttl = "250ms"` | `Message::TTL`: how long it is worth handling; a whole number and `ns`, `us`, `ms`, `s`, `min` or `h` |
/// | `abandoned = "skip"`, `"handle"` | `Message::ABANDONED`: what becomes of a request whose caller has gone |
/// | `wire = "name"` | `cluster::Wire`: it may travel to other nodes, under this name; of no effect without the facade's feature `cluster` |
/// | `codec = T` | how it travels, with `wire`; `cluster::Bincode` if nothing is said |
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    message::expand(&parse_macro_input!(input as DeriveInput)).into()
}

/// Implements `cluster::Remote`: what stands in `#[remote(...)]` are the messages that other nodes may send to the actor,
/// each of which it handles and which has a name on the wire. It needs the facade's feature `cluster`.
///
/// ```text
/// #[derive(Remote)]
/// #[remote(Add, Get)]
/// struct Counter(i64);
/// ```
#[proc_macro_derive(Remote, attributes(remote))]
pub fn derive_remote(input: TokenStream) -> TokenStream {
    remote::expand(&parse_macro_input!(input as DeriveInput)).into()
}
