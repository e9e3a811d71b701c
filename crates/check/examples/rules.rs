//! The page of all rules: `cargo run -p finial-check --example rules > docs/rules.md`.

fn main() {
    print!("{}", finial_check::rules_page());
}
