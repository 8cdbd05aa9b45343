//! Derives for ravelin. They remove typing and never add an ability: what they write can be written by hand.

use proc_macro::TokenStream;
use quote::quote;
use syn::{DeriveInput, LitStr, Type, parse_macro_input, parse_quote};

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
