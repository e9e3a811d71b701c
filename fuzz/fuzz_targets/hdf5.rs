//! HDF5, alone and as weights of Keras: any bytes are read or refused, in bounded memory.
#![no_main]

use std::path::Path;

use finial_formats::hdf5::{File, Object};
use finial_formats::{Checkpoint, Source, keras};
use finial_graph::{Graph, Op, Padding, Shape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("fuzz.h5");
    let source = Source::from(bytes.to_vec());
    if let Ok(checkpoint) = Checkpoint::from_source(&source, path) {
        for tensor in checkpoint.tensors() {
            let _ = tensor.read();
        }
    }
    if let Ok(file) = File::read(source.clone(), path) {
        walk(&file);
    }
    let _ = keras::load_weights_from(source, path, &graph(), &[]);
});

/// Attributes and links of the first groups.
fn walk(file: &File) {
    let mut groups: Vec<_> = file.root().into_iter().collect();
    for _ in 0..100 {
        let Some(group) = groups.pop() else { return };
        for name in ["layer_names", "weight_names", "variable_list", "name"] {
            let _ = group.attribute(name);
        }
        for name in group.names() {
            if let Ok(Some(Object::Group(inner))) = group.get(name) {
                groups.push(inner);
            }
        }
    }
}

/// The first layers of the model `small` among the seeds.
fn graph() -> Graph {
    let mut graph = Graph::new(Shape::Map([3, 8, 8]));
    let conv = Op::Conv2d {
        filters: 4,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let norm = Op::BatchNorm {
        epsilon: 1e-3,
        scale: true,
    };
    graph.push("base_conv", conv).expect("it fits");
    graph.push("base_bn", norm).expect("it fits");
    graph.push("pool", Op::GlobalAveragePool).expect("it fits");
    graph.push("head", Op::Dense { units: 3 }).expect("it fits");
    graph
}
