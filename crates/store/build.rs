//! Has the crate built again when a migration comes or changes: the macro that embeds them does not say so.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
