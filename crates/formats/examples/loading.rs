//! How long it takes to load the weights of a backbone, beside reading their file once.
//!
//! `cargo run --release --example loading -- load BACKBONE FILE`, or `read` for the file alone,
//! into memory as it is. Each is a process of its own, since memory that was used before is
//! faster to fill. The peak is what the system says of the whole process.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use finial_formats::load_backbone;
use finial_graph::backbones::Backbone;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, name, file] = arguments.as_slice() else {
        return Err("expected load or read, BACKBONE, and FILE".into());
    };
    let file = Path::new(file);
    let backbone = Backbone::named(name).ok_or("no such backbone")?;
    let graph = backbone.classifier()?;
    let started = Instant::now();
    let bytes = match what.as_str() {
        "read" => std::fs::read(file)?.len(),
        _ => {
            let weights = load_backbone(file, backbone, &graph, &[])?;
            weights
                .iter()
                .map(|(_, tensor)| 4 * tensor.values().len())
                .sum()
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    println!("{what} {seconds:.3} s, {bytes} bytes{}", peak());
    Ok(())
}

/// The most memory that the process has had, where the system tells.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or_else(String::new, |peak| format!(", peak {}", peak.trim()))
}
