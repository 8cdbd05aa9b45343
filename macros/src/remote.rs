//! The derive `Remote`: what stands in `#[remote(...)]`, as the list of what an actor accepts from other nodes.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Result;
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, Token, Type};

/// What the derive writes.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    match messages(input) {
        Ok(messages) => {
            let name = &input.ident;
            let (generics, arguments, bounds) = input.generics.split_for_impl();
            quote! {
                impl #generics ::ravelin::cluster::Remote for #name #arguments #bounds {
                    fn accepts(messages: &mut ::ravelin::cluster::Accepts<Self>) {
                        #(messages.add::<#messages>();)*
                    }
                }
            }
        }
        Err(why) => why.to_compile_error(),
    }
}

/// The messages, in all the attributes. None is possible: such an actor can be named and watched, and no more.
fn messages(input: &DeriveInput) -> Result<Vec<Type>> {
    let mut all = Vec::new();
    let mut is_said = false;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("remote")) {
        is_said = true;
        all.extend(attribute.parse_args_with(Punctuated::<Type, Token![,]>::parse_terminated)?);
    }
    if is_said {
        Ok(all)
    } else {
        Err(Error::new(input.ident.span(), "say what it accepts from other nodes: `#[remote(Add, Get)]`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        expand(&syn::parse_str(text).unwrap()).to_string()
    }

    #[test]
    fn each_message_is_on_the_list_once_and_generics_stay() {
        let code = written("#[remote(Add, room::Say<T>)] #[remote(Get)] struct Room<T: Wire>(T);");
        for part in ["add :: < Add >", "add :: < room :: Say < T > >", "add :: < Get >", "impl < T : Wire >"]
        {
            assert_eq!(code.matches(part).count(), 1, "{part} in {code}");
        }
    }

    #[test]
    fn what_accepts_nothing_says_so() {
        assert!(!written("#[remote()] struct Quiet;").contains("add"));
        assert!(written("struct Forgotten;").contains("#[remote(Add, Get)]"));
    }
}
