//! The derive `Message`: what stands in `#[message(...)]`, as constants of the message.

use proc_macro2::TokenStream;
use quote::quote;
use syn::meta::ParseNestedMeta;
use syn::parse::Result;
use syn::{DeriveInput, Error, LitStr, Type, parse_quote};

const KNOWN: &str = "unknown key: `reply = Type`, `class = \"bulk\"`, `ttl = \"250ms\"`, `abandoned = \"handle\"`, \
                     `wire = \"name\"` and `codec = Type` are known";

/// The most bytes of a name on the wire.
const WIRE_MAX: usize = 255;

/// The units of a time to live, with how many nanoseconds each has.
const UNITS: [(&str, u64); 6] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// What stands in the attributes of one message.
struct Said {
    reply: Type,
    wire: Option<LitStr>,
    codec: Option<Type>,
    class: Option<TokenStream>,
    ttl: Option<TokenStream>,
    abandoned: Option<TokenStream>,
}

impl Said {
    fn hear(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("reply") {
            self.reply = meta.value()?.parse()?;
            return Ok(());
        }
        if meta.path.is_ident("codec") {
            self.codec = Some(meta.value()?.parse()?);
            return Ok(());
        }
        if meta.path.is_ident("wire") {
            let name: LitStr = meta.value()?.parse()?;
            if !(1..=WIRE_MAX).contains(&name.value().len()) {
                return Err(Error::new(name.span(), "a name on the wire has 1 to 255 bytes"));
            }
            self.wire = Some(name);
            return Ok(());
        }
        let said = if meta.path.is_ident("class") {
            &mut self.class
        } else if meta.path.is_ident("ttl") {
            &mut self.ttl
        } else if meta.path.is_ident("abandoned") {
            &mut self.abandoned
        } else {
            return Err(meta.error(KNOWN));
        };
        if said.is_some() {
            return Err(meta.error("this is said twice"));
        }
        let word: LitStr = meta.value()?.parse()?;
        let made = if meta.path.is_ident("class") {
            class(&word.value())
        } else if meta.path.is_ident("ttl") {
            nanos(&word.value()).map(|ns| {
                quote! {
                    const TTL: ::core::option::Option<::core::time::Duration> =
                        ::core::option::Option::Some(::core::time::Duration::from_nanos(#ns));
                }
            })
        } else {
            abandoned(&word.value())
        };
        *said = Some(made.map_err(|why| Error::new(word.span(), why))?);
        Ok(())
    }
}

fn class(word: &str) -> std::result::Result<TokenStream, String> {
    let class = match word {
        "control" => quote!(Control),
        "interactive" => quote!(Interactive),
        "bulk" => quote!(Bulk),
        other => return Err(format!("`{other}` is no class: \"control\", \"interactive\" or \"bulk\"")),
    };
    Ok(quote!(const CLASS: ::ravelin::Class = ::ravelin::Class::#class;))
}

fn abandoned(word: &str) -> std::result::Result<TokenStream, String> {
    let abandoned = match word {
        "skip" => quote!(Skip),
        "handle" => quote!(Handle),
        other => {
            return Err(format!("`{other}` says nothing of an abandoned request: \"skip\" or \"handle\""));
        }
    };
    Ok(quote!(const ABANDONED: ::ravelin::Abandoned = ::ravelin::Abandoned::#abandoned;))
}

/// A time to live, `250ms`, in nanoseconds.
fn nanos(text: &str) -> std::result::Result<u64, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let Some((_, ns)) = UNITS.iter().find(|(name, _)| *name == unit.trim()) else {
        return Err(format!(
            "`{text}` is no time: a whole number and ns, us, ms, s, min or h, as in \"250ms\""
        ));
    };
    let number: u64 = number
        .parse()
        .map_err(|_| format!("`{text}` is no time: it begins with a whole number, as in \"250ms\""))?;
    match number.checked_mul(*ns) {
        None => Err(format!("`{text}` is longer than 500 years")),
        Some(0) => Err("a time to live of nothing: such a message would seldom be handled".to_owned()),
        Some(ns) => Ok(ns),
    }
}

pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut said =
        Said { reply: parse_quote!(()), wire: None, codec: None, class: None, ttl: None, abandoned: None };
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("message")) {
        if let Err(error) = attribute.parse_nested_meta(|meta| said.hear(&meta)) {
            return error.to_compile_error();
        }
    }
    if let (Some(codec), None) = (&said.codec, &said.wire) {
        return Error::new_spanned(codec, "a codec without a name on the wire: say `wire = \"name\"` too")
            .to_compile_error();
    }
    let Said { reply, wire, codec, class, ttl, abandoned } = said;
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
    let wire = wire.map(|wire| {
        let codec = codec.unwrap_or_else(|| parse_quote!(::ravelin::cluster::Bincode));
        quote! {
            ::ravelin::__wire! {
                impl #impl_generics ::ravelin::cluster::Wire for #name #type_generics #where_clause {
                    const NAME: &'static str = #wire;
                    type Codec = #codec;
                }
            }
        }
    });
    quote! {
        impl #impl_generics ::ravelin::Message for #name #type_generics #where_clause {
            type Reply = #reply;
            #abandoned
            #class
            #ttl
        }
        #wire
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(attribute: TokenStream) -> String {
        let input: DeriveInput = syn::parse2(quote!(#attribute struct Report;)).expect("a struct");
        expand(&input).to_string()
    }

    #[test]
    fn what_is_said_of_a_message_becomes_its_constants() {
        let rows = [
            (
                quote!(#[message(class = "bulk")]),
                "const CLASS : :: ravelin :: Class = :: ravelin :: Class :: Bulk",
            ),
            (quote!(#[message(class = "control")]), "Class :: Control"),
            (quote!(#[message(ttl = "250ms")]), "from_nanos (250000000u64)"),
            (quote!(#[message(ttl = "2 h")]), "from_nanos (7200000000000u64)"),
            (quote!(#[message(abandoned = "handle")]), "Abandoned :: Handle"),
            (quote!(#[message(reply = u64)]), "type Reply = u64"),
            (quote!(#[message(wire = "a.b")]), "const NAME : & 'static str = \"a.b\""),
            (quote!(#[message(wire = "a.b")]), "type Codec = :: ravelin :: cluster :: Bincode"),
            (quote!(#[message(wire = "a.b", codec = Mine)]), "type Codec = Mine"),
        ];
        for (attribute, expect) in rows {
            let text = expanded(attribute.clone());
            assert!(text.contains(expect), "{attribute}: {text}");
        }
        let plain = expanded(quote!());
        for left_out in ["CLASS", "TTL", "ABANDONED", "Wire"] {
            assert!(!plain.contains(left_out), "the trait's own default holds: {plain}");
        }
    }

    #[test]
    fn a_wrong_word_is_an_error_that_names_the_right_ones() {
        let rows = [
            (quote!(#[message(class = "urgent")]), "`urgent` is no class"),
            (quote!(#[message(ttl = "soon")]), "`soon` is no time"),
            (quote!(#[message(ttl = "250")]), "`250` is no time"),
            (quote!(#[message(ttl = "1.5s")]), "`1.5s` is no time"),
            (quote!(#[message(ttl = "ms")]), "begins with a whole number"),
            (quote!(#[message(ttl = "0s")]), "a time to live of nothing"),
            (quote!(#[message(ttl = "99999999999999h")]), "longer than 500 years"),
            (quote!(#[message(abandoned = "drop")]), "says nothing of an abandoned request"),
            (quote!(#[message(class = "bulk", class = "bulk")]), "said twice"),
            (quote!(#[message(priority = "high")]), "unknown key"),
            (quote!(#[message(wire = "")]), "1 to 255 bytes"),
            (quote!(#[message(codec = Mine)]), "say `wire = \\\"name\\\"` too"),
        ];
        for (attribute, expect) in rows {
            let text = expanded(attribute.clone());
            assert!(text.contains("compile_error") && text.contains(expect), "{attribute}: {text}");
        }
    }
}
