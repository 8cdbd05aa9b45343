//! Takes the programs out of the pages: each becomes a module in `OUT_DIR`, beside `programs.rs`, which names them all,
//! and `tests.rs`, with a test for each.
//!
//! The module of the block at line 15 of a page is `<page>/line_15.rs`, and its lines have the page's numbers: what the
//! compiler says of `01-hello.md/line_15.rs:37`, and where a panic is said to be, is line 37 of that page.

mod blocks;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The pages with programs, and folders of them, from the root of the workspace.
const PAGES: &[&str] = &["README.md", "docs/guide", "docs/tracing.md", "src/lib.rs"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let (mut modules, mut table, mut tests) = (String::new(), String::new(), String::new());
    for entry in PAGES {
        println!("cargo::rerun-if-changed=../../{entry}");
        for page in pages(entry) {
            let text = fs::read_to_string(Path::new("../..").join(&page)).expect("a page of the list");
            let text = if page.ends_with(".rs") { blocks::tour(&text) } else { Ok(text) };
            let programs = text.and_then(|text| blocks::programs(&text));
            for program in programs.unwrap_or_else(|fault| panic!("{page}:{fault}")) {
                let name = format!("{}_line_{}", name(&page), program.line);
                let file = out.join(&page).join(format!("line_{}.rs", program.line));
                write(&file, &program.module);
                // As for rustdoc, a program may hold what it does not use.
                modules += &format!("#[allow(unused, clippy::all)]\n#[path = {file:?}]\nmod {name};\n");
                table += &format!("    ({name:?}, {name}::program),\n");
                tests += &format!("#[test]\nfn {name}() {{\n    runs({name:?});\n}}\n");
            }
        }
    }
    let table = format!("const PROGRAMS: &[(&str, Program)] = &[\n{table}];\n");
    write(&out.join("programs.rs"), &(modules + &table));
    write(&out.join("tests.rs"), &tests);
}

/// The page, or those in the folder, by name.
fn pages(entry: &str) -> Vec<String> {
    let Ok(folder) = fs::read_dir(Path::new("../..").join(entry)) else { return vec![entry.to_owned()] };
    let names = folder.map(|file| file.expect("a file of the folder").file_name());
    let mut pages: Vec<_> = names.map(|name| format!("{entry}/{}", name.to_string_lossy())).collect();
    pages.retain(|page| page.ends_with(".md"));
    pages.sort();
    pages
}

/// `guide_01_hello` for `docs/guide/01-hello.md`.
fn name(page: &str) -> String {
    page.trim_start_matches("docs/")
        .trim_end_matches(".md")
        .trim_end_matches(".rs")
        .to_lowercase()
        .replace(['/', '-'], "_")
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().expect("it is in OUT_DIR")).expect("OUT_DIR can be written to");
    fs::write(file, text).expect("OUT_DIR can be written to");
}
