//! [pure] Finds the programs in a page of Markdown. The words of a fence and hidden lines are those of rustdoc; what is
//! not understood is an error, so that no program is left out by a slip of the pen.

/// A program of a page.
pub(crate) struct Program {
    /// The line of the page that opens its block, from 1.
    pub(crate) line: usize,
    /// The program as a module, with a function `program`; its lines have the numbers that they have in the page.
    pub(crate) module: String,
}

/// Languages of blocks that are no programs.
const OTHERS: &[&str] = &["console", "sh", "text", "toml"];

/// The page that a file of Rust has in its `//!` lines; the other lines are empty in it, so each keeps its number.
/// The items of such a file have no programs: its package has no doc tests that would run them.
// The tests of the programs have no use for it.
#[allow(dead_code)]
pub(crate) fn tour(source: &str) -> Result<String, String> {
    let mut page = String::new();
    for (n, line) in source.lines().enumerate() {
        if line.trim_start().starts_with("/// ```") {
            return Err(format!("{}: put this program into the `//!` lines, or into a page", n + 1));
        }
        let text = line.strip_prefix("//!").map_or("", |text| text.strip_prefix(' ').unwrap_or(text));
        page.push_str(text);
        page.push('\n');
    }
    Ok(page)
}

/// The programs of a page, in order. A fault says the line and what to write instead.
pub(crate) fn programs(page: &str) -> Result<Vec<Program>, String> {
    let lines: Vec<&str> = page.lines().collect();
    let mut programs = Vec::new();
    let mut at = 0;
    while let Some(text) = lines.get(at) {
        at += 1;
        let line = at;
        let Some(fence) = text.strip_prefix("```") else {
            if text.trim_start().starts_with("```") || text.starts_with("~~~") {
                return Err(format!("{line}: open a block with ``` at the beginning of the line"));
            }
            continue;
        };
        let Some(length) = lines[at..].iter().position(|text| *text == "```") else {
            return Err(format!("{line}: close this block with a line that is ``` alone"));
        };
        if is_program(fence).map_err(|fault| format!("{line}: {fault}"))? {
            programs.push(Program { line, module: module(line, &lines[at..at + length]) });
        }
        at += length + 1;
    }
    Ok(programs)
}

/// Whether a block with these words is a program.
fn is_program(fence: &str) -> Result<bool, String> {
    match fence {
        "rust" => Ok(true),
        "rust,ignore" => Ok(false),
        other if OTHERS.contains(&other) => Ok(false),
        _ => {
            Err(format!("`{fence}` is not known here: write rust, or rust,ignore, or {}", OTHERS.join(", ")))
        }
    }
}

/// The module of the block that opens at `line`. What has no `fn main` is the body of one.
fn module(line: usize, block: &[&str]) -> String {
    let has_main = block.iter().any(|text| text.contains("fn main("));
    let (open, close) = if has_main { ("", "") } else { ("fn main() {", "} ") };
    let body: String = block.iter().map(|text| shown(text) + "\n").collect();
    let program =
        "pub(crate) fn program() -> std::process::ExitCode { std::process::Termination::report(main()) }";
    format!("{}{open}\n{body}{close}{program}\n", "\n".repeat(line - 1))
}

/// A line without the mark that hides it in rustdoc's pages: `# ` before code, or `#` alone. `##` stands for `#`.
fn shown(line: &str) -> String {
    match line.trim() {
        "#" => String::new(),
        text if text.starts_with("##") => line.replacen("##", "#", 1),
        text => text.strip_prefix("# ").unwrap_or(line).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{programs, tour};

    fn lines(page: &str, expected: &[usize]) {
        let found: Vec<_> = programs(page).unwrap().iter().map(|program| program.line).collect();
        assert_eq!(found, expected, "{page}");
    }

    fn refused(page: &str, expected: &str) {
        let fault = programs(page).err().expect("it is refused");
        assert!(fault.starts_with(expected), "{page}: {fault}");
    }

    fn module(page: &str, expected: &str) {
        let programs = programs(page).unwrap();
        let module = programs[0].module.replace("pub(crate) fn program() ", "PROGRAM ");
        assert_eq!(module.split_once("PROGRAM").unwrap().0, expected, "{page}");
    }

    #[test]
    fn each_program_is_found() {
        lines("# A title\n\nText.\n", &[]);
        lines("```rust\nfn main() {}\n```\n\n```rust\nlet a = 1;\n```\n", &[1, 5]);
        lines("```sh\nls\n```\n```rust,ignore\n…\n```\n```rust\n```", &[7]);
        lines("```text\n```rust\n```\n```rust\n```\n", &[4]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        refused("Text.\n```rust\nfn main() {}\n", "2: close this block");
        refused("```rsut\n```\n", "1: `rsut` is not known");
        refused("\n```\n```\n", "2: `` is not known");
        refused("```rust,should_panic\n```\n", "1: `rust,should_panic` is not known");
        refused("- item\n  ```rust\n  ```\n", "2: open a block with ```");
        refused("~~~rust\n~~~\n", "1: open a block with ```");
    }

    #[test]
    fn a_module_has_the_lines_of_its_page() {
        module("A\nB\n```rust\nuse a::b;\nfn main() {}\n```\n", "\n\n\nuse a::b;\nfn main() {}\n");
        module("```rust\n#![allow(unused)]\na();\n```\n", "fn main() {\n#![allow(unused)]\na();\n} ");
    }

    #[test]
    fn the_tour_of_a_file_has_the_lines_of_the_file() {
        let file = "//! A\n//!\n//! ```rust\n//! # a();\n//!     b();\n//! ```\n\n/// B\nmod c;\n";
        assert_eq!(tour(file).unwrap(), "A\n\n```rust\n# a();\n    b();\n```\n\n\n\n");
        let fault = tour("//! A\nmod b {\n    /// ```\n}\n").unwrap_err();
        assert!(fault.starts_with("3: put this program"), "{fault}");
    }

    #[test]
    fn hidden_lines_are_those_of_rustdoc() {
        let page = "```rust\nfn main() {\n# use a;\n  #\n##[b]\n#[c]\n  d\n}\n```\n";
        module(page, "\nfn main() {\nuse a;\n\n#[b]\n#[c]\n  d\n}\n");
    }
}
