//! The attribute `sim_test`: an async function as a test over many seeds.
//!
//! It reads no more of the function than its head, so that it does not need the whole of Rust's grammar.

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream, Result};
use syn::{Attribute, Error, Ident, ReturnType, Token, Visibility, parenthesized};

/// What may stand in the brackets: methods of `Sim` with one argument.
const KNOWN: [&str; 7] = ["faults", "invariant", "only", "order", "seeds", "threads", "twice_every"];

/// `key = expression, …`
pub(crate) struct Arguments(Vec<(Ident, TokenStream)>);

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Arguments> {
        let mut all = Vec::new();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            if !KNOWN.iter().any(|known| key == known) {
                return Err(Error::new(key.span(), format!("unknown key: {} are known", KNOWN.join(", "))));
            }
            input.parse::<Token![=]>()?;
            let mut value = TokenStream::new();
            while !input.is_empty() && !input.peek(Token![,]) {
                value.extend([input.parse::<TokenTree>()?]);
            }
            if value.is_empty() {
                return Err(Error::new(key.span(), "a value is missing"));
            }
            all.push((key, value));
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(Arguments(all))
    }
}

/// An async function, as far as it matters.
pub(crate) struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    name: Ident,
    parameters: TokenStream,
    output: ReturnType,
    body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Function> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        if !input.peek(Token![async]) {
            return Err(input.error("a simulated test is an `async fn` over `world: &mut World`"));
        }
        input.parse::<Token![async]>()?;
        input.parse::<Token![fn]>()?;
        let name: Ident = input.parse()?;
        let content;
        parenthesized!(content in input);
        let parameters: TokenStream = content.parse()?;
        if parameters.is_empty() {
            return Err(Error::new(name.span(), "it takes the world: `world: &mut World`"));
        }
        let (output, body) = (input.parse()?, input.parse()?);
        Ok(Function { attributes, visibility, name, parameters, output, body })
    }
}

pub(crate) fn expand(Arguments(arguments): Arguments, function: &Function) -> TokenStream {
    let Function { attributes, visibility, name, parameters, output, body } = function;
    let settings = arguments.into_iter().map(|(key, value)| quote!(.#key(#value)));
    let test = match output {
        ReturnType::Default => quote!(#name),
        ReturnType::Type(..) => {
            quote!(async |world: &mut ::ravelin::sim::World| ::ravelin::sim::must_hold(#name(world).await))
        }
    };
    quote! {
        #(#attributes)*
        #[test]
        #visibility fn #name() {
            async fn #name(#parameters) #output #body
            ::ravelin::sim::Sim::new() #(#settings)* .check(#test);
        }
    }
}
