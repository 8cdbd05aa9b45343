//! Derives for ravelin. They remove typing and never add an ability: what they write can be written by hand.

mod sim_test;

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, LitStr, Type, parse_macro_input, parse_quote};

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

/// Implements `Message`. `#[message(reply = T)]` says what a call is answered with; `()` if nothing is said.
/// `#[message(wire = "name")]` is kept for messages that travel between nodes; it has no effect on one node.
#[proc_macro_derive(Message, attributes(message))]
pub fn derive_message(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    let mut reply: Type = parse_quote!(());
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("message")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("reply") {
                reply = meta.value()?.parse()?;
                Ok(())
            } else if meta.path.is_ident("wire") {
                meta.value()?.parse::<LitStr>().map(drop)
            } else {
                Err(meta.error("unknown key: `reply = Type` and `wire = \"name\"` are known"))
            }
        });
        if let Err(error) = parsed {
            return error.to_compile_error().into();
        }
    }
    let name = &input.ident;
    let mut generics = input.generics.clone();
    let parameters: Vec<_> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    for parameter in parameters {
        generics
            .make_where_clause()
            .predicates
            .push(parse_quote!(#parameter: ::core::marker::Send + 'static));
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    quote! {
        impl #impl_generics ::ravelin::Message for #name #type_generics #where_clause {
            type Reply = #reply;
        }
    }
    .into()
}
